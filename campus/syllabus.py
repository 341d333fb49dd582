"""The syllabus: order and membership from `book/_toc.yml`, facts about a session from its own front matter."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from campus.errors import CampusError
from campus.folders import MODULES, ROOT, TOC

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where there is one: a tenth of the time
SESSION_FIELDS = {"code", "outcomes", "sectors", "needs", "data", "assignment", "minutes"}
OPTIONAL_FIELDS = {"methods", "questions", "optional"}  # two for the index of worked examples, one for the pace plan
SECTORS = {"health", "social care", "policing"}


@dataclass(frozen=True)
class Session:
    """A written session; `minutes` is what its front matter states."""

    path: Path
    title: str
    code: str
    outcomes: tuple[str, ...]
    sectors: tuple[str, ...]
    needs: tuple[str, ...]
    data: tuple[str, ...]
    assignment: str | None
    minutes: int
    methods: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    optional: bool = False

    @property
    def name(self) -> str:
        """Where it stands under `modules/`, without the ending: `03-queues/03-3-clinic`."""
        return f"{self.path.parent.name}/{self.path.stem}"


@dataclass(frozen=True)
class Module:
    """A module of the programme, its written sessions in order, and the codes and titles of those planned."""

    folder: str
    number: int
    title: str
    hours: int
    sessions: tuple[Session, ...]
    planned: tuple[dict, ...]


def where(path: Path) -> str:
    """A path as a user knows it, from the top of the checkout."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def read_front_matter(path: Path) -> dict:
    """The YAML between the first two `---` lines of a Markdown file."""
    return split_front_matter(path)[0]


def split_front_matter(path: Path) -> tuple[dict, str]:
    """The fields of a Markdown file's front matter, and the text behind it."""
    text = path.read_text(encoding="utf-8")
    found = re.match(r"---[ \t]*\n(.*?\n)---[ \t]*(?:\n|$)", text, flags=re.DOTALL)
    if not found:
        raise CampusError(f"{where(path)} has no front matter: start it with --- and end the fields with ---.")
    try:
        fields = yaml.load(found[1], Loader=LOADER)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 2
        raise CampusError(f"{where(path)}, line {line}: front matter is not YAML: quote text with a colon.") from None
    return fields or {}, text[found.end() :]


def read_session(path: Path) -> Session:
    """A session from its file; missing, unknown or wrong fields are named."""
    if not path.is_file():
        raise CampusError(f"{where(path)} does not exist: name a session, such as modules/NN-topic/NN-M-name.md.")
    front = read_front_matter(path)
    fields = front.get("session") or {}
    missing = sorted(SESSION_FIELDS - set(fields))
    unknown = sorted(set(fields) - SESSION_FIELDS - OPTIONAL_FIELDS)
    if "title" not in front or missing or unknown:
        words = [f"lacks {', '.join(missing)}"] if missing else []
        words += [f"has the unknown {', '.join(unknown)}"] if unknown else []
        words += [] if "title" in front else ["lacks a title"]
        raise CampusError(f"{where(path)}: the front matter {' and '.join(words)}: see CONTRIBUTING.md.")
    strangers = sorted(set(fields["sectors"]) - SECTORS)
    if strangers:
        raise CampusError(f"{where(path)}: the sector {strangers[0]} is not one of {', '.join(sorted(SECTORS))}.")
    if not isinstance(fields.get("optional", True), bool):
        raise CampusError(f"{where(path)}: optional is '{fields['optional']}': write true, or take the line out.")
    if not str(front["title"]).startswith(f"{fields['code']} "):
        raise CampusError(f"{where(path)}: the title does not start with the code {fields['code']}: put it there.")
    return Session(
        path=path,
        title=str(front["title"]).removeprefix(f"{fields['code']} "),
        code=str(fields["code"]),
        outcomes=tuple(fields["outcomes"]),
        sectors=tuple(fields["sectors"]),
        needs=tuple(str(code) for code in fields["needs"]),
        data=tuple(fields["data"]),
        assignment=fields["assignment"],
        minutes=int(fields["minutes"]),
        methods=tuple(fields.get("methods") or ()),
        questions=tuple(fields.get("questions") or ()),
        optional=fields.get("optional", False),
    )


def list_files(entry: dict | list) -> list[str]:
    """Every `file:` of a table of contents, in reading order."""
    if isinstance(entry, list):
        return [name for item in entry for name in list_files(item)]
    own = [entry["file"]] if "file" in entry else []
    nested = [entry[key] for key in ("parts", "chapters", "sections") if key in entry]
    return own + [name for group in nested for name in list_files(group)]


def read_syllabus(toc: Path = TOC, modules: Path = MODULES) -> list[Module]:
    """The modules in the order of the table of contents, each with its written sessions."""
    files = list_files(yaml.safe_load(toc.read_text(encoding="utf-8")))
    names = [name.removeprefix("modules/").removesuffix(".md") for name in files if name.startswith("modules/")]
    folders = list(dict.fromkeys(name.split("/")[0] for name in names))
    return [read_module(modules / folder, [n for n in names if n.startswith(f"{folder}/")]) for folder in folders]


def read_module(folder: Path, names: list[str]) -> Module:
    """A module from its `index.md` and the sessions that the table of contents gives it."""
    index = folder / "index.md"
    if not index.exists():
        raise CampusError(f"{where(TOC)} names {folder.name}, but {where(index)} is missing: write it.")
    fields = read_front_matter(index)["module"]
    paths = [folder.parent / f"{name}.md" for name in names if not name.endswith("/index")]
    gone = [path for path in paths if not path.exists()]
    if gone:
        raise CampusError(f"{where(TOC)} names {where(gone[0])}, which does not exist: write it or take the line out.")
    return Module(
        folder=folder.name,
        number=int(fields["number"]),
        title=str(fields["title"]),
        hours=int(fields["hours"]),
        sessions=tuple(read_session(path) for path in paths),
        planned=tuple(fields.get("planned") or ()),
    )


def list_sessions(modules: list[Module] | None = None) -> list[Session]:
    """Every written session in reading order."""
    return [session for module in (modules or read_syllabus()) for session in module.sessions]

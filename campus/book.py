"""The book: sources staged beside the executed notebooks, built by Jupyter Book, published if nothing was wrong.

Only what changed is staged again, so that the builder reads only that again. A warning is an error; the site that
stands is replaced by a good one and left alone by a bad one.
"""

import fcntl
import hashlib
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml

from campus.errors import CampusError
from campus.folders import BOOK, BUILD, CLEAN, EXECUTED, EXERCISES, MODULES, PICTURES, ROOT, SITE
from campus.syllabus import Module, Session, list_files, list_sessions, read_front_matter, read_syllabus, where

ASSETS = ("_ext", "_static", "_templates")
GLOSSARY = "guides/glossary.md"
BUILDERS = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "pydata-sphinx-theme", "latex2mathml", "tinycss2")
MACHINERY = ("directives", "book", "builder")  # modules of ours that every page depends on
CELL = 10_000  # the builder counts the lines of a notebook's n-th cell from n times this and one more
LINK = re.compile(r"(\]\()([^)\s:#]+)\.md((?:#[^)\s]*)?\))")
INCLUDE = re.compile(r"^```\{include\} (\S+)\n```$", flags=re.MULTILINE)
HEADING = re.compile(r"^# .*$", flags=re.MULTILINE)
WARNING = re.compile(r"^(?:(?P<path>/[^:\n]+?)(?::(?P<line>\d*))?: )?(?:WARNING|ERROR|CRITICAL|SEVERE): (?P<what>.*)$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MOST_TOLD = 20


@dataclass(frozen=True)
class Places:
    """The folders a build reads and writes."""

    book: Path = BOOK
    modules: Path = MODULES
    exercises: Path = EXERCISES
    executed: Path = EXECUTED
    clean: Path = CLEAN
    pictures: Path = PICTURES
    source: Path = BUILD / "site-source"
    work: Path = BUILD / "site-build"
    site: Path = SITE
    report: Path = BUILD / "site-check" / "site-check.json"

    @property
    def html(self) -> Path:
        """The pages as the builder leaves them."""
        return self.work / "_build" / "html"

    @property
    def stamp(self) -> Path:
        """What the last good run of the builder read."""
        return self.work / "stamp.json"

    @property
    def log(self) -> Path:
        """What the builder said last."""
        return self.work / "build.log"


EVERYWHERE = Places()


def build_book(
    progress: Callable[[str, int, int], None] = lambda what, done, total: None, places: Places = EVERYWHERE
) -> None:
    """Build and publish the book; every step leaves alone what did not change."""
    steps = [
        ("Checking the syllabus", check_sources),
        ("Staging pages", stage_sources),
        ("Building pages", build_pages),
        ("Publishing the site", publish_site),
    ]
    with hold(places):
        for done, (what, step) in enumerate(steps):
            progress(what, done, len(steps))
            step(places)
    progress("", len(steps), len(steps))


@contextmanager
def hold(places: Places) -> Iterator[None]:
    """Let one process build at a time; others wait. The system lets go of the lock however we end."""
    places.work.parent.mkdir(parents=True, exist_ok=True)
    with places.work.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# Sources


def read_modules(places: Places) -> list[Module]:
    """The syllabus of these places."""
    return read_syllabus(places.book / "_toc.yml", places.modules)


def check_sources(places: Places) -> None:
    """Every session in the table of contents has its notebooks; every session written is in the table."""
    sessions = list_sessions(read_modules(places))
    for session in sessions:
        for tree in (places.executed, places.clean):
            if not (tree / f"{session.name}.ipynb").exists():
                raise CampusError(f"{where(session.path)} has no built notebook: run 'make notebooks' first.")
        if not session.path.name.startswith(f"{code_in_names(session.code)}-"):
            raise CampusError(f"{where(session.path)} has the code {session.code}: its name must start with that code.")
    listed = {session.path for session in sessions}
    for path in sorted(places.modules.glob("[0-9][0-9]-*/[0-9][0-9]-*.md")):
        if path not in listed:
            raise CampusError(f"{where(path)} is not in book/_toc.yml: add its line there.")


def code_in_names(code: str) -> str:
    """The code of a session as file names hold it: `03-3` for `3.3`."""
    module, _, number = code.partition(".")
    return f"{int(module):02d}-{number}"


def stage_sources(places: Places) -> None:
    """Make the staged tree hold what the builder reads, touching only what changed."""
    staged = list_staged(places)
    write_staged(staged, places)
    drop_strangers(places.source, set(staged))


def write_staged(staged: dict[str, bytes], places: Places) -> None:
    """Put files into the staged tree, touching only what changed."""
    for name, content in staged.items():
        write_changed(places.source / name, content)


def list_staged(places: Places, changed: set[str] | None = None) -> dict[str, bytes]:
    """Every file the builder reads, by its name in the staged tree; of notebooks only those named, where some are."""
    modules = read_modules(places)
    sessions = {f"modules/{session.name}": session for session in list_sessions(modules)}
    assets = [path for folder in ASSETS for path in sorted((places.book / folder).rglob("*.*"))]
    assets = [path for path in assets if path.is_file() and "__pycache__" not in path.parts]
    own = [places.book / "_config.yml", places.book / "_toc.yml", *assets]
    staged = {path.relative_to(places.book).as_posix(): path.read_bytes() for path in own}
    for page in list_pages(places):
        if page in sessions and changed is not None and sessions[page].name not in changed:
            continue
        if page in sessions:
            staged[f"{page}.ipynb"] = stage_notebook(places, page, set(sessions))
        else:
            staged[f"{page}.md"] = stage_page(places, page, set(sessions))
    report = places.report.read_bytes() if places.report.exists() else b"{}"  # a missing one is read again each time
    staged |= stage_pictures(places)
    return staged | {"site-check.json": report, "syllabus.json": describe(modules, places).encode()}


def stage_pictures(places: Places) -> dict[str, bytes]:
    """The pictures that are made, and a list of them with their sizes, by which pages know of new ones."""
    made = {path.stem: path.read_bytes() for path in sorted(places.pictures.glob("*.png"))}
    told = {
        name: {
            "width": int.from_bytes(content[16:20]),  # as a PNG's header has it
            "digest": hashlib.sha256(content).hexdigest(),
        }
        for name, content in made.items()
    }
    listed = json.dumps(told, indent=1, sort_keys=True).encode()
    return {f"pictures/{name}.png": content for name, content in made.items()} | {"pictures.json": listed}


def list_pages(places: Places) -> list[str]:
    """The pages in the table of contents, without their ending."""
    toc = yaml.safe_load((places.book / "_toc.yml").read_text(encoding="utf-8"))
    return [page.removesuffix(".md") for page in [toc["root"], *list_files(toc)]]


def stage_page(places: Places, page: str, sessions: set[str]) -> bytes:
    """A Markdown page of the book or of a module."""
    path = find_source(places, page)
    if not path.exists():
        raise CampusError(f"book/_toc.yml names {page}, but {where(path)} is missing: write it or take the line out.")
    return link_notebooks(take_in(path), page, sessions).encode()


def take_in(path: Path) -> str:
    """A page's text with the files that it includes, as their addresses hold from where the page is written."""

    def read(found: re.Match) -> str:
        included = path.parent / found[1]
        if not included.is_file():
            raise CampusError(f"{where(path)} includes {found[1]}, which is missing: write it or take the lines out.")
        return included.read_text(encoding="utf-8").rstrip("\n")

    return INCLUDE.sub(read, path.read_text(encoding="utf-8"))


def find_source(places: Places, page: str) -> Path:
    """The Markdown file that a page is written in."""
    if page.startswith("modules/"):
        return places.modules / f"{page.removeprefix('modules/')}.md"
    return places.book / f"{page}.md"


def stage_notebook(places: Places, page: str, sessions: set[str]) -> bytes:
    """A session's executed notebook."""
    notebook = json.loads((places.executed / f"{page.removeprefix('modules/')}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = link_notebooks("".join(cell["source"]), page, sessions)
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True).encode()


def link_notebooks(markdown: str, page: str, sessions: set[str]) -> str:
    """Markdown whose links to sessions name the notebooks that stand in for the source files."""

    def rename(found: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), found[2]))
        return f"{found[1]}{found[2]}.{'ipynb' if target in sessions else 'md'}{found[3]}"

    return LINK.sub(rename, markdown)


def describe(modules: list[Module], places: Places) -> str:
    """The syllabus as JSON for the builder's extensions."""
    told = [
        {
            "folder": module.folder,
            "number": module.number,
            "title": module.title,
            "hours": module.hours,
            "sessions": [describe_session(session) for session in module.sessions],
            "planned": [describe_planned(plan) for plan in module.planned],
        }
        for module in modules
    ]
    return json.dumps({"modules": told, "assignments": describe_assignments(places)}, indent=1, sort_keys=True)


def describe_session(session: Session) -> dict:
    """What lists and maps of sessions show of one."""
    shown = ("name", "code", "title", "minutes", "outcomes", "sectors", "needs", "methods", "questions", "optional")
    return {field: getattr(session, field) for field in shown}


def describe_planned(plan: dict) -> dict:
    """What lists and maps show of a session that is not written yet."""
    return {"code": str(plan["code"]), "title": str(plan["title"]), "optional": bool(plan.get("optional"))}


def describe_assignments(places: Places) -> dict[str, dict]:
    """Title and minutes of each assignment that is written."""
    fronts = [read_front_matter(path) for path in sorted(places.exercises.glob("*/assignment.md"))]
    return {
        front["assignment"]["name"]: {
            "title": front["title"],
            "minutes": sum(question["minutes"] for question in front["assignment"]["questions"]),
        }
        for front in fronts
    }


# Building


def build_pages(places: Places) -> None:
    """Run the builder unless the last good run read the same; a warning stops here, with its file and line."""
    wanted, built = make_stamp(places), read_stamp(places.stamp)
    if built == wanted:
        return
    if built.get("machinery") != wanted["machinery"] and places.work.exists():
        shutil.rmtree(places.work)
    places.stamp.unlink(missing_ok=True)
    run_builder(places)
    places.stamp.write_text(json.dumps(wanted))


def make_stamp(places: Places) -> dict[str, str]:
    """Digests of what is staged: of what every page depends on, and of everything."""
    staged = {path.relative_to(places.source).as_posix(): path for path in list_tree(places.source)}
    return {"machinery": digest_machinery(staged), "everything": digest(staged.values())}


def read_stamp(stamp: Path) -> dict:
    """What the last good run read, or nothing where that cannot be told."""
    with suppress(OSError, ValueError):
        return dict(json.loads(stamp.read_text()))
    return {}


def digest_machinery(staged: dict[str, Path]) -> str:
    """A digest of what every page depends on: settings, contents, headings, extensions, styles, versions."""
    common = [path for name, path in staged.items() if not name.endswith((".md", ".ipynb", ".json"))]
    common = [path for path in common if path.parent.name != "pictures"]
    common += [ROOT / "campus" / f"{name}.py" for name in MACHINERY]
    common += [path for name, path in staged.items() if name == GLOSSARY]  # its definitions stand on every page
    headings = [found for name, path in staged.items() if (found := find_heading(name, path.read_bytes()))]
    versions = [version(name) for name in BUILDERS]
    return digest(common, [*headings, *versions, os.environ.get("CAMPUS_HUB_URL", "")])


def find_heading(name: str, content: bytes) -> str:
    """The first heading of a staged page, which every page's contents show; nothing for other files."""
    if not name.endswith((".md", ".ipynb")):
        return ""
    text = content.decode()
    if name.endswith(".ipynb"):
        cells = json.loads(text)["cells"]
        text = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    found = HEADING.search(text)
    return found[0] if found else ""


def digest(files, texts: list[str] | tuple = ()) -> str:
    """A digest of files, names included, and of texts."""
    made = hashlib.sha256(json.dumps(list(texts)).encode())
    for path in files:
        made.update(f"{path}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return made.hexdigest()


def run_builder(places: Places) -> None:
    """Run the builder with warnings as errors; after a bad run the next one reads every page again."""
    command = [sys.executable, "-m", "campus.builder", str(places.source), str(places.work)]
    paths = os.pathsep.join(path for path in (str(ROOT), os.environ.get("PYTHONPATH", "")) if path)
    places.work.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = COLOUR.sub("", done.stdout)
    places.log.write_text(said, encoding="utf-8")
    try:
        refuse_faults(said, places)
        if done.returncode:
            last = [line for line in said.splitlines() if line.strip()][-3:]
            said_where = f"All that was said is in {where(places.log)}."
            raise CampusError(f"The book could not be built: {' '.join(last)} {said_where}")
    except CampusError:
        shutil.rmtree(places.work / "_build" / ".doctrees", ignore_errors=True)
        raise


def refuse_faults(said: str, places: Places) -> None:
    """CampusError with each warning that the builder gave, in terms of the sources."""
    warnings = [WARNING.match(line) for line in said.splitlines()]
    told = [tell(found, places) for found in warnings if found]
    if told:
        more = [f"and {len(told) - MOST_TOLD} more, in {where(places.log)}."] if len(told) > MOST_TOLD else []
        raise CampusError("\n".join(["The book was not published. Mend these:", *told[:MOST_TOLD], *more]))


def tell(found: re.Match, places: Places) -> str:
    """One warning as `file, line N: what`, in terms of the source that its author edits."""
    if not found["path"]:
        return found["what"]
    staged = Path(found["path"])
    if not staged.is_relative_to(places.source):
        return f"{where(staged)}: {found['what']}"
    source = find_source(places, staged.relative_to(places.source).with_suffix("").as_posix())
    line = int(found["line"] or 0)
    if staged.suffix == ".ipynb" and line >= CELL:
        line = find_line(staged, source, line)
    return f"{where(source)}{f', line {line}' if line else ''}: {found['what']}"


def find_line(staged: Path, source: Path, line: int) -> int:
    """The line of the source that stands for a line the builder gave within a notebook; 0 where it is not found."""
    cells = json.loads(staged.read_text(encoding="utf-8"))["cells"]
    cell = "".join(cells[min(line // CELL, len(cells)) - 1]["source"])
    first = next((text for text in cell.splitlines() if text.strip()), "")
    text = source.read_text(encoding="utf-8")
    place = text.find(cell) if cell in text else text.find(first)
    return text.count("\n", 0, place) + max(line % CELL - 1, 1) if place >= 0 else 0


# Publishing


def publish_site(places: Places) -> None:
    """Make the site hold the pages and the notebooks to download, pages last, touching only what changed."""
    wanted = list_site(places)
    for name, path in sorted(wanted.items(), key=lambda item: item[0].endswith(".html")):
        write_changed(places.site / name, path.read_bytes())
    drop_strangers(places.site, set(wanted))


def publish_new(places: Places, since: float) -> None:
    """Put into the site what was made since a moment, pages last; what is gone goes with the next whole build."""
    made = {path.relative_to(places.html).as_posix(): path for path in list_tree(places.html)}
    made |= {f"notebooks/{path.relative_to(places.clean).as_posix()}": path for path in list_tree(places.clean)}
    for name, path in sorted(made.items(), key=lambda item: item[0].endswith(".html")):
        if path.stat().st_mtime >= since:
            write_changed(places.site / name, path.read_bytes())


def list_site(places: Places) -> dict[str, Path]:
    """Every file of the site by its name: what the builder made, without left-over images, and clean notebooks."""
    made = {path.relative_to(places.html).as_posix(): path for path in list_tree(places.html)}
    pages = "".join(path.read_text(encoding="utf-8") for name, path in made.items() if name.endswith(".html"))
    shown = set(re.findall(r"_images/([\w.-]+)", pages))
    site = {name: path for name, path in made.items() if not name.startswith("_images/") or path.name in shown}
    clean = {path.relative_to(places.clean).as_posix(): path for path in list_tree(places.clean)}
    return site | {f"notebooks/{name}": path for name, path in clean.items()}


# Files


def list_tree(folder: Path) -> list[Path]:
    """Every file in a folder and below, sorted, hidden ones and Python's left-overs apart."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        path for path in files if not any(p[0] == "." or p == "__pycache__" for p in path.relative_to(folder).parts)
    ]


def write_changed(path: Path, content: bytes) -> None:
    """Write a file whole, unless it holds the same bytes already."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_bytes(content)
    scratch.replace(path)


def drop_strangers(folder: Path, wanted: set[str]) -> None:
    """Remove every file that is not wanted, and folders left empty."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and path.relative_to(folder).as_posix() not in wanted:
            path.unlink()

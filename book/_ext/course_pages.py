"""What pages get from the syllabus: the opening and closing of a session, the sessions of a module, the modules."""

import json
import os
import re
from pathlib import Path

from course_boxes import box
from course_map import draw_map
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.addnodes import pending_xref
from sphinx.util import logging

from campus.errors import CampusError

logger = logging.getLogger(__name__)
SYLLABUS = "syllabus.json"
ASSIGNMENTS = "guides/assignments"
ENTRY_WITH_FOLD = re.compile(r"(<a [^>]*>([^<]*)</a><details[^>]*>)<summary>")


def read_syllabus(env) -> dict:
    """The syllabus as staged beside the pages; the page being read is built anew when it changes."""
    env.note_dependency(str(Path(env.srcdir) / SYLLABUS))
    return json.loads((Path(env.srcdir) / SYLLABUS).read_text(encoding="utf-8"))


def say_time(minutes: int) -> str:
    """`about 3 hours 15 minutes`."""
    hours, rest = divmod(minutes, 60)
    parts = [
        f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in ((hours, "hour"), (rest, "minute")) if count
    ]
    return f"about {' '.join(parts)}"


def list_words(words: list[str]) -> str:
    """`one, two and three`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def find_page(syllabus: dict, code: str) -> tuple[str | None, str]:
    """The page of a session by its code, if it is written, and what to call it."""
    for module in syllabus["modules"]:
        for session in module["sessions"]:
            if session["code"] == code:
                return f"modules/{session['name']}", f"{code} {session['title']}"
        for session in module["planned"]:
            if str(session["code"]) == code:
                return None, f"{code} {session['title']} (in preparation)"
    raise CampusError(f"The session {code} is neither written nor planned: look at the modules' index pages.")


# Small pieces of a page


def link(page: str | None, text: str, source: str) -> nodes.Node:
    """A link to another page of the book, or plain text where that page does not exist."""
    if page is None:
        return nodes.inline("", text)
    asked = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{page}", "refdoc": source}
    return pending_xref("", nodes.inline("", text), refexplicit=True, refwarn=True, **asked)


def paragraph(*content: nodes.Node | str, **attributes) -> nodes.paragraph:
    """A paragraph of text and nodes."""
    return nodes.paragraph("", "", *(nodes.Text(c) if isinstance(c, str) else c for c in content), **attributes)


def bullets(items: list[nodes.Node | str]) -> nodes.bullet_list:
    """A bullet list of one paragraph an item."""
    return nodes.bullet_list("", *(nodes.list_item("", paragraph(item)) for item in items))


def facts(rows: list[tuple[str, nodes.Node]]) -> nodes.definition_list:
    """Terms and what is said of each."""
    drawn = nodes.definition_list(classes=["course-facts"])
    for term, said in rows:
        drawn += nodes.definition_list_item("", nodes.term("", term), nodes.definition("", said))
    return drawn


def anchor(address: str, text: str, classes: str, attributes: str = "") -> str:
    """A link as HTML, for addresses outside the book's own pages."""
    return f'<a class="{classes}" href="{address}"{attributes}>{text}</a>'


def html(*content: str) -> nodes.raw:
    """Raw HTML."""
    return nodes.raw("", "\n".join(content), format="html")


# A session's page


def open_and_close(app, doctree: nodes.document) -> None:
    """Give a session's page its code, its opening and its closing."""
    page = app.env.docname
    if "session" not in app.env.metadata[page]:
        return
    session = json.loads(app.env.metadata[page]["session"])
    top = next(iter(doctree.findall(nodes.section)), None)
    if top is None:
        logger.warning("The session has no heading: start it with a line '# Title'.", location=page)
        return
    syllabus = read_syllabus(app.env)
    try:
        opening = draw_opening(session, syllabus, page, app.config.course_hub_url)
    except CampusError as error:
        logger.warning("%s", error, location=page)
        return
    top.insert(top.index(next(iter(top.findall(nodes.title)))) + 1, opening)
    if session["assignment"]:
        top += draw_closing(session["assignment"], syllabus, page)
    top += draw_done(session["code"])


def tell_templates(app, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Give templates what they show."""
    hub = app.config.course_hub_url
    context["course_start"] = f"{hub}/services/campus/" if hub else f"{up(page)}../"
    context["course_description"] = describe_page(doctree) or app.config.html_title
    draw = context["generate_toctree_html"]
    context["generate_toctree_html"] = lambda *asked, **options: name_folds(str(draw(*asked, **options)))


def describe_page(doctree: nodes.document | None) -> str:
    """The first sentences of a page, for lists of search engines and of browsers."""
    first = next(iter(doctree.findall(nodes.paragraph)), None) if doctree else None
    words = " ".join(first.astext().split()) if first else ""
    return words if len(words) < 160 else f"{words[:157].rsplit(' ', 1)[0]} ..."


def name_folds(contents: str) -> str:
    """The contents in the sidebar, with each fold named after what it holds."""
    return ENTRY_WITH_FOLD.sub(r'\1<summary aria-label="Pages of: \2">', contents)


def open_module(app, doctree: nodes.document) -> None:
    """Give a module's page its outcomes and hours, after the words it starts with."""
    if "module" not in app.env.metadata[app.env.docname]:
        return
    module = json.loads(app.env.metadata[app.env.docname]["module"])
    top = next(iter(doctree.findall(nodes.section)))
    rows = [("You will be able to", bullets(module["outcomes"])), ("Study time", paragraph(f"{module['hours']} hours"))]
    first = top.first_child_matching_class(nodes.section)
    top.insert(len(top) if first is None else first, nodes.container("", facts(rows), classes=["course-opening"]))


def put_code_before_title(app, doctree: nodes.document) -> None:
    """Start a session's heading with its code, before anything reads the heading."""
    found = read_metadata(doctree)
    title = next(iter(doctree.findall(nodes.title)), None)
    if found and title is not None and not title.astext().startswith(f"{found['code']} "):
        title.insert(0, nodes.Text(f"{found['code']} "))


def read_metadata(doctree: nodes.document) -> dict | None:
    """The `session` field of a notebook's metadata, while it still stands in the document."""
    for field in doctree.findall(nodes.field):
        if field[0].astext() == "session":
            return json.loads(field[1].astext())
    return None


def draw_opening(session: dict, syllabus: dict, page: str, hub: str) -> nodes.container:
    """Outcomes, time, what is needed before, data, and the two links of a session."""
    module = next(module for module in syllabus["modules"] if page.startswith(f"modules/{module['folder']}/"))
    name = page.removeprefix("modules/")
    rows = [
        ("You will be able to", bullets(session["outcomes"])),
        ("Study time", paragraph(capital(session["minutes"]))),
    ]
    if session["needs"]:
        rows.append(("Needed before", bullets([link(*find_page(syllabus, str(c)), page) for c in session["needs"]])))
    rows.append(("Examples from", paragraph(list_words(session["sectors"]).capitalize())))
    if session["data"]:
        files = [download(f"{module['folder']}/data/{file}", file, page) for file in session["data"]]
        rows.append(("Data", paragraph(html(list_words(files)))))
    where = link(f"modules/{module['folder']}/index", f"Module {module['number']}: {module['title']}", page)
    return nodes.container(
        "",
        paragraph(where, classes=["course-where"]),
        html('<p class="course-actions">', *actions(name, page, hub), "</p>"),
        facts(rows),
        classes=["course-opening"],
    )


def capital(minutes: int) -> str:
    """The study time as the start of a sentence."""
    said = say_time(minutes)
    return said[0].upper() + said[1:]


def actions(name: str, page: str, hub: str) -> list[str]:
    """Open in my workspace, and download."""
    opener = f"{hub}/services/campus/open" if hub else f"{up(page)}../open"
    return [
        anchor(f"{opener}/{name}.ipynb", "Open in my workspace", "course-button"),
        download(f"{name}.ipynb", "Download notebook", page, "course-button course-button-quiet"),
    ]


def download(file: str, text: str, page: str, classes: str = "course-download") -> str:
    """A link to a file of the associates' copy, which stands under `notebooks/` on the site."""
    return anchor(f"{up(page)}notebooks/{file}", text, classes, " download")


def up(page: str) -> str:
    """The way from a page to the top of the book."""
    return "../" * page.count("/")


def draw_closing(name: str, syllabus: dict, page: str) -> nodes.Node:
    """Which graded assignment follows, and how to find it."""
    known = syllabus["assignments"].get(name)
    title = f"{known['title']} ({say_time(known['minutes'])})" if known else name
    return box(
        "",
        paragraph(nodes.strong("", title)),
        paragraph(
            "In your workspace, open the menu Nbgrader, then Assignment List, and fetch ",
            nodes.literal("", name),
            ". ",
            link(ASSIGNMENTS, "How to fetch, work and hand in", page),
            ".",
        ),
        label="Graded assignment",
        classes=["course-box", "course-closing"],
    )


def draw_done(code: str) -> nodes.raw:
    """A box to tick when a session is done; styles hide it where no script would keep the tick."""
    return html(
        f'<form class="course-done pst-js-only" data-session="{code}">',
        f'<label><input type="checkbox" name="done"> I have done session {code}</label>',
        '<p role="status"></p>',
        "</form>",
    )


# Lists


class ModuleSessions(Directive):
    """The sessions of the module whose page this is, written ones linked and planned ones named, and their map."""

    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        folder = Path(env.docname).parent.name
        module = next(module for module in read_syllabus(env)["modules"] if module["folder"] == folder)
        rows = [
            (s["code"], s["title"], f"modules/{s['name']}", s["minutes"], s["optional"]) for s in module["sessions"]
        ]
        rows += [(str(s["code"]), s["title"], None, None, s["optional"]) for s in module["planned"]]
        drawn = []
        for code, title, page, minutes, optional in sorted(rows, key=lambda row: [int(n) for n in row[0].split(".")]):
            state = f"{capital(minutes) if page else 'In preparation'}{', optional' if optional else ''}"
            name = paragraph(link(page, f"{code} {title}", env.docname), classes=["course-name"])
            said = paragraph(state, classes=["course-ready" if page else "course-planned"])
            drawn.append(nodes.list_item("", name, said))
        return [nodes.bullet_list("", *drawn, classes=["course-list"]), html(draw_map(module))]


class ModuleList(Directive):
    """All modules with their hours and how many of their sessions stand."""

    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        drawn = []
        for module in read_syllabus(env)["modules"]:
            ready, planned = len(module["sessions"]), len(module["planned"])
            name = link(f"modules/{module['folder']}/index", f"{module['number']} {module['title']}", env.docname)
            state = f"{ready} of {ready + planned} sessions ready" if ready else "In preparation"
            said = paragraph(
                f"{module['hours']} hours. {state}.", classes=["course-ready" if ready else "course-planned"]
            )
            drawn.append(nodes.list_item("", paragraph(name, classes=["course-name"]), said))
        return [nodes.bullet_list("", *drawn, classes=["course-list"])]


class WorkedExamples(Directive):
    """Every written session under the questions, methods or sectors that its front matter names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        by = self.arguments[0]
        if by not in ("question", "method", "sector"):
            raise self.error(f"worked-examples says '{by}': it needs question, method or sector.")
        env = self.state.document.settings.env
        sessions = [session for module in read_syllabus(env)["modules"] for session in module["sessions"]]
        if by == "question":
            return [list_questions(sessions, env.docname)]
        kept = [(name, session) for session in sessions for name in session[f"{by}s"]]
        names = sorted({name for name, _ in kept}, key=str.casefold)
        drawn = nodes.definition_list(classes=["course-index"])
        for name in names:
            found = bullets([link_session(session, env.docname) for other, session in kept if other == name])
            term = nodes.term("", name[0].upper() + name[1:])
            drawn += nodes.definition_list_item("", term, nodes.definition("", found))
        return [drawn] if names else []


def list_questions(sessions: list[dict], page: str) -> nodes.bullet_list:
    """Each question that a session answers, in the order of the alphabet, with the session."""
    asked = [(question, session) for session in sessions for question in session["questions"] or [ask(session)]]
    drawn = nodes.bullet_list("", classes=["course-list"])
    for question, session in sorted(asked, key=lambda row: row[0].casefold()):
        name = paragraph(link(f"modules/{session['name']}", question, page), classes=["course-name"])
        drawn += nodes.list_item("", name, paragraph(f"Session {session['code']}", classes=["course-planned"]))
    return drawn


def ask(session: dict) -> str:
    """The question in a session's title, which stands behind the colon."""
    question = session["title"].rsplit(": ", 1)[-1]
    return question[0].upper() + question[1:]


def link_session(session: dict, page: str) -> nodes.Node:
    """A link to a session by its code and title."""
    return link(f"modules/{session['name']}", f"{session['code']} {session['title']}", page)


def setup(app) -> dict:
    app.add_config_value("course_hub_url", os.environ.get("CAMPUS_HUB_URL", "").rstrip("/"), "env", str)
    app.add_directive("module-sessions", ModuleSessions)
    app.add_directive("module-list", ModuleList)
    app.add_directive("worked-examples", WorkedExamples)
    app.connect("doctree-read", put_code_before_title, priority=1)
    app.connect("doctree-read", open_and_close)
    app.connect("doctree-read", open_module)
    app.connect("html-page-context", tell_templates, priority=900)  # after the theme, whose contents it names
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

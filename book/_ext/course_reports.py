"""Pages that tell of tests: what the last site check found, and what a reader's own network lets through."""

import json
from datetime import date
from pathlib import Path
from statistics import median

from docutils import nodes
from docutils.parsers.rst import Directive

REPORT = "site-check.json"
SPEED = {
    "performance": "performance",
    "accessibility": "accessibility",
    "practice": "best_practices",
    "first paint": "first_paint",
    "largest paint": "largest_paint",
    "layout shift": "layout_shift",
}
TESTS = {
    "scripts": "Scripts run",
    "campus": "The campus can be reached, signed in",
    "upload": "A file of 8 MB can be sent",
    "socket": "A WebSocket opens and answers",
}


def tell_results(report: dict) -> list[str]:
    """What the last site check found, in sentences; or that there was none."""
    if not report:
        return ["This copy of the book has not been checked yet: `make site-check` does it and fills in this part."]
    day = date.fromisoformat(report["date"])
    count, faults = len(report["pages"]), report["faults"]
    ease = [page["reading_ease"] for page in report["pages"] if page["reading_ease"] is not None]
    told = [
        f"On {day.day} {day:%B %Y} a machine looked at all {count} pages in Chromium with axe-core {report['axe']}, by "
        "the rules of WCAG 2.0, 2.1 and 2.2, levels A and AA, "
        f"in {len(report['views'])} views "
        f"({'; '.join(report['views'])}), with every fold open.",
        f"It found {faults['violations']} violations, {faults['too_wide']} views that scroll sideways, "
        f"{faults['alts']} "
        f"missing or repeated texts of figures, {faults['broken']} broken links and {faults['outside']} requests to "
        "other hosts.",
        f"Reading ease (Flesch; 60 to 70 is plain English) is {median(ease):.0f} at the median page, and "
        f"{min(ease):.0f} at the hardest.",
    ]
    rules = sorted({(one["rule"], one["help"]) for page in report["pages"] for one in page["violations"]})
    return told + [f"Not met: {help} ({rule})." for rule, help in rules]


def tell_speed(report: dict) -> tuple[str, list[list[str]]]:
    """What Lighthouse found in the last site check, in a sentence and in rows; or that it was not asked."""
    pages = report.get("lighthouse", [])
    if not pages:
        return "Lighthouse has not looked at this copy of the book yet: `make site-check` asks it.", []
    day = date.fromisoformat(report["date"])
    said = f"On {day.day} {day:%B %Y} it gave {len(pages)} pages these marks of 100; paints are in seconds."
    rows = [
        [page["name"].split("/")[-1].removesuffix(".html"), *(str(page[kind]) for kind in SPEED.values())]
        for page in pages
    ]
    return said, rows


def draw_table(headings: list[str], rows: list[list[str]]) -> nodes.table:
    """A table of text."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in headings), cols=len(headings))
    head, *body = (
        nodes.row("", *(nodes.entry("", nodes.paragraph("", text)) for text in row)) for row in [headings, *rows]
    )
    group += [nodes.thead("", head), nodes.tbody("", *body)]
    return nodes.table("", group)


class Report(Directive):
    """Common ground: the report of the last site check, on which the page depends."""

    def read(self) -> dict:
        env = self.state.document.settings.env
        path = Path(env.srcdir) / REPORT
        env.note_dependency(str(path))
        return json.loads(path.read_text(encoding="utf-8"))

    def say(self, said: str) -> nodes.paragraph:
        return nodes.paragraph("", "", *self.state.inline_text(said, self.lineno)[0])


class SiteCheckResults(Report):
    """The sentences of the last site check."""

    def run(self) -> list[nodes.Node]:
        return [self.say(said) for said in tell_results(self.read())]


class SiteCheckSpeed(Report):
    """What Lighthouse found in the last site check."""

    def run(self) -> list[nodes.Node]:
        said, rows = tell_speed(self.read())
        return [self.say(said), *([draw_table(["page", *SPEED], rows)] if rows else [])]


class NetworkCheck(Directive):
    """A table of tests that the page's script fills in; without scripts it says so."""

    def run(self) -> list[nodes.Node]:
        rows = "".join(
            f'<tr data-test="{name}"><th scope="row">{what}</th><td>not tested</td></tr>'
            for name, what in TESTS.items()
        )
        table = (
            "<noscript><p>Scripts do not run in your browser, so nothing else can be tested.</p></noscript>"
            '<table class="course-network"><thead><tr><th scope="col">Test</th><th scope="col">Result</th></tr></thead>'
            f'<tbody aria-live="polite">{rows}</tbody></table>'
        )
        return [nodes.raw("", table, format="html")]


def setup(app) -> dict:
    app.add_directive("site-check-results", SiteCheckResults)
    app.add_directive("site-check-speed", SiteCheckSpeed)
    app.add_directive("network-check", NetworkCheck)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

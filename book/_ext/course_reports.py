"""Pages that tell of tests: what the last site check found, and what a reader's own network lets through."""

import json
from datetime import date
from pathlib import Path
from statistics import median

from docutils import nodes
from docutils.parsers.rst import Directive

REPORT = "site-check.json"
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


class SiteCheckResults(Directive):
    """The sentences of the last site check."""

    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        path = Path(env.srcdir) / REPORT
        env.note_dependency(str(path))
        report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        drawn = [
            nodes.paragraph("", "", *self.state.inline_text(said, self.lineno)[0]) for said in tell_results(report)
        ]
        return drawn


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
    app.add_directive("network-check", NetworkCheck)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""`make bench`: marking side by side in one run, on the same submissions: nbgrader, Otter, ours, and the floor.

Prints the tables as they come, and writes them to `docs/marking-speed.md`, which the maintainers' page shows.
"""

import argparse
import datetime
import os
import platform
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from autograder.assignment import Assignment, read
from benchmarks import contenders, ours
from benchmarks.contenders import Contender, Run
from benchmarks.submissions import Submission, make_submissions
from campus import folders

ASSIGNMENTS = ["clinic-queue", "daily-forecast", "key-players", "risk-model"]
LIGHT = Path(__file__).parent / "exercises" / "light"
REPORT = folders.ROOT / "docs" / "marking-speed.md"
FULL = 20  # submissions of each assignment in a full run
COHORT = 80
ALLOWED = 0.2  # CPU seconds that a sealed submission may cost over the floor
CONTENDERS: dict[str, Contender] = {
    "floor": contenders.floor,
    "nbgrader autograde": contenders.nbgrader,
    "otter run": contenders.otter,
    "ours, 1 worker": lambda *given: ours.mark(*given, workers=1),
    "ours, 2 workers": lambda *given: ours.mark(*given, workers=2),
}
console = Console(soft_wrap=True, highlight=False)


@dataclass(frozen=True)
class Comparison:
    """An assignment marked by all contenders."""

    assignment: str
    count: int
    runs: dict[str, Run]

    def cpu(self, name: str) -> float:
        """CPU seconds a submission."""
        return self.runs[name].usage.cpu / self.count

    def rate(self, name: str) -> float:
        """Submissions a second."""
        return self.count / self.runs[name].usage.wall

    def other_marks(self, name: str) -> int:
        """How many marks differ from nbgrader's."""
        stock, found = self.runs["nbgrader autograde"].marks, self.runs[name].marks
        return sum(found.get(who, {}).get(q) != score for who, marks in stock.items() for q, score in marks.items())


def main() -> None:
    """Run all of it; about half an hour on two cores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=FULL, help="of each assignment")
    parser.add_argument("--many", type=int, default=2000, help="submissions through one grader, to see its memory")
    parser.add_argument("--without", action="append", default=[], choices=list(CONTENDERS), help="leave one out")
    given = parser.parse_args()
    chosen = {name: run for name, run in CONTENDERS.items() if name not in given.without}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        found = [compare(folder, given.submissions, chosen, Path(scratch)) for folder in assignment_folders()]
        report = [
            *head(given.submissions),
            *speed_table(found),
            *share_table(found, min(COHORT, 4 * given.submissions), Path(scratch)),
        ]
        report += light_table(found, Path(scratch))
        report += latency_table(Path(scratch))
        report += phase_table()
        report += memory_table(given.many)
    REPORT.write_text("\n".join(report) + "\n")
    console.print(f"\nWritten to {REPORT.relative_to(folders.ROOT)}.")


def assignment_folders() -> list[Path]:
    """The light one first, then the course's."""
    return [LIGHT, *(folders.EXERCISES / name for name in ASSIGNMENTS)]


def compare(folder: Path, count: int, chosen: dict[str, Contender], scratch: Path) -> Comparison:
    """Mark the same submissions of one assignment by every contender in turn."""
    assignment = read(folder)
    submissions = make_submissions(assignment, count)
    runs = {}
    for name, contender in chosen.items():
        runs[name] = run(contender, assignment, submissions, scratch)
        usage = runs[name].usage
        console.print(
            f"{assignment.name:16}{name:20}{count / usage.wall:8.2f} submissions/s {usage.cpu / count:8.3f} CPU s each"
        )
    return Comparison(assignment.name, count, runs)


def run(contender: Contender, assignment: Assignment, submissions: list[Submission], scratch: Path) -> Run:
    """One contender in a folder of its own."""
    return contender(assignment, submissions, Path(tempfile.mkdtemp(dir=scratch)))


def head(count: int) -> list[str]:
    """When, where, and on what."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()})"
    few = "A short trial: with so few submissions the rates are mostly the time that a program takes to start."
    return [
        *([few] if count < FULL else []),
        f"Measured on {datetime.date.today():%d %B %Y} with Python {platform.python_version()} on {machine}.",
        f"Each assignment has the same {count} submissions for all: solutions, other right answers, listed mistakes,",
        "blanks and mixtures of them. Wall times of a shared machine wobble; ratios and CPU seconds wobble less.",
        "Our CPU seconds miss what sealed processes used that the kernel killed: of ours, believe wall times.",
    ]


def speed_table(found: list[Comparison]) -> list[str]:
    """Every contender on every assignment."""
    rows = []
    for one in found:
        for name, done in one.runs.items():
            ratio = one.rate(name) / one.rate("nbgrader autograde")
            differ = "-" if name == "floor" else str(one.other_marks(name))
            rows.append(
                [one.assignment, name, f"{one.rate(name):.2f}", f"{ratio:.1f}", f"{one.cpu(name):.3f}",
                 f"{done.usage.peak / 2**20:.0f}", differ]
            )  # fmt: skip
    headings = ["assignment", "marked by", "submissions/s", "times nbgrader", "CPU s each", "peak MB", "other marks"]
    return table("Speed, cost and marks", headings, rows)


def share_table(found: list[Comparison], count: int, scratch: Path) -> list[str]:
    """What is reached of what the floor and the allowance for sealing make possible; the grader is up and warm."""
    rows = []
    for one, folder in zip(found, assignment_folders(), strict=True):
        assignment = read(folder)
        submissions = make_submissions(assignment, count)  # of a whole cohort, as what it costs to begin is no share
        usage = ours.steady(assignment, submissions, Path(tempfile.mkdtemp(dir=scratch)), workers=2)
        floor = one.cpu("floor")
        rate = count / usage.wall
        rows.append([one.assignment, f"{floor:.3f}", f"{rate:.1f}", f"{rate * (floor + ALLOWED) / 2:.0%}"])
    headings = ["assignment", "floor, CPU s", "2 workers, a second", "of allowed"]
    return table(f"Share of what the floor and {ALLOWED:g} CPU seconds allow (80% is the aim)", headings, rows)


def light_table(found: list[Comparison], scratch: Path) -> list[str]:
    """A cohort of eighty hands in the light assignment at once."""
    assignment = read(LIGHT)
    submissions = make_submissions(assignment, COHORT)
    stock = found[0].rate("nbgrader autograde")
    command = run(CONTENDERS["ours, 2 workers"], assignment, submissions, scratch).usage
    resident = ours.steady(assignment, submissions, Path(tempfile.mkdtemp(dir=scratch)), workers=2)
    rows = [
        [
            name,
            f"{usage.wall:.1f}",
            f"{COHORT / usage.wall:.1f}",
            f"{COHORT / usage.wall / stock:.1f}",
            f"{usage.cpu / COHORT:.3f}",
        ]
        for name, usage in (("`autograder grade`, its start included", command), ("a grader that is up", resident))
    ]
    headings = [f"{COHORT} submissions by", "wall s", "submissions/s", "times nbgrader", "CPU s each"]
    return table("A cohort at once, light cells, 2 workers (15 s and 20 times are the aims)", headings, rows)


def latency_table(scratch: Path) -> list[str]:
    """From a submission to a page that its associate can read; feedback pages apart."""
    rows = []
    for folder in assignment_folders():
        assignment = read(folder)
        submission = make_submissions(assignment, 3)[2]
        stock = contenders.nbgrader_feedback(assignment, submission, Path(tempfile.mkdtemp(dir=scratch)))
        marking, page = ours.latency(assignment, submission, Path(tempfile.mkdtemp(dir=scratch)))
        rows.append([assignment.name, f"{stock.wall:.1f}", f"{marking:.2f}", f"{page:.2f}", f"{marking + page:.2f}"])
    headings = ["assignment", "nbgrader, two commands", "ours: marked", "ours: page", "ours: both"]
    return table("Wall seconds from submission to readable feedback (ours resident; 3 s is the aim)", headings, rows)


def phase_table() -> list[str]:
    """Where the time of a light submission goes."""
    rows = [[phase, f"{statistics.median(seconds) * 1000:.0f}"] for phase, seconds in ours.phases(read(LIGHT)).items()]
    return table("Where the wall time of a light submission goes (median)", ["phase", "ms"], rows)


def memory_table(count: int) -> list[str]:
    """Does the grader's memory grow from submission to submission?"""
    seen = ours.memory_over(read(LIGHT), count)
    rows = [[str(number), f"{megabytes:.0f}"] for number, megabytes in seen.items()]
    return table("Memory of one warm grader after so many submissions", ["submissions", "MB"], rows)


def table(title: str, headings: list[str], rows: list[list[str]]) -> list[str]:
    """Print a table, and give it as Markdown."""
    shown = Table(*headings, title=title, title_justify="left", box=SIMPLE_HEAD)
    for row in rows:
        shown.add_row(*row)
    console.print(shown)
    right = ["---"] + ["---:" if row_of_figures(column) else "---" for column in list(zip(*rows, strict=True))[1:]]
    lines = [" | ".join(line) for line in (headings, right, *rows)]
    return ["", f"**{title}.**", "", *(f"| {line} |" for line in lines)]


def row_of_figures(column: tuple[str, ...]) -> bool:
    """Whether a column holds figures only."""
    return all(value[:1].isdigit() or value == "-" for value in column)


if __name__ == "__main__":
    main()

"""The command line: `autograder check | release | collect | grade | watch | worker | mark | ...`."""

import contextlib
import json
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from typer.core import TyperGroup

from campus import folders
from campus.errors import CampusError


class Sentences(TyperGroup):
    """Commands whose known errors are one sentence on stderr and exit code 1."""

    def invoke(self, ctx: typer.Context) -> object:
        try:
            return super().invoke(ctx)
        except CampusError as error:
            fail(str(error))


app = typer.Typer(
    cls=Sentences,
    help="From an authored assignment to marks and feedback.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Assignments; all of them by default.")]
Student = Annotated[str | None, typer.Option("--student", help="This associate's submissions only.")]
Count = typer.Option("--workers", min=1, max=512, help="Processes that mark at one time; as many as cores by default.")
Workers = Annotated[int | None, Count]
Url = typer.Option("--scheduler", metavar="URL", help="Mark on the cluster of this Dask scheduler, as tcp://host:8786.")
Scheduler = Annotated[str | None, Url]
Open = typer.Option("--unsealed", help="Run learners' code without a seal, where this machine has none; it is flagged.")
Unsealed = Annotated[bool, Open]
CODES = "Exit codes: 0 all well; 1 something could not be marked, a sentence says what; 2 wrong usage."
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.callback()
def options() -> None:
    """From an authored assignment to marks and feedback."""


@app.command()
def check(names: Names = None, as_json: Json = False) -> None:
    """Prove each assignment: solution all, blank nothing, alternatives all, each mistake what it says."""
    from autograder.check import check as check_all

    with bar() as show:
        found = check_all(choose(names), show)
    finish(found, as_json, print_check)


@app.command()
def release(names: Names = None, as_json: Json = False) -> None:
    """Put assignments that pass the check into the exchange, where associates fetch them."""
    from autograder import course

    with bar() as show:
        found = course.release(choose(names), show)
    finish(found, as_json, print_release)


@app.command()
def collect(names: Names = None, as_json: Json = False) -> None:
    """Take everybody's latest submission out of the exchange."""
    from autograder import grading

    with bar() as show:
        found = grading.collect(choose(names), show)
    finish(found, as_json, print_collect)


@app.command(epilog=CODES)
def grade(
    names: Names = None,
    student: Student = None,
    every: Annotated[bool, typer.Option("--all", help="All assignments, as without any name.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Mark also what is marked already.")] = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    unsealed: Unsealed = False,
    as_json: Json = False,
) -> None:
    """Mark collected submissions, sealed, and answer listed mistakes by name; marks given by hand stay."""
    if every and names:
        fail("Name assignments, or say --all: not both.", code=2)
    from autograder.workers import open_executor

    with open_executor(workers, scheduler, unsealed) as executor, bar() as show, told_on_stop():
        from autograder import grading  # beside what the executor imports: each takes seconds

        found = grading.grade(choose(names), student, again, show, executor)
    finish(found, as_json, print_grade)


@app.command(epilog=CODES)
def watch(
    names: Names = None, workers: Workers = None, scheduler: Scheduler = None, unsealed: Unsealed = False
) -> None:
    """Collect and mark what arrives, until Ctrl-C; feedback is left to tutors."""
    from autograder.workers import open_executor

    given = choose(names)
    say(f"Watching for submissions of {', '.join(folder.name for folder in given)}; Ctrl-C ends it.")
    stop = threading.Event()
    try:
        with interrupted_by_signals(stop), open_executor(workers, scheduler, unsealed) as executor:
            from autograder import grading

            grading.watch(given, print_news, stop, executor)
    except KeyboardInterrupt:
        pass
    say("Stopped: what was being marked waits for the next run.")


@app.command(epilog=CODES)
def worker(
    scheduler: Annotated[str, typer.Option("--scheduler", metavar="URL", help="The Dask scheduler to work for.")],
    workers: Workers = None,
    unsealed: Unsealed = False,
) -> None:
    """Mark for a cluster, sealed as on one machine, until Ctrl-C; the checkout is the same as where marks are written.

    Dask trusts whoever reaches its scheduler: keep that to a private network, or give it certificates (tls://).
    """
    from autograder.workers import work_for

    try:
        with terminated_as_interrupt():
            work_for(scheduler, workers, unsealed)
    except KeyboardInterrupt:
        say("Stopped: the cluster gives unfinished work to another worker.")


@app.command()
def mark(name: str, file: Path, unsealed: Unsealed = False, as_json: Json = False) -> None:
    """Mark one notebook file, its code sealed off and apart from the tests; no gradebook is touched."""
    from autograder.marking import mark_file

    finish(mark_file(choose([name])[0], file, unsealed), as_json, print_mark)


@app.command()
def groups(name: str, as_json: Json = False) -> None:
    """Show which associates failed a question in the same way, so that one comment answers all of them."""
    from autograder.groups import groups as all_groups

    found = [group.asdict() for group in all_groups(choose([name])[0])]
    finish({"ok": True, "name": name, "groups": found}, as_json, print_groups)


@app.command()
def comment(name: str, question: str, group: str, text: str, as_json: Json = False) -> None:
    """Say TEXT to all of a group, now and later; who has a comment of their own keeps it. "" takes it back."""
    from autograder.groups import comment as comment_all

    finish(comment_all(choose([name])[0], question, group, text), as_json, print_comment)


@app.command()
def feedback(names: Names = None, student: Student = None, as_json: Json = False) -> None:
    """Write the feedback of marked submissions and put it where its authors find it."""
    from autograder import grading

    with bar() as show:
        found = grading.feedback(choose(names), student, show)
    finish(found, as_json, print_feedback)


@app.command()
def status(names: Names = None, as_json: Json = False) -> None:
    """Show where each assignment stands."""
    from autograder import grading

    finish(grading.status(choose(names)), as_json, print_status)


def finish(found: dict, as_json: bool, show: Callable[[dict], None]) -> None:
    """Print a result, as JSON or for people, and end with exit code 0 where it is good, 1 where it is not."""
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        show(found)
    raise typer.Exit(0 if found["ok"] else 1)


def print_check(found: dict) -> None:
    """A table for each assignment, and below it a sentence for each problem."""
    for one in found["assignments"]:
        if one["questions"]:
            headings = ["question", "marks", "minutes", "alternatives", "mistakes", "result"]
            title = f"{one['name']}: {one['points']} marks, {one['minutes']} minutes"
            print_rows(headings, [check_row(question) for question in one["questions"]], title)
        for problem in one["problems"]:
            say(f"{one['name']}: {problem}")
        for question in one["questions"]:
            for problem in question["problems"]:
                say(f"{one['name']}, question {question['id']}: {problem}")
    wrong = [one["name"] for one in found["assignments"] if not one["ok"]]
    verdict = f"wrong: {', '.join(wrong)}" if wrong else "all good"
    count = len(found["assignments"])
    say(
        f"{count} assignment{'' if count == 1 else 's'} checked in {found['seconds']:g} s; {verdict}.",
        style="red" if wrong else "green",
    )


def check_row(question: dict) -> list[str]:
    """A question with how many of its alternatives and mistakes are as they should be."""
    counts = ["by hand", "-"]
    if question["marked"] == "machine":
        counts = [
            f"{sum(one['ok'] for one in question[kind])} of {len(question[kind])}"
            for kind in ("alternatives", "mistakes")
        ]
    result = "good" if question["ok"] else "wrong"
    return [question["id"], str(question["points"]), str(question["minutes"]), *counts, result]


def print_release(found: dict) -> None:
    """A line for each assignment."""
    print_rows(["assignment", "result"], [[one["name"], one["result"]] for one in found["assignments"]])
    complain(problem for one in found["assignments"] if (problem := one["problem"]))


def print_collect(found: dict) -> None:
    """Who is new in each assignment."""
    rows = [
        [one["name"], str(len(one["collected"])), str(len(one["unchanged"])), ", ".join(one["collected"])]
        for one in found["assignments"]
    ]
    print_rows(["assignment", "collected", "unchanged", "from"], rows)
    complain(problem for one in found["assignments"] for problem in one["problems"])


def print_grade(found: dict) -> None:
    """A table for each assignment: marks by number of question; below it, mistakes, flags, and what waits."""
    for one in found["assignments"]:
        good = [submission for submission in one["submissions"] if submission["problem"] is None]
        rows = [
            [
                submission["student"],
                *(figure(question["score"]) for question in submission["questions"]),
                f"{figure(submission['score'])} of {figure(submission['max_score'])}",
                str(len(submission["flags"]) or "-"),
                f"{submission['seconds']:.1f}",
                submission["graded"],
            ]
            for submission in good
        ]
        if rows:
            questions = good[0]["questions"]
            numbers = [str(number) for number, _ in enumerate(questions, start=1)]
            names = [
                f"{n} {question['id']} ({figure(question['points'])})" for n, question in enumerate(questions, start=1)
            ]
            print_rows(["associate", *numbers, "marks", "flags", "seconds", "marked"], rows, title=one["name"])
            say(f"Questions: {', '.join(names)}.")
        else:
            say(f"{one['name']}: nothing to mark.")
        for submission in good:
            print_findings(submission)
        waiting = sum(bool(submission["by_hand"]) for submission in good)
        if waiting:
            say(f"{one['name']}: {waiting} with answers that a tutor marks in formgrader.", style="yellow")
    complain(problem for one in found["assignments"] for problem in one["problems"])


def print_findings(submission: dict) -> None:
    """The listed mistakes that were found in a submission, and what a tutor should know."""
    for question in submission["questions"]:
        if question["mistake"]:
            say(f"{submission['student']}, {question['id']}: {question['mistake']}. {question['told']}")
    for flag in submission["flags"]:
        say(f"{submission['student']}: {flag}", style="yellow")


def print_news(one: dict) -> None:
    """What was just marked, a line for each submission."""
    for submission in one["submissions"]:
        if submission["problem"] is None:
            score = f"{figure(submission['score'])} of {figure(submission['max_score'])}"
            say(f"{one['name']}, {submission['student']}: {score} marks in {submission['seconds']:.1f} s.")
            print_findings(submission)
    complain(one["problems"])


def print_mark(found: dict) -> None:
    """A line for each question, then what a tutor should know."""
    rows = [
        [one["id"], f"{figure(one['score'])} of {one['points']}", one["mistake"] or one["failure"] or "-"]
        for one in found["questions"]
    ]
    print_rows(["question", "marks", "why marks were lost"], rows, f"{found['name']}: {found['file']}")
    for flag in found["flags"]:
        say(flag, style="yellow")
    say(f"{figure(found['score'])} of {found['points']} marks so far, in {found['seconds']:g} s.")


def print_groups(found: dict) -> None:
    """A line for each group: how many, and why they failed."""
    rows = [
        [
            one["question"],
            one["name"],
            str(len(one["students"])),
            one["mistake"] or one["failure"],
            one["comment"] or "-",
        ]
        for one in found["groups"]
    ]
    print_rows(["question", "group", "associates", "why", "comment"], rows, found["name"])


def print_comment(found: dict) -> None:
    """Who has the comment, and who has one of their own."""
    say(f"Said to {len(found['written'])}: {', '.join(found['written']) or '-'}.")
    if found["kept"]:
        say(f"With a comment of their own: {', '.join(found['kept'])}.", style="yellow")


def print_feedback(found: dict) -> None:
    """Whose feedback is out, and whose lacks marks of a tutor."""
    rows = [
        [one["name"], str(len(one["released"])), ", ".join(sorted(one["by_hand"])) or "-"]
        for one in found["assignments"]
    ]
    print_rows(["assignment", "feedback released", "still for a tutor"], rows)
    complain(problem for one in found["assignments"] for problem in one["problems"])


def print_status(found: dict) -> None:
    """Counts for each assignment."""
    fields = ["handed_in", "collected", "graded", "by_hand", "feedback"]
    headings = ["assignment", "released", "handed in", "collected", "marked", "to mark", "feedback"]
    rows = [
        [one["name"], "yes" if one["released"] else "no", *(str(one[field]) for field in fields)]
        for one in found["assignments"]
    ]
    print_rows(headings, rows)


def print_rows(headings: list[str], rows: list[list[str]], title: str | None = None) -> None:
    """A table; columns of figures stand to the right."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for number, heading in enumerate(headings):
        figures = bool(rows) and all(row[number][:1].isdigit() or row[number] == "-" for row in rows)
        table.add_column(heading, justify="right" if figures else "left", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def figure(score: float | None) -> str:
    """Marks; a dash where a tutor has not given them yet."""
    return "-" if score is None else format(score, "g")


def complain(sentences: Iterable[str]) -> None:
    """Say on stderr what went wrong."""
    for sentence in sentences:
        err.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)


def say(sentence: str, style: str | None = None) -> None:
    """Print a sentence as it is: no markup, no wrapping in the middle of a path."""
    out.print(sentence, style=style, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def bar() -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on stderr, as a function of steps done, steps in all and a name; quiet where it is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total, name: progress.update(task, completed=done, total=total, description=name)


@contextlib.contextmanager
def terminated_as_interrupt() -> Iterator[None]:
    """Let a polite end from the system be as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def interrupted_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and a polite end interrupt us and set `stop`, for a library on the way may swallow the interrupt."""

    def end(number: int, frame: object) -> None:
        stop.set()
        raise KeyboardInterrupt

    before = [(number, signal.signal(number, end)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextlib.contextmanager
def told_on_stop() -> Iterator[None]:
    """Say after Ctrl-C that nothing is lost; exit code 130, as the shell has it."""
    try:
        with terminated_as_interrupt():
            yield
    except KeyboardInterrupt:
        fail("Stopped: what was not marked waits for the next run.", code=130)


def choose(names: list[str] | None) -> list[Path]:
    """The folders of the named assignments, of all where none is named; exit code 2 for an unknown name."""
    from autograder.assignment import authored, shown  # reading notebooks takes seconds to import: not for --help

    known = authored()
    for name in names or []:
        if name not in known:
            have = f"it has {', '.join(known)}" if known else "it has none yet"
            fail(f"There is no assignment '{name}' in {shown(folders.EXERCISES)}: {have}.", code=2)
    if not known:
        fail(f"There is no assignment in {shown(folders.EXERCISES)} yet.", code=1)
    return [folders.EXERCISES / name for name in names or known]


def fail(sentence: str, code: int = 1) -> None:
    """Say what is wrong on stderr and end."""
    err.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()

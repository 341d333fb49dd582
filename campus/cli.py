"""The `campus` command: a thin skin over the functions that do the work."""

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from campus.cohort.roster import Person
from campus.errors import CampusError, tell
from campus.folders import ensure_state
from campus.syllabus import read_syllabus

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn an error of an input or of the machine into its sentence and exit code 1."""
    try:
        yield
    except Exception as error:
        sentence = tell(error)
        if sentence is None:
            raise
        err.print(sentence, style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print("Stopped: run the command again to go on.", highlight=False)
        raise typer.Exit(130) from None


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on standard error; a function `(name, done, total)` moves it."""
    columns = [
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    ]
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(what, total=None, last="")
        yield lambda name, done, total: bar.update(task, completed=done, total=total, last=name)


@app.command()
def notebooks(
    only: Annotated[list[Path] | None, typer.Argument(help="Sources of single sessions; all without it.")] = None,
) -> None:
    """Build the notebooks: executed for the book, clean for associates, source notebooks for nbgrader."""
    from campus.notebooks import build_notebooks

    with told_plainly():
        with progress_bar("Running sessions") as progress:
            built = build_notebooks(progress, only)
        for name, figures in built.figures.items():
            seconds, peak_mb = figures["seconds"], figures["peak_mb"]
            out.print(f"{name}: {seconds:.0f} s of processor time, {peak_mb:.0f} MB", highlight=False)
        out.print(f"{built.sessions} sessions ({built.ran} run, the rest unchanged), {built.assignments} assignments.")


@app.command()
def verify() -> None:
    """Run every notebook in a fresh kernel and compare what it gives with what the book shows (nbval)."""
    from campus.verification import verify_notebooks

    with told_plainly():
        with progress_bar("Verifying notebooks") as progress:
            results = verify_notebooks(progress)
        wrong = [result for result in results if result.failures]
        for result in wrong:
            out.print(f"{result.name}: {len(result.failures)} cells differ from the page:", style="red")
            out.print("\n".join(result.failures), markup=False, highlight=False)
        cells = sum(result.cells for result in results)
        differ = sum(len(result.failures) for result in results)
        out.print(f"{cells} cells run and compared in {len(results)} notebooks, {differ} differ.")
        if wrong:
            raise typer.Exit(1)


@app.command()
def book() -> None:
    """Build the book as static files from the executed notebooks."""
    from campus.book import build_book
    from campus.folders import SITE

    with told_plainly():
        with progress_bar("Building the book") as progress:
            build_book(progress)
        out.print(f"The book is in {SITE}: open index.html.", highlight=False)


@app.command()
def live(port: Annotated[int, typer.Option(help="Where it is served, on this machine alone.")] = 8001) -> None:
    """Build the book, serve it, and show in the browser what is saved as it is saved, until Ctrl-C."""
    from campus.live import live as keep_book_live

    def say(sentence: str) -> None:
        out.print(sentence, markup=False, highlight=False)

    with told_plainly():
        keep_book_live(port, say=say)


@app.command()
def site_check(
    only: Annotated[
        list[str] | None, typer.Argument(help="Pages such as modules/03-queues/index.html; all without.")
    ] = None,
    lighthouse: Annotated[bool, typer.Option(help="Also measure sessions at slow 4G with Lighthouse.")] = True,
) -> None:
    """Look at every page of the book in a browser: access, other hosts, links, alt texts, weight, speed."""
    from campus import folders
    from campus.lighthouse import measure_pages
    from campus.references import bring_up_to_date, list_references, read_seen
    from campus.site_check import FAULTS, check_site, count_faults, make_report, write_report

    with told_plainly():
        with progress_bar("Looking at pages") as progress:
            checked = check_site(progress, names=only)
        out.print(page_table(checked))
        measured = []
        if lighthouse:
            with progress_bar("Measuring sessions") as progress:
                measured = measure_pages([page.name for page in checked if is_session(page.name)], progress)
            out.print(lighthouse_table(measured))
        for page in checked:
            for kind in FAULTS:
                for fault in getattr(page, kind):
                    out.print(f"{page.name}: {kind}: {fault}", style="red", markup=False, highlight=False)
        for page in measured:
            for fault in page.shortfalls:
                out.print(f"{page.name}: Lighthouse: {fault}", style="red", markup=False, highlight=False)
        found = count_faults(checked)
        references = bring_up_to_date(list_references(), read_seen())
        table = Table("", "Count", title="The site check", title_justify="left")
        table.add_row("Pages", str(len(checked)))
        for kind, words in FAULTS.items():
            table.add_row(words, str(found[kind]))
        table.add_row("Lighthouse marks under 95", str(sum(len(page.shortfalls) for page in measured)))
        table.add_row("References to other hosts", str(len(references)))
        table.add_row("of them never seen to answer", str(sum(day is None for day in references.values())))
        out.print(table)
        out.print(Markdown((folders.ROOT / "docs" / "site-speed.md").read_text(encoding="utf-8")))
        if not only:
            report = write_report(make_report(checked, date.today(), measured))
            out.print(f"All of it is in {report}.", highlight=False)
        if any(found.values()) or any(page.shortfalls for page in measured):
            raise typer.Exit(1)


def is_session(name: str) -> bool:
    """Whether a page of the site is a session's."""
    return name.startswith("modules/") and not name.endswith("/index.html")


def lighthouse_table(measured: list) -> Table:
    """What Lighthouse found on each page."""
    told = (
        "Lighthouse: a phone at slow 4G, the middle of three runs; paints in seconds, milliseconds blocked by scripts"
    )
    table = Table("Page", caption=told)
    for heading in ("Speed", "Access", "Practice", "First paint", "Largest", "Shift", "Blocked"):
        table.add_column(heading, justify="right", no_wrap=True)
    for page in measured:
        marks = (page.performance, page.accessibility, page.best_practices)
        times = (f"{page.first_paint:.1f}", f"{page.largest_paint:.1f}", f"{page.layout_shift:.3f}", str(page.blocked))
        table.add_row(page.name, *map(str, marks), *times)
    return table


@app.command()
def references(
    look: Annotated[bool, typer.Option("--look", help="Ask each address once; needs a network.")] = False,
) -> None:
    """The addresses of other hosts that the book names, and when each was last seen; kept in book/references.tsv."""
    from campus.references import bring_up_to_date, list_references, read_seen, write_seen
    from campus.references import look as look_at_all

    with told_plainly():
        seen, faults = bring_up_to_date(list_references(), read_seen()), {}
        if look:
            with progress_bar("Asking hosts") as progress:
                seen, faults = look_at_all(seen, date.today(), progress)
        write_seen(seen)
        table = Table("Address", "Last seen")
        for address, day in seen.items():
            table.add_row(address, day.isoformat() if day else "never")
        out.print(table)
        for address, fault in faults.items():
            out.print(f"{address} {fault}", style="red", markup=False, highlight=False)
        if faults:
            raise typer.Exit(1)


def page_table(checked: list) -> Table:
    """Each page with its faults, reading ease and weight."""
    table = Table(
        "Page", caption="Weight in kB compressed, without figures; reading ease by Flesch (60: plain English)"
    )
    for heading in ("Words", "Reading ease", "Weight", "Figures", "Faults"):
        table.add_column(heading, justify="right", no_wrap=True)
    for page in checked:
        ease = "" if page.reading_ease is None else f"{page.reading_ease:.0f}"
        figures = sum(page.bytes.values()) - page.weight
        row = (str(page.words), ease, f"{page.weight / 1000:.0f}", f"{figures / 1000:.0f}", str(page.faults))
        table.add_row(page.name, *row)
    return table


@app.command(name="print")
def print_on_paper(
    module: Annotated[str, typer.Argument(help="A module's number or folder, such as 3 or 03-queues.")],
    target: Annotated[Path | None, typer.Option("--to", help="The PDF; build/print/MODULE.pdf without it.")] = None,
) -> None:
    """A module of the built book as one PDF, tagged for screen readers."""
    from campus.printing import print_module

    with told_plainly():
        out.print(f"Printed: {print_module(module, target)}", highlight=False)


@app.command()
def publish() -> None:
    """Publish the clean sessions to the repository that workspaces pull."""
    from campus.sessions import publish_sessions, repository

    with told_plainly():
        changed = publish_sessions()
        out.print(f"{'Published' if changed else 'Nothing changed'}: {repository()}", highlight=False)


@app.command()
def hours(as_json: Annotated[bool, typer.Option("--json", help="Plain JSON instead of a table.")] = False) -> None:
    """Study time by session, module and programme, by the rule that CONTRIBUTING.md gives."""
    from campus.hours import measure_programme

    with told_plainly():
        measured = measure_programme()
        if as_json:
            json.dump(measured, sys.stdout, indent=2)
            print()
            return
        out.print(session_table(measured["sessions"]))
        out.print(module_table(measured["modules"]))
        total, target, share = (measured[key] for key in ("total_hours", "target_hours", "active_share"))
        out.print(f"{total} of {target} hours so far, {share:.0%} of them active.", highlight=False)


def session_table(sessions: list[dict]) -> Table:
    """Minutes of each session by kind of work."""
    kinds = ("reading", "running", "practice", "assessment", "minutes", "stated_minutes")
    headings = ("Reading", "Running", "Practice", "Assessed", "Time", "Stated")
    table = Table("", "Session", caption="Minutes; time is the sum, rounded to five")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for session in sessions:
        title = session["title"].split(":")[0]
        table.add_row(session["code"], title, *(f"{session[kind]:.0f}" for kind in kinds))
    return table


def module_table(modules: list[dict]) -> Table:
    """Hours of each module so far, beside its hours when complete."""
    table = Table("Module", "Title", "Sessions", "Hours so far", "Hours when complete")
    for module in modules:
        table.add_row(*(str(module[key]) for key in ("number", "title", "sessions", "hours", "planned_hours")))
    return table


roster = typer.Typer(no_args_is_help=True, help="Who takes part: look at a roster, load it.")
app.add_typer(roster, name="roster")
WORKSPACES = {
    None: "",
    "running": ", whose running workspace stops",
    "stopped": ", whose running workspace was stopped",
}
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@roster.command("check")
def check_roster(file: Path, as_json: Json = False) -> None:
    """Everything that is wrong with a roster, by row and field; nothing is changed."""
    from campus.cohort import roster as cohort

    with told_plainly():
        found = cohort.check_roster(file)
        if as_json:
            print(json.dumps(cohort.describe(found), indent=1))
        else:
            out.print(f"{found.file}: {found.encoding}, with {found.separator}.", markup=False, highlight=False)
            for problem in found.problems:
                out.print(problem.tell(found.file), style="red", markup=False, highlight=False)
            roles = [person.role for _, person in found.people]
            counts = ", ".join(f"{roles.count(role)} {role}" for role in dict.fromkeys(roles))
            said = f"{len(found.problems)} problems" if found.problems else "nothing is wrong"
            out.print(f"{len(roles)} people{f' ({counts})' if counts else ''}, {said}.", markup=False, highlight=False)
        if found.problems:
            raise typer.Exit(1)


@roster.command("load")
def load_roster(
    file: Path,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    many_leave: Annotated[bool, typer.Option("--many-leave", help="More than half of the people leave.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the people up to date with a roster: who is new, changed or left; a running hub sees it in seconds."""
    from campus.cohort import people

    with told_plainly():
        found = people.load_roster(file, dry_run, many_leave)
        if found["ok"] and not dry_run:
            people.tell_gradebook()
        stop_who_left(found["left"], dry_run)
        if as_json:
            print(json.dumps(found, indent=1))
        else:
            print_load(found)
        if not found["ok"]:
            raise typer.Exit(1)


def stop_who_left(left: list[dict], dry_run: bool) -> None:
    """Stop the workspaces of who left, and note beside each person whether one was running on this machine."""
    from campus.folders import state
    from campus.workspaces import find_workspaces, stop_workspaces

    accounts = [one["account"] for one in left]
    running = find_workspaces(state(), accounts)
    for one in left:
        one["workspace"] = ("running" if dry_run else "stopped") if one["account"] in running else None
    if not dry_run:
        stop_workspaces(state(), running)


def print_load(found: dict) -> None:
    """What a load changed or would change, a line a person."""
    for problem in found["problems"]:
        out.print(problem["sentence"], style="red", markup=False, highlight=False)
    if not found["ok"]:
        out.print("Nothing was changed.")
        return
    for kind in ("added", "changed", "returned", "left"):
        for one in found[kind]:
            fields = one.get("fields", {}).items()
            news = "; ".join(f"{field} from '{before}' to '{after}'" for field, (before, after) in fields)
            line = f"{kind}: {one['name']} ({one['username']}, {one['role']}){WORKSPACES[one.get('workspace')]}"
            out.print(f"{line}: {news}" if news else line, markup=False, highlight=False)
    for note in found["notes"]:
        out.print(note, style="yellow", markup=False, highlight=False)
    counts = ", ".join(f"{len(found[kind])} {kind}" for kind in ("added", "changed", "returned", "left"))
    out.print(f"{counts}, {found['unchanged']} as they were.", highlight=False)
    if found["dry_run"]:
        out.print("This was a dry run: nothing was changed.")


@app.command()
def roles() -> None:
    """The table of who may do what, as the page docs/roles.md."""
    from campus.cohort.roles import write_page

    print(write_page(), end="")


COHORT = Annotated[str | None, typer.Option(help="The cohort; needed where the roster has several.")]


@app.command("open")
def open_module(
    module: Annotated[int, typer.Argument(help="The module's number.")],
    on: Annotated[str | None, typer.Option(metavar="DAY", help="The day, as 2027-01-12; today without it.")] = None,
    by_plan: Annotated[bool, typer.Option("--by-plan", help="Forget what was said by hand.")] = False,
    cohort: COHORT = None,
) -> None:
    """Open a module for a cohort: now, on a day, or by its pace plan again."""
    from campus.opening import follow_plan, read_day, set_opening, today

    with told_plainly():
        if on and by_plan:
            raise CampusError("--on and --by-plan exclude each other: give one of them.")
        who, modules = name_operator(), read_syllabus()
        cohort, module = find_cohort_and_module(cohort, module, modules)
        if by_plan:
            follow_plan(cohort, module, who)
        else:
            set_opening(cohort, module, read_day(on) if on else today(), who)
        say_opening(cohort, module, modules)


@app.command("close")
def close_module(module: Annotated[int, typer.Argument(help="The module's number.")], cohort: COHORT = None) -> None:
    """Close a module for a cohort until somebody opens it; who has fetched its assignments keeps them."""
    from campus.opening import set_opening

    with told_plainly():
        modules = read_syllabus()
        cohort, module = find_cohort_and_module(cohort, module, modules)
        set_opening(cohort, module, None, name_operator())
        say_opening(cohort, module, modules)


@app.command("set-pace")
def set_pace(
    plan: Annotated[str, typer.Argument(help="three-months, or six-months at one day a week.")],
    start: Annotated[str, typer.Argument(metavar="DAY", help="The first day, as 2027-01-04.")],
    off: Annotated[list[str] | None, typer.Option(metavar="DAY", help="A day in a week off; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and keep nothing.")] = False,
    cohort: COHORT = None,
) -> None:
    """Give a cohort its pace plan; modules open by it unless somebody decided by hand."""
    from campus.opening import check_cohort, read_day, say_pace
    from campus.opening import set_pace as keep
    from campus.pace import check_pace, list_studies, plan_weeks

    with told_plainly():
        cohort = check_cohort(cohort, read_people())
        pace = check_pace(plan, read_day(start), [read_day(day) for day in off or ()])
        if dry_run:
            out.print(week_table(plan_weeks(list_studies(read_syllabus()), pace)))
            out.print(f"Cohort {cohort} would take {say_pace(pace)}. Nothing was changed.", highlight=False)
            return
        keep(cohort, pace, name_operator())
        out.print(f"Cohort {cohort} takes {say_pace(pace)}.", highlight=False)


@app.command()
def pace(
    cohort: COHORT = None,
    behind: Annotated[bool, typer.Option("--behind", help="Who is behind the plan, by name and week.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Plain JSON instead of tables.")] = False,
) -> None:
    """When modules open for a cohort, and what its pace plan has in each week; or who is behind it."""
    from campus.opening import (
        check_cohort,
        describe_cohort,
        find_openings,
        list_weeks,
        read_changes,
        read_decisions,
        say_pace,
        today,
    )

    with told_plainly():
        cohort, modules = check_cohort(cohort, read_people()), read_syllabus()
        if behind:
            tell_behind(cohort, modules, as_json)
            return
        if as_json:
            json.dump(describe_cohort(cohort, modules, today()), sys.stdout, indent=2)
            print()
            return
        decisions = read_decisions(cohort)
        table = Table("Module", "Title", "Opens", "By", title=f"Cohort {cohort}", title_justify="left")
        for one in find_openings(decisions, modules).values():
            table.add_row(str(one.module), one.title, one.say(today()), one.by)
        out.print(table)
        for change in read_changes(cohort, 3):
            out.print(f"{change['at'][:16]} UTC, {change['who']}: {change['what']}", markup=False, highlight=False)
        if decisions.pace is None:
            out.print("There is no pace plan: set one, as in 'campus set-pace six-months 2027-01-04'.", highlight=False)
            return
        out.print(week_table(list_weeks(decisions, modules)))
        out.print(f"The pace is {say_pace(decisions.pace)}.", highlight=False)


def tell_behind(cohort: str, modules: list, as_json: bool) -> None:
    """Who of a cohort is behind its pace plan, by name, and what has come in week by week."""
    from campus.opening import read_decisions, today
    from campus.progress import read_done
    from campus.standings import count_people, count_weeks, describe_counts, list_assigned
    from campus.work import read_course

    released, work = read_course()
    decisions, day = read_decisions(cohort), today()
    people = [person for person in read_people() if person.role == "associate" and person.cohort == cohort]
    assigned = list_assigned(decisions, modules, released, day)
    counts = count_people(people, assigned, work, read_done([person.username for person in people]), day)
    weeks = count_weeks(people, assigned, work)
    if as_json:
        json.dump(describe_counts(cohort, counts, weeks), sys.stdout, indent=2)
        print()
        return
    if decisions.pace is None:
        out.print(f"Cohort {cohort} has no pace plan, so nobody can be behind it.", markup=False, highlight=False)
    out.print(people_table(cohort, counts))
    out.print(weeks_table(weeks))
    late = sum(bool(one.behind) for one in counts)
    out.print(f"{late} of {len(counts)} are behind: offer them help." if late else "Nobody is behind.", highlight=False)


def people_table(cohort: str, counts: list) -> Table:
    """Each associate by name: assignments planned until last week, and what became of them."""
    table = Table("Associate", "Username", "Tutor", title=f"Cohort {cohort}", title_justify="left")
    table.add_column("Behind by", justify="right")
    table.add_column("Still to hand in")
    for heading in ("Planned", "Handed in", "Marked", "Ticked only"):
        table.add_column(heading, justify="right")
    for one in counts:
        numbers = (one.planned, one.handed_in, one.marked, one.ticked)
        left = ", ".join(f"{assigned.code} {assigned.name}" for assigned in one.behind)
        who = (one.person.name, one.person.username, one.person.tutor)
        table.add_row(*who, str(len(one.behind)), left, *map(str, numbers))
    return table


def weeks_table(weeks: list) -> Table:
    """Week by week: assignments planned, and how many of them all have come in and are marked."""
    table = Table("Week", "From", "Assignments")
    for heading in ("Planned", "Handed in", "Marked"):
        table.add_column(heading, justify="right")
    for one in weeks:
        names = ", ".join(f"{assigned.code} {assigned.name}" for assigned in one.assigned)
        start = f"{one.week.start.day} {one.week.start:%b %Y}"
        table.add_row(str(one.week.number), start, names, *map(str, (one.wanted, one.handed_in, one.marked)))
    return table


def week_table(weeks: Iterable) -> Table:
    """What a pace plan has in each week."""
    from campus.pace import say_time

    table = Table("Week")
    for heading in ("From", "Opens", "Sessions", "Optional", "Time"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Bank holidays")
    for week in weeks:
        table.add_row(
            str(week.number or ""),
            f"{week.start.day} {week.start:%b %Y}",
            ", ".join(f"module {module}" for module in week.opens),
            "off" if week.off else ", ".join(study.code for study in week.core),
            ", ".join(study.code for study in week.optional),
            "" if week.off else say_time(week.minutes),
            ", ".join(name for _, name in week.holidays),
        )
    return table


def find_cohort_and_module(cohort: str | None, module: int, modules: list) -> tuple[str, int]:
    """The cohort and the module that are meant; CampusError where there is none."""
    from campus.opening import check_cohort, check_module

    return check_cohort(cohort, read_people()), check_module(module, modules)


def say_opening(cohort: str, module: int, modules: list) -> None:
    """Tell what holds now for a module."""
    from campus.opening import find_openings, read_decisions, today

    opening = find_openings(read_decisions(cohort), modules)[module]
    out.print(f"Cohort {cohort}: module {module}, {opening.title}: {opening.say(today())}.", highlight=False)


def read_people() -> list[Person]:
    """Who takes part."""
    from campus.cohort.people import People

    ensure_state()
    people = People().ensure()
    try:
        return people.present()
    finally:
        people.close()


def name_operator() -> str:
    """Who runs this command, as the log of openings names them."""
    try:
        return f"operator {os.environ.get('SUDO_USER') or getpass.getuser()}"[:64]
    except (KeyError, OSError):  # a container's user may have no name
        return f"operator {os.getuid()}"


@app.command()
def backup(folder: Annotated[Path, typer.Argument(help="A new folder, on another disk.")]) -> None:
    """Copy the state folder while it is in use, and see that every submission in the copy is whole."""
    from campus.backup import back_up

    with told_plainly():
        count = back_up(folder)
        found = "the index is not in it: add what pg_dump gives" if count is None else f"{count} submissions, all whole"
        out.print(f"Backed up to {folder}: {found}.", highlight=False)


@app.command()
def serve(
    profile: Annotated[
        str, typer.Option(envvar="CAMPUS_PROFILE", help="laptop, or server: a Unix user for each person; as root.")
    ] = "laptop",
) -> None:
    """Start the hub on this machine with the example cohort, until Ctrl-C."""
    from campus.serve import serve as serve_hub

    with told_plainly():
        serve_hub(profile=profile)


if __name__ == "__main__":
    app()

"""Check authored assignments: the solution earns all, a blank nothing, alternatives all, each mistake what it says.

The result of `check` (and of `autograder check --json`):

    {"ok": bool, "seconds": float, "assignments": [
        {"name", "ok", "points", "minutes", "seconds", "problems": [sentence...], "questions": [
            {"id", "marked", "points", "minutes", "ok", "problems": [sentence...],
             "alternatives": [{"name", "earned", "ok"}...],
             "mistakes": [{"name", "loses", "lost", "told", "failure", "ok"}...]}...]}...]}

`ok` is true where no problem is listed at that place or below it.
"""

import ast
import contextlib
import hashlib
import json
import os
import re
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import determine_grade

from autograder import execution, variants
from autograder.assignment import Assignment, Question, first_line, read
from autograder.execution import Job, Outcome, Ran
from campus import folders
from campus.errors import CampusError

ALTERNATIVES = 1  # at least, for a machine-marked question
MISTAKES = 2
CHECKERS = ("assignment.py", "check.py", "execution.py", "variants.py")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
DIRECTIVE = re.compile(r"^(?:```+|:::+)\{([a-z-]+)\}", re.MULTILINE)

Progress = Callable[[int, int, str], None]  # jobs done, jobs in all, name of the last one


def check(given: list[Path], progress: Progress = lambda done, total, name: None) -> dict:
    """Check the assignments in the given folders; see the head of this file for what comes back.

    Everything runs once by itself. Then all mistakes run again, those of different questions together and with another
    hash seed: they must fail as before, or they would not be known in a submission.
    """
    began = time.monotonic()
    plans = [plan(folder) for folder in given]
    rounds = [[job for prepared in plans for job in prepared[kind]] for kind in ("jobs", "again")]
    total = sum(map(len, rounds))
    outcomes: dict[str, Outcome] = {}
    for hash_seed, jobs in enumerate(rounds):
        progress(len(outcomes), total, "importing libraries")
        for outcome in execution.run(jobs, hash_seed):
            outcomes[outcome.id] = outcome
            progress(len(outcomes), total, outcome.id)
    found = [judge(prepared, outcomes) for prepared in plans]
    for folder, assignment in zip(given, found, strict=True):
        keep(folder, assignment)
    ok = all(assignment["ok"] for assignment in found)
    return {"ok": ok, "seconds": round(time.monotonic() - began, 1), "assignments": found}


def checked(folder: Path) -> dict:
    """The entry of one assignment in the result of `check`: the kept one, until a file of the assignment changes."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads(kept_file(folder).read_text())
    return check([folder])["assignments"][0]


def keep(folder: Path, found: dict) -> None:
    """Keep the entry of an assignment in `build/`, in place of older ones."""
    kept = kept_file(folder)
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(found, indent=1) + "\n")
    draft.replace(kept)
    for old in kept.parent.glob(f"{folder.name}.*.json"):
        if old != kept:
            old.unlink(missing_ok=True)


def kept_file(folder: Path) -> Path:
    """Where the result for an assignment is kept: the name depends on its files, on what checks it, and on the lock."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    files |= {part: Path(__file__).parent / part for part in CHECKERS} | {"lock": folders.ROOT / "requirements.txt"}
    digest = hashlib.sha256()
    for name, path in files.items():
        if "__pycache__" not in name:
            content = path.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return folders.BUILD / "checked" / f"{folder.name}.{digest.hexdigest()[:16]}.json"


def plan(folder: Path) -> dict:
    """Read an assignment with its variants and list the runs it needs; where it cannot be read, list what is wrong."""
    try:
        assignment = read(folder)
        notebooks = {"solution": variants.as_source(assignment), "blank": variants.blank(assignment)}
    except CampusError as error:
        return {"name": folder.name, "problems": [str(error)], "jobs": [], "again": []}
    found, problems = {"alternatives": [], "mistakes": []}, []
    for kind, read_kind in (("alternatives", variants.alternatives), ("mistakes", variants.mistakes)):
        try:
            found[kind] = read_kind(assignment)
        except CampusError as error:
            problems += str(error).splitlines()
    if problems:
        return {"name": folder.name, "problems": problems, "jobs": [], "again": []}
    alternatives, mistakes = found.values()
    for kind, listed in (("alternatives", alternatives), ("mistakes", mistakes)):
        for variant in listed:
            notebooks[f"{kind}/{variant.name}"] = variants.substitute(assignment, {variant.question: variant.source})
    groups = variants.together(assignment, mistakes)
    again = [variants.substitute(assignment, {one.question: one.source for one in group}) for group in groups]
    return {
        "assignment": assignment,
        "alternatives": alternatives,
        "mistakes": mistakes,
        "jobs": [job(f"{assignment.name}/{name}", assignment, notebook) for name, notebook in notebooks.items()],
        "groups": groups,
        "again": [job(f"{assignment.name}/again/{n}", assignment, notebook) for n, notebook in enumerate(again)],
    }


def job(name: str, assignment: Assignment, notebook: NotebookNode) -> Job:
    """The run of a notebook in a copy of the assignment's data, reporting on its test cells."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tests = {question.test_id for question in assignment.by_machine}
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in code]
    report = {number: grade_id for number, grade_id in enumerate(ids) if grade_id in tests}
    data = assignment.folder / "data"
    return Job(name, [cell.source for cell in code], report, str(data) if data.is_dir() else None)


def judge(prepared: dict, outcomes: dict[str, Outcome]) -> dict:
    """One entry of "assignments" in the result."""
    if "problems" in prepared:
        nothing = {"points": 0, "minutes": 0, "seconds": 0.0, "questions": []}
        return {"name": prepared["name"], "ok": False, "problems": prepared["problems"]} | nothing
    assignment = prepared["assignment"]
    questions = [judge_question(question, prepared, outcomes) for question in assignment.questions]
    problems = time_problems(assignment) + markdown_problems(assignment) + leak_problems(assignment)
    problems += stopped_problems(prepared, outcomes)
    ok = not problems and all(question["ok"] for question in questions)
    return {
        "name": assignment.name,
        "ok": ok,
        "points": assignment.points,
        "minutes": assignment.minutes,
        "seconds": round(sum(outcomes[job.id].seconds for job in prepared["jobs"] + prepared["again"]), 1),
        "problems": problems,
        "questions": questions,
    }


def judge_question(question: Question, prepared: dict, outcomes: dict[str, Outcome]) -> dict:
    """One entry of "questions" in the result."""
    assignment = prepared["assignment"]
    problems, alternatives, mistakes = [], [], []
    if question.marked == "machine":
        problems += test_problems(assignment, question)
        problems += solution_problems(question, outcomes[f"{assignment.name}/solution"])
        problems += blank_problems(question, outcomes[f"{assignment.name}/blank"])
        alternatives, found = judge_alternatives(question, prepared, outcomes)
        problems += found
        mistakes, found = judge_mistakes(question, prepared, outcomes)
        problems += found + again_problems(question, prepared, outcomes)
    return {
        "id": question.id,
        "marked": question.marked,
        "points": question.points,
        "minutes": question.minutes,
        "ok": not problems,
        "problems": problems,
        "alternatives": alternatives,
        "mistakes": mistakes,
    }


def time_problems(assignment: Assignment) -> list[str]:
    """Does the whole assignment take the time that an assignment takes?"""
    least, most = assignment.minutes_allowed
    if least <= assignment.minutes <= most:
        return []
    kind = "a capstone" if assignment.capstone else "an assignment"
    return [f"Its questions claim {assignment.minutes} minutes in all; {kind} takes {least} to {most}."]


def markdown_problems(assignment: Assignment) -> list[str]:
    """Does the text use a directive, which JupyterLab shows as raw text?"""
    found = [
        name
        for cell in assignment.notebook.cells
        if cell.cell_type == "markdown"
        for name in DIRECTIVE.findall(cell.source)
    ]
    return [
        f"Its text uses the directive {{{name}}}, which a notebook shows as it stands: write plain Markdown."
        for name in found
    ]


def test_problems(assignment: Assignment, question: Question) -> list[str]:
    """Has the test cell a visible part, a hidden part, and a message for each assert?"""
    source = assignment.notebook.cells[question.test].source
    problems = []
    if "### BEGIN HIDDEN TESTS" not in source:
        problems.append(f"Cell '{question.test_id}' has no hidden tests.")
    visible = next(
        c
        for c in variants.released(assignment).cells
        if c.metadata.get("nbgrader", {}).get("grade_id") == question.test_id
    )
    try:
        if not any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(ast.parse(visible.source))):
            problems.append(f"Cell '{question.test_id}' has no visible test: associates see nothing of what is asked.")
        silent = [
            node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert) and node.msg is None
        ]
    except SyntaxError:
        return problems  # a cell with magics, or one that the solution's run reports
    if silent:
        lines = ", ".join(map(str, silent))
        problems.append(
            f"Cell '{question.test_id}' has an assert without a message for the learner (line {lines} of the cell)."
        )
    return problems


def solution_problems(question: Question, outcome: Outcome) -> list[str]:
    """Does the author's own solution earn all points of the question?"""
    ran = outcome.cells[question.test_id]
    got = earned(question, ran)
    if got == question.points:
        return []
    return [f"The solution earns {got:g} of {question.points}: {why(ran)}"]


def blank_problems(question: Question, outcome: Outcome) -> list[str]:
    """Does an empty answer earn nothing?"""
    got = earned(question, outcome.cells[question.test_id])
    return [f"An empty answer earns {got:g} of {question.points}: the test does not try the answer."] if got else []


def judge_alternatives(
    question: Question, prepared: dict, outcomes: dict[str, Outcome]
) -> tuple[list[dict], list[str]]:
    """Does each alternative earn full marks, in its own question and in all others?"""
    assignment = prepared["assignment"]
    entries, problems = [], []
    for alternative in prepared["alternatives"]:
        if alternative.question != question.id:
            continue
        cells = outcomes[f"{assignment.name}/alternatives/{alternative.name}"].cells
        got = earned(question, cells[question.test_id])
        others = spoilt(assignment, question, cells)
        if got < question.points:
            problems.append(
                f"Alternative {alternative.name} earns {got:g} of {question.points}: {why(cells[question.test_id])}"
            )
        problems += [f"Alternative {alternative.name} also fails question {other}." for other in others]
        entries.append({"name": alternative.name, "earned": got, "ok": got == question.points and not others})
    if len(entries) < ALTERNATIVES:
        problems.append("It has no alternative: at least one right answer by another route is needed.")
    return entries, problems


def judge_mistakes(question: Question, prepared: dict, outcomes: dict[str, Outcome]) -> tuple[list[dict], list[str]]:
    """Does each mistake lose what it says, in its own question only, and does its failure tell it from all others?"""
    assignment = prepared["assignment"]
    known: dict[str, str] = {}
    blank = outcomes[f"{assignment.name}/blank"].cells[question.test_id].failure
    if blank:
        known[blank] = "an empty answer"
    entries, problems = [], []
    for mistake in prepared["mistakes"]:
        if mistake.question != question.id:
            continue
        cells = outcomes[f"{assignment.name}/mistakes/{mistake.name}"].cells
        ran = cells[question.test_id]
        lost = question.points - earned(question, ran)
        failure = ran.failure
        found = []
        if lost != mistake.loses:
            reason = f": {why(ran)}" if lost else ": no test fails on it."
            found.append(f"Mistake {mistake.name} loses {lost:g}, not {mistake.loses}{reason}")
        found += [
            f"Mistake {mistake.name} also fails question {other}." for other in spoilt(assignment, question, cells)
        ]
        if failure is None and lost:
            found.append(
                f"Mistake {mistake.name} loses marks without an error, so it cannot be known by its message: {why(ran)}"
            )
        if failure is not None:
            if not ran.message.strip():
                found.append(f"Mistake {mistake.name} fails with {ran.error} and no message.")
            elif ADDRESS.search(ran.message):
                found.append(f"Mistake {mistake.name} fails with a message that differs at each run: {why(ran)}")
            elif failure in known:
                found.append(f"Mistake {mistake.name} fails with the same message as {known[failure]}: {why(ran)}")
            known.setdefault(failure, f"mistake {mistake.name}")
        problems += found
        entries.append(
            {
                "name": mistake.name,
                "loses": mistake.loses,
                "lost": lost,
                "told": mistake.told,
                "failure": failure,
                "ok": not found,
            }
        )
    if len(entries) < MISTAKES:
        problems.append(
            f"It has {len(entries)} mistake{'' if len(entries) == 1 else 's'}: at least {MISTAKES} are needed."
        )
    return entries, problems


def again_problems(question: Question, prepared: dict, outcomes: dict[str, Outcome]) -> list[str]:
    """Does each mistake fail as before beside mistakes in other questions, and the solution pass as before?"""
    name = prepared["assignment"].name
    problems = []
    for group, again in zip(prepared["groups"], prepared["again"], strict=True):
        ran = outcomes[again.id].cells[question.test_id]
        own = [mistake.name for mistake in group if mistake.question == question.id]
        first = outcomes[f"{name}/mistakes/{own[0]}" if own else f"{name}/solution"].cells[question.test_id]
        if ran.failure != first.failure:
            what = f"Mistake {own[0]}" if own else "The solution"
            problems.append(
                f"{what} ends otherwise when run again beside wrong answers to other questions, first with "
                f"{why(first)}, then with {why(ran)}"
            )
    return problems


def spoilt(assignment: Assignment, own: Question, cells: dict[str, Ran]) -> list[str]:
    """Questions other than `own` that do not earn all."""
    return [q.id for q in assignment.by_machine if q.id != own.id and earned(q, cells[q.test_id]) < q.points]


def leak_problems(assignment: Assignment) -> list[str]:
    """Does the release version hold a solution, a model answer or a hidden test?"""
    text = "\n".join(cell.source for cell in variants.released(assignment).cells)
    problems = [
        f"The release version still says '{mark}'."
        for mark in ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
        if mark in text
    ]
    flat = flatten(text)
    for question in assignment.questions:
        for secret in secrets(assignment.notebook.cells[question.answer].source, "SOLUTION"):
            if flatten(secret) in flat:
                problems.append(f"The release version holds the solution of question {question.id}.")
        if question.test is None:
            continue
        for secret in secrets(assignment.notebook.cells[question.test].source, "HIDDEN TESTS"):
            if flatten(secret) in flat:
                problems.append(f"The release version holds the hidden tests of question {question.id}.")
    return problems


def secrets(source: str, mark: str) -> list[str]:
    """The regions of a cell between two marks, or the whole cell where it has none."""
    regions = re.findall(rf"BEGIN {mark}[^\n]*\n(.*?)\n[^\n]*END {mark}", source, re.DOTALL)
    regions = [textwrap.dedent(region) for region in regions] or [source]
    return [region for region in regions if region.strip()]


def flatten(text: str) -> str:
    """A text without the white space at the start and end of its lines."""
    return "\n" + "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def stopped_problems(prepared: dict, outcomes: dict[str, Outcome]) -> list[str]:
    """Which runs were stopped at their limit?"""
    ids = [job.id for job in prepared["jobs"] if outcomes[job.id].stopped]
    return [f"The run of {name} was stopped after {execution.SECONDS} seconds." for name in ids]


def earned(question: Question, ran: Ran) -> float:
    """The points of a test cell by nbgrader's own rule."""
    outputs = []
    if ran.stderr:
        outputs.append(nbformat.v4.new_output("stream", name="stderr", text=ran.stderr))
    if ran.value:
        outputs.append(nbformat.v4.new_output("execute_result", {"text/plain": ran.value}))
    if ran.error:
        outputs.append(nbformat.v4.new_output("error", ename=ran.error, evalue=ran.message, traceback=[]))
    cell = nbformat.v4.new_code_cell(outputs=outputs)
    cell.metadata["nbgrader"] = {"grade": True, "solution": False, "points": question.points}
    try:
        return determine_grade(cell)[0]
    except ValueError:  # more partial credit than there are points
        return 0.0


def why(ran: Ran) -> str:
    """What a test cell said, for a sentence to the author."""
    if ran.error:
        return f"{ran.error}: {first_line(ran.message, 300) or '(no message)'}"
    if ran.stderr:
        return f"the test cell wrote to stderr ({first_line(ran.stderr, 200)}), which nbgrader counts as a failure."
    if ran.value:
        return (
            f"the last line of the test cell has the value {first_line(ran.value)}, which nbgrader takes as the points."
        )
    return "the test cell ran through."

"""Study time, computed from what stands in the sources and never claimed.

The rule: reading at 70 words a minute (the Open University's rate for ordinary study text); running at one minute a
code cell and six seconds a code line; practice and assessment as declared, with a most for each kind. Boxes with
declared minutes and folded solutions count neither as reading nor as running.
"""

import re
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.assignment import questions
from campus.directives import Directive, Text, read_kind, read_minutes, split_markdown
from campus.errors import CampusError
from campus.folders import EXERCISES
from campus.notebooks import read_notebook
from campus.syllabus import Module, Session, read_syllabus, where

TARGET_HOURS = 140
WORDS_A_MINUTE = 70
MINUTES_A_CELL = 1.0
MINUTES_A_LINE = 0.1
MOST_PRACTICE = {"predict": 3, "quick-check": 3, "fill-in": 8, "modify": 12, "make": 25}


@dataclass(frozen=True)
class StudyTime:
    """Minutes of one session by kind of work."""

    session: Session
    reading: float
    running: float
    practice: float
    assessment: float

    @property
    def minutes(self) -> int:
        """The sum, rounded to five minutes."""
        return 5 * round((self.reading + self.active) / 5)

    @property
    def active(self) -> float:
        """Minutes of running, practice and assessment."""
        return self.running + self.practice + self.assessment


def measure_programme() -> dict:
    """Study time of every session, module and the programme, as plain data; minutes unless a name says hours."""
    modules = read_syllabus()
    times = {module.number: [measure_session(session) for session in module.sessions] for module in modules}
    every = [time for group in times.values() for time in group]
    total = sum(time.minutes for time in every)
    worked = sum(time.reading + time.active for time in every)
    return {
        "total_hours": round(total / 60, 2),
        "target_hours": TARGET_HOURS,
        "active_share": round(sum(time.active for time in every) / worked, 3) if worked else 0.0,
        "modules": [describe_module(module, times[module.number]) for module in modules],
        "sessions": [describe_session(time) for time in every],
    }


def describe_module(module: Module, times: list[StudyTime]) -> dict:
    """A module's hours so far beside its hours when complete."""
    return {
        "number": module.number,
        "title": module.title,
        "hours": round(sum(time.minutes for time in times) / 60, 2),
        "planned_hours": module.hours,
        "sessions": len(times),
    }


def describe_session(time: StudyTime) -> dict:
    """A session's minutes by kind of work, and what its front matter states."""
    return {
        "code": time.session.code,
        "title": time.session.title,
        "minutes": time.minutes,
        "stated_minutes": time.session.minutes,
        "reading": round(time.reading, 1),
        "running": round(time.running, 1),
        "practice": round(time.practice, 1),
        "assessment": round(time.assessment, 1),
    }


def measure_session(session: Session) -> StudyTime:
    """Study time of one session, its assignment included."""
    notebook = read_notebook(session)
    parts = [part for cell in notebook.cells if cell.cell_type == "markdown" for part in split_markdown(cell.source)]
    return StudyTime(
        session=session,
        reading=sum(count_words(part.body) for part in parts if is_read(part)) / WORDS_A_MINUTE,
        running=measure_running(notebook),
        practice=sum(measure_practice(session, part) for part in parts if isinstance(part, Directive)),
        assessment=measure_assessment(session),
    )


def is_read(part: Text | Directive) -> bool:
    """Whether a part counts as reading: text, notes and warnings do; what has declared minutes and solutions do not."""
    return isinstance(part, Text) or part.name in ("note", "warning")


def count_words(markdown: str) -> int:
    """Words of prose: code fences, link targets and display mathematics left out."""
    prose = re.sub(r"^(`{3,}|~{3,}).*?^\1\s*$", " ", markdown, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"\$\$.*?\$\$", " ", prose, flags=re.DOTALL)
    prose = re.sub(r"\]\([^)]*\)", "]", prose)
    return len(re.findall(r"\b[\w'’.-]*\w", prose))


def measure_running(notebook: NotebookNode) -> float:
    """Minutes to run and follow the code cells, those of solutions left out."""
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", []) and cell.source.strip()
    ]
    lines = sum(len([line for line in cell.source.splitlines() if line.strip()]) for cell in cells)
    return len(cells) * MINUTES_A_CELL + lines * MINUTES_A_LINE


def measure_practice(session: Session, directive: Directive) -> int:
    """Declared minutes of a box; more than its kind allows is an error."""
    if directive.name not in ("predict", "quick-check", "practice"):
        return 0
    kind = read_kind(directive) if directive.name == "practice" else directive.name
    minutes = read_minutes(directive)
    if minutes > MOST_PRACTICE[kind]:
        raise CampusError(
            f"{where(session.path)}: a {kind} declares {minutes} minutes, over the {MOST_PRACTICE[kind]} allowed: "
            "lower it or split the task."
        )
    return minutes


def measure_assessment(session: Session) -> int:
    """Declared minutes of the session's assignment; `questions` refuses more a question than its marking allows."""
    if session.assignment is None:
        return 0
    folder = EXERCISES / session.assignment
    if not folder.is_dir():
        raise CampusError(
            f"{where(session.path)} names the assignment {session.assignment}, but {where(folder)} is missing."
        )
    return sum(question.minutes for question in questions(folder))

"""The pace plan: what a cohort does in which week, shared out by the study time of the sessions.

Weeks are seven days from the cohort's first day. Core sessions keep their order and are never split; of all ways to
share them out the plan is the one with the least sum of squares of time per study day, so that no week is much fuller
than the rest. Optional sessions then go where their module has the most room. Minutes of a written session are those of
its front matter, which the tests hold to `campus.hours`; sessions that are not written share what is left of the hours
of their module.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from campus.errors import CampusError
from campus.holidays import bank_holidays, is_weekend
from campus.syllabus import Module, Session

SESSION_MINUTES = 180  # a session takes about three hours
MOST_BREAKS = 8
FIRST_YEAR, LAST_YEAR = 2020, 2100
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Plan:
    """A way through the programme: its weeks of study, and whether each is one day, the weekday of the first."""

    name: str
    weeks: int
    one_day: bool


PLANS = {
    "three-months": Plan("three months", 13, one_day=False),  # as the programme began
    "six-months": Plan("six months at one day a week", 26, one_day=True),
}


@dataclass(frozen=True)
class Pace:
    """A cohort's plan: one of PLANS, its first day, and a day in each week off."""

    plan: str
    start: date
    breaks: tuple[date, ...] = ()


@dataclass(frozen=True)
class Study:
    """A session as a plan sees it: `minutes` are measured where it is written, and else its share of its module's."""

    code: str
    title: str
    module: int
    minutes: int
    optional: bool
    written: bool


@dataclass(frozen=True)
class Week:
    """Seven days of a plan. A week off has no number and says why; `days` are those left for study."""

    number: int | None
    start: date
    days: int
    off: str = ""
    holidays: tuple[tuple[date, str], ...] = ()
    core: tuple[Study, ...] = ()
    optional: tuple[Study, ...] = ()
    opens: tuple[int, ...] = ()  # modules whose first session it has

    @property
    def end(self) -> date:
        """Its last day."""
        return self.start + WEEK - timedelta(days=1)

    @property
    def minutes(self) -> int:
        """Study time of its core sessions."""
        return sum(study.minutes for study in self.core)

    @property
    def optional_minutes(self) -> int:
        return sum(study.minutes for study in self.optional)


@dataclass(frozen=True)
class Standing:
    """How somebody's progress lies to the plan: written core sessions of past weeks to do, and later ones done."""

    behind: tuple[Study, ...] = ()
    ahead: tuple[Study, ...] = ()


# ---- What there is to study ----


def list_studies(modules: Iterable[Module]) -> tuple[Study, ...]:
    """Every session of the programme in order, written or not; a module that names none is cut by its hours."""
    return tuple(study for module in modules for study in list_module(module))


def list_module(module: Module) -> list[Study]:
    written = {session.code: session for session in module.sessions}
    planned = {str(plan["code"]): plan for plan in module.planned} or ({} if written else cut_hours(module))
    left = 60 * module.hours - sum(session.minutes for session in module.sessions)
    share = 5 * round(left / len(planned) / 5) if planned and left > 0 else SESSION_MINUTES
    found = [from_session(session, module) for session in written.values()]
    found += [
        Study(code, str(plan["title"]), module.number, share, bool(plan.get("optional")), False)
        for code, plan in planned.items()
    ]
    return sorted(found, key=lambda study: [int(part) for part in study.code.split(".")])


def from_session(session: Session, module: Module) -> Study:
    return Study(session.code, session.title, module.number, session.minutes, session.optional, True)


def cut_hours(module: Module) -> dict[str, dict]:
    """Sessions of about three hours for a module that names none."""
    count = max(1, round(60 * module.hours / SESSION_MINUTES))
    return {
        f"{module.number}.{part}": {"title": f"{module.title}, part {part} of {count}"} for part in range(1, count + 1)
    }


# ---- When ----


def check_pace(plan: str, start: date, breaks: Iterable[date] = ()) -> Pace:
    """A pace that can be kept; CampusError for an unknown plan, and for days that are none of a programme."""
    if plan not in PLANS:
        raise CampusError(f"'{plan}' is not a plan: choose {' or '.join(PLANS)}.")
    if not FIRST_YEAR <= start.year < LAST_YEAR:
        raise CampusError(f"{start} is not the first day of a programme: write it as 2027-01-04.")
    off = tuple(sorted(set(breaks)))
    if len(off) > MOST_BREAKS:
        raise CampusError(f"{len(off)} weeks off are more than {MOST_BREAKS}: choose a later first day instead.")
    pace = Pace(plan, start, off)
    last = lay_out(pace)[-1].end
    for day in off:
        if not start <= day <= last:
            raise CampusError(
                f"The week off of {say_day(day)} is not within the plan, which goes from {say_day(start)} to "
                f"{say_day(last)}: choose a day between them."
            )
    return pace


def lay_out(pace: Pace) -> list[Week]:
    """The weeks of a plan without their sessions; weeks off are added, so that none of the plan's is lost."""
    weeks: list[Week] = []
    number, start = 0, pace.start
    while number < PLANS[pace.plan].weeks:
        week = lay_out_week(pace, start)
        if not week.off:
            number += 1
            week = replace(week, number=number)
        weeks.append(week)
        start += WEEK
    return weeks


def lay_out_week(pace: Pace, start: date) -> Week:
    """One week from its first day: with its bank holidays, and whether it is off."""
    days = [start + timedelta(days=n) for n in range(7)]
    known = bank_holidays(start.year) | bank_holidays(days[-1].year)
    holidays = tuple((day, known[day]) for day in days if day in known)
    off = ""
    if any(day in pace.breaks for day in days):
        off = "week off"
    elif PLANS[pace.plan].one_day and start in known:
        off = f"no study day: {known[start]}"
    left = 1 if PLANS[pace.plan].one_day else sum(day not in known and not is_weekend(day) for day in days)
    return Week(None, start, 0 if off else left, off, holidays)


# ---- What in which week ----


@lru_cache(maxsize=32)
def plan_weeks(studies: tuple[Study, ...], pace: Pace) -> tuple[Week, ...]:
    """Every week of a cohort's plan, weeks off included, with its sessions and the modules that begin in it."""
    weeks = lay_out(pace)
    busy = [place for place, week in enumerate(weeks) if not week.off]
    core = [study for study in studies if not study.optional]
    shared = share_out([study.minutes for study in core], [weeks[place].days for place in busy])
    chosen = {study: busy[week] for study, week in zip(core, shared, strict=True)}
    load = {place: 0 for place in busy}
    for study, place in chosen.items():
        load[place] += study.minutes
    for study in studies:
        if study.optional:
            place = find_room(study, studies, chosen, {p: load[p] / weeks[p].days for p in busy})
            chosen[study] = place
            load[place] += study.minutes
    first: dict[int, int] = {}
    for study, place in chosen.items():
        first[study.module] = min(place, first.get(study.module, place))
    return tuple(
        replace(
            week,
            core=tuple(study for study in studies if not study.optional and chosen[study] == place),
            optional=tuple(study for study in studies if study.optional and chosen[study] == place),
            opens=tuple(module for module, begins in first.items() if begins == place),
        )
        for place, week in enumerate(weeks)
    )


def share_out(minutes: list[int], days: list[int]) -> list[int]:
    """The week of each session, in order, so that the sum over weeks of minutes squared by days is the least there is.

    Linear partition by dynamic programming: `best[j]` is the least for the first j sessions in the weeks so far.
    """
    count = len(minutes)
    total = [0]
    for one in minutes:
        total.append(total[-1] + one)
    best: list[float] = [0] + [float("inf")] * count
    cuts: list[list[int]] = []
    for left in days:
        options = [
            min((best[i] + (total[j] - total[i]) ** 2 / left, -i) for i in range(j + 1)) for j in range(count + 1)
        ]
        best = [cost for cost, _ in options]
        cuts.append([-i for _, i in options])  # of equals the later cut: what can be done early is
    weeks = [0] * count
    end = count
    for week in reversed(range(len(days))):
        begin = cuts[week][end]
        weeks[begin:end] = [week] * (end - begin)
        end = begin
    return weeks


def find_room(study: Study, studies: tuple[Study, ...], chosen: dict[Study, int], load: dict[int, float]) -> int:
    """The emptiest week for an optional session, from that of the core session before it to the last of its module."""
    before = [chosen[one] for one in studies[: studies.index(study)] if not one.optional]
    module = [chosen[one] for one in studies if one.module == study.module and not one.optional]
    begin = max([*before[-1:], *module[:1]], default=min(load))
    end = max([begin, *module])
    return min((place for place in load if begin <= place <= end), key=lambda place: (load[place], place))


# ---- Where somebody is ----


def find_week(weeks: Iterable[Week], day: date) -> Week | None:
    """The week that a day lies in, or None before and after the plan."""
    return next((week for week in weeks if week.start <= day <= week.end), None)


def find_first_days(weeks: Iterable[Week]) -> dict[int, date]:
    """The first day of the week in which each module begins."""
    return {module: week.start for week in weeks for module in week.opens}


def find_standing(weeks: Iterable[Week], done: set[str], today: date) -> Standing:
    """What of past weeks is still to do, and what of later ones is done, by the codes of sessions done."""
    weeks = list(weeks)
    return Standing(
        behind=tuple(
            study
            for week in weeks
            if week.end < today
            for study in week.core
            if study.written and study.code not in done
        ),
        ahead=tuple(
            study
            for week in weeks
            if week.start > today
            for study in (*week.core, *week.optional)
            if study.code in done
        ),
    )


# ---- In words and as plain data ----


def describe_pace(pace: Pace) -> dict:
    return {"plan": pace.plan, "start": pace.start.isoformat(), "off": [day.isoformat() for day in pace.breaks]}


def describe_week(week: Week) -> dict:
    """A week as plain data: days in ISO form, times in minutes."""
    return {
        "week": week.number,
        "from": week.start.isoformat(),
        "to": week.end.isoformat(),
        "off": week.off,
        "bank_holidays": {day.isoformat(): name for day, name in week.holidays},
        "opens": list(week.opens),
        "minutes": week.minutes,
        "optional_minutes": week.optional_minutes,
        "core": [asdict(study) for study in week.core],
        "optional": [asdict(study) for study in week.optional],
    }


def say_day(day: date) -> str:
    """A day as people read it: Monday 12 January 2026."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def say_time(minutes: int) -> str:
    """A time as people read it: 3 h 5 min."""
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours))

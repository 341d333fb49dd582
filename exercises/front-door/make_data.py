"""Write the synthetic data of this assignment: events.csv and options.csv. Usage: make_data.py [folder]"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import simpy

RATES = (4, 3, 3, 3, 3, 3, 4, 6, 8, 10, 11, 11, 11, 10, 10, 9, 9, 10, 11, 11, 10, 8, 7, 5)  # an hour, from midnight
TRIAGE, TREAT, STAY, PATIENCE = 7, 33, 600, 110  # means, in minutes
URGENT, ADMITTED = 0.2, {True: 0.5, False: 0.2}
NOW = {"nurses": 2, "doctors": 5, "cubicles": 10, "beds": 24}
OPTIONS = {
    "as now": {},
    "one doctor more": {"doctors": 6},
    "one nurse more": {"nurses": 3},
    "two cubicles more": {"cubicles": 12},
    "two beds more": {"beds": 26},
}
WEEKS = 12
DAY = 24 * 60
SEED = 342


def draw(days, seed):
    """Patients of some days, with all their luck, a stream each."""
    streams = np.random.SeedSequence(seed).spawn(7)
    came, triage, treat, kind, patience, admission, stay = map(np.random.default_rng, streams)
    counts = came.poisson(np.tile(RATES, days))
    hour = np.repeat(np.arange(len(counts)), counts)
    n = len(hour)
    urgent = kind.random(n) < URGENT
    return pd.DataFrame(
        {
            "came": np.sort(60 * (hour + came.random(n))),
            "triage": triage.exponential(TRIAGE, n),
            "treat": treat.exponential(TREAT, n),
            "urgent": urgent,
            "patience": np.where(urgent, np.inf, patience.exponential(PATIENCE, n)),
            "admitted": admission.random(n) < np.where(urgent, ADMITTED[True], ADMITTED[False]),
            "stay": stay.exponential(STAY, n),
        }
    )


def attend(env, staff, who, log):
    """One patient's way: triage, a cubicle, a doctor in it, and for some a bed before the cubicle is free."""

    def note(event):
        log.append((who.Index, event, env.now))

    def lie(bed):
        yield env.timeout(who.stay)
        staff["beds"].release(bed)

    yield env.timeout(who.came)
    note("came")
    with staff["nurses"].request() as turn:
        yield turn
        note("triage")
        yield env.timeout(who.triage)
    note("triage done")
    with staff["cubicles"].request(priority=not who.urgent) as place:
        yield place | env.timeout(who.patience)
        if not place.triggered:
            note("gave up")
            return
        note("cubicle")
        with staff["doctors"].request(priority=not who.urgent) as turn:
            yield turn | env.timeout(who.patience)
            if not turn.triggered:
                note("gave up")
                return
            note("treat")
            yield env.timeout(who.treat)
            note("treat done")
        if who.admitted:
            bed = staff["beds"].request()
            yield bed
            note("bed")
            env.process(lie(bed))
    note("left")


def simulate(patients, **changes):
    """Log of events: patient, event, minute."""
    env, log = simpy.Environment(), []
    staff = {name: simpy.PriorityResource(env, number) for name, number in {**NOW, **changes}.items()}
    stories = [env.process(attend(env, staff, who, log)) for who in patients.itertuples()]
    env.run(until=env.all_of(stories))
    return pd.DataFrame(log, columns=["patient", "event", "minute"])


def make_events():
    """Event log of the third day, in order of time; minutes since its midnight."""
    patients = draw(3, [SEED, 0])
    log = simulate(patients)
    today = patients.index[patients["came"] >= 2 * DAY]
    log = log[log["patient"].isin(today)]
    number = (log["patient"] - today[0] + 1).map("P{:03d}".format)
    return log.assign(patient=number, minute=(log["minute"] - 2 * DAY).round(1))


def week_figures(patients, **changes):
    """Late handovers (%), mean wait for a bed (minutes) and share that gave up (%), first day left out."""
    times = simulate(patients, **changes).pivot(index="patient", columns="event", values="minute")
    times = times[times["came"] >= DAY]
    urgent = times[patients["urgent"].loc[times.index]]
    return (
        round(100 * (urgent["cubicle"] - urgent["triage done"] > 15).mean(), 1),
        round((times["bed"] - times["treat done"]).mean(), 1),
        round(100 * times["gave up"].notna().mean(), 1),
    )


def make_options():
    """Simulated weeks under each option; the same patients meet each option in a week of one number."""
    rows = []
    for week in range(1, WEEKS + 1):
        patients = draw(5, [SEED, week])
        rows += [(option, week, *week_figures(patients, **changes)) for option, changes in OPTIONS.items()]
    return pd.DataFrame(rows, columns=["option", "week", "late_handovers", "bed_wait", "gave_up"])


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    for name, frame in (("events", make_events()), ("options", make_options())):
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")

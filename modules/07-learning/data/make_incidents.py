"""Make incidents.csv: domestic abuse incidents of an invented force. Usage: make_incidents.py [folder]

Each person's incidents form a chain. The chance that another incident HAPPENS within 90 days comes from the columns of
the current one; the chance that it is then RECORDED depends on the year and on whether an interpreter is needed.
Only recorded incidents become rows, so that the outcome of a row agrees with the rows that follow it.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 7203
BURN_IN = pd.Timestamp("2021-01-01")  # so that the first row of the file has a year of history
START = pd.Timestamp("2022-01-01")
EXTRACT = pd.Timestamp("2025-03-31")
NEW_RULE = pd.Timestamp("2024-01-01")  # from here on more of what happens is recorded
WINDOW = 90  # days
NEW_PEOPLE = 3.8  # a day
PROCESSES = ["people", "answers", "outcomes", "gaps", "visits"]


def happens(prior, dash, relationship, injury, children, age):
    """Probability that another incident happens within 90 days; a blank `dash` or `age` is None."""
    log_odds = -1.75 + 1.0 * np.log1p(prior)
    log_odds += 0.35 if dash is None else 0.11 * (dash - 9)
    log_odds += {"partner": 0.0, "ex-partner": 0.45, "family": -0.45}[relationship]
    log_odds += 0.45 * injury + 0.25 * children
    log_odds += 0.0 if age is None else -0.015 * (age - 38)
    return 1 / (1 + np.exp(-log_odds))


def recorded(day, interpreter):
    """Probability that an incident which happens is recorded."""
    everyone = 0.55 if day < NEW_RULE else 0.80
    return everyone * (0.6 if interpreter else 1.0)


def make_chain(person, first, streams):
    """All recorded incidents of one person as dicts, with the two true probabilities."""
    people, answers = streams["people"], streams["answers"]
    fixed = {
        "relationship": people.choice(["partner", "ex-partner", "family"], p=[0.45, 0.33, 0.22]),
        "district": people.choice(["North", "East", "South", "West"]),
        "children": bool(people.random() < 0.4),
        "interpreter": bool(people.random() < 0.3),
    }
    born_age = float(np.clip(people.normal(37, 12), 18, 85))
    age_known = people.random() > 0.04
    tendency = people.normal(9, 3.5)
    day, history, rows = first, [], []
    while day <= EXTRACT:
        age = int(born_age + (day - first).days / 365) if age_known else None
        dash = None if answers.random() < 0.13 else int(np.clip(answers.normal(tendency, 2), 0, 24).round())
        injury = bool(answers.random() < 0.3)
        prior = sum((day - earlier).days <= 365 for earlier in history)
        p_happens = happens(prior, dash, fixed["relationship"], injury, fixed["children"], age)
        p_recorded = p_happens * recorded(day, fixed["interpreter"])
        again = streams["outcomes"].random() < p_recorded
        rows.append(
            {
                "person": person,
                "date": day,
                "age": age,
                **fixed,
                "injury": injury,
                "dash": dash,
                "prior_12m": prior,
                "visits": int(streams["visits"].poisson(0.5 + 1.6 * again)),
                "repeat_90d": int(again),
                "p_recorded": p_recorded,
                "p_happens": p_happens,
            }
        )
        history.append(day)
        if again:
            day += pd.Timedelta(days=int(streams["gaps"].integers(1, WINDOW + 1)))
        elif streams["gaps"].random() < 0.25:
            day += pd.Timedelta(days=WINDOW + 1 + int(streams["gaps"].exponential(200)))
        else:
            break
    return rows


def make_incidents():
    """Incidents in order of date, with the true probabilities; the outcome is blank where 90 days have not passed."""
    streams = dict(
        zip(PROCESSES, map(np.random.default_rng, np.random.SeedSequence(SEED).spawn(len(PROCESSES))), strict=True)
    )
    days = (EXTRACT - BURN_IN).days + 1
    newcomers = streams["people"].poisson(NEW_PEOPLE, days)
    firsts = np.repeat(np.arange(days), newcomers)
    rows = []
    for number, offset in enumerate(firsts, start=1):
        rows += make_chain(f"P{number:04d}", BURN_IN + pd.Timedelta(days=int(offset)), streams)
    table = pd.DataFrame(rows)
    table = table[table["date"] >= START].sort_values(["date", "person"], ignore_index=True)
    table.insert(0, "incident", [f"I{number:04d}" for number in range(1, len(table) + 1)])
    for column in ["children", "interpreter", "injury"]:
        table[column] = np.where(table[column], "yes", "no")
    for column in ["age", "dash", "repeat_90d"]:
        table[column] = table[column].astype("Int64")
    table.loc[table["date"] + pd.Timedelta(days=WINDOW) > EXTRACT, "repeat_90d"] = pd.NA
    return table


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    incidents = make_incidents().drop(columns=["p_recorded", "p_happens"])
    incidents.to_csv(folder / "incidents.csv", index=False, lineterminator="\n", date_format="%Y-%m-%d")

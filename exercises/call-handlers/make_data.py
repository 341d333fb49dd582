"""Write the synthetic data of this assignment: levels.csv, cases.csv and merger.csv. Usage: make_data.py [folder]"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

CALLS = [52, 43, 36, 31, 28, 27, 31, 40, 54, 63, 70, 75, 77, 77, 80, 85, 91, 99, 103, 105, 99, 88, 76, 64]  # by hour
SECONDS = 250  # mean seconds that a call keeps a handler
LIMIT = 10  # seconds within which a call should be answered
REFERRALS = 12  # a week, to the occupational-health unit
OPEN_DAYS = 40  # mean days that a case stays open
YEAR = 365
SEED = 302


def erlang_c(servers, load):
    """Probability of waiting in M/M/c."""
    blocked = stats.poisson.pmf(servers, load) / stats.poisson.cdf(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


def answered(servers, load, seconds):
    """Share of calls answered within the limit."""
    return 1 - erlang_c(servers, load) * np.exp(-(servers - load) * LIMIT / seconds)


def make_levels():
    """Share answered in time by hour and number of handlers, most handlers first."""
    rows = []
    for hour, calls in enumerate(CALLS):
        load = calls * SECONDS / 3600
        for handlers in range(int(load) + 6, int(load), -1):
            rows.append((hour, handlers, round(answered(handlers, load, SECONDS), 3)))
    return pd.DataFrame(rows, columns=["hour", "handlers", "answered"])


def make_cases():
    """A year of occupational-health cases, with those open when it began; days since its first day."""
    number_rng, opened_rng, length_rng = (
        np.random.default_rng(child) for child in np.random.SeedSequence(SEED).spawn(3)
    )
    before = 300
    number = number_rng.poisson(REFERRALS / 7 * (YEAR + before))
    opened = np.sort(opened_rng.uniform(-before, YEAR, size=number)).round(1)
    closed = (opened + length_rng.gamma(2, OPEN_DAYS / 2, size=number)).round(1)
    cases = pd.DataFrame({"opened": opened, "closed": closed}).query("closed > 0")
    cases["closed"] = cases["closed"].where(cases["closed"] < YEAR)
    cases.insert(0, "case", [f"H{number:04d}" for number in range(1, len(cases) + 1)])
    return cases


def make_merger():
    """Two teams as they are, and one that takes every call in order; evening hours, steady."""
    teams = {"999": (60, 270), "101": (90, 420), "one team": (150, 360)}
    rows = []
    for team, counts in (("999", [7, 8]), ("101", [12, 13]), ("one team", [18, 19, 20])):
        calls, seconds = teams[team]
        load = calls * seconds / 3600
        for handlers in counts:
            wait = erlang_c(handlers, load) * seconds / (handlers - load)
            share = answered(handlers, load, seconds)
            row = (team, handlers, calls, seconds, round(load / handlers, 2), round(share, 2), round(wait, 1))
            rows.append(row)
    names = ["team", "handlers", "calls_an_hour", "seconds_a_call", "busy", "answered_in_10", "mean_wait"]
    return pd.DataFrame(rows, columns=names)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    for name, frame in (("levels", make_levels()), ("cases", make_cases()), ("merger", make_merger())):
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")

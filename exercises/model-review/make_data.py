"""Write the synthetic data of this assignment: years.csv. Usage: make_data.py [folder]"""

import heapq
import sys
from pathlib import Path

import numpy as np
import pandas as pd

A_DAY = 3.0  # requests a working day
WORK = 2.6  # mean working days of a therapist on one home visit with its report
THERAPISTS = 9
WARM_UP, YEAR = 250, 250  # working days
YEARS = 100
SEED = 307


def simulate(seed):
    """Requests received and their mean wait in working days, in the year after the warm-up."""
    arrival_rng, work_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    asked = np.cumsum(arrival_rng.exponential(1 / A_DAY, size=2400))
    asked = asked[asked < WARM_UP + YEAR]
    work, free, wait = work_rng.exponential(WORK, size=len(asked)), [0.0] * THERAPISTS, np.empty(len(asked))
    for case, day in enumerate(asked):
        start = max(day, heapq.heappop(free))
        wait[case] = start - day
        heapq.heappush(free, start + work[case])
    counted = asked >= WARM_UP
    return counted.sum(), wait[counted].mean()


def make_years():
    """One row a simulated year."""
    rows = [(year, *simulate([SEED, year])) for year in range(1, YEARS + 1)]
    return pd.DataFrame(rows, columns=["year", "requests", "wait"]).round({"wait": 3})


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    make_years().to_csv(folder / "years.csv", index=False, lineterminator="\n")

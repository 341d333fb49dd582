"""Write clinic.csv: 20 synthetic weekdays of a walk-in clinic with three nurses. Usage: make_clinic.py [folder]"""

import heapq
import sys
from pathlib import Path

import numpy as np
import pandas as pd

NURSES = 3
OPEN_MINUTES = 600  # 08:00 to 18:00; whoever has arrived by then is seen
GAP = 60 / 9  # mean minutes between arrivals
CONSULT = 15  # mean minutes of a consultation
DAYS = 20
SEED = 322


def arrivals(rng):
    """Minutes after opening at which patients arrive on one day (Poisson process), ascending."""
    times = np.cumsum(rng.exponential(GAP, size=300))
    return times[times < OPEN_MINUTES]


def starts_and_ends(arrived, lengths):
    """Minutes at which each consultation starts and ends: first come, first served, by the nurse free first."""
    free = [0.0] * NURSES
    rows = []
    for arrival, length in zip(arrived, lengths, strict=True):
        start = max(arrival, heapq.heappop(free))
        heapq.heappush(free, start + length)
        rows.append((start, start + length))
    return np.array(rows)


def make_clinic(seed=SEED):
    """Data frame of visits with timestamps rounded to the second."""
    arrival_rng, consult_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    days = []
    for date in pd.bdate_range("2025-06-02", periods=DAYS):
        arrived = arrivals(arrival_rng)
        served = starts_and_ends(arrived, consult_rng.exponential(CONSULT, size=len(arrived)))
        minutes = pd.DataFrame({"arrived": arrived, "started": served[:, 0], "ended": served[:, 1]})
        opening = date + pd.Timedelta(hours=8)
        days.append(minutes.apply(lambda column, opening=opening: opening + pd.to_timedelta(column, unit="min")))
    visits = pd.concat(days, ignore_index=True).apply(lambda column: column.dt.round("s"))
    visits.insert(0, "patient", [f"P{number:04d}" for number in range(1, len(visits) + 1)])
    return visits


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    make_clinic().to_csv(folder / "clinic.csv", index=False, lineterminator="\n")

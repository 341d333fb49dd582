"""Write control_room.csv: 28 synthetic days of emergency calls by hour. Usage: make_control_room.py [folder]"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

# Mean calls received in the hour that starts at 00:00, 01:00 ... 23:00, Sunday to Thursday evening
HOURLY = [44, 36, 30, 26, 23, 22, 26, 34, 46, 54, 60, 64, 66, 66, 68, 72, 78, 84, 88, 90, 88, 82, 70, 56]
NIGHT_OUT = 1.5  # Friday and Saturday from 20:00 to 03:00 the next morning
SECONDS = 270  # mean seconds that a call keeps a handler: talk and the record after it; exponential
DAYS = 28
SEED = 332


def mean_calls(date, hour):
    """Mean calls in one hour of one day."""
    evening = hour >= 20 and date.day_of_week in (4, 5)
    small_hours = hour < 3 and date.day_of_week in (5, 6)
    return HOURLY[hour] * (NIGHT_OUT if evening or small_hours else 1)


def make_control_room(seed=SEED):
    """Data frame of hours: calls received, and seconds that handlers spent on them."""
    calls_rng, seconds_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    rows = []
    for date in pd.date_range("2025-09-01", periods=DAYS):
        for hour in range(24):
            calls = calls_rng.poisson(mean_calls(date, hour))
            seconds = seconds_rng.exponential(SECONDS, size=calls).sum()
            rows.append((date.date(), hour, calls, round(seconds)))
    return pd.DataFrame(rows, columns=["date", "hour", "calls", "seconds"])


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    make_control_room().to_csv(folder / "control_room.csv", index=False, lineterminator="\n")

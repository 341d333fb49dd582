"""Make control_room.csv: synthetic daily calls to an invented control room. Usage: make_control_room.py [folder]"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

FIRST, DAYS, SEED = "2023-01-02", 1036, 902  # Monday 2 January 2023 to Sunday 2 November 2025
LOST = ["2024-09-17", "2024-09-18"]  # the call recorder was replaced: no count exists

# Monday first. Emergency calls peak on Saturday, 101 calls on Monday.
WEEK_999 = [0.97, 0.94, 0.94, 0.96, 1.06, 1.13, 1.00]
WEEK_101 = [1.17, 1.10, 1.06, 1.03, 1.02, 0.84, 0.78]

# Bank holidays of England and Wales in the period: name, dates, factor for 999, factor for 101.
HOLIDAYS = [
    ("New Year's Day", ["2024-01-01", "2025-01-01"], 1.24, 0.85),
    ("New Year's Day (substitute)", ["2023-01-02"], 1.05, 0.80),
    ("Good Friday", ["2023-04-07", "2024-03-29", "2025-04-18"], 1.06, 0.80),
    ("Easter Monday", ["2023-04-10", "2024-04-01", "2025-04-21"], 1.08, 0.76),
    ("Early May", ["2023-05-01", "2024-05-06", "2025-05-05"], 1.11, 0.76),
    ("Coronation", ["2023-05-08"], 1.09, 0.76),
    ("Spring", ["2023-05-29", "2024-05-27", "2025-05-26"], 1.11, 0.76),
    ("Summer", ["2023-08-28", "2024-08-26", "2025-08-25"], 1.13, 0.76),
    ("Christmas Day", ["2023-12-25", "2024-12-25"], 0.88, 0.55),
    ("Boxing Day", ["2023-12-26", "2024-12-26"], 1.04, 0.70),
]


def make() -> pd.DataFrame:
    """One row a day: date, calls_999, calls_101, bank_holiday; the lost days are left out."""
    names = ["level 999", "level 101", "day 999", "day 101", "calls 999", "calls 101"]
    stream = dict(zip(names, map(np.random.default_rng, np.random.SeedSequence(SEED).spawn(6)), strict=True))
    days = pd.date_range(FIRST, periods=DAYS)
    holiday, factor_999, factor_101 = np.full(DAYS, "", dtype=object), np.ones(DAYS), np.ones(DAYS)
    for name, dates, of_999, of_101 in HOLIDAYS:
        here = days.isin(pd.to_datetime(dates))
        holiday[here], factor_999[here], factor_101[here] = name, of_999, of_101
    year = 2 * np.pi * (days.day_of_year.to_numpy() - 196) / 365.25  # highest in the middle of July

    def counts(kind, base, growth, wander, yearly, week, factor):
        """Poisson counts about a level that grows, wanders and turns with the year and the week."""
        level = np.cumsum(growth / 365.25 + wander * stream[f"level {kind}"].standard_normal(DAYS))
        ordinary = 0.03 * stream[f"day {kind}"].standard_normal(DAYS)
        mean = base * np.exp(level + yearly * np.cos(year) + ordinary) * np.array(week)[days.day_of_week] * factor
        return stream[f"calls {kind}"].poisson(mean)

    calls = pd.DataFrame(
        {
            "date": days.strftime("%Y-%m-%d"),
            "calls_999": counts("999", 560, 0.045, 0.005, 0.06, WEEK_999, factor_999),
            "calls_101": counts("101", 900, -0.04, 0.004, 0.03, WEEK_101, factor_101),
            "bank_holiday": holiday,
        }
    )
    return calls[~calls["date"].isin(LOST)]


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    make().to_csv(folder / "control_room.csv", index=False, lineterminator="\n")

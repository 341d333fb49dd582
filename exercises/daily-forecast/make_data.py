"""Make attendances.csv, backtest.csv and fortnight.csv, all synthetic. Usage: make_data.py [folder]"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

FIRST, DAYS, SEED = "2023-10-02", 728, 921  # Monday 2 October 2023 to Sunday 28 September 2025
WEEK = [1.13, 1.03, 1.00, 0.98, 0.97, 0.93, 0.96]  # Monday first
START, STEP, HORIZON = 364, 15, 14  # first origin after 52 weeks; windows share no day, and weekdays take turns
LEARN = 8  # origins whose windows must have ended before an interval is made
ALPHA, GAMMA = 0.12, 0.04  # learning rates of the level and of the weekday offsets


def make_attendances() -> pd.DataFrame:
    """One row a day: date, attendances. Poisson counts about a level that grows, wanders and turns with the year."""
    names = ["level", "day", "count"]
    stream = dict(zip(names, map(np.random.default_rng, np.random.SeedSequence(SEED).spawn(3)), strict=True))
    days = pd.date_range(FIRST, periods=DAYS)
    year = 2 * np.pi * (days.day_of_year.to_numpy() - 15) / 365.25  # highest in the middle of January
    level = np.cumsum(0.03 / 365.25 + 0.006 * stream["level"].standard_normal(DAYS)) + 0.03 * np.cos(year)
    mean = 240 * np.exp(level + 0.03 * stream["day"].standard_normal(DAYS)) * np.array(WEEK)[days.day_of_week]
    counts = stream["count"].poisson(mean)
    return pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "attendances": counts})


def forecast(history: np.ndarray) -> np.ndarray:
    """The next 14 days by a level and seven weekday offsets, both smoothed; the first four weeks set the start."""
    weeks = history[:28].reshape(4, 7)
    level, offsets = weeks.mean(), weeks.mean(axis=0) - weeks.mean()
    for day, value in enumerate(history[28:]):
        error = value - level - offsets[day % 7]
        level, offsets[day % 7] = level + ALPHA * error, offsets[day % 7] + GAMMA * error
    return level + np.resize(np.roll(offsets, -(len(history) % 7)), HORIZON)


def make_backtest(values: np.ndarray) -> pd.DataFrame:
    """One row an origin and day ahead; an interval is made only from windows that had ended by its origin."""
    rows, ended = [], []
    for origin in range(START, len(values) - HORIZON + 1, STEP):
        history, actual = values[:origin], values[origin : origin + HORIZON]
        known = [errors for end, errors in ended if end <= origin]
        point = forecast(history)
        if len(known) >= LEARN:
            low, high = find_limits(known)
            naive = np.resize(history[-7:], HORIZON)
            days = pd.date_range(FIRST, periods=DAYS)[origin : origin + HORIZON].strftime("%Y-%m-%d")
            columns = [days, actual, naive, point.round(1), (point + low).round(1), (point + high).round(1)]
            rows += [(origin, ahead, *row) for ahead, row in enumerate(zip(*columns, strict=True), start=1)]
        ended.append((origin + HORIZON, actual - point))
    return pd.DataFrame(
        rows, columns=["origin", "ahead", "date", "actual", "seasonal_naive", "smoothing", "low", "high"]
    )


def find_limits(errors: list[np.ndarray], levels=(0.1, 0.9)) -> np.ndarray:
    """Quantiles of past errors, pooled by week ahead: a row a level, 14 days."""
    return np.quantile(np.array(errors).reshape(-1, 2, 7), levels, axis=(0, 2)).repeat(7, axis=1)


def make_fortnight(values: np.ndarray) -> pd.DataFrame:
    """The forecast of the 14 days after the last one, with 80% limits and the 75% quantile from all windows."""
    origins = range(START, len(values) - HORIZON + 1, STEP)
    errors = [values[origin : origin + HORIZON] - forecast(values[:origin]) for origin in origins]
    point, (low, upper, high) = forecast(values), find_limits(errors, (0.1, 0.75, 0.9))
    days = pd.date_range(FIRST, periods=DAYS + HORIZON)[DAYS:]
    columns = {"smoothing": point, "low": point + low, "quantile_75": point + upper, "high": point + high}
    return pd.DataFrame({"date": days.strftime("%Y-%m-%d")} | {name: made.round(1) for name, made in columns.items()})


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    attendances = make_attendances()
    values = attendances["attendances"].to_numpy(dtype=float)
    tables = {"attendances": attendances, "backtest": make_backtest(values), "fortnight": make_fortnight(values)}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")

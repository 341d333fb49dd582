"""Write the synthetic data of this assignment: incidents.csv. Usage: make_data.py [folder]"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

START = pd.Timestamp("2025-09-01")
DAYS = 42
RATES = (
    0.2,
    0.1,
    0.1,
    0.1,
    0,
    0,
    0,
    0.1,
    0.1,
    0.2,
    0.2,
    0.3,
    0.3,
    0.3,
    0.4,
    0.4,
    0.5,
    0.6,
    0.6,
    0.7,
    0.7,
    0.6,
    0.5,
    0.4,
)
DRIVE = 18  # mean minutes
SCENE = (4.2, 0.6)  # mu and sigma of log minutes
SEED = 352


def make_incidents(seed=SEED):
    """Data frame of incidents of one car, first come, first served, as text times; some rows stand twice."""
    came, drive, scene, mess = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(4))
    counts = came.poisson(np.tile(RATES, DAYS))
    hour = np.repeat(np.arange(24 * DAYS), counts)
    received = np.sort(60 * (hour + came.random(len(hour))))
    n, free = len(received), 0.0
    times = np.empty((n, 2))
    for k in range(n):
        start = max(received[k], free)
        times[k, 0] = start + drive.exponential(DRIVE)
        times[k, 1] = free = times[k, 0] + scene.lognormal(*SCENE)
    arrived, cleared = times.T
    luck = mess.random(n)
    control = luck < 0.12
    cleared = np.where(control, (np.floor((cleared - 360) / 720) + 1) * 720 + 360, cleared)  # the next 06:00 or 18:00
    cleared = np.where((luck >= 0.12) & (luck < 0.15), arrived - mess.uniform(2, 20, n), cleared)
    arrived = np.where((luck >= 0.15) & (luck < 0.19), np.nan, arrived)
    log = pd.DataFrame({"incident": [f"J{number:03d}" for number in range(1, n + 1)]})
    for name, values in (("received", received), ("arrived", arrived), ("cleared", cleared)):
        stamps = START + pd.to_timedelta(np.floor(values), unit="min")
        log[name] = pd.Series(stamps.strftime("%Y-%m-%d %H:%M"))
    log["cleared_by"] = np.where(control, "control", "crew")
    twice = np.sort(np.concatenate([np.arange(n), np.flatnonzero(mess.random(n) < 0.05)]))
    return log.iloc[twice]


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    make_incidents().to_csv(folder / "incidents.csv", index=False, lineterminator="\n")

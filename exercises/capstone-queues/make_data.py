"""Write the synthetic data of this assignment: calls.csv. Usage: make_data.py [folder]"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

# Mean calls received in the hour that starts at 00:00, 01:00 ... 23:00
HOURLY = [36, 28, 22, 18, 16, 16, 20, 28, 36, 42, 46, 48, 50, 50, 52, 54, 58, 64, 66, 68, 68, 64, 54, 44]
DAYS = 7
SHARE_999 = 0.35
MINUTES = {"999": (2.0, 5.0), "101": (2.0, 7.0)}  # gamma: shape and mean; talk, and the record after it
MISSING = 0.03
SEED = 308


def make_calls(seed=SEED):
    """Data frame of calls in order of receipt."""
    when, kinds, lengths, lost = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4))
    counts = when.poisson(np.tile(HOURLY, DAYS))
    hour = np.repeat(np.arange(24 * DAYS), counts)
    minute = np.sort(60 * (hour + when.random(len(hour))))
    kind = np.where(kinds.random(len(minute)) < SHARE_999, "999", "101")
    shape, mean = np.array([MINUTES[one] for one in kind]).T
    minutes = lengths.gamma(shape, mean / shape)
    minutes[lost.random(len(minutes)) < MISSING] = np.nan
    return pd.DataFrame(
        {
            "day": (minute // 1440).astype(int) + 1,
            "received": (minute % 1440).round(2),
            "kind": kind,
            "minutes": minutes.round(2),
        }
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    make_calls().to_csv(folder / "calls.csv", index=False, lineterminator="\n")

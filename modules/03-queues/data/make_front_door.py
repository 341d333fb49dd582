"""Write front_door.csv: arrivals and doctors by hour of a synthetic A&E. Usage: make_front_door.py [folder]"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

DAYS = 28
DOCTORS = 4  # the same all round the clock
RATES = (5, 4, 4, 4, 4, 4, 5, 7, 10, 13, 14, 14, 14, 13, 13, 12, 12, 13, 14, 14, 13, 11, 9, 7)  # an hour, from midnight
SEED = 341


def make_front_door(seed=SEED):
    """Data frame of 24 hours: mean arrivals over four weeks, and the doctors on duty."""
    counts = np.random.default_rng(seed).poisson(np.multiply(RATES, DAYS))
    return pd.DataFrame({"hour": range(24), "arrivals": (counts / DAYS).round(2), "doctors": DOCTORS})


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    make_front_door().to_csv(folder / "front_door.csv", index=False, lineterminator="\n")

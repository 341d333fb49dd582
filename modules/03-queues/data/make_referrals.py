"""Write referrals.csv: 120 synthetic days of an occupational-health unit. Usage: make_referrals.py [folder]"""

import heapq
import sys
from pathlib import Path

import numpy as np
import pandas as pd

REFERRALS = 8  # mean referrals a working day
GRADES = {  # people, mean working days that a referral keeps one of them, chance that it then goes one grade up
    "triage": (1, 0.05, 1.0),
    "nurse": (2, 0.21, 0.3),
    "senior": (1, 0.33, 1 / 3),
    "physician": (1, 1.0, 0.0),
}
BEFORE = 250  # days that the unit has run when the log begins
DAYS = 120
SEED = 334


def starts(asked, lengths, people):
    """Day on which each referral is taken up: first come, first served, by whoever is free first."""
    free = [0.0] * people
    begins = np.empty(len(asked))
    for turn, (ready, length) in enumerate(zip(asked, lengths, strict=True)):
        begins[turn] = max(ready, free[0])
        heapq.heapreplace(free, begins[turn] + length)
    return begins


def make_referrals(seed=SEED):
    """Data frame of steps: one row a referral and grade, times in working days since the log began."""
    arrival_rng, *grade_rngs = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5))
    asked = np.cumsum(arrival_rng.exponential(1 / REFERRALS, size=2 * REFERRALS * (BEFORE + DAYS)))
    asked = asked[asked < BEFORE + DAYS]
    referral = np.arange(len(asked))
    received = asked.copy()
    parts = []
    for (grade, (people, mean, goes_up)), rng in zip(GRADES.items(), grade_rngs, strict=True):
        lengths = rng.exponential(mean, size=len(asked))
        started = starts(asked, lengths, people)
        ended = started + lengths
        parts.append(pd.DataFrame({"referral": referral, "asked": asked, "started": started, "ended": ended}))
        parts[-1].insert(1, "grade", grade)
        up = rng.random(len(asked)) < goes_up
        order = np.argsort(ended[up])
        asked, referral = ended[up][order], referral[up][order]
    steps = pd.concat(parts)
    steps = steps[received[steps["referral"]] >= BEFORE].sort_values(["referral", "asked"], kind="stable")
    steps["referral"] = [f"R{number + 1:04d}" for number in pd.factorize(steps["referral"])[0]]
    times = ["asked", "started", "ended"]
    steps[times] = (steps[times] - BEFORE).round(3)
    return steps


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    make_referrals().to_csv(folder / "referrals.csv", index=False, lineterminator="\n")

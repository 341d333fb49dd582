"""Write the synthetic data of this assignment: steps.csv and grades.csv. Usage: make_data.py [folder]"""

import heapq
import sys
from pathlib import Path

import numpy as np
import pandas as pd

GRADES = pd.DataFrame(
    [("triage", 0.5, 30, 1.0), ("nurse", 1.5, 70, 0.3), ("senior", 2.5, 35, 0.25), ("physician", 4.0, 15, 0.0)],
    columns=["grade", "hours_each", "hours_a_week", "passes_on"],
)
REFERRALS = 40  # mean referrals a week
LETTER = 10  # mean days until a letter from a general practitioner comes, before the physician
BEFORE, DAYS = 200, 60  # working days
SEED = 301


def starts(asked, lengths):
    """Day on which one member of staff takes up each referral, first come, first served."""
    free = [0.0]
    begins = np.empty(len(asked))
    for turn, (ready, length) in enumerate(zip(asked, lengths, strict=True)):
        begins[turn] = max(ready, free[0])
        heapq.heapreplace(free, begins[turn] + length)
    return begins


def make_steps():
    """One row a referral and grade; working days since the log began, rows of a referral together but in no order."""
    seeds = np.random.SeedSequence(SEED).spawn(7)
    arrival_rng, letter_rng, order_rng, *grade_rngs = (np.random.default_rng(child) for child in seeds)
    asked = np.cumsum(arrival_rng.exponential(5 / REFERRALS, size=4 * REFERRALS * (BEFORE + DAYS) // 5))
    received = asked = asked[asked < BEFORE + DAYS]
    referral = np.arange(len(asked))
    parts = []
    for row, rng in zip(GRADES.itertuples(), grade_rngs, strict=True):
        if row.grade == "physician":
            asked = asked + letter_rng.exponential(LETTER, size=len(asked))
            order = np.argsort(asked)
            asked, referral = asked[order], referral[order]
        lengths = rng.exponential(row.hours_each / row.hours_a_week * 5, size=len(asked))
        started = starts(asked, lengths)
        ended = started + lengths
        parts.append(
            pd.DataFrame({"referral": referral, "grade": row.grade, "asked": asked, "started": started, "ended": ended})
        )
        up = rng.random(len(asked)) < row.passes_on
        order = np.argsort(ended[up])
        asked, referral = ended[up][order], referral[up][order]
    steps = pd.concat(parts)
    steps = steps[received[steps["referral"]] >= BEFORE]
    steps["shuffled"] = order_rng.random(len(steps))
    steps = steps.sort_values(["referral", "shuffled"]).drop(columns="shuffled")
    steps["referral"] = [f"F{number + 1:04d}" for number in pd.factorize(steps["referral"])[0]]
    times = ["asked", "started", "ended"]
    steps[times] = (steps[times] - BEFORE).round(3)
    return steps


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    for name, frame in (("steps", make_steps()), ("grades", GRADES)):
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")

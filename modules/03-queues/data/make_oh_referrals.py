"""Write oh_referrals.csv: a synthetic year of referrals through three grades. Usage: make_oh_referrals.py [folder]"""

import heapq
import sys
from pathlib import Path

import numpy as np
import pandas as pd

GRADES = ("nurse", "senior", "physician")
STAFF = (3, 2, 1)
WORK = (1.2, 2.0, 4.2)  # mean working days from start to end; the physician needs 3.5 and is away one day in six
ESCALATE = (0.40, 0.25, 0.0)
A_DAY = 2.0
WARM_UP, YEAR = 500, 250  # working days
SEED = 4097


def serve(ready, work, servers):
    """Start of each case, first come, first served."""
    free, start = [0.0] * servers, np.empty(len(ready))
    for case in np.argsort(ready, kind="stable"):
        start[case] = max(ready[case], heapq.heappop(free))
        heapq.heappush(free, start[case] + work[case])
    return start


def make_referrals(seed=SEED):
    """One row a referral of the year: working days since it began, empty where a grade was not reached."""
    arrival_rng, work_rng, luck_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(3))
    received = np.cumsum(arrival_rng.exponential(1 / A_DAY, size=2000))
    table = pd.DataFrame({"received": received})
    here, ready = np.arange(len(received)), received
    for grade, staff, work, escalate in zip(GRADES, STAFF, WORK, ESCALATE, strict=True):
        length = work_rng.exponential(work, size=len(here))
        start = serve(ready, length, staff)
        table.loc[here, f"{grade}_start"], table.loc[here, f"{grade}_end"] = start, start + length
        on = luck_rng.random(len(here)) < escalate
        here, ready = here[on], (start + length)[on]
    table = table[table["received"].between(WARM_UP, WARM_UP + YEAR)] - WARM_UP
    table.insert(0, "referral", [f"R{number:04d}" for number in range(1, len(table) + 1)])
    return table.round(2)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    make_referrals().to_csv(folder / "oh_referrals.csv", index=False, lineterminator="\n")

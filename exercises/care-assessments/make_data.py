"""Write the synthetic data of this assignment: cases.csv and runs.csv. Usage: make_data.py [folder]"""

import heapq
import sys
from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 250  # working days
REQUESTS = 620  # a year
REVIEWS = 910
WARM_UP = 500  # days before a run is counted
LIMIT = 20  # working days: 28 days on the calendar
SEED = 306
TEAM = {"practitioners": 24, "work": 5.0, "info": 6.0, "panel": 5, "new_first": False}
CHANGES = {
    "as now": {},
    "new first": {"new_first": True},
    "faster letters": {"info": 4.0},
    "one more": {"practitioners": 25},
}


def arrivals(rng, a_year, until):
    """Working days on which cases arrive (Poisson process), ascending."""
    times = np.cumsum(rng.exponential(YEAR / a_year, size=int(2 * a_year / YEAR * until) + 100))
    return times[times < until]


def starts(ready, work, rank, servers):
    """Day on which each case is started: lowest rank first, then first come, first served."""
    order = np.argsort(ready, kind="stable")
    free, waiting, begun, seen = [0.0] * servers, [], np.empty(len(ready)), 0
    for _ in order:
        now = heapq.heappop(free)
        if not waiting:
            now = max(now, ready[order[seen]])
        while seen < len(order) and ready[order[seen]] <= now:
            heapq.heappush(waiting, (rank[order[seen]], seen, order[seen]))
            seen += 1
        case = heapq.heappop(waiting)[2]
        begun[case] = now
        heapq.heappush(free, now + work[case])
    return begun


def simulate(seed, until, practitioners, work, info, panel, new_first):
    """Cases of one run in order of arrival: kind, asked, done (nan while open at the end) and wait, in working days."""
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)]
    asked, due = arrivals(streams[0], REQUESTS, until), arrivals(streams[1], REVIEWS, until)
    ready = np.concatenate([asked + streams[2].gamma(2, info / 2, size=len(asked)), due])
    length = np.concatenate([streams[3].gamma(4, work / 4, len(asked)), streams[4].gamma(4, 2.9 / 4, len(due))])
    rank = np.repeat([0, int(new_first)], [len(asked), len(due)])
    begun = starts(ready, length, rank, practitioners)
    done = begun + length
    done[: len(asked)] = np.ceil(done[: len(asked)] / panel) * panel
    cases = pd.DataFrame({"kind": np.repeat(["assessment", "review"], [len(asked), len(due)])})
    cases["asked"], cases["wait"] = np.concatenate([asked, due]), begun - ready
    cases["done"] = np.where(done < until, done, np.nan)
    return cases.sort_values("asked", ignore_index=True)


def make_cases():
    """Assessments of one run of three years, with those that are still open at day 750."""
    cases = simulate([SEED, 0], 750, **TEAM)
    cases = cases[cases["kind"] == "assessment"].reset_index(drop=True)
    cases.insert(0, "case", [f"A{number:04d}" for number in range(1, len(cases) + 1)])
    return cases[["case", "asked", "done"]].round(2)


def make_runs(runs=30):
    """Measures of 30 runs of each scenario on common random numbers, in the order in which they came back."""
    rows = []
    for scenario, change in CHANGES.items():
        for run in range(1, runs + 1):
            cases = simulate([SEED, run], WARM_UP + YEAR + 60, **{**TEAM, **change})
            cases = cases[cases["asked"].between(WARM_UP, WARM_UP + YEAR)]
            new = cases[cases["kind"] == "assessment"]
            within = 100 * (new["done"] - new["asked"] <= LIMIT).mean()
            wait = cases.loc[cases["kind"] == "review", "wait"].mean()
            rows.append((scenario, run, round(within, 2), round(wait, 3)))
    frame = pd.DataFrame(rows, columns=["scenario", "run", "within", "review_wait"])
    return frame.sample(frac=1, random_state=SEED).sort_values("scenario", kind="stable", ignore_index=True)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    for name, frame in (("cases", make_cases()), ("runs", make_runs())):
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")

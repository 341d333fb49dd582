"""Write the synthetic data of this assignment: events.csv and evenings.csv. Usage: make_data.py [folder]"""

import heapq
import sys
from pathlib import Path

import numpy as np
import pandas as pd

CALLS_PER_HOUR = 96
SECONDS_PER_CALL = 240
OPEN_SECONDS = 5 * 3600  # 18:00 to 23:00; whoever has rung by then is answered
PATIENCE = 150  # mean seconds after which a caller would hang up
SEED = 303


def draw_calls(seed):
    """Seconds at which calls come and how long each would last, a stream each."""
    gap_rng, length_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    received = np.cumsum(gap_rng.exponential(3600 / CALLS_PER_HOUR, size=1000))
    received = received[received < OPEN_SECONDS]
    return received, length_rng.exponential(SECONDS_PER_CALL, size=len(received))


def answer(staff, received, lengths, patience):
    """Second at which each call is answered, first come first served; nan where the caller's patience ends first."""
    free = [0.0] * staff
    answered = np.full(len(received), np.nan)
    for call, (start, length, limit) in enumerate(zip(received, lengths, patience, strict=True)):
        ready = max(start, free[0])
        if ready - start <= limit:
            heapq.heapreplace(free, ready + length)
            answered[call] = ready
    return answered


def make_events(staff=7):
    """Event log of one evening: call, event, second since 18:00, in order of time."""
    received, lengths = draw_calls([SEED, 0])
    patience = np.random.default_rng([SEED, 1]).exponential(PATIENCE, size=len(received))
    answered = answer(staff, received, lengths, patience)
    rows = []
    for number, (start, length, limit, ready) in enumerate(zip(received, lengths, patience, answered, strict=True), 1):
        call = f"C{number:04d}"
        rows.append((call, "received", start))
        if np.isnan(ready):
            rows.append((call, "hung up", start + limit))
        else:
            rows += [(call, "answered", ready), (call, "ended", ready + length)]
    events = pd.DataFrame(rows, columns=["call", "event", "second"])
    return events.assign(second=events["second"].round(1)).sort_values("second", kind="stable", ignore_index=True)


def make_evenings(evenings=30):
    """Simulated evenings with 7 to 10 call handlers, the same calls for each; nobody hangs up in this model."""
    rows = []
    for evening in range(1, evenings + 1):
        received, lengths = draw_calls([SEED, 100 + evening])
        for staff in (7, 8, 9, 10):
            wait = answer(staff, received, lengths, np.full(len(received), np.inf)) - received
            rows.append((staff, evening, round(wait.mean(), 1), round(100 * (wait > 60).mean(), 1)))
    return pd.DataFrame(rows, columns=["staff", "evening", "mean_wait", "over_60"])


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    for name, frame in (("events", make_events()), ("evenings", make_evenings())):
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")

"""Write response.csv: eight weeks of a police response log, with its mess. Usage: make_response.py [folder]"""

import heapq
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

START = pd.Timestamp("2025-03-03")  # a Monday
DAYS = 56
CARS = 7
HOUR_RATES = (
    2.0,
    1.4,
    1.0,
    0.8,
    0.6,
    0.6,
    0.8,
    1.2,
    1.6,
    1.8,
    1.8,
    2.0,
    2.0,
    2.0,
    2.2,
    2.4,
    2.6,
    2.6,
    2.6,
    2.6,
    2.6,
    2.6,
    2.6,
    2.4,
)
NIGHT = (20, 21, 22, 23, 0, 1, 2, 3)  # on Friday and Saturday night these hours see NIGHT_FACTOR times as many
NIGHT_FACTOR = 2.0
TRAVEL = 12  # mean minutes
SCENE = (3.4, 0.8)  # mu and sigma of log minutes on scene
REPORT = (2.9, 0.6)  # mu and sigma of log minutes of writing
LINK = 0.6  # correlation of the two behind the scenes (Gaussian copula)
GRADES = (("emergency", "Emergency", "E"), ("priority", "Priority ", "P"), ("scheduled", "Scheduled", "S"))
SEED = 353


def draw_received(rng):
    """Minutes since the start at which incidents are received: thinning; a night belongs to its evening."""
    top = max(HOUR_RATES) * NIGHT_FACTOR
    tried = np.sort(rng.uniform(0, DAYS * 1440, rng.poisson(top * 24 * DAYS)))
    hour = (tried % 1440 // 60).astype(int)
    evening = ((tried - 360) // 1440).astype(int) % 7  # 0 is Monday; the day starts at six
    busy = np.isin(hour, NIGHT) & np.isin(evening, (4, 5))
    rate = np.take(HOUR_RATES, hour) * np.where(busy, NIGHT_FACTOR, 1)
    return tried[rng.random(len(tried)) < rate / top]


def draw_linked(rng, n):
    """Minutes on scene and minutes of writing, linked."""
    first = rng.standard_normal(n)
    second = LINK * first + np.sqrt(1 - LINK**2) * rng.standard_normal(n)
    return [
        stats.lognorm(s=s, scale=np.exp(m)).ppf(stats.norm.cdf(z)) for (m, s), z in ((SCENE, first), (REPORT, second))
    ]


def send_cars(received, travel, busy):
    """Minute at which a car reaches each incident, first come first served: it waits until a car is free."""
    free = [0.0] * CARS
    arrived = np.empty(len(received))
    for k, minute in enumerate(received):
        start = max(minute, free[0])
        arrived[k] = start + travel[k]
        heapq.heapreplace(free, start + travel[k] + busy[k])
    return arrived


def end_of_shift(cleared):
    """The next 07:00, 15:00 or 23:00, in minutes since the start."""
    return (np.floor((cleared - 420) / 480) + 1) * 480 + 420


def stamp(minutes, by_hand):
    """Times as text, in the format of whoever wrote them; empty where there is none."""
    times = START + pd.to_timedelta(np.round(np.asarray(minutes, float) * 60), unit="s")
    system, hand = times.strftime("%Y-%m-%d %H:%M:%S"), times.strftime("%d/%m/%Y %H:%M")
    return pd.Series(np.where(by_hand, hand, system)).where(~np.isnan(minutes))


def make_response(seed=SEED):
    """Data frame of text columns, as the log was exported."""
    came, length, travel_rng, mess = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(4))
    received = draw_received(came)
    n = len(received)
    scene, report = draw_linked(length, n)
    arrived = send_cars(received, travel_rng.exponential(TRAVEL, n), scene + report)
    cleared = arrived + scene
    by_hand = mess.random(n) < 0.12
    luck = mess.random(n)
    cleared = np.where(luck < 0.09, end_of_shift(cleared), cleared)
    cleared = np.where((luck >= 0.09) & (luck < 0.10), arrived - mess.uniform(1, 30, n), cleared)
    arrived = np.where((luck >= 0.10) & (luck < 0.15), np.nan, arrived)
    received = np.where((luck >= 0.15) & (luck < 0.17), np.floor(received / 1440) * 1440, received)
    received, by_hand = np.where(by_hand, np.floor(received), received), by_hand | ((luck >= 0.15) & (luck < 0.17))
    arrived, cleared = (np.where(values > DAYS * 1440, np.nan, values) for values in (arrived, cleared))
    grade = mess.choice(3, n, p=(0.25, 0.5, 0.25))
    spelling = mess.choice(3, n, p=(0.8, 0.1, 0.1))
    log = pd.DataFrame(
        {
            "incident": [f"I{number:04d}" for number in range(1, n + 1)],
            "received": stamp(received, by_hand),
            "arrived": stamp(arrived, by_hand),
            "cleared": stamp(cleared, by_hand),
            "grade": [GRADES[g][s] for g, s in zip(grade, spelling, strict=True)],
            "report_minutes": np.where(np.isnan(cleared), np.nan, report.round(1)),
        }
    )
    twice = np.sort(np.concatenate([np.arange(n), np.flatnonzero(mess.random(n) < 0.04)]))
    return log.iloc[twice]


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    make_response().to_csv(folder / "response.csv", index=False, lineterminator="\n")

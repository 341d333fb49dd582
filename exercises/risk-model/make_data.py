"""Make assessments.csv and catalogue.csv: care assessments of an invented council. Usage: make_data.py [folder]

An unplanned move into a care home is RECORDED if the council hears of it. It hears of nearly every move that it pays
for, and of fewer than half of the moves of people who pay for their own care.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 7212
ASSESSMENTS = 900
START, DAYS = pd.Timestamp("2023-01-01"), 731
EXTRACT = pd.Timestamp("2025-03-31")
WINDOW = 180  # days
HEARD_OF = {"council": 0.95, "self": 0.40}
CATALOGUE = {  # days after the assessment on which a value is written; None where nobody knows
    "age": -1,
    "lives_alone": 0,
    "falls_12m": 0,
    "funding": 0,
    "care_hours": 0,
    "package_changes": 180,
    "risk_flag": None,
    "review_outcome": 42,
}


def make_assessments():
    """Assessments in order of date, with the supplier's score; the outcome is blank where 180 days have not passed."""
    people, outcomes = map(np.random.default_rng, np.random.SeedSequence(SEED).spawn(2))
    day = np.sort(people.integers(0, DAYS, ASSESSMENTS))
    table = pd.DataFrame(
        {
            "assessment": [f"A{number:04d}" for number in range(1, ASSESSMENTS + 1)],
            "date": START + pd.to_timedelta(day, unit="D"),
            "age": people.normal(81, 8, ASSESSMENTS).clip(60, 101).round().astype(int),
            "lives_alone": people.choice(["yes", "no"], ASSESSMENTS),
            "falls_12m": people.poisson(0.9, ASSESSMENTS),
            "funding": people.choice(["council", "self"], ASSESSMENTS, p=[0.6, 0.4]),
        }
    )
    log_odds = -1.75 + 0.05 * (table["age"] - 81) + 0.6 * (table["lives_alone"] == "yes") + 0.55 * table["falls_12m"]
    happens = 1 / (1 + np.exp(-log_odds))
    recorded = happens * table["funding"].map(HEARD_OF)
    moved = (outcomes.random(ASSESSMENTS) < recorded).astype("Int64")
    moved[table["date"] + pd.Timedelta(days=WINDOW) > EXTRACT] = pd.NA
    # The supplier's score: the right order of what is recorded, some noise, and a level learned somewhere else.
    log_score = np.log(recorded / (1 - recorded)) + 0.7 + people.normal(0, 0.3, ASSESSMENTS)
    score = (1 / (1 + np.exp(-log_score))).round(6)
    return table.assign(score=score, moved_180d=moved)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data"
    make_assessments().to_csv(folder / "assessments.csv", index=False, lineterminator="\n", date_format="%Y-%m-%d")
    catalogue = pd.DataFrame(
        {"column": list(CATALOGUE), "written_days": pd.array(list(CATALOGUE.values()), dtype="Int64")}
    )
    catalogue.to_csv(folder / "catalogue.csv", index=False, lineterminator="\n")

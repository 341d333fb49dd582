"""Make the assignment's synthetic data: services.csv, referrals.csv and a small example of each.

Neither the services nor the people exist.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 4210
QUARTERS = [1, 2, 3, 4]

# Service: sector, usual number of people on its caseload.
SERVICES = {
    "Ambulance service": ("health", 60),
    "Emergency department": ("health", 240),
    "Urgent care centre": ("health", 130),
    "Stroke ward": ("health", 40),
    "Hospital discharge team": ("health", 110),
    "GP practices": ("health", 900),
    "Community nursing": ("health", 420),
    "Falls clinic": ("health", 90),
    "Memory clinic": ("health", 150),
    "Mental health team": ("health", 310),
    "Talking therapies": ("health", 280),
    "Adult social care front door": ("social care", 190),
    "Reablement": ("social care", 120),
    "Home care": ("social care", 510),
    "Day centre": ("social care", 75),
    "Carers centre": ("social care", 140),
    "Safeguarding hub": ("social care", 95),
    "Housing options": ("council", 230),
    "Benefits advice": ("council", 260),
    "Police vulnerability desk": ("policing", 85),
    "Domestic abuse service": ("voluntary", 105),
    "Refuge": ("voluntary", 30),
    "Drug and alcohol service": ("voluntary", 170),
    "Food bank": ("voluntary", 200),
}

# From, to, people referred in a usual quarter.
USUAL = [
    ("Ambulance service", "Emergency department", 90),
    ("Ambulance service", "Falls clinic", 12),
    ("Urgent care centre", "Emergency department", 25),
    ("Urgent care centre", "GP practices", 40),
    ("Emergency department", "Stroke ward", 15),
    ("Emergency department", "Hospital discharge team", 60),
    ("Emergency department", "Mental health team", 18),
    ("Emergency department", "GP practices", 55),
    ("Stroke ward", "Hospital discharge team", 14),
    ("Hospital discharge team", "Reablement", 30),
    ("Hospital discharge team", "Community nursing", 35),
    ("Hospital discharge team", "Adult social care front door", 28),
    ("GP practices", "Community nursing", 70),
    ("GP practices", "Memory clinic", 25),
    ("GP practices", "Falls clinic", 20),
    ("GP practices", "Talking therapies", 60),
    ("GP practices", "Mental health team", 22),
    ("GP practices", "Adult social care front door", 16),
    ("GP practices", "Urgent care centre", 10),
    ("Falls clinic", "Community nursing", 9),
    ("Memory clinic", "Carers centre", 14),
    ("Memory clinic", "Adult social care front door", 8),
    ("Mental health team", "Talking therapies", 11),
    ("Mental health team", "Drug and alcohol service", 7),
    ("Talking therapies", "GP practices", 6),
    ("Community nursing", "Adult social care front door", 12),
    ("Community nursing", "GP practices", 20),
    ("Adult social care front door", "Reablement", 22),
    ("Adult social care front door", "Home care", 40),
    ("Adult social care front door", "Day centre", 10),
    ("Adult social care front door", "Carers centre", 12),
    ("Adult social care front door", "Safeguarding hub", 18),
    ("Reablement", "Home care", 17),
    ("Carers centre", "Benefits advice", 9),
    ("Safeguarding hub", "Police vulnerability desk", 8),
    ("Safeguarding hub", "Housing options", 7),
    ("Safeguarding hub", "Domestic abuse service", 10),
    ("Police vulnerability desk", "Domestic abuse service", 24),
    ("Police vulnerability desk", "Drug and alcohol service", 6),
    ("Domestic abuse service", "Refuge", 5),
    ("Domestic abuse service", "Housing options", 12),
    ("Refuge", "Housing options", 4),
    ("Housing options", "Benefits advice", 26),
    ("Housing options", "Food bank", 21),
    ("Benefits advice", "Food bank", 30),
    ("Drug and alcohol service", "Housing options", 5),
]

# A small example that fits on a sheet of paper. Its four obvious ways to find "the most between" name four services.
EXAMPLE_SERVICES = {
    "GP": ("health", 50),
    "Ward": ("health", 20),
    "Discharge team": ("health", 10),
    "Reablement": ("social care", 15),
    "Ambulance": ("health", 5),
    "Housing": ("council", 30),
    "Advice line": ("voluntary", 25),
}
EXAMPLE_REFERRALS = [
    (1, "Discharge team", "GP", 13),
    (2, "Discharge team", "GP", 13),
    (3, "Discharge team", "GP", 13),
    (1, "Discharge team", "Reablement", 10),
    (1, "GP", "Ward", 13),
    (1, "Ward", "Discharge team", 4),
    (1, "Reablement", "GP", 13),
    (2, "Ambulance", "Ward", 6),
    (2, "Ambulance", "Discharge team", 12),
    (2, "Housing", "Advice line", 8),
    (2, "Advice line", "Reablement", 5),
]


def make_services(rng):
    """One row a service; people on the caseload vary by a few in a hundred around the usual number."""
    rows = [(name, sector, int(rng.poisson(usual))) for name, (sector, usual) in SERVICES.items()]
    return pd.DataFrame(rows, columns=["service", "sector", "people"])


def make_referrals(rng):
    """One row a quarter and pair with at least one referral."""
    rows = [(quarter, *pair[:2], int(rng.poisson(pair[2]))) for quarter in QUARTERS for pair in USUAL]
    referrals = pd.DataFrame(rows, columns=["quarter", "from_service", "to_service", "people"])
    return referrals[referrals["people"] > 0]


def main(folder):
    caseload, flow = (np.random.default_rng(stream) for stream in np.random.SeedSequence(SEED).spawn(2))
    columns = ["quarter", "from_service", "to_service", "people"]
    example = [(name, sector, people) for name, (sector, people) in EXAMPLE_SERVICES.items()]
    for name, table in {
        "services": make_services(caseload),
        "referrals": make_referrals(flow),
        "example_services": pd.DataFrame(example, columns=["service", "sector", "people"]),
        "example_referrals": pd.DataFrame(EXAMPLE_REFERRALS, columns=columns),
    }.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data")

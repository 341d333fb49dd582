"""Make incidents_truth.csv: the true probabilities behind the rows of 2024. Usage: make_incidents_truth.py [folder]"""

import sys
from pathlib import Path

from make_incidents import make_incidents

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    incidents = make_incidents()
    truth = incidents.loc[incidents["date"].dt.year == 2024, ["incident", "p_recorded", "p_happens"]]
    truth.to_csv(folder / "incidents_truth.csv", index=False, lineterminator="\n", float_format="%.4f")

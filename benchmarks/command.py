"""`autograder` as it is, on the assignments of a folder: `python -m benchmarks.command FOLDER ARGUMENT...`."""

import sys
from pathlib import Path

from autograder.cli import app
from campus import folders

if __name__ == "__main__":
    folders.EXERCISES = Path(sys.argv[1])
    app(sys.argv[2:])

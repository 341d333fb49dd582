"""The floor: the same cells in a warm IPython shell, figures included, and nothing else.

A program: it reads [{"folder": where to stand, "cells": [source...]}...] as JSON from the file named first, and writes
[{"wall", "cpu"}...] to the file named second. Imports are paid before the clock starts.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

from IPython.utils.capture import capture_output

from autograder.execution import LIBRARIES, make_shell


def main(given: Path, found: Path) -> None:
    """Run every notebook, one after the other, in one shell with an empty namespace for each."""
    for library in LIBRARIES:
        importlib.import_module(library)
    shell = make_shell()
    shell.run_line_magic("matplotlib", "inline")
    times = []
    for notebook in json.loads(given.read_text()):
        os.chdir(notebook["folder"])
        wall, cpu = time.perf_counter(), time.process_time()
        with capture_output():
            for source in notebook["cells"]:
                shell.run_cell(source, store_history=False)
        times.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
        shell.reset(new_session=False, aggressive=False)
    found.write_text(json.dumps(times))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""Tests, with one thread a process for linear algebra: a fork would wait for threads that it does not have."""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

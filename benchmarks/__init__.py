"""Benchmarks: what is compared runs side by side, in one run, on the same input."""

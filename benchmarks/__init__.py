"""Measurements beside named peers, one command each: `python -m benchmarks.NAME`."""

"""Measurements of several machines: `python -m benchmarks.fleet`."""

"""Measurements of the Redis engine: `python -m benchmarks.cluster`."""

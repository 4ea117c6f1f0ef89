"""Fuzzing of everything that reads foreign bytes.

A *target* is one reader with what must hold for any input. `python -m tests.fuzz` runs them under
atheris (libFuzzer); `tests/unit/test_fuzz.py` replays `corpus/` and tries some more in `make test`.
"""

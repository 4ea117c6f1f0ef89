"""Broken and crashing image files, thousands of them, against the decode port.

`python -m tests.broken` fetches the test files of other projects' source packages, damages whole
ones, and reports crashes, hangs, wrong types and cut files that pass; see `docs/fuzzing.md`.
"""

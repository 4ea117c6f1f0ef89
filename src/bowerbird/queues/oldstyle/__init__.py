"""The wire protocol of Python's `multiprocessing.managers`, both sides, without running anything.

`values` what is asked and answered · `opcodes`, `reader`, `writer` pickles of plain values ·
`dialect` one stock client of ours · `client` our side of a stock manager.
"""

"""The wire protocol of Python's `multiprocessing.managers`, both sides, without running anything.

- `values`: what is asked and answered, and who answers
- `plain`, `names`: what may travel, and how much of it
- `reader` with its `opcodes`, `writer`: the pickles that it travels in
- `dialect`: one stock client of our server
- `client`: our client of a stock manager
"""

"""Work for a manager of the standard library: its two queues, and nothing behind them.

`pair` the queues, found again when they were lost · `ledger` what was taken and not answered, on
disk · `carrier` from the one queue to a download, and from what became of it to the other.
"""

"""Machines that fail while a crawl goes on, and books kept outside of it: see docs/reliability.md.

`scene` runs a crawl and all that may be broken in it, `ledger` notes what was promised, `watch`
what processes take, `toll` compares; `nemesis` and `disks` break things. `rows` are the faults.
"""

"""Named queues of plain values between machines, with leases.

`calls` what is asked and answered · `desk`, `parking` the serving side, without threads ·
`service`, `server` with them · `lending` what all clients share · `client`, `aio` the two clients.
"""

"""`QueueManager`: queues and other objects of one process, called by others, as with the standard
library's `BaseManager`.

`registry` what is shown · `waiting` calls that wait, without threads · `service` who serves them ·
`proxies` what callers hold · `manager` the class.
"""

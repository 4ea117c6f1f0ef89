"""A task that does nothing, in each queue; run by the environment of the competitors, which has
no Bowerbird: `python -m benchmarks.cluster.queues.rq_tasks URL NUMBER` puts so many in."""

"""Old-style clients, those of the tutorials, served from a crawl: two queues that are a frontier.

`bridge` answers their calls, inside the batch of the frontier's service · `clients` what is known
of each · `asked` what their calls ask for · `texts` what they put into the result queue.
"""

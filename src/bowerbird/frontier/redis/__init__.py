"""The frontier in Redis: any number of workers lease straight from it, no manager in between.

Nothing here is imported before a crawl has an address of Redis: `client.RedisFrontier`.
"""

"""The dashboard: pages that show a crawl live, and the same as JSON and metrics. Sees only `app`.

How a page is added: README.md beside this file.
"""

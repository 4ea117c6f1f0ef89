"""Seeding, supervision of workers, stop rules, progress and the report of a crawl."""

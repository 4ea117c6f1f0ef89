"""The gallery's index: what a person looks through a million images with.

It lies in a file of its own beside the crawl, made from what the catalog answers, and may be
deleted at any time. The crawl itself pays nothing for it: no index and no table of its database
are the gallery's.

Here are its values alone: with `index` and `views` comes numpy, 0.1 s and 20 MB that only those pay
who look through images.
"""

from bowerbird.catalog.gallery.query import Query, Sort
from bowerbird.catalog.gallery.values import Facets, Item

__all__ = ["Facets", "Item", "Query", "Sort"]

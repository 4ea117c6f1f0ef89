"""The gallery's index: what a person looks through a million images with.

It lies in a file of its own beside the crawl, made from what the catalog answers, and may be
deleted at any time. The crawl itself pays nothing for it: no index and no table of its database
are the gallery's.
"""

from bowerbird.catalog.gallery.index import GalleryIndex
from bowerbird.catalog.gallery.query import Query, Sort, View
from bowerbird.catalog.gallery.values import Facets, Item

__all__ = ["Facets", "GalleryIndex", "Item", "Query", "Sort", "View"]

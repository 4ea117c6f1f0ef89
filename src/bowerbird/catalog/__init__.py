"""All records and sightings of a crawl, in tables beside the frontier's."""

from bowerbird.catalog.reader import CatalogReader
from bowerbird.catalog.recent import Boot, boot_now, last_boot, note_boot
from bowerbird.catalog.values import Added, Described, Entry, Fate, Totals
from bowerbird.catalog.writer import CatalogWriter, create

__all__ = [
    "Added",
    "Boot",
    "CatalogReader",
    "CatalogWriter",
    "Described",
    "Entry",
    "Fate",
    "Totals",
    "boot_now",
    "create",
    "last_boot",
    "note_boot",
]

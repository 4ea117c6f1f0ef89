"""Where the bytes of images live: the `Store` port and `FileStore`, files named by content."""

from bowerbird.store.base import Found, Sort, Spool, Store
from bowerbird.store.files import FileStore
from bowerbird.store.marker import Marker, claimed, is_own, marker_of, place_of
from bowerbird.store.names import extension_of, is_object_path, object_path, sha256_in

__all__ = [
    "FileStore",
    "Found",
    "Marker",
    "Sort",
    "Spool",
    "Store",
    "claimed",
    "extension_of",
    "is_object_path",
    "is_own",
    "marker_of",
    "object_path",
    "place_of",
    "sha256_in",
]

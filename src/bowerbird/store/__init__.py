"""Where the bytes of images live: the `Store` port and `FileStore`, files named by content."""

from bowerbird.store.base import Found, Sort, Spool, Store
from bowerbird.store.files import FileStore
from bowerbird.store.names import extension_of, is_object_path, object_path, sha256_in

__all__ = [
    "FileStore",
    "Found",
    "Sort",
    "Spool",
    "Store",
    "extension_of",
    "is_object_path",
    "object_path",
    "sha256_in",
]

"""A small gallery website, drawn by code, for `bowerbird demo` and for tests.

`open_gallery(folder)` builds it, serves it on a free loopback port and says what a crawl of it
must find.
"""

from bowerbird.demo.gallery import Gallery, open_gallery
from bowerbird.demo.site import Expected, build

__all__ = ["Expected", "Gallery", "build", "open_gallery"]

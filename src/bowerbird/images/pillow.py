"""What is common to the formats that Pillow decodes.

Each format opens its own plugin class: no registry, so no other decoder can be reached.
"""

from PIL import Image, ImageFile

from bowerbird.images.base import CorruptError, Header

# The caps were checked against the header, and `load_all` holds Pillow to what the header said.
Image.MAX_IMAGE_PIXELS = None


def load_all(picture: ImageFile.ImageFile, header: Header) -> None:
    """Decode all frames; raise where Pillow sees another picture than the header."""
    if picture.size != (header.width, header.height):
        raise CorruptError("header and decoder disagree on the size")
    for frame in range(header.frames):
        if frame:
            picture.seek(frame)
            if picture.width * picture.height > header.width * header.height:
                raise CorruptError("a later frame is larger")
        picture.load()

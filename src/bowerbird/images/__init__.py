"""Images: true type, size, integrity and decode, of bodies that are never trusted."""

from bowerbird.images.base import Body, Inspected, Refused, Result
from bowerbird.images.decoder import Decoder, LocalDecoder, make_decoder
from bowerbird.images.inspection import inspect
from bowerbird.images.lanes import BUSY
from bowerbird.signatures import true_type

__all__ = [
    "BUSY",
    "Body",
    "Decoder",
    "Inspected",
    "LocalDecoder",
    "Refused",
    "Result",
    "inspect",
    "make_decoder",
    "true_type",
]

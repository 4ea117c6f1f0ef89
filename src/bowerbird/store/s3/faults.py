"""What an S3 server says no with, in the words of the project.

The library's errors are texts that hold the server's whole answer, which may repeat key ids and
signatures: only the status, the code and the sort of failure are taken from them.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from bowerbird.errors import StorageFullError, UsageError
from bowerbird.store.bucket import Bucket

#: A code of S3's "Error responses"; nothing else of an answer is shown.
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})\b")
_KIND = re.compile(r"kind: (Connect|Timeout|Request|Interrupted|Decode)\b")
#: Where the library asks for keys when nothing else has any: an instance's or a container's own.
_METADATA = re.compile(r"http://169\.254\.(169\.254|170\.2|170\.23)\b")
_CREDENTIALS = re.compile(
    r"credential|169\.254\.169\.254|security-credentials|token file|sts\b", re.I
)

#: Codes that say that the bytes did not arrive as they were sent.
_DAMAGED = frozenset(
    {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch",
     "InvalidPart", "IncompleteBody", "RequestTimeout", "RequestTimeTooSkewed", "NoSuchUpload"}
)  # fmt: skip


class Sort(StrEnum):
    """What is to be done about a fault."""

    THERE = "there"  #: an object of this name exists, or is being written
    ABSENT = "absent"  #: no such object
    UNKNOWN = "unknown"  #: the server knows no conditional writes
    PASSING = "passing"  #: may be better in a moment
    REFUSED = "refused"  #: will not be


class Fault(NamedTuple):
    """An error of the library, understood."""

    sort: Sort
    words: str  #: what is wrong: `the bucket does not exist (NoSuchBucket)`


def fault_of(error: Exception) -> Fault:
    """What an error of the library means."""
    name, text = type(error).__name__, str(error)
    code = next(iter(_CODE.findall(text)), "")
    status = int(next(iter(_STATUS.findall(text)), 0))
    words = _words(name, status, code, text)
    return Fault(_sort(name, status, code, text), f"{words} ({code})" if code else words)


def _sort(name: str, status: int, code: str, text: str) -> Sort:
    if name == "AlreadyExistsError" or status in (409, 412):
        return Sort.THERE
    if name == "FileNotFoundError":
        return Sort.REFUSED if code == "NoSuchBucket" else Sort.ABSENT
    if status == 501 or name == "NotSupportedError" or code == "NotImplemented":
        return Sort.UNKNOWN
    if status >= 500 or status in (408, 429) or code in _DAMAGED:
        return Sort.PASSING
    lost = not status and not _CREDENTIALS.search(text) and "redirect" not in text
    return Sort.PASSING if lost and name == "GenericError" else Sort.REFUSED


def _words(name: str, status: int, code: str, text: str) -> str:
    if code in _WORDS:
        return _WORDS[code]
    if name == "PermissionDeniedError":
        return "these credentials may not do that"
    if name == "UnauthenticatedError":
        return "the server does not take these credentials"
    if status and not _METADATA.search(text):
        return f"the server answered {status}"
    if "redirect" in text:
        return "the bucket is in another region; name it with region="
    if _METADATA.search(text) or _CREDENTIALS.search(text):
        return "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    kind = next(iter(_KIND.findall(text)), "")
    return _KINDS.get(kind, "the connection failed")


_KINDS = {"Connect": "nothing answers there", "Timeout": "it did not answer in time"}
_WORDS = {
    "NoSuchBucket": "the bucket does not exist",
    "AccessDenied": "these credentials may not do that",
    "AllAccessDisabled": "the bucket is shut",
    "InvalidAccessKeyId": "the server does not know this access key",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key",
    "ExpiredToken": "the credentials have expired",
    "InvalidToken": "the session token is not valid",
    "PermanentRedirect": "the bucket is in another region; name it with region=",
    "AuthorizationHeaderMalformed": "the region is another; name it with region=",
    "InvalidBucketName": "the server allows no such name of a bucket",
    "SlowDown": "the server asks to slow down",
    "QuotaExceeded": "the quota is used up",
    "BadDigest": "the bytes did not arrive whole",
    "XAmzContentSHA256Mismatch": "the bytes did not arrive whole",
    "RequestTimeTooSkewed": "the clocks of server and machine differ",
}


def refusal(fault: Fault, place: Bucket) -> StorageFullError:
    """The error of a store that takes no more."""
    return StorageFullError(f"{place} cannot be read or written: {fault.words}.")


def misconfigured(error: Exception, place: Bucket) -> UsageError:
    """The error of settings that the library does not take; it may repeat them, we do not."""
    half = re.search(r"Missing(AccessKeyId|SecretAccessKey)\b", str(error))
    words = "an AWS_… variable, or a line of the profile, cannot be read"
    if half:
        words = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together, and one is missing"
    return UsageError(f"{place} cannot be used: {words}.")


def unusable(fault: Fault, place: Bucket, endpoint: str) -> UsageError:
    """The error of a bucket that cannot be used at all."""
    at = f" at {endpoint}" if endpoint else ""
    return UsageError(f"{place} cannot be used: {fault.words}{at}.")

"""The calls to a bucket: each done again until it succeeds, or is refused for good."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bowerbird._version import __version__
from bowerbird.backoff import retry_in_s
from bowerbird.errors import UsageError
from bowerbird.store.bucket import Bucket, check_endpoint
from bowerbird.store.s3.credentials import from_profile
from bowerbird.store.s3.faults import Fault, Sort, fault_of, misconfigured, refusal, unusable

try:
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import S3Store as Objects
except ImportError:
    raise UsageError(
        "s3:// needs the extra `s3` of Bowerbird: pip install 'bowerbird[s3]'."
    ) from None

if TYPE_CHECKING:
    from obstore.store import S3Config, S3CredentialProvider

T = TypeVar("T")

#: What the library raises: its own errors, and FileNotFoundError.
ERRORS = (BaseError, OSError)

#: Larger bodies go in parts, several at a time: one that fails is not all to be sent again.
MULTIPART = 16 << 20
#: Bytes of a part. S3 takes no smaller ones than 5 MiB, and 10 000 of them.
PART = 8 << 20
#: Parts under way at once, of one object.
PARTS = 4
#: One request, in seconds: a part at 270 kB/s, as the slowest image that is fetched.
REQUEST_S = 30.0
#: The library repeats what fails with 5xx or on the way so often, and so long.
RETRIES, RETRY_S = 4, 15.0
#: It does not repeat what may have been carried out, nor bytes that arrived damaged: we may, since
#: an object has but one content.
TRIES = 3
#: Before our first repeat, in seconds; doubles.
AGAIN_S = 0.25

Source = bytes | memoryview | Path


class Client:
    """A bucket. Any thread may call it."""

    def __init__(self, place: Bucket) -> None:
        """Connects to nothing yet.

        Raises:
            UsageError: the endpoint or the profile cannot be used.
        """
        config, provider = from_profile()
        named = place.endpoint or _environment(_ENDPOINTS) or config.get("endpoint", "")
        allowed = place.allow_http or _environment(("AWS_ALLOW_HTTP",)).lower() == "true"
        self.place = place
        self.endpoint = check_endpoint(named, allow_http=allowed)
        config["region"] = (
            place.region or _environment(_REGIONS) or config.get("region", "us-east-1")
        )
        config["checksum_algorithm"] = "SHA256"
        config["disable_bulk_delete"] = True  # not every server has it
        if self.endpoint:
            config["endpoint"] = config["aws_endpoint_url_s3"] = self.endpoint
        try:
            self._objects = self._opened(config, provider)
        except ERRORS as error:
            raise misconfigured(error, place) from None
        self._conditional = True

    def _opened(self, config: "S3Config", provider: "S3CredentialProvider | None") -> Objects:
        return Objects(
            self.place.bucket, prefix=self.place.prefix or None, config=config,
            client_options={
                "allow_http": self.endpoint.startswith("http://"),
                "timeout": timedelta(seconds=REQUEST_S),
                "user_agent": f"bowerbird/{__version__}",
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_S)},
            credential_provider=provider,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Client {self.place} at {self.endpoint or 'Amazon'}>"

    def check(self) -> None:
        """Look at the bucket once.

        Raises:
            UsageError: it does not exist, refuses, or cannot be reached.
        """
        try:
            next(iter(obstore.list(self._objects, chunk_size=1)), None)
        except ERRORS as error:
            raise unusable(fault_of(error), self.place, self.endpoint) from None

    def keep(self, path: str, source: Source, size: int) -> None:
        """Put an object unless it is there with this size.

        Raises:
            StorageFullError: the bucket takes no more, or has not answered for long.
        """
        if size > MULTIPART:
            if self.size_of(path) != size:
                self._again(lambda: self._put(path, source))
        elif not self._again(lambda: self._created(path, source, size)):
            self._again(lambda: self._put(path, source))

    def put(self, path: str, body: bytes) -> None:
        """Put an object, over another if need be. Raises as `keep`."""
        self._again(lambda: self._put(path, body))

    def size_of(self, path: str) -> int | None:
        """Bytes of an object; None where there is none. Raises as `keep`."""
        return self._again(lambda: int(obstore.head(self._objects, path)["size"]), None)

    def sha256_of(self, path: str) -> str | None:
        """Hex digest of an object as it is now; None where there is none. Raises as `keep`."""
        return self._again(lambda: self._digest(path), None)

    def body_of(self, path: str) -> bytes | None:
        """A small object; None where there is none. Raises as `keep`."""
        return self._again(lambda: bytes(obstore.get(self._objects, path).bytes()), None)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """(path, bytes) of all objects below a prefix, in order of path. Raises as `keep`."""
        pages = iter(obstore.list(self._objects, prefix))
        while (page := self._again(lambda: next(pages, None))) is not None:
            yield from ((one["path"], one["size"]) for one in page)

    def delete(self, path: str) -> bool:
        """Remove an object; whether it was there. Raises as `keep`."""
        if self.size_of(path) is None:
            return False
        self._again(lambda: obstore.delete(self._objects, path), None)
        return True

    # One call.

    def _created(self, path: str, source: Source, size: int) -> bool:
        """Put an object where none is; whether one of this size is there now."""
        if not self._conditional:
            return self.size_of(path) == size
        try:
            obstore.put(self._objects, path, _whole(source), mode="create")
        except ERRORS as error:
            return self._is_there(fault_of(error), error, path, size)
        return True

    def _is_there(self, fault: Fault, error: Exception, path: str, size: int) -> bool:
        """An answer to If-None-Match that is no success."""
        if fault.sort is Sort.UNKNOWN:
            self._conditional = False  # from now on bytes are put again, which does no harm
            return False
        if fault.sort is not Sort.THERE:
            raise error
        return self.size_of(path) == size  # not so after 409, if the other has given up

    def _put(self, path: str, source: Source) -> bool:
        obstore.put(
            self._objects, path, source, mode="overwrite",
            use_multipart=_size(source) > MULTIPART, chunk_size=PART, max_concurrency=PARTS,
        )  # fmt: skip
        return True

    def _digest(self, path: str) -> str:
        digest = hashlib.sha256()
        for chunk in obstore.get(self._objects, path).stream(min_chunk_size=1 << 20):
            digest.update(chunk)
        return digest.hexdigest()

    def _again(self, call: Callable[[], T], absent: Any = ...) -> T:
        """Make a call until it succeeds; `absent` is the answer where there is no object."""
        for attempt in range(TRIES):
            try:
                return call()
            except ERRORS as error:
                fault = fault_of(error)
                if fault.sort is Sort.ABSENT and absent is not ...:
                    return absent  # type: ignore[no-any-return]
                if fault.sort not in _AGAIN or attempt == TRIES - 1:
                    raise refusal(fault, self.place) from None
            time.sleep(retry_in_s(attempt, first_s=AGAIN_S))
        raise AssertionError("unreachable")


#: One that writes the same at the same time is in the way for a moment only.
_AGAIN = (Sort.PASSING, Sort.THERE)
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


def _environment(names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := os.environ.get(name))), "")


def _size(source: Source) -> int:
    return source.stat().st_size if isinstance(source, Path) else len(source)


def _whole(source: Source) -> bytes | memoryview:
    return source.read_bytes() if isinstance(source, Path) else source

"""What goes through the result queue: `URL--->success`, or `URL ---> success`."""

from typing import NamedTuple

#: Between URL and word. A canonical URL holds no ">", so the first one ends it.
ARROW = "--->"
SUCCESS = "success"


class ResultText(NamedTuple):
    """What a client says of a URL."""

    url: str
    word: str  #: anything but `SUCCESS` is a failure

    @property
    def good(self) -> bool:
        """Whether the client has the image."""
        return self.word.lower() == SUCCESS


def read_result(value: object) -> ResultText | None:
    """Take a result apart, however it is spaced; None where it is none."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str) or ARROW not in value:
        return None
    url, word = value.split(ARROW, 1)
    return ResultText(url.strip(), word.strip())


def result_text(url: str, word: str = SUCCESS, *, spaced: bool = False) -> str:
    """What the first tutorial puts into its result queue, or the second one, `spaced`."""
    return f"{url} {ARROW} {word}" if spaced else f"{url}{ARROW}{word}"

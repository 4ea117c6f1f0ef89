"""The Lua scripts: one file for each verb; `-- uses:` in its header names the shared pieces."""

import re
from functools import cache
from hashlib import sha1
from importlib.resources import files

import msgspec

_USES = re.compile(r"^-- uses: (.+)$", re.MULTILINE)


class Script(msgspec.Struct, frozen=True):
    """A script as Redis runs it; `sha` is how Redis calls it."""

    verb: str
    text: str
    sha: str


@cache
def script(verb: str) -> Script:
    """The script of a verb, put together."""
    body = _read(f"{verb}.lua")
    uses = _USES.search(body)
    pieces = uses.group(1).split() if uses else []
    text = _nested([*(_read(f"shared/{piece}.lua") for piece in pieces), body])
    return Script(verb, text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def _nested(pieces: list[str]) -> str:
    """Each piece in a function of its own within the one before, whose names it sees so.

    Every call of a script makes all its functions anew. Lua 5.1 looks for each variable that one
    takes from the function around it along a list of all such, from the newest to the oldest; what
    stands further out it has at once. In one long function that took half of a short call's time.
    """
    return "\nreturn (function()\n".join(pieces) + "\nend)()" * (len(pieces) - 1)


def _read(name: str) -> str:
    return files("bowerbird.frontier.redis").joinpath("lua", name).read_text(encoding="utf-8")

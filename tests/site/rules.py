"""robots.txt, and answers that ask to be left alone. Each needs a host of its own (`Site.home`)."""

import asyncio
from email.utils import formatdate
from time import time

from tests.site.resources import Call, resource
from tests.web import png

_RULES = "User-agent: *\nDisallow: /private/\n"
PAUSES = {
    "seconds": lambda: "2",
    "date": lambda: formatdate(time() + 2, usegmt=True),
    "negative": lambda: "-5",
    "past": lambda: formatdate(time() - 86_400, usegmt=True),
    "garbage": lambda: "soon",
    "decade": lambda: "315360000",
    "endless": lambda: "9" * 1_000,
}


def robots(name: str):  # type: ignore[no-untyped-def]
    """Whether this resource answers for all of its host; its pages are always the same."""

    def registered(function):  # type: ignore[no-untyped-def]
        async def answer(call: Call) -> None:
            if call.path == "/robots.txt":
                await function(call)
            elif call.path.endswith(".png"):
                await call.body(png(9), "Content-Type: image/png")
            else:
                await call.page('<img src="/open.png"><img src="/private/closed.png">')

        answer.__name__, answer.__doc__ = name, function.__doc__
        return resource(answer, whole_host=True)

    return registered


@robots("robots_plain")
async def _(call: Call) -> None:
    """A host whose robots.txt forbids /private/."""
    await call.body(_RULES.encode(), "Content-Type: text/plain")


@robots("robots_huge")
async def _(call: Call) -> None:
    """A robots.txt of 1 GB; its rules come first, then comments."""
    line = b"# " + b"x" * 1_021 + b"\n"
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", _RULES.encode())
    for _ in range(1_000_000_000 // 65_536):
        await call.send(line * 64)


@robots("robots_many")
async def _(call: Call) -> None:
    """A robots.txt of 512 KiB, all of it rules with many stars."""
    rules = "".join(f"Disallow: /{n}*a*b*c*d*e*f*g*h*$\n" for n in range(20_000))
    await call.body((_RULES + rules)[: 512 * 1_024].encode(), "Content-Type: text/plain")


@robots("robots_error")
async def _(call: Call) -> None:
    """A robots.txt that is 500."""
    await call.body(b"", status="500 So")


@robots("robots_slow")
async def _(call: Call) -> None:
    """A robots.txt that comes a byte each 50 ms."""
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await call.send(b"#")
        await asyncio.sleep(0.05)


@robots("robots_silent")
async def _(call: Call) -> None:
    """A robots.txt that is never answered."""
    await call.silence()


@robots("robots_loop")
async def _(call: Call) -> None:
    """A robots.txt that redirects to itself."""
    await call.body(b"", "Location: /robots.txt", status="302 Found")


@robots("robots_away")
async def _(call: Call) -> None:
    """A robots.txt that redirects to the metadata of a cloud."""
    await call.body(b"", "Location: http://169.254.169.254/latest/", status="302 Found")


@robots("robots_binary")
async def _(call: Call) -> None:
    """A robots.txt of all bytes there are."""
    await call.body(bytes(range(256)) * 400, "Content-Type: text/plain")


@robots("robots_flipping")
async def _(call: Call) -> None:
    """A robots.txt that allows all when first asked, and nothing later."""
    said = "Disallow: /" if call.times > 1 else "Disallow:"
    await call.body(f"User-agent: *\n{said}\n".encode(), "Content-Type: text/plain")


@resource
async def retry_after(call: Call) -> None:
    """Once 429 (or N) with a Retry-After: a word of PAUSES, such as seconds, date, decade."""
    if call.times > 1:
        await call.body(png(7), "Content-Type: image/png")
        return
    pause = PAUSES[call.arguments[0] if call.arguments else "seconds"]()
    await call.body(b"", f"Retry-After: {pause}", status=f"{call.number(1, 429)} Later")

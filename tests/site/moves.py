"""Redirects that lead nowhere, or where nobody should go."""

from tests.site.resources import Call, resource

#: Places where a redirect must never bring us; the port of the site itself where it says PORT.
FORBIDDEN = {
    "file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/",
    "gopher": "gopher://127.0.0.1:PORT/_GET%20/bytes",
    "data": "data:text/html,<img src=/bytes>",
    "javascript": "javascript:alert(1)",
    "loopback": "http://127.0.0.1:PORT/secret",
    "localhost": "http://localhost:PORT/secret",
    "number": "http://2130706433:PORT/secret",
    "hex": "http://0x7f.1:PORT/secret",
    "zero": "http://0.0.0.0:PORT/secret",
    "mapped": "http://[::ffff:127.0.0.1]:PORT/secret",
    "compatible": "http://[::127.0.0.1]:PORT/secret",
    "nat64": "http://[64:ff9b::7f00:1]:PORT/secret",
    "6to4": "http://[2002:7f00:1::]:PORT/secret",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "metadata6": "http://[fd00:ec2::254]/latest/meta-data/",
    "private": "http://10.0.0.1/secret",
}


async def _moved(call: Call, to: str, status: str = "302 Found") -> None:
    await call.body(b"moved", f"Location: {to}", status=status)


@resource
async def redirect_loop(call: Call) -> None:
    """302 to itself by way of N others (1)."""
    step, steps = call.number(1), call.number(0, 1)
    await _moved(call, f"/redirect-loop/{steps}/{(step + 1) % (steps + 1)}")


@resource
async def redirect_chain(call: Call) -> None:
    """N redirects (30) to an image."""
    left = call.number(default=30)
    await _moved(call, f"/redirect-chain/{left - 1}" if left > 1 else "/image/whole.png")


@resource
async def redirect_endless(call: Call) -> None:
    """Each redirect leads to a new URL."""
    await _moved(call, f"/redirect-endless/{call.number() + 1}")


@resource
async def redirect_to(call: Call) -> None:
    """302 to a place that is none of ours; the argument is one of FORBIDDEN's words."""
    await _moved(call, FORBIDDEN[call.arguments[0]].replace("PORT", str(call.port)))


@resource
async def redirect_nowhere(call: Call) -> None:
    """302 without a Location."""
    await call.body(b"moved", status="302 Found")


@resource
async def redirect_split(call: Call) -> None:
    """302 whose Location would smuggle a header, if it were copied into a request."""
    await call.send(b"HTTP/1.1 302 Found\r\nLocation: /bytes%0d%0aX-Smuggled: 1\t\x01\x7f\r\n")
    await call.send(b"Content-Length: 0\r\n\r\n")


@resource
async def secret(call: Call) -> None:
    """What a redirect to this machine would find."""
    await call.body(b"the secret", "Content-Type: text/html")

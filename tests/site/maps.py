"""Sitemaps that burst."""

from tests.site.bombs import zeros
from tests.site.resources import Call, resource

_OPEN = '<?xml version="1.0"?><{0} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
_XML = "Content-Type: application/xml"


def _rules(call: Call, *paths: str) -> bytes:
    lines = [f"Sitemap: http://{call.host}/{path}" for path in paths]
    return "\n".join(["User-agent: *", "Disallow:", *lines]).encode()


async def _site(call: Call, first: str) -> bool:
    """robots.txt, which names the first sitemap, and a page; whether that was it."""
    if call.path == "/robots.txt":
        await call.body(_rules(call, first), "Content-Type: text/plain")
    elif not call.path.endswith(".xml"):
        await call.page(call.path)
    else:
        return False
    return True


async def _index(call: Call, *names: str) -> None:
    inner = "".join(f"<sitemap><loc>http://{call.host}/{n}.xml</loc></sitemap>" for n in names)
    await call.body(f"{_OPEN.format('sitemapindex')}{inner}</sitemapindex>".encode(), _XML)


async def sitemap_entities(call: Call) -> None:
    """A sitemap of entities in entities: 3 GB if anyone expands them."""
    if await _site(call, "bomb.xml"):
        return
    lines = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    text = (
        f'<!DOCTYPE urlset [<!ENTITY l0 "lol">{lines}]><urlset><url><loc>&l9;</loc></url></urlset>'
    )
    await call.body(text.encode(), _XML)


async def sitemap_external(call: Call) -> None:
    """A sitemap with an entity that is a file of ours."""
    if await _site(call, "xxe.xml"):
        return
    entry = f"<url><loc>http://{call.host}/&x;</loc></url>"
    text = f'<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset>{entry}</urlset>'
    await call.body(text.encode(), _XML)


async def sitemap_bomb(call: Call) -> None:
    """A sitemap that is a gzip file of 10 GB."""
    if await _site(call, "bomb.xml"):
        return
    await call.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for piece in zeros("gzip", 10 * 1_024):
        await call.send(piece)
    call.close()


async def sitemap_loop(call: Call) -> None:
    """Two sitemap indexes that name each other and themselves."""
    if not await _site(call, "a.xml"):
        await _index(call, "a", "b")


async def sitemap_nested(call: Call) -> None:
    """Sitemap indexes, each naming three deeper ones, without end."""
    if not await _site(call, "m.xml"):
        await _index(call, *(call.path[1:-4] + letter for letter in "abc"))


async def sitemap_entries(call: Call) -> None:
    """A sitemap of 10^6 entries (or N) of a host that is not in scope."""
    if await _site(call, "many.xml"):
        return
    number = call.number(default=1_000_000)
    await call.send(f"HTTP/1.1 200 OK\r\n{_XML}\r\nConnection: close\r\n\r\n".encode())
    await call.send(_OPEN.format("urlset").encode())
    for start in range(0, number, 1_000):
        entries = range(start, min(start + 1_000, number))
        text = "".join(f"<url><loc>http://192.0.2.1/p{n}</loc></url>" for n in entries)
        await call.send(text.encode())
    await call.send(b"</urlset>")
    call.close()


async def sitemap_deep(call: Call) -> None:
    """A sitemap of 10^6 elements, one in the other."""
    if not await _site(call, "deep.xml"):
        await call.body(b"<urlset>" + b"<a>" * 1_000_000, _XML)


async def sitemap_lines(call: Call) -> None:
    """A sitemap of 20 MB of empty lines, but for one."""
    if not await _site(call, "lines.txt"):
        await call.body(b"http://192.0.2.1/p" + b"\n" * 20_000_000, "Content-Type: text/plain")


for _each in (
    sitemap_entities, sitemap_external, sitemap_loop, sitemap_nested, sitemap_entries, sitemap_deep,
    sitemap_bomb, sitemap_lines,
):  # fmt: skip
    resource(_each, whole_host=True)

"""Pages without end. Each needs a host of its own (`Site.home`), and each shows one real image."""

from collections.abc import Callable

from tests.site.resources import Call, resource
from tests.web import png

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip


def trap(function: Callable[[Call], str]) -> None:
    """A whole host whose pages are what the function says; /real.png is its one image."""

    async def answer(call: Call) -> None:
        if call.path == "/robots.txt" or call.path == "/sitemap.xml":
            await call.body(b"", status="404 So")
        elif call.path.endswith(".png"):
            await call.body(png(11), "Content-Type: image/png")
        else:
            await call.page(f'<img src="/real.png">{function(call)}')

    answer.__name__, answer.__doc__ = function.__name__, function.__doc__
    resource(answer, whole_host=True)


def _number(text: str) -> int:
    return int("".join(filter(str.isdigit, text)) or 0)


@trap
def trap_calendar(call: Call) -> str:
    """A calendar of all months there ever will be, and their days."""
    month = _number(call.path)
    days = "".join(f'<a href="/month-{month}-day/{day}">{day}</a>' for day in range(1, 29))
    title = f"<h1>{_MONTHS[month % 12]} {2_000 + month // 12}</h1>"
    next_one = f'<a href="/month-{month + 1}">next</a>'
    return title + ("" if "day" in call.path else days) + next_one


@trap
def trap_sessions(call: Call) -> str:
    """Each page gives each of its links a new session id."""
    names = ("home", "about", "contact", "imprint")
    number = call.times_of_host
    links = (f'<a href="/{name}?sid={number}x{at}">{name}</a>' for at, name in enumerate(names))
    return "<p>Welcome to our page.</p>" + "".join(links)


@trap
def trap_path_loop(call: Call) -> str:
    """A relative link that adds to the path each time."""
    return '<p>Deeper and deeper.</p><a href="deeper/">on</a><a href="other/deeper/">on</a>'


@trap
def trap_links(_: Call) -> str:
    """A page of 8 MB of links, to a host that is not in scope."""
    return "".join(f"<a href=//192.0.2.1/{number}>" for number in range(310_000))


@trap
def trap_deep(call: Call) -> str:
    """Ever new folders in folders."""
    return f'<p>Down.</p><a href="{call.path.rstrip("/")}/f{call.path.count("/")}/">on</a>'


@trap
def trap_pages(call: Call) -> str:
    """Pagination without end: page N + 1 shows what page N showed."""
    page = _number(call.query)
    return f'<h1>Page {page}</h1><p>Our best pieces.</p><a href="/list?page={page + 1}">next</a>'


@trap
def trap_facets(call: Call) -> str:
    """Filters that can be combined in ever more ways, in any order."""
    chosen = call.query
    facets = (f"f{n}" for n in range(12) if f"f{n}=" not in chosen)
    links = (
        f'<a href="/shop?{chosen}{"&" if chosen else ""}{facet}=1">{facet}</a>' for facet in facets
    )
    return "<p>The same pieces, sorted by what you like.</p>" + "".join(links)


@trap
def trap_words(call: Call) -> str:
    """Pages of ever new words with ever new links."""
    import random

    dice = random.Random(call.path)
    words = " ".join("".join(dice.choices("abcdefghij", k=6)) for _ in range(100))
    links = "".join(f'<a href="/{dice.randrange(10**9):x}">more</a>' for _ in range(5))
    return f"<p>{words}</p>{links}"

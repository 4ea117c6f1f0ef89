"""Our judge against RFC 9309: what it says, and what the public test suites of others make of it.

The cases are those of Google's parser (robots_test.cc), of Protego and of reppy, as facts: the same
questions in our own words. `clause` is the section that decides. Where we differ from a suite the
case stands in `DIFFERENT`, with the reason.
"""

from typing import NamedTuple

import pytest

from bowerbird.frontier.robots_rules import AT_HAND, MAX_WILD, AtHand, Rules, token_of

SITE = "http://site.test"


class Case(NamedTuple):
    """One robots.txt, and who may go where by it."""

    name: str
    clause: str
    text: str
    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    agent: str = "wren"


def lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


ALL = "disallow: /"
OURS = "user-agent: wren"

CASES = [
    # Lines.
    Case("no rules at all", "2.2.1", "", allowed=("/", "/a?b")),
    Case("a rule", "2.2", lines(OURS, ALL), forbidden=("/", "/a/b")),
    Case("lines of unknown names are no rules", "2.2", lines("who: wren", "no: /"),
         allowed=("/x",)),
    Case("names in any case", "2.2", lines("UsEr-AgEnT: wren", "ALLOW: /x/", "DisAllow: /"),
         allowed=("/x/y",), forbidden=("/a",)),
    Case("line ends of DOS", "2.2", "user-agent: wren\r\ndisallow: /x\r\n", allowed=("/y",),
         forbidden=("/x",)),
    Case("line ends of old Macs", "2.2", "user-agent: wren\rdisallow: /x\r", allowed=("/y",),
         forbidden=("/x",)),
    Case("no line end at the end", "2.2", "user-agent: wren\ndisallow: /x", forbidden=("/x",)),
    Case("white space about everything", "2.2", "  user-agent :\twren  \n\tdisallow\t: /x \n",
         allowed=("/y",), forbidden=("/x",)),
    Case("a byte order mark at the start", "2.3", "\ufeff" + lines(OURS, "disallow: /x"),
         allowed=("/y",), forbidden=("/x",)),
    Case("a byte order mark in the middle spoils its line", "2.2",
         lines(OURS, "\ufeffdisallow: /x", "disallow: /y"), allowed=("/x",), forbidden=("/y",)),
    Case("comments", "2.2.3", lines(OURS + " # us", "# disallow: /", "disallow: /a/b#c",
         "allow: /"), allowed=("/a/x", "/"), forbidden=("/a/b", "/a/b/c")),
    Case("a comment before the value", "2.2.3", lines(OURS, "disallow: # /x"), allowed=("/x",)),
    # Groups.
    Case("rules before any group are none", "2.1", lines("allow: /x/", "disallow: /y", OURS, ALL),
         forbidden=("/x/y", "/y")),
    Case("rules before any group bind nobody else", "2.1",
         lines("disallow: /y", "user-agent: other", ALL), allowed=("/y",)),
    Case("one group for several", "2.1", lines("user-agent: owl", OURS, "disallow: /x"),
         allowed=("/y",), forbidden=("/x",)),
    Case("an empty group takes the next group's rules", "2.1",
         lines("user-agent: owl", ALL, "user-agent: finch", "", OURS, "allow: /z/", ALL),
         allowed=("/z/d",), forbidden=("/y",)),
    Case("an empty line ends no group", "2.1", lines(OURS, ALL, "allow: /y/", "", "", "allow: /w/"),
         allowed=("/w/a", "/y/c"), forbidden=("/z",)),
    Case("groups for one robot are one", "2.2.1",
         lines(OURS, ALL, "allow: /x/", "user-agent: owl", ALL, OURS, "allow: /z/"),
         allowed=("/x/b", "/z/d"), forbidden=("/y/c",)),
    Case("another record in a group ends no group", "2.2.4",
         lines(OURS, "sitemap: http://site.test/s", "user-agent: *", ALL), forbidden=("/",)),
    Case("another record before a rule leaves the group", "2.2.4",
         lines(OURS, "crawl-delay: 3", "sitemap: /x", "disallow: /y"), allowed=("/x",),
         forbidden=("/y",)),
    Case("our group and not that of all", "2.2.1", lines("user-agent: *", "disallow: /x/", OURS,
         "disallow: /y/"), allowed=("/x/p",), forbidden=("/y/p",)),
    Case("the group of all where none is ours", "2.2.1", lines("user-agent: *", "disallow: /x",
         "user-agent: owl", "allow: /x"), allowed=("/y",), forbidden=("/x",)),
    Case("the group of all first or last", "2.2.1", lines("user-agent: owl", ALL, "user-agent: *",
         "allow: /"), allowed=("/x/y",)),
    Case("neither ours nor that of all", "2.2.1", lines("user-agent: owl", ALL), allowed=("/x",)),
    Case("the specific group wins over that of all that forbids", "2.2.1",
         lines("user-agent: *", "allow: /", OURS, ALL), forbidden=("/x",)),
    Case("our name in any case", "2.2.1", lines("user-agent: WREN", ALL), forbidden=("/",)),
    Case("our name within our identification", "2.2.1", lines(OURS, ALL), forbidden=("/",),
         agent="Wren/2.1 (+http://site.test/bot)"),
    Case("our name is not part of a longer one", "2.2.1", lines("user-agent: wrens", ALL),
         allowed=("/",)),
    Case("a longer name is not ours", "2.2.1", lines("user-agent: wr", ALL), allowed=("/x",),
         agent="owr"),
    Case("a shorter name is not ours", "2.2.1", lines("user-agent: wre", ALL), allowed=("/x",)),
    Case("what follows a product token is no part of it", "2.2.1", lines("user-agent: *", ALL,
         "user-agent: Wren/1.0 crawler", "allow: /x"), allowed=("/x", "/y")),
    Case("words of a comment in our identification are no names", "2.2.1",
         lines("user-agent: robots", "user-agent: crawler", ALL), allowed=("/x",),
         agent="wren/1 (image crawler; obeys robots.txt)"),
    Case("compatible with whomever", "2.2.1", lines("user-agent: mozilla", "allow: /",
         OURS, "disallow: /x"), forbidden=("/x",), agent="Mozilla/5.0 (compatible; Wren/1.0)"),
    Case("a star within a name is not that of all", "2.2.1", lines("user-agent: *owl", ALL),
         allowed=("/x",)),
    Case("a star and words is that of all", "2.2.1", lines("user-agent: * everyone", ALL),
         forbidden=("/x",)),
    Case("two groups of all are one", "2.2.1", lines("user-agent: *", "disallow: /a",
         "user-agent: *", "disallow: /b"), allowed=("/c",), forbidden=("/a", "/b")),
    # Which rule.
    Case("paths are case sensitive", "2.2.2", lines(OURS, "disallow: /X/"), allowed=("/x/y",),
         forbidden=("/X/y",)),
    Case("the longest rule forbids", "2.2.2", lines(OURS, "disallow: /x/page.html", "allow: /x/"),
         allowed=("/x/", "/x/other"), forbidden=("/x/page.html",)),
    Case("the longest rule allows", "2.2.2", lines(OURS, "allow: /x/page.html", "disallow: /x/"),
         allowed=("/x/page.html",), forbidden=("/x/",)),
    Case("empty rules", "2.2.2", lines(OURS, "disallow:", "allow:"), allowed=("/x",)),
    Case("the less strict of equals", "2.2.2", lines(OURS, ALL, "allow: /"), allowed=("/x",)),
    Case("the less strict of equals, elsewhere", "2.2.2",
         lines(OURS, "disallow: /x/p.html", "allow: /x/p.html"), allowed=("/x/p.html",)),
    Case("a prefix is a prefix", "2.2.2", lines(OURS, "disallow: /x", "allow: /x/"),
         allowed=("/x/",), forbidden=("/x", "/xy")),
    Case("length counts, not order", "2.2.2", lines(OURS, "allow: /page", "disallow: /*.html"),
         allowed=("/page",), forbidden=("/page.html",)),
    Case("length counts, with a star", "2.2.2", lines(OURS, "allow: /x/page.", "disallow: /*.html"),
         allowed=("/x/page.html",), forbidden=("/x/y.html",)),
    Case("no rule that matches allows", "2.2.2", lines(OURS, "allow: /x"), allowed=("/x", "/y")),
    Case("robots.txt itself", "2.2.2", lines(OURS, ALL), allowed=("/robots.txt",),
         forbidden=("/robots",)),
    Case("the example of the RFC", "5.1", lines("User-Agent: *", "Disallow: *.gif$",
         "Disallow: /example/", "Allow: /publications/", "", "User-Agent: wren", "Disallow:/",
         "Allow:/example/page.html", "Allow:/example/allowed.gif", "", "User-Agent: owl",
         "User-Agent: finch", "Allow:/example/page.html", "", "User-Agent: heron"),
         allowed=("/example/page.html", "/example/allowed.gif"), forbidden=("/", "/x.gif")),
    Case("the example of the RFC, for all", "5.1", lines("User-Agent: *", "Disallow: *.gif$",
         "Disallow: /example/", "Allow: /publications/"),
         allowed=("/publications/", "/x.gifs", "/x"), forbidden=("/x.gif", "/example/page.html")),
    Case("the RFC's longest match", "5.2", lines("User-Agent: wren", "Allow: /example/page/",
         "Disallow: /example/page/disallowed.gif"), allowed=("/example/page/", "/example/page/x"),
         forbidden=("/example/page/disallowed.gif",)),
    # Encoding.
    Case("reserved characters as they are", "2.2.2", lines(OURS, ALL,
         "allow: /a/b?q=t&z=http://site.test?x&y"), allowed=("/a/b?q=t&z=http://site.test?x&y",)),
    Case("a rule beyond ASCII", "2.2.2", lines(OURS, ALL, "allow: /a/\u30c4"),
         allowed=("/a/%E3%83%84", "/a/%e3%83%84")),
    Case("a rule in percent encoding", "2.2.2", lines(OURS, ALL, "allow: /a/%E3%83%84"),
         allowed=("/a/%E3%83%84",), forbidden=("/a/b",)),
    Case("letters of percent encoding in either case", "2.2.2", lines(OURS, "disallow: /a%3cd"),
         forbidden=("/a%3cd", "/a%3Cd")),
    Case("unreserved characters in percent encoding", "2.2.2", lines(OURS, ALL,
         "allow: /a/%62%61%7A"), allowed=("/a/%62%61%7A", "/a/baz")),
    Case("unreserved characters in the URL's encoding", "2.2.2", lines(OURS, "disallow: /~mak"),
         forbidden=("/~mak/x", "/%7Emak/x")),
    Case("an escaped slash is no slash", "2.2.2", lines(OURS, "disallow: /a%2fb"),
         allowed=("/a/b",), forbidden=("/a%2Fb", "/a%2fb")),
    Case("an escaped star is no wildcard", "2.2.3", lines(OURS, "disallow: /a%2A"),
         allowed=("/abc",), forbidden=("/a*c", "/a%2Ac")),
    Case("an escaped dollar is no end", "2.2.3", lines(OURS, "disallow: /a%24"), allowed=("/a",),
         forbidden=("/a$b", "/a%24b")),
    # Special characters.
    Case("a star in the middle", "2.2.3", lines(OURS, "disallow: /a/b/c", "allow: /a/*/d"),
         allowed=("/a/d", "/a/b/d", "/a/x/c"), forbidden=("/a/b/c",)),
    Case("an end", "2.2.3", lines(OURS, "disallow: /a/b$", "allow: /a/b/c"),
         allowed=("/a/b/c", "/a/b/", "/a/b/d"), forbidden=("/a/b",)),
    Case("/fish", "2.2.3", lines(OURS, ALL, "allow: /fish"),
         allowed=("/fish", "/fish.html", "/fish/a.html", "/fishheads", "/fish.html?id=x"),
         forbidden=("/bar", "/Fish.asp", "/catfish", "/?id=fish")),
    Case("/fish*", "2.2.3", lines(OURS, ALL, "allow: /fish*"),
         allowed=("/fish", "/fish.html", "/fish/a.html", "/fishheads", "/fish.html?id=x"),
         forbidden=("/bar", "/Fish.bar", "/catfish", "/?id=fish")),
    Case("/fish/", "2.2.3", lines(OURS, ALL, "allow: /fish/"),
         allowed=("/fish/", "/fish/a", "/fish/?a", "/fish/a.html", "/fish/?id=x"),
         forbidden=("/fish", "/fish.html", "/Fish/A.html")),
    Case("/*.php", "2.2.3", lines(OURS, ALL, "allow: /*.php"),
         allowed=("/a.php", "/b/a.php", "/b/a.php?x", "//b/a.php.c.html", "/a.php/", "/x?f=a.php/"),
         forbidden=("/bar", "/php/", "/x?php", "/w.PHP")),
    Case("/*.php$", "2.2.3", lines(OURS, ALL, "allow: /*.php$"),
         allowed=("/a.php", "/b/a.php"), forbidden=("/bar", "/a.php?x", "/a.php/", "/a.php5",
         "/php/", "/x?php", "/aaaphpaaa", "//w.PHP")),
    Case("/fish*.php", "2.2.3", lines(OURS, ALL, "allow: /fish*.php"),
         allowed=("/fish.php", "/fishheads/cat.php?x"), forbidden=("/Fish.PHP", "/fish/x")),
    Case("/$", "2.2.3", lines(OURS, "allow: /$", ALL), allowed=("/",), forbidden=("/page.html",)),
    Case("many stars", "2.2.3", lines(OURS, "disallow: /a***b*$"), allowed=("/ac",),
         forbidden=("/ab", "/axbx")),
    Case("a star at the start", "2.2.3", lines(OURS, "disallow: *.gif"), allowed=("/x.png",),
         forbidden=("/x.gif", "/a/x.gifs")),
    Case("a dollar in the middle is a character", "2.2.3", lines(OURS, "disallow: /a$b"),
         allowed=("/a",), forbidden=("/a$b", "/a$bc")),
    Case("a query", "2.2.2", lines(OURS, "disallow: /?"), allowed=("/",), forbidden=("/?x",)),
    Case("a query after a star", "2.2.3", lines(OURS, "disallow: /*?"), allowed=("/a",),
         forbidden=("/a?x", "/?x")),
    Case("parameters", "2.2.2", lines(OURS, "disallow: /;"), allowed=("/",), forbidden=("/;x",)),
    # Large ones.
    Case("half a megabyte is read", "2.5", lines("user-agent: owl",
         *["disallow: /" + "x" * 90] * 4_900, OURS, "disallow: /late"), allowed=("/early",),
         forbidden=("/late",)),
    Case("a rule of kilobytes", "2.5", lines(OURS, "disallow: /" + "x" * 8_000),
         allowed=("/" + "x" * 7_000,), forbidden=("/" + "x" * 8_001,)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.clause} {case.name}")
def test_robots_txt_means_what_rfc_9309_says(case: Case) -> None:
    rules = Rules(case.text, case.agent)

    assert [path for path in case.allowed if not rules.allows(SITE + path)] == []
    assert [path for path in case.forbidden if rules.allows(SITE + path)] == []


class Different(NamedTuple):
    """Where a public suite says otherwise than we do, and what decides."""

    case: Case
    suite: str
    theirs: str
    why: str


DIFFERENT = [
    Different(
        Case("unreserved characters in percent encoding", "2.2.2", lines(OURS, ALL,
             "allow: /a/%62%61%7A"), allowed=("/a/baz",)),
        "Google, ID_Encoding", "/a/baz is forbidden",
        "2.2.2: a percent-encoded ASCII octet is unencoded before comparison unless reserved",
    ),
    Different(
        Case("rules before any group", "2.1", lines("disallow: /x"), allowed=("/x",)),
        "reppy, test_no_leading_user_agent", "they are rules for all",
        "2.1: a group begins with a user-agent line; what stands before belongs to none",
    ),
    Different(
        Case("a line without its colon", "2.2", lines("user-agent wren", "disallow /x"),
             forbidden=("/x",)),
        "reppy, test_skip_malformed_line", "it is no rule",
        "2.2 asks for the colon; Google's and Protego's suites take the obvious meaning, so do we",
    ),
    Different(
        Case("a robots.txt in UTF-16", "2.3", lines(OURS, "disallow: /x").encode("utf-16").decode(
             "utf-8", "replace"), allowed=("/x",)),
        "reppy, test_utf16_bom", "it is read",
        "2.3: the file must be UTF-8",
    ),
    Different(
        Case("a name of which ours begins", "2.2.1", lines("user-agent: wr", ALL), allowed=("/x",)),
        "Protego, test_user_agent_precedence", "`hedwig` is obeyed by hedwig-images",
        "2.2.1: the group whose product token is ours; Google's code compares whole tokens too",
    ),
    Different(
        Case("a group of two words", "2.2.1", lines("user-agent: *", ALL, "user-agent: wren images",
             "allow: /x", ALL), allowed=("/x",), agent="wren images"),
        "Google, GoogleOnly_AcceptUserAgentUpToFirstSpace",
        "a crawler that calls itself by two words finds no group",
        "2.2.1: a product token has no spaces; ours is cut at the first, as the line's is",
    ),
    Different(
        Case("a line above 16 KiB", "2.5", lines(OURS, "disallow: /" + "x" * 20_000),
             allowed=("/" + "x" * 19_000,)),
        "Google, GoogleOnly_LineTooLong", "what is left of it after 16,664 bytes is the rule",
        "2.5 limits files, not lines; URLs end at 8 KiB here, so such a rule matches none",
    ),
]  # fmt: skip


@pytest.mark.parametrize("different", DIFFERENT, ids=lambda one: f"{one.suite}: {one.case.name}")
def test_where_suites_differ_the_clause_decides(different: Different) -> None:
    test_robots_txt_means_what_rfc_9309_says(different.case)

    assert different.why.startswith(different.case.clause)


def test_as_google_has_it_index_html_stands_for_its_folder() -> None:
    rules = Rules(lines(OURS, "allow: /a/index.html", ALL), "wren")

    assert rules.allows(SITE + "/a/")
    assert rules.allows(SITE + "/a/index.html")
    assert not rules.allows(SITE + "/a/index.htm")


# Hostile ones.


def test_thousands_of_names_for_thousands_of_rules_cost_what_they_weigh() -> None:
    names = "".join(f"user-agent:{n}\n" for n in range(15_000))
    rules = Rules(names + "".join(f"disallow:/{n}\n" for n in range(15_000)), "wren")

    assert len(rules._parsed._user_agents) == 1
    assert rules.allows(SITE + "/7")


def test_more_wildcards_than_can_be_matched_forbid_rather_than_allow() -> None:
    many = [f"disallow: /{n}*x" for n in range(MAX_WILD)]
    rules = Rules(lines(OURS, *many, "disallow: /secret*y", "allow: /secret*y", "allow: /"), "wren")

    assert not rules.allows(SITE + "/1/x")
    assert rules.allows(SITE + "/1/y")
    assert not rules.allows(SITE + "/secret/z")
    assert rules.allows(SITE + "/open")


def test_crawl_delay_is_that_of_our_group() -> None:
    text = lines("user-agent: *", "crawl-delay: 9", OURS, "crawl-delay: 2.5")

    assert Rules(text, "wren").delay_s == 2.5
    assert Rules(text, "owl").delay_s == 9.0
    assert Rules(lines(OURS, "crawl-delay: nan"), "wren").delay_s == 0.0


@pytest.mark.parametrize(
    ("identification", "token"),
    [("Wren/2.1 (+http://a.test/)", "wren"), ("wren", "wren"), ("", ""), ("7", ""),
     ("Mozilla/5.0 (compatible; Wren-Images/1)", "wren-images"), ("my_bot x", "my_bot")],
)  # fmt: skip
def test_product_token_of_an_identification(identification: str, token: str) -> None:
    assert token_of(identification) == token


def test_rules_at_hand_are_bounded_by_their_weight() -> None:
    at_hand = AtHand[int]("wren")
    asked = []

    def large() -> str:
        asked.append(1)
        return lines(OURS, "disallow: /x") + "#" * (AT_HAND // 3)

    for number in (1, 2, 2, 1, 3, 1):  # the third pushes out the second
        assert not at_hand.get(number, large).allows(SITE + "/x")
    assert (len(at_hand), len(asked)) == (2, 3)
    at_hand.get(2, large)
    at_hand.forget(2)
    assert (len(at_hand), len(asked)) == (1, 4)
    at_hand.get(4, lambda: "#" * (2 * AT_HAND))
    assert len(at_hand) == 1

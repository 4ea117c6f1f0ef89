"""Readers of what people give and pages name: URLs, cookies, lists, addresses, file names."""

import os
import tempfile
import unicodedata
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from bowerbird.errors import ListError, UsageError
from bowerbird.fetch.addresses import is_public, parse_address
from bowerbird.fetch.cookies import CookieJar
from bowerbird.fetch.headers import is_header, referer_for
from bowerbird.manager.lists import BAD_LENGTH, BAD_SHOWN, open_list
from bowerbird.manager.tree_names import PART_LIMIT, folded, names_for
from bowerbird.settings import Scope
from bowerbird.urls import MAX_URL, canonical, domain_of, host_of, in_scope, origin_of
from tests.fuzz.target import Target, split, text_of

BASE = "https://user@Site.test:8080/a/b/?q#f"
#: In memory where there is such a folder.
SHORT_LIVED = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()  # noqa: PTH112
SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".jsonl", "", ".gz", ".csv.gz")


def check_url(data: bytes) -> None:
    text = text_of(data)
    for url in {canonical(text), canonical(text, BASE)} - {None}:
        assert url is not None
        _check_canonical(url)


def _check_canonical(url: str) -> None:
    """Canonical is a fixed point; no part of it can break a header, a host or a scope."""
    assert canonical(url) == url
    assert len(url) <= MAX_URL
    assert url.isascii()
    assert url.isprintable()
    assert not set(" <>") & set(url), url
    origin, host = origin_of(url), host_of(url)
    assert "@" not in origin
    assert host
    assert canonical(origin) == origin + "/"
    assert origin_of(origin + "/") == origin
    assert urlsplit(url).hostname == host.strip("[]")  # another parser sees the same host
    assert in_scope(Scope.HOST, [url])(url)
    assert in_scope(Scope.DOMAIN, [url])(url)
    assert host.rstrip(".").endswith(domain_of(host).rstrip("."))
    assert is_header("Referer: " + (referer_for(url, url) or "x"))
    assert "@" not in referer_for(url, url).partition("/")[2].partition("/")[2].partition("/")[0]


def check_cookies(data: bytes) -> None:
    text = text_of(data).replace("~", "\t")
    try:
        jar = CookieJar.parse(text)
    except UsageError as error:
        text = str(error)
        jar = None
    if jar is None:
        assert "secret" not in text  # what a message says of a bad line
        return
    for url in ("http://a.test/x/y", "https://b.a.test/", "http://1.2.3.4/", "http://[::1]/x"):
        header = jar.header(url)
        assert header.isprintable()
        assert is_header("Cookie: " + header)
    for cookie in jar._cookies:
        assert repr(cookie) == f"<Cookie {cookie.name} of {cookie.domain}{cookie.path}>"


def check_list(data: bytes) -> None:
    kind, body = split(data, 2)
    name = f"{SHORT_LIVED}/fuzz-{os.getpid()}{SUFFIXES[kind[0] % len(SUFFIXES)] if kind else ''}"
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(body)
    try:
        _read_list(name)
    finally:
        os.unlink(name)  # noqa: PTH108


def _read_list(name: str) -> None:
    try:
        with open_list(name) as urls:
            for entry in urls.entries():
                assert canonical(entry.url) == entry.url
                entry.alt.encode("utf-8", "surrogatepass")
    except ListError:
        return
    assert urls.good > 0
    assert len(urls.bad_lines) == min(urls.bad, BAD_SHOWN)
    assert all(len(line.text) <= BAD_LENGTH for line in urls.bad_lines)


def check_address(data: bytes) -> None:
    address = parse_address(text_of(data))
    if isinstance(address, IPv4Address):
        _check_v4(address)
    if len(data) == 4:
        _check_v4(IPv4Address(data))
    if len(data) == 16:
        is_public(IPv6Address(data))


def _check_v4(address: IPv4Address) -> None:
    """No form of an address is more public than itself."""
    if is_public(address):
        assert address.is_global
    number = int(address)
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        mapped = IPv6Address(int(IPv6Address(prefix)) | number)
        assert is_public(mapped) <= is_public(address)
    for tunnel in (0x2002 << 112 | number << 80, number, 0x5EFE << 32 | number | 0x2600 << 112):
        assert is_public(IPv6Address(tunnel)) <= is_public(address)


def check_name(data: bytes) -> None:
    """Whatever the URL, the name stays inside its folder and on every file system."""
    url = canonical(text_of(data), "http://site.test/x/")
    if url is None:
        return
    names = names_for(url, "jpeg")
    assert len(set(map(folded, names))) == len(names)
    for name in names:
        for part in name.split("/"):
            assert part not in ("", ".", "..")
            assert len(part.encode()) <= PART_LIMIT + 40
            assert not set('<>:"\\|?*\0\x7f') & set(part)
            assert not {"Cc", "Cf", "Cs", "Co"} & set(map(unicodedata.category, part))
            assert part[-1] not in ". "


TARGETS = (
    Target(name="url", check=check_url, seeds=lambda: [
        b"HTTP://EXAMPLE.com:80/../a/./b?c#d", b"//user:p@[::ffff:1.2.3.4]:81/%zz",
        b"http:\\\\a\\b", "http://ex\u00e4mple\u3002com/\u00e4?\u00e4".encode(), b"?x",
        b"http://0x7f.1", b"javascript:1", b"http://2130706433/%2e%2E/x"],
        words=(b"http://", b"//", b"\\", b"@", b"[::1]", b"%00", b"%2f", b"xn--", b"\xe2\x80\x8b",
        b"\t", b"\n", b"#", b"?", b":", b"..", b"%2e", b"\xc2\xad")),
    Target(name="cookies", check=check_cookies, seeds=lambda: [
        b"# Netscape HTTP Cookie File\n.a.test~TRUE~/~FALSE~0~name~secret\n#HttpOnly_b.a.test~FALSE"
        b"~/x~TRUE~1999999999~n2~secret;\n1.2.3.4~TRUE~/~FALSE~~n3~secret"],
        words=(b"TRUE", b"FALSE", b"~", b"secret", b"#HttpOnly_", b"inf", b"nan", b"1e400")),
    Target(name="list", check=check_list, seeds=lambda: [
        b"\0http://a.test/1.jpg\nhttp://a.test/2.jpg\tcaption\n# no\nftp://x",
        b'\1\0url,caption\n"http://a.test/1.jpg","a\nb"\n', b"\2\0x\turl\n1\thttp://a.test/1",
        b'\3\0{"images":["http://a.test/1.jpg",{"url":"http://a.test/2","alt":"x"}]}',
        b'\4\0{"image_url":"http://a.test/1.jpg","caption":"c"}\n["x"]',
        b"\5\0\xff\xfeh\0t\0t\0p\0:\0/\0/\0a\0/\0"],
        words=(b"http://a.test/", b'"', b"\t", b"url", b"\xef\xbb\xbf", b"\x1f\x8b\x08", b"[[[[",
        b'{"url":', b"\r", b"PAR1", b"1e999")),
    Target(name="address", check=check_address, seeds=lambda: [
        b"127.0.0.1", b"[64:ff9b::7f00:1]", b"fe80::1%eth0", bytes(16), b"\x08\x08\x08\x08",
        bytes.fromhex("20010000000000000000000000000001")], most=64),
    Target(name="tree-name", check=check_name, seeds=lambda: [
        b"http://a.test:81/con/nul.jpg", b"/%2e%2e%2f%00/x.JPG?q", b"/a/../%ff%fe/aux.",
        b"b/\xe2\x80\xae"], words=(
        b"%2f", b"%00", b"..", b"con", b"aux", b".jpg", b"%e2%80%ae", b"~", b"%3a")),
)  # fmt: skip

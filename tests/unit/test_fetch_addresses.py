"""Which addresses a crawl may reach."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.errors import SettingsError
from bowerbird.fetch import Guard
from bowerbird.fetch.addresses import is_public, parse_address
from bowerbird.fetch.guard import Right
from bowerbird.settings import Job, Settings

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.8", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "100::1", "2001::1", "2001:0:7f00:1::",
    "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1",
    "2a00:1450::5efe:7f00:1", "2a00:1450::200:5efe:10.0.0.1", "4000::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.0", "172.32.0.1",
    "192.0.1.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::200e",
    "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450::5efe:808:808",
]  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_addresses_of_our_own_networks_are_not_public(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert not is_public(address)
    assert not Guard().allows(text)


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_open_internet_are_public(text: str) -> None:
    assert Guard().allows(text)


@given(st.ip_addresses(v=4))
def test_a_wrapped_address_is_judged_by_what_it_wraps(address: IPv4Address) -> None:
    mapped = IPv6Address(0xFFFF_0000_0000 | int(address))
    nat64 = IPv6Address(0x0064_FF9B << 96 | int(address))
    assert is_public(mapped) == is_public(nat64) == is_public(address)


@given(st.ip_addresses())
def test_what_python_knows_to_be_private_is_never_public(
    address: IPv4Address | IPv6Address,
) -> None:
    if address.is_private and not (address.version == 6 and address.ipv4_mapped):
        assert not is_public(address)


def test_what_is_no_address_is_not_allowed() -> None:
    assert not Guard().allows("")
    assert not Guard().allows("localhost")


# The guard's exemptions.


def test_an_exempt_origin_is_one_scheme_host_and_port() -> None:
    guard = Guard(["http://127.0.0.1:8080"])
    assert guard.right_of("http://127.0.0.1:8080/a") is Right.ANYWHERE
    assert guard.right_of("http://127.0.0.1:8080/a") is not Right.NOWHERE
    for other in ("http://127.0.0.1/", "http://127.0.0.1:8081/", "https://127.0.0.1:8080/"):
        assert guard.right_of(other) is not Right.ANYWHERE
        assert guard.right_of(other) is Right.NOWHERE


def test_a_login_in_a_url_does_not_make_it_another_origin() -> None:
    guard = Guard(["http://good.example"])
    assert guard.right_of("http://good.example@127.0.0.1/") is not Right.ANYWHERE
    assert guard.right_of("http://good.example@127.0.0.1/") is Right.NOWHERE


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:7f00:1]", "10.1.2.3", "[fe80::1]"])
def test_literal_private_addresses_are_refused_without_a_try(host: str) -> None:
    assert Guard().right_of(f"http://{host}/") is Right.NOWHERE
    assert Guard(proxied=True).right_of(f"http://{host}:8080/") is Right.NOWHERE
    assert Guard(allow_private=True).right_of(f"http://{host}/") is not Right.NOWHERE


@pytest.mark.parametrize("host", ["localhost", "db.localhost", "localhost."])
def test_names_of_the_proxys_own_machine_are_refused_behind_a_proxy(host: str) -> None:
    assert Guard(proxied=True).right_of(f"http://{host}:6379/") is Right.NOWHERE
    assert Guard([f"http://{host}"], proxied=True).right_of(f"http://{host}/") is Right.ANYWHERE


@pytest.mark.parametrize(
    "host", ["example.org", "8.8.8.8", "[2606:4700::1111]", "v4", "a-1.example"]
)
def test_names_and_public_addresses_are_not_refused_beforehand(host: str) -> None:
    assert Guard().right_of(f"http://{host}/") is not Right.NOWHERE


def test_a_range_is_allowed_in_whatever_form_it_is_reached() -> None:
    guard = Guard(allow_range=["10.1.0.0/16", "fd00::/8"])
    assert guard.allows("10.1.2.3")
    assert guard.allows("::ffff:10.1.2.3")
    assert guard.allows("fd00::1")
    assert not guard.allows("10.2.0.1")


def test_a_range_that_is_none_is_said_by_its_option() -> None:
    with pytest.raises(SettingsError, match=r"--allow-range 10\.0\.0\.0/99"):
        Guard(allow_range=["10.0.0.0/99"])


def test_the_guard_of_a_crawl_exempts_its_start_urls() -> None:
    job = Job(name="x", settings=Settings(), start_urls=("http://127.0.0.1:8000/gallery/",))
    assert Guard.of(job).right_of("http://127.0.0.1:8000/other") is Right.ANYWHERE
    assert Guard.of(job).right_of("http://127.0.0.1:8001/") is Right.NOWHERE

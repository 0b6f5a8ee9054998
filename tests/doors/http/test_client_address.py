"""Whom a request counts for, and what a header may say about it."""

from ipaddress import ip_address, ip_network

import pytest

from nightlatch.doors.http.client_address import ClientAddress

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
HEADER = "X-Forwarded-For"


def said(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"accept", b"*/*"), *((b"x-forwarded-for", value.encode("latin-1")) for value in values)]


def test_without_proxies_the_peer_is_the_client_whatever_is_said() -> None:
    assert ClientAddress((), HEADER).of("203.0.113.5", said("198.51.100.9")) == "203.0.113.5"


def test_a_stranger_who_writes_the_header_is_not_believed() -> None:
    assert ClientAddress(PROXIES, HEADER).of("203.0.113.5", said("127.0.0.1")) == "203.0.113.5"


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["198.51.100.9"], "198.51.100.9"),
        ([" 198.51.100.9 "], "198.51.100.9"),
        (["127.0.0.1, 198.51.100.9"], "198.51.100.9"),
        (["127.0.0.1", "198.51.100.9"], "198.51.100.9"),
        (["203.0.113.1, 198.51.100.9, 10.2.2.2, 10.3.3.3"], "198.51.100.9"),
        (["203.0.113.1, 198.51.100.9", "10.2.2.2"], "198.51.100.9"),
        (["10.2.2.2, 10.3.3.3"], "10.2.2.2"),
        (["2001:db8::1"], "2001:db8::1"),
        (["2001:DB8:0::1, fd00::2"], "2001:db8::1"),
        (["::ffff:198.51.100.9"], "198.51.100.9"),
        ([], "10.1.1.1"),
        ([""], "10.1.1.1"),
        (["unknown"], "10.1.1.1"),
        (["198.51.100.9, unknown"], "10.1.1.1"),
        (["198.51.100.9, unknown, 10.2.2.2"], "10.2.2.2"),
        (["198.51.100.9:4711"], "10.1.1.1"),
        (["[2001:db8::1]"], "10.1.1.1"),
        (["198.51.100.9\xff"], "10.1.1.1"),
        (["010.1.1.1"], "10.1.1.1"),
        ([",,"], "10.1.1.1"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy_and_nothing_before_an_odd_one(
    values: list[str], client: str
) -> None:
    assert ClientAddress(PROXIES, HEADER).of("10.1.1.1", said(*values)) == client


def test_only_the_configured_header_is_read() -> None:
    headers = [
        (b"x-real-ip", b"198.51.100.9"),
        (b"forwarded", b"for=198.51.100.9"),
        (b"cf-connecting-ip", b"192.0.2.1"),
    ]
    assert ClientAddress(PROXIES, HEADER).of("10.1.1.1", headers) == "10.1.1.1"
    assert ClientAddress(PROXIES, "CF-Connecting-IP").of("10.1.1.1", headers) == "192.0.2.1"


@pytest.mark.parametrize("peer", ["10.1.1.1", "::ffff:10.1.1.1", "fd00::1"])
def test_a_proxy_is_known_in_every_spelling_of_its_address(peer: str) -> None:
    assert ClientAddress(PROXIES, HEADER).of(peer, said("198.51.100.9")) == "198.51.100.9"


def test_a_peer_without_an_address_is_shown_as_it_is() -> None:
    assert ClientAddress(PROXIES, HEADER).of("unix", said("198.51.100.9")) == "unix"


def test_trust_is_of_networks() -> None:
    addresses = ClientAddress(PROXIES, HEADER)
    assert addresses.trusts(ip_address("10.255.0.1"))
    assert not addresses.trusts(ip_address("11.0.0.1"))
    assert not addresses.trusts(ip_address("::1"))


@pytest.mark.parametrize(
    ("city", "country", "place"),
    [
        ("Ulm", "DE", "Ulm, DE"),
        ("Zürich", "CH", "Zürich, CH"),
        (None, "DE", "DE"),
        ("", "DE", "DE"),
        ("Ulm", None, None),
        ("Ulm", "XX", None),
        ("Ulm", "de", None),
        ("Ulm", "DEU", None),
        ("U\tlm", "DE", "DE"),
        ("x" * 200, "DE", "x" * 100 + ", DE"),
    ],
)
def test_the_place_is_what_a_trusted_proxy_says(city: str | None, country: str | None, place: str | None) -> None:
    given = ((b"cf-ipcity", city), (b"cf-ipcountry", country))
    headers = [(name, value.encode()) for name, value in given if value is not None]
    address = ClientAddress(PROXIES, HEADER)
    assert address.place("10.1.1.1", headers) == place
    assert address.place("203.0.113.5", headers) is None
    assert address.place("a socket", headers) is None

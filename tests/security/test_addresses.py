"""Addresses that are nobody's business: private ones in every spelling are refused before a byte goes out."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.integration import TreezSettings
from pipelines.address import is_public
from pipelines.errors import SourceError
from pipelines.http import Client, Limits
from tests.loopback import Server, answer
from tests.security.resolver import network

PRIVATE = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "168.63.129.16",
)  # fmt: skip
PRIVATE_6 = (
    "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "100::1", "2001::1",
    "2001:2::1", "2001:10::1", "2001:db8::1", "3fff::1", "2002:808:808::1", "5f00::1", "4000::1", "64:ff9b:1::808:808",
    "::808:808", "::ffff:0:808:808",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.0.1")
PUBLIC_6 = ("2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2620:fe::fe", "64:ff9b::808:808")

WIDE = str.maketrans("0123456789abcdefx.", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19abcdefx\u3002")


def parts(address: str) -> list[int]:
    return list(IPv4Address(address).packed)


def whole(address: str) -> int:
    return int(IPv4Address(address))


def in_ipv6(prefix: str, shift: int = 0, mask: int = 0) -> Callable[[str], str]:
    return lambda address: f"[{IPv6Address(int(IPv6Address(prefix)) | (whole(address) ^ mask) << shift)}]"


def with_last(count: int) -> Callable[[str], str]:
    """So many parts as they are, the rest as one number: 127.1."""

    def spelled(address: str) -> str:
        rest = whole(address) & (256 ** (4 - count) - 1)
        return ".".join([*map(str, parts(address)[:count]), str(rest)])

    return spelled


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "decimal": lambda address: str(whole(address)),
    "hexadecimal": lambda address: hex(whole(address)),
    "HEXADECIMAL": lambda address: f"0X{whole(address):08X}",
    "octal": lambda address: f"0{whole(address):o}",
    "octal parts": lambda address: ".".join(f"0{part:03o}" for part in parts(address)),
    "hexadecimal parts": lambda address: ".".join(map(hex, parts(address))),
    "mixed parts": lambda address: "{:#x}.0{:o}.{}.{:#x}".format(*parts(address)),
    "two parts": with_last(1),
    "three parts": with_last(2),
    "mapped": in_ipv6("::ffff:0:0"),
    "mapped, dotted": lambda address: f"[::ffff:{address}]",
    "mapped, in full": lambda address: f"[0:0:0:0:0:FFFF:{address}]",
    "NAT64": in_ipv6("64:ff9b::"),
}
"""Spellings that mean the address, for a public one too."""

REFUSED: dict[str, Callable[[str], str]] = {
    "IPv4-compatible": in_ipv6("::"),
    "translated": in_ipv6("::ffff:0:0:0"),
    "local NAT64": in_ipv6("64:ff9b:1::"),
    "6to4": in_ipv6("2002::", shift=80),
    "Teredo server": in_ipv6("2001::", shift=64),
    "Teredo client": in_ipv6("2001::", mask=0xFFFFFFFF),
    "with a zone": lambda address: f"[::ffff:{address}%25lo]",
    "trailing dot": lambda address: f"{address}.",
    "full-width": lambda address: address.translate(WIDE),
    "full-width decimal": lambda address: str(whole(address)).translate(WIDE),
    "ideographic dots": lambda address: address.replace(".", "\u3002"),
    "half-width dots": lambda address: address.replace(".", "\uff61"),
    "percent-encoded": lambda address: "".join(f"%{ord(sign):02X}" for sign in address),
    "user info": lambda address: f"api.treez.io@{address}",
    "user info with a port": lambda address: f"api.treez.io:443@{address}",
    "user info, encoded": lambda address: f"api.treez.io%40{address}",
    "a backslash": lambda address: f"{address}\\.treez.io",
    "a backslash and user info": lambda address: f"api.treez.io\\@{address}",
    "a tab": lambda address: f"{address[:2]}\t{address[2:]}",
    "a line break": lambda address: f"{address}\r\nX-Evil: 1",
    "a blank": lambda address: f" {address}",
    "a NUL": lambda address: f"{address}\x00.treez.io",
    "soft hyphens": lambda address: "\u00ad".join(address),
    "a name that leads there": lambda address: f"{address.replace('.', '-')}.evil.example",
}  # fmt: skip
"""Spellings of which none may be followed to a private address, whether they mean anything or not."""

ALL = SPELLINGS | REFUSED
NAMES = {f"{one.replace('.', '-')}.evil.example": [[one]] for one in PRIVATE}
CLOUDS = {
    "localhost": [["127.0.0.1", "::1"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "db.lan": [["fd00::7"]],
}


def refused(url: str, why: str = ".") -> None:
    """Not asked, not even connected to."""
    with network(NAMES | CLOUDS) as seen, Client(limits=Limits(retry_budget=0)) as made:
        with pytest.raises(SourceError, match=why) as error:
            made.request("GET", url, headers={"Authorization": "canary-7b1f"})
        assert seen.connected == []
        assert "canary" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("how", ALL)
def test_a_private_address_is_refused_in_every_spelling(how: str) -> None:
    for address in PRIVATE:
        refused(f"http://{ALL[how](address)}/x")
        refused(f"https://{ALL[how](address)}:8443/x")


@pytest.mark.parametrize("host", [*PRIVATE, *(f"[{address}]" for address in PRIVATE_6), *CLOUDS])
def test_what_is_refused_says_where_it_leads_and_what_to_do(host: str) -> None:
    refused(f"http://{host}/", "leads to .* no public address: correct base_url, or set allow_private_address")
    if "[" not in host:
        refused(f"http://{host}./" if host in CLOUDS else f"http://{host}:80/", "leads to")


private = st.sampled_from(PRIVATE).flatmap(
    lambda one: st.integers(0, 255).map(
        lambda last: str(IPv4Address(whole(one) & ~255 | last)) if one != "168.63.129.16" else one
    )
)


@given(private, st.sampled_from(sorted(ALL)), st.sampled_from(["http", "https"]), st.sampled_from(["", ":80", ":9200"]))
def test_no_private_address_gets_through_in_any_spelling(address: str, how: str, scheme: str, port: str) -> None:
    refused(f"{scheme}://{ALL[how](address)}{port}/v2.0/dispensary/x")


@pytest.mark.parametrize("how", SPELLINGS)
def test_the_same_spellings_of_a_public_address_are_connected_to(how: str) -> None:
    for address in PUBLIC:
        with network({}) as seen, Client(limits=Limits(retry_budget=0)) as made:
            with pytest.raises(SourceError, match="refuses connections"):
                made.request("GET", f"http://{SPELLINGS[how](address)}/")
            (reached,) = seen.connected
        inner = int(ipaddress.ip_address(reached[0])) & 0xFFFFFFFF
        assert (str(IPv4Address(inner)), reached[1]) == (address, 80)


@pytest.mark.parametrize("how", [how for how in SPELLINGS if how != "NAT64"])
def test_they_lead_to_a_private_one_where_that_is_allowed(how: str) -> None:
    with Server(answer(body=b"here")) as server, Client(1000, allow_private_address=True) as made:
        url = server.url.replace("127.0.0.1", SPELLINGS[how]("127.0.0.1"))
        assert made.request("GET", url).body == b"here"


def test_public_addresses_are_public_and_private_ones_are_not() -> None:
    assert [address for address in (*PUBLIC, *PUBLIC_6) if not is_public(address)] == []
    assert [address for address in (*PRIVATE, *PRIVATE_6) if is_public(address)] == []


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
@example(IPv6Address("64:ff9b::7f00:1"))
def test_nothing_is_public_that_python_knows_to_be_none(address: IPv4Address | IPv6Address) -> None:
    """Its own list is another, and grows with its releases: what is in it is to be in ours."""
    if not address.is_global or address.is_multicast:
        assert not is_public(str(address)) or str(address).startswith("::ffff:")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_is_judged_as_itself(address: IPv4Address) -> None:
    for how in ("mapped", "NAT64"):
        assert is_public(SPELLINGS[how](str(address)).strip("[]")) == is_public(str(address))
    for how in ("IPv4-compatible", "translated", "local NAT64", "6to4", "Teredo server", "Teredo client"):
        assert not is_public(REFUSED[how](str(address)).strip("[]"))


@pytest.mark.parametrize(
    "how",
    [
        "user info",
        "user info with a port",
        "a backslash",
        "a backslash and user info",
        "a tab",
        "a line break",
        "a blank",
    ],
)
def test_the_settings_refuse_what_readers_of_urls_read_differently(how: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        TreezSettings(dispensary_id="x", api_key="k", base_url=f"https://{REFUSED[how]('127.0.0.1')}")

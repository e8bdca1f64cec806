"""Which addresses may be spoken to, and how one is connected to: looked up once, checked, used as it was checked."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from pipelines.errors import SourceError
from pipelines.plain import plain

Options = Iterable[tuple[int, int, int | bytes]]
Connect = Callable[[str, int, float | None, Options], socket.socket]
"""Opens a connection: host, port, seconds for each address of the host, options of the socket."""

# IANA's registries of special-purpose addresses, and what is deprecated or a cloud's own. Python's is_global knows
# fewer of them, and each release others: no list but this one decides.
_NOT_PUBLIC = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # private
            "100.64.0.0/10",  # shared, behind a carrier's NAT; 100.100.100.200 is Alibaba's metadata
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's host, which answers with certificates and settings
            "169.254.0.0/16",  # link-local; 169.254.169.254 is most clouds' metadata
            "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  # protocols; documentation
            "192.88.99.0/24",  # 6to4 relays
            "198.18.0.0/15",  # benchmarks
            "224.0.0.0/4", "240.0.0.0/4",  # multicast; reserved, broadcast
        ),
    )
)  # fmt: skip

_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is given out to the public; what isn't is loopback, local, multicast, or means nothing yet."""

_NOT_PUBLIC_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols: Teredo, benchmarks, overlays
            "2001:db8::/32", "3fff::/20",  # documentation
            "2002::/16",  # 6to4, which leads to any IPv4 address
        ),
    )
)  # fmt: skip

_FOR_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""IPv6 addresses that stand for the IPv4 address in their last 32 bits: mapped (RFC 4291), NAT64 (RFC 6052)."""

_ADDRESSES_WAITED_FOR = 3
"""How many addresses of a host may be silent before no more are tried: a name can have hundreds."""

_UNCLEAR = re.compile(r"[\x00-\x20\x7f\\@]")


class Unresolved(Exception):
    """A name could not be looked up now; that may pass."""


def is_public(address: str) -> bool:
    """Whether an IPv4 or IPv6 address, with a zone or without, is one of the internet's and nobody's own."""
    parsed: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(parsed, IPv6Address) and any(_without_zone(parsed) in network for network in _FOR_IPV4):
        parsed = IPv4Address(int(parsed) & 0xFFFFFFFF)
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC)
    address6 = _without_zone(parsed)
    return address6 in _UNICAST and not any(address6 in network for network in _NOT_PUBLIC_6)


def check_url(url: str) -> None:
    """Raise SourceError unless a URL is http or https, with a host and a port that every reader finds in it.

    A user name, a backslash and white space before the path are where readers differ.
    """
    no_address = SourceError(f"{shown_host(url)} is no http or https address: correct base_url of the integration")
    try:
        parts = urlsplit(url)
        is_clear = bool(parts.hostname) and parts.port != 0 and _UNCLEAR.search(parts.netloc) is None
    except ValueError as error:
        raise no_address from error
    if parts.scheme not in ("http", "https") or not is_clear or not url.startswith(f"{parts.scheme}://{parts.netloc}"):
        raise no_address


def shown_host(url: str) -> str:
    """Host and port of a URL, for messages: without a user name or a password."""
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    return plain(authority.rpartition("@")[2]) or "The given address"


def connector(*, allow_private: bool) -> Connect:
    """A way to connect to public addresses only, or to any.

    It raises SourceError for a name that there is none of, or whose addresses aren't all allowed; Unresolved; OSError
    where none of them can be connected to.
    """
    return partial(_connect, allow_private)


def _connect(allow_private: bool, host: str, port: int, timeout: float | None, options: Options) -> socket.socket:
    found = _looked_up(host, port)
    for *_, address in found:
        if not (allow_private or is_public(address[0])):
            raise SourceError(
                f"{plain(host)} leads to {address[0]}, which is no public address: correct base_url, "
                "or set allow_private_address of the integration to true"
            )
    failure = OSError(f"{host} has no address")
    silent = 0
    for entry in found:
        try:
            return _opened(entry, timeout, options)
        except OSError as error:
            failure = error
            silent += isinstance(error, TimeoutError)
            if silent == _ADDRESSES_WAITED_FOR:
                break
    raise failure


def _opened(entry: Any, timeout: float | None, options: Options) -> socket.socket:
    family, kind, protocol, _, address = entry
    opened = socket.socket(family, kind, protocol)
    try:
        for option in options:
            opened.setsockopt(*option)
        opened.settimeout(timeout)
        opened.connect(address)
    except OSError:
        opened.close()
        raise
    return opened


def _looked_up(host: str, port: int) -> list[Any]:
    unknown = f"There is no host {plain(host)}: correct base_url of the integration, or check the network"
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise Unresolved(f"the name {plain(host)} could not be looked up") from error
        raise SourceError(unknown) from error
    except (UnicodeError, OverflowError) as error:
        raise SourceError(unknown) from error


def _without_zone(address: IPv6Address) -> IPv6Address:
    """With its zone it is in no network."""
    return IPv6Address(int(address))

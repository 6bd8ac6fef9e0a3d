"""What may be stored as an address to call. Names are checked again at the socket, when they are called."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import urlsplit

from app.errors import Problem
from app.settings import Settings

URL_MOST: Final = 2048  # characters; longer ones are cut by proxies on the way
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_BLANK_OR_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_HOST_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_NUMERIC: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_IPV4_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")  # RFC 4291 2.5.5.1, likewise; long out of use


def check_webhook_url(url: str, settings: Settings) -> None:
    """Raises `invalid_field` unless `url` is http(s) with a host and without credentials or a fragment, and not a
    literal address, however it is spelt, that this deployment does not call: private ones need
    KALENDS_ALLOW_PRIVATE_HOSTS=1, and a start bound to loopback may call loopback."""
    if len(url) > URL_MOST or not url.isascii() or _BLANK_OR_CONTROL.search(url):
        raise _refused(f"must be at most {URL_MOST} ASCII characters without blanks")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("cannot be read as a URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise _refused("must begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise _refused("must not carry a user name, a password or a fragment")
    address = literal_address(host)
    if port == 0 or (address is None and not _HOST_NAME.fullmatch(host)):
        raise _refused("names a host or a port that cannot exist")
    if address is None or settings.allow_private_hosts or is_public(address):
        return
    if address.is_loopback and settings.is_loopback and settings.allow_private_hosts is None:
        return
    raise _refused("names a private or reserved address, which this deployment does not call")


def literal_address(host: str) -> Address | None:
    """The address that `host` spells, in the forms that resolvers take for one too (127.1, 0x7f000001, 2130706433,
    a final dot), and the IPv4 address where an IPv6 one only wraps it; None for a name."""
    bare = host.removesuffix(".")
    try:
        address: Address = ipaddress.ip_address(bare)
    except ValueError:
        if not _NUMERIC.fullmatch(bare):
            return None
        try:
            return ipaddress.IPv4Address(socket.inet_aton(bare))
        except OSError:
            return None
    if isinstance(address, ipaddress.IPv6Address):
        return _wrapped(address) or address
    return address


def is_public(address: Address) -> bool:
    """Whether it is a host's address in the public internet: not private, reserved, link-local or multicast."""
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False
    return address.is_global and not address.is_multicast


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 0xFFFF):  # not :: and ::1
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _refused(why: str) -> Problem:
    return Problem(
        "invalid_field",
        f"webhook_url {why}.",
        hint="Give a public address such as https://example.com/hooks/kalends.",
        field="webhook_url",
    )

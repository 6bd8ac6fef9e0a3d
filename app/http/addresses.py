"""Who is asking: the peer, or whom a trusted proxy speaks for."""

from __future__ import annotations

import ipaddress

from litestar.types import HTTPScope

from app.settings import Network


def client_address(scope: HTTPScope, trusted: tuple[Network, ...]) -> str:
    """The address limits count against. X-Forwarded-For is read from its right end, as far as the addresses in it
    are trusted proxies; what a client wrote there itself is never believed. IPv6 counts by its /64, since one
    subscriber has as many addresses below that as it likes."""
    peer = scope["client"][0] if scope["client"] else ""
    forwarded = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for")
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    address = _address(peer)
    while address is not None and hops and any(address in network for network in trusted):
        address = _address(hops.pop())
    if address is None:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address

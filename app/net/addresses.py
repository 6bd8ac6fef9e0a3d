"""Which addresses are hosts of the public internet: the one truth that stored URLs and sockets are judged by.

The networks are listed here, each with the RFC that set it aside, since `ipaddress.is_global` follows the IANA
registries as they stood when that Python was released, and its versions disagree.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOT_PUBLIC_4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # RFC 791: this network; Linux takes 0.0.0.0 for loopback
        "10.0.0.0/8",  # RFC 1918: private
        "100.64.0.0/10",  # RFC 6598: shared between a provider and its customers; some clouds' metadata
        "127.0.0.0/8",  # RFC 1122: loopback
        "168.63.129.16/32",  # no RFC: public by number, but Azure's agent of the host answers there
        "169.254.0.0/16",  # RFC 3927: link-local; most clouds' metadata
        "172.16.0.0/12",  # RFC 1918: private
        "192.0.0.0/24",  # RFC 6890: IETF protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # RFC 5737: documentation
        "192.88.99.0/24",  # RFC 7526: 6to4 relays, withdrawn
        "192.168.0.0/16",  # RFC 1918: private
        "198.18.0.0/15",  # RFC 2544: benchmarks
        "198.51.100.0/24",  # RFC 5737: documentation
        "203.0.113.0/24",  # RFC 5737: documentation
        "224.0.0.0/4",  # RFC 5771: multicast
        "240.0.0.0/4",  # RFC 1112: reserved, and the broadcast of RFC 919
    )
)
# RFC 4291: the one block that unicast addresses are given out from. Outside it lie, among others, :: and ::1,
# IPv4-compatible ::/96, discard 100::/64 (RFC 6666), IPv4-translated ::ffff:0:0:0/96 (RFC 7915), segment routing
# 5f00::/16 (RFC 9602), unique local fc00::/7 (RFC 4193), link-local fe80::/10, site-local fec0::/10 (RFC 3879),
# multicast ff00::/8, and NAT64 of a network's own, 64:ff9b:1::/48 (RFC 8215).
_GIVEN_OUT_6: Final = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # RFC 2928: IETF protocols; Teredo (RFC 4380), benchmarks (5180), ORCHID (4843, 7343)
        "2001:db8::/32",  # RFC 3849: documentation
        "2002::/16",  # RFC 7526: 6to4, withdrawn; wraps an IPv4 address
        "3ffe::/16",  # RFC 3701: 6bone, ended
        "3fff::/20",  # RFC 9637: documentation
    )
)
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")  # RFC 4291 2.5.5.2: the kernel itself calls the IPv4 address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: all that a host without IPv4 sees of the IPv4 world
_LOOPBACK_4: Final = ipaddress.IPv4Network("127.0.0.0/8")
_LOOPBACK_6: Final = ipaddress.IPv6Address("::1")
_ISATAP: Final = 0x5EFE  # RFC 5214: in the third quarter of an address, before the IPv4 address that it wraps
_GROUP_BIT: Final = 0x0200_0000  # which an ISATAP identifier may have set: "globally unique"

HOST_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")  # in ASCII and lower case
_NUMERIC: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}")


def literal_address(host: str) -> Address | None:
    """The address that `host` spells, in the forms that resolvers take for one too (127.1, 0x7f000001, 2130706433,
    a final dot), and as IPv4 where IPv6 only maps it; None for a name."""
    bare = host.lower().removesuffix(".")
    try:
        return unmapped(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if not _NUMERIC.fullmatch(bare):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(bare))
    except OSError:
        return None


def unmapped(address: Address) -> Address:
    """The IPv4 address that a socket would call for an IPv4-mapped one; any other as it is."""
    if isinstance(address, ipaddress.IPv6Address) and address in _MAPPED:
        return _last_four_bytes(address)
    return address


def is_loopback(address: Address) -> bool:
    """Whether it is this machine itself: 127.0.0.0/8, mapped or not, and ::1."""
    address = unmapped(address)
    return address in _LOOPBACK_4 if isinstance(address, ipaddress.IPv4Address) else int(address) == int(_LOOPBACK_6)


def is_public(address: Address) -> bool:
    """Whether it is a host's address in the public internet.

    An address that wraps an IPv4 one is judged by that where the kernel (IPv4-mapped) or the network's NAT64 calls it;
    wrappings that are out of use (IPv4-compatible, 6to4, Teredo, ISATAP) are never public, and neither is an address
    with a zone.
    """
    address = unmapped(address)
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(_last_four_bytes(address))
    if address not in _GIVEN_OUT_6 or (int(address) >> 32 & 0xFFFF_FFFF) & ~_GROUP_BIT == _ISATAP:
        return False
    return not any(address in network for network in _NOT_PUBLIC_6)


def _last_four_bytes(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)

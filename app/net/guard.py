"""Which addresses this deployment calls, and the sockets that go to those alone."""

from __future__ import annotations

import asyncio
import enum
import ipaddress
import socket
from dataclasses import dataclass
from typing import Final

from app.net.addresses import HOST_NAME, Address, is_loopback, is_public, literal_address, unmapped
from app.net.lookup import Lookup, LookupFailed, SystemLookup
from app.settings import Settings

ADDRESSES_TRIED: Final = 4  # of one name: two of each family; a name with more is not worth more of the time limit
ATTEMPT_MOST: Final = 3.0  # seconds for an address while there is another: a SYN is repeated after 1 and 3
NAME_MOST: Final = 253  # characters of a host name, RFC 1035


class AddressRefused(OSError):
    """The host is, or resolves to, an address that this deployment does not call. Its text is a sentence for the
    delivery log."""


class Reach(enum.Enum):
    """How far a guard lets connections go."""

    PUBLIC = enum.auto()
    PUBLIC_AND_LOOPBACK = enum.auto()
    EVERYWHERE = enum.auto()


@dataclass(frozen=True, slots=True)
class Checked:
    """An address that the guard permits, with the port to call there."""

    address: Address
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET if isinstance(self.address, ipaddress.IPv4Address) else socket.AF_INET6


class Guard:
    """Judges addresses, resolves names to judged ones, and connects to exactly those. Belongs to one event loop."""

    def __init__(self, reach: Reach, lookup: Lookup | None = None) -> None:
        """`lookup` gives the addresses of a name as text; the system is asked unless one is given."""
        self._reach = reach
        self._lookup = lookup or SystemLookup()

    @classmethod
    def of(cls, settings: Settings, lookup: Lookup | None = None) -> Guard:
        """For hosts that agents name: public ones; loopback too on a start bound to loopback; all of them with
        KALENDS_ALLOW_PRIVATE_HOSTS=1; and with 0 public ones in any case."""
        return cls(reach_of(settings), lookup)

    @classmethod
    def trusting(cls, lookup: Lookup | None = None) -> Guard:
        """For hosts that the operator configured."""
        return cls(Reach.EVERYWHERE, lookup)

    def permits(self, address: Address) -> bool:
        return permits(self._reach, address)

    async def resolve(self, host: str, port: int) -> list[Checked]:
        """The addresses to try, in order; never empty.

        `host` is a name or an address in any spelling, without brackets. Raises `AddressRefused` where one of the
        addresses is not permitted, since a name that mixes them is made to slip through, and `LookupFailed`.
        """
        literal = literal_address(host)
        name = "" if literal is not None else _name(host)
        literal = literal or literal_address(name)
        if literal is not None:
            return [self._checked(host, literal, port)]
        found = await self._lookup(name)
        checked = [self._checked(host, unmapped(ipaddress.ip_address(text)), port) for text in found]
        if not checked:
            raise LookupFailed(f"The name {host} has no address.")
        return checked

    async def connect(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ASYNC109 - one for all tries
        """A connected, non-blocking socket to one of the checked addresses, tried in turn within `timeout` seconds.

        Raises `AddressRefused`, `LookupFailed`, `TimeoutError`, or the `OSError` of the last address.
        """
        async with asyncio.timeout(timeout):
            places = (await self.resolve(host, port))[:ADDRESSES_TRIED]
            for place in places[:-1]:
                try:
                    async with asyncio.timeout(ATTEMPT_MOST):
                        return await _connected(place)
                except OSError:  # TimeoutError is one
                    continue
            return await _connected(places[-1])

    def _checked(self, host: str, address: Address, port: int) -> Checked:
        if self.permits(address):
            return Checked(address, port)
        raise AddressRefused(f"{host[:NAME_MOST]} is at a private or reserved address, which is not called from here.")


def reach_of(settings: Settings) -> Reach:
    """See `Guard.of`."""
    if settings.allow_private_hosts:
        return Reach.EVERYWHERE
    if settings.allow_private_hosts is None and settings.is_loopback:
        return Reach.PUBLIC_AND_LOOPBACK
    return Reach.PUBLIC


def permits(reach: Reach, address: Address) -> bool:
    """Whether a connection with that reach may go to `address`."""
    if reach is Reach.EVERYWHERE or is_public(address):
        return True
    return reach is Reach.PUBLIC_AND_LOOPBACK and is_loopback(address)


def _name(host: str) -> str:
    """The name as it is asked for, in ASCII (full-width digits become digits here, and may then spell an address).
    Raises `LookupFailed` for what cannot be a name."""
    try:
        name = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        name = ""
    if len(name) > NAME_MOST or not (HOST_NAME.fullmatch(name) or literal_address(name)):
        raise LookupFailed("The host is not a name that can be looked up.")
    return name


async def _connected(place: Checked) -> socket.socket:
    # Named TCP, or asyncio leaves the algorithm of Nagle on, which holds back small packets: each line of SMTP is one.
    made = socket.socket(place.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (str(place.address), place.port))
    except BaseException:
        made.close()
        raise
    return made

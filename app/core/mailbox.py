"""Mail addresses: as people write them, and as the protocols that know only ASCII carry them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import idna

ADDRESS_MOST: Final = 254  # octets: RFC 5321 4.5.3.1.3 allows a path 256, its angle brackets among them
LOCAL_PART_MOST: Final = 64  # octets (RFC 5321 4.5.3.1.1)

_ATOM: Final = r"[^\x00-\x20\x7f-\xa0\ud800-\udfff()<>@,;:\\\".\[\]\s]+"
_LOCAL_PART: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address alone, such as `ada@example.com`, and the name to be shown for it."""

    address: str
    name: str | None = None


def ascii_address(address: str) -> str:
    """`address` with its domain in ASCII (RFC 5891), so that mail systems without SMTPUTF8 take it.

    The local part belongs to the receiving system and is never changed; nor is a domain without an ASCII form.
    """
    local, at, domain = address.rpartition("@")
    if not at or domain.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return address


def is_mailable(address: str) -> bool:
    """Whether mail can be sent to `address`: one plain address, without quoting, comment or address literal.

    A local part outside ASCII is one, though only servers with SMTPUTF8 (RFC 6531) take it.
    """
    local, _, domain = ascii_address(address).rpartition("@")
    if _LOCAL_PART.fullmatch(local) is None or _DOMAIN.fullmatch(domain) is None:
        return False
    octets = len(local.encode())
    return octets <= LOCAL_PART_MOST and octets + 1 + len(domain) <= ADDRESS_MOST

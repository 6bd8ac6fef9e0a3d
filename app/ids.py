"""Prefixed ids and secrets, all from the operating system's randomness."""

from __future__ import annotations

import hashlib
import os
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH: Final = 12  # 71 random bits: a collision among 10^9 ids of one kind has odds below 1 in 5,000
PREVIEWED: Final = (
    "evt_preview"  # how ids in previews begin, with a number after it: a drawn id never does, by its odds
)
_SECRET_LENGTH: Final = 32  # 190 random bits


def _draw(length: int) -> str:
    # One call to the system for all characters: eight bytes more than needed leave a bias below 2^-60.
    number = int.from_bytes(os.urandom(length * 6 // 8 + 9), "big")
    drawn = []
    for _ in range(length):
        number, index = divmod(number, 62)
        drawn.append(_ALPHABET[index])
    return "".join(drawn)


def new_id(prefix: str) -> str:
    """A public id such as `evt_aB3…`: `prefix` + `_` + 12 characters of [0-9A-Za-z]."""
    return f"{prefix}_{_draw(_ID_LENGTH)}"


def new_secret(prefix: str) -> str:
    """A bearer secret such as `sk_live_…` with 190 random bits. Store only `digest` of it."""
    return f"{prefix}_{_draw(_SECRET_LENGTH)}"


def digest(secret: str) -> bytes:
    """SHA-256 of a secret: what the database keeps and looks up by."""
    return hashlib.sha256(secret.encode()).digest()

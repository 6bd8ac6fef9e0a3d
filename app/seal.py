"""Sealing of stored secrets with KALENDS_SECRET_KEY (AES-256-GCM), and opening with it or its predecessors.

A sealed value is `key id (4 bytes) + nonce (12) + ciphertext`. It is bound to its place (`cal_…/feed`, say): moved
to another row or column it does not open. The first key seals; the others only open, so that a key can be rotated.
"""

from __future__ import annotations

import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_ID: Final = 4
_NONCE: Final = 12


class SealBroken(Exception):
    """A stored secret does not open: KALENDS_SECRET_KEY lacks the key it was sealed with, or the row was altered."""


class Sealer:
    """Seals with the first of `keys`, opens with any. Each key is text of at least 32 characters."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        assert keys
        self._ciphers: dict[bytes, AESGCM] = {}
        for key in keys:
            derived = hashlib.sha256(b"kalends seal\0" + key.encode()).digest()
            self._ciphers[hashlib.sha256(derived).digest()[:_KEY_ID]] = AESGCM(derived)
        self._sealing_id, self._sealing = next(iter(self._ciphers.items()))

    def __repr__(self) -> str:
        return f"Sealer({len(self._ciphers)} keys)"

    def seal(self, secret: str, place: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return self._sealing_id + nonce + self._sealing.encrypt(nonce, secret.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Raises `SealBroken`."""
        sealed = bytes(sealed)
        cipher = self._ciphers.get(sealed[:_KEY_ID])
        if cipher is None:
            raise SealBroken(
                f"{place} was sealed with a key that is not in KALENDS_SECRET_KEY; append the old key to it."
            )
        nonce, text = sealed[_KEY_ID : _KEY_ID + _NONCE], sealed[_KEY_ID + _NONCE :]
        try:
            return cipher.decrypt(nonce, text, place.encode()).decode()
        except (InvalidTag, ValueError):  # the latter for a value cut short
            raise SealBroken(f"{place} does not open: the stored value was altered or moved.") from None

    @property
    def key_ids(self) -> tuple[bytes, ...]:
        """What values sealed with each of the keys begin with, in the order of the keys."""
        return tuple(self._ciphers)

    def is_current(self, sealed: bytes) -> bool:
        """Whether the present first key sealed it; one that is not is due for sealing anew."""
        return bytes(sealed[:_KEY_ID]) == self._sealing_id

"""Finding a secret in whatever was written, in each of the ways it may be spelt."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import psycopg

_OFFSETS: Final = 3  # base64 has three ways to spell bytes, by where in a text they begin
_BYTEA: Final = re.compile(rb"\\\\x((?:[0-9a-f]{2})+)")


def spellings(secret: str) -> dict[str, bytes]:
    """How to look for `secret`: plain, in hexadecimal, percent-encoded, in base64 of either alphabet."""
    raw = secret.encode()
    found = {"plain": raw, "hex": raw.hex().encode(), "url": quote(secret, safe="").encode()}
    for offset in range(_OFFSETS):
        whole = base64.b64encode(b"\0" * offset + raw)
        inner = whole[4 if offset else 0 : -4].rstrip(b"=")  # its ends depend on what stands around it
        found |= {
            f"base64 at {offset}": inner,
            f"base64url at {offset}": inner.translate(bytes.maketrans(b"+/", b"-_")),
        }
    if secret.startswith("whsec_"):
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
        found |= {"key": key, "key in hex": key.hex().encode()}
    return found


def leaks(secrets: Mapping[str, str], written: Mapping[str, bytes]) -> list[str]:
    """Which secret stands where, and how it is spelt there."""
    return [
        f"{name} in {place}, {how}"
        for name, secret in secrets.items()
        for how, spelt in spellings(secret).items()
        for place, text in written.items()
        if spelt in text or (how == "hex" and spelt.upper() in text)
    ]


def dumped(dsn: str) -> dict[str, bytes]:
    """All tables as COPY writes them, and besides what their binary columns hold, inflated where it is deflated."""
    found: dict[str, bytes] = {}
    with psycopg.connect(dsn) as connection:
        for table in _tables(connection):
            with connection.cursor().copy(f'copy "{table}" to stdout'.encode()) as copy:
                text = b"".join(bytes(part) for part in copy)
            found[table] = text
            found[f"{table}, inside"] = b"\n".join(_inside(_BYTEA.findall(text)))
    return found


def _inside(columns: Iterable[bytes]) -> Iterator[bytes]:
    for column in columns:
        raw = bytes.fromhex(column.decode())
        yield raw
        for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
            try:
                yield zlib.decompress(raw, bits)
            except zlib.error:
                continue


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute(
        "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    return sorted(row[0] for row in rows)

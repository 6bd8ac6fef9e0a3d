"""JSON of others, read member by member: whatever is of another type than we take counts as absent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from app.errors import Problem
from app.ical.decode import clean

Raw = msgspec.Raw
TEXT_MOST: Final = 100_000  # characters of a string, unless more is asked for
REPAIRED_MOST: Final = 4 * 1024 * 1024  # bytes of a body in which lone surrogates are looked for: a tenth of a second
_SURROGATES: Final = re.compile(
    rb"(\\\\|\\[^u\\]|\\u(?![dD][89a-fA-F])|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
"""Escapes, in the group; and outside of it half a pair, which is no character (RFC 8259 8.2) and is left out."""
_DIGITS_MOST: Final = 12  # of a size in bytes
_ITEMS_MOST: Final = 20_000  # entries of one array that are looked at
_object = msgspec.json.Decoder(dict[str, Raw]).decode
_array = msgspec.json.Decoder(list[Raw]).decode
_string = msgspec.json.Decoder(str).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class Members:
    """One JSON object whose members are read only when they are asked for: a mail has megabytes that nobody wants."""

    def __init__(self, members: Mapping[str, Raw]) -> None:
        self._members = members

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self, *names: str, most: int = TEXT_MOST) -> str | None:
        """The first of these members that is a string: its first `most` characters, without what cannot be stored
        (NUL, lone surrogates)."""
        for name in names:
            raw = self._members.get(name)
            if raw is not None and (text := text_of(raw, most)) is not None:
                return text
        return None

    def raw(self, name: str) -> Raw | None:
        return self._members.get(name)

    def number(self, *names: str) -> int | None:
        for name in names:
            raw = self._members.get(name)
            if raw is not None and size_of(raw) <= _DIGITS_MOST and bytes(raw).isdigit():
                return int(bytes(raw))
        return None

    def object(self, name: str) -> Members:
        raw = self._members.get(name)
        return (None if raw is None else members_of(raw)) or Members({})

    def items(self, name: str) -> Iterator[Raw]:
        """The entries of an array."""
        raw = self._members.get(name)
        if raw is None or _first(raw) != b"[":
            return
        try:
            found = _array(raw)
        except _UNREADABLE:
            return
        yield from found[:_ITEMS_MOST]

    def objects(self, name: str) -> Iterator[Members]:
        """The objects among the entries of an array."""
        for raw in self.items(name):
            if (found := members_of(raw)) is not None:
                yield found

    def pairs(self, name: str) -> Iterator[tuple[str, str]]:
        """The members of an object that are strings."""
        members = self.object(name)
        for key in members._members:
            if (text := members.text(key)) is not None:
                yield clean(key), text


def parse(body: bytes) -> Members:
    """Raises `invalid_json` for what is not one JSON object."""
    try:
        try:
            return Members(_object(body))
        except msgspec.MsgspecError:
            if len(body) > REPAIRED_MOST or (repaired := _SURROGATES.sub(rb"\g<1>", body)) == body:
                raise
            return Members(_object(repaired))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        detail = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(
            "invalid_json",
            f"The body is not one well-formed JSON object: {detail}.",
            hint="Send a mail as Postmark's inbound webhook or AgentMail's message.received has it.",
        ) from None


def members_of(raw: Raw) -> Members | None:
    if _first(raw) != b"{":
        return None
    try:
        return Members(_object(raw))
    except _UNREADABLE:
        return None


def size_of(raw: Raw) -> int:
    """Bytes of JSON."""
    return memoryview(raw).nbytes


def _first(raw: Raw) -> bytes:
    return bytes(memoryview(raw)[:1])


def encoded(raw: Raw) -> str:
    """A string as it is, for what is encoded and needs no cleaning; "" for what is none."""
    try:
        return _string(raw) if _first(raw) == b'"' else ""
    except _UNREADABLE:
        return ""


def text_of(raw: Raw, most: int = TEXT_MOST) -> str | None:
    if _first(raw) != b'"':
        return None
    try:
        return clean(_string(raw)[:most])
    except _UNREADABLE:
        return None

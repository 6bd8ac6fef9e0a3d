"""Content lines and the components they form (RFC 5545 3.1, 3.2, 3.6; RFC 6868), read with tolerance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from app.ical.quirks import unquoted_uri_parameter, vcalendar_quoted_printable

MAX_HEAD: Final = 8_192  # characters of a line before its value; a quoted display name with its roles has 300
MAX_DEPTH: Final = 8  # components within components; a VALARM is the third

_known_names: dict[str, str] = {}
_MAX_KNOWN: Final = 1_000  # property names remembered, so that they are not looked at letter by letter each time
_KNOWN_LENGTH: Final = 60

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*")
_PARAMETER: Final = re.compile(r';\s*([A-Za-z0-9_-]+)\s*=((?:"[^"]*"|[^";])*)')
_CARET: Final = re.compile(r"\^(['n^])")
_CARETS: Final = {"n": "\n", "'": '"', "^": "^"}
_ESCAPE: Final = re.compile(r"\\([nN,;\\\"])")

PLACED: Final = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY", "VPOLL"})
"""Components that stand in a VCALENDAR and in nothing else: each ends the one before it."""


class Line:
    """One unfolded content line. `name` is in upper case; `value` is raw, still escaped."""

    __slots__ = ("_params", "head", "name", "value")

    def __init__(self, name: str, head: str, value: str) -> None:
        self.name = name
        self.head = head
        self.value = value
        self._params: Mapping[str, str] | None = None

    @property
    def params(self) -> Mapping[str, str]:
        """Parameters by name in upper case, unquoted; of a list of values, all of them with commas between."""
        if self._params is None:
            self._params = _parameters(self.head) if ";" in self.head else {}
        return self._params

    @property
    def text(self) -> str:
        """The value as TEXT, unescaped."""
        return unescape(self.value)

    @property
    def raw(self) -> str:
        """The line as it came, unfolded."""
        return f"{self.head}:{self.value}"


class Block:
    """A component: `kind` in upper case, its own lines, and the components within. `is_whole` says that its end came,
    if only by the end of what it stands in.
    """

    __slots__ = ("_index", "blocks", "is_whole", "kind", "lines", "strange")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.lines: list[Line] = []
        self.blocks: list[Block] = []
        self.is_whole = False
        self.strange = 0
        self._index: dict[str, list[Line]] | None = None

    def all(self, name: str) -> Sequence[Line]:
        """Its lines of that name, in order."""
        if self._index is None:
            index: dict[str, list[Line]] = {}
            for line in self.lines:
                index.setdefault(line.name, []).append(line)
            self._index = index
        return self._index.get(name, ())

    def first(self, name: str) -> Line | None:
        """Its first line of that name that has a value."""
        for line in self.all(name):
            if line.value:
                return line
        return None

    def put(self, *lines: Line) -> None:
        """Takes the place of all lines of the same names."""
        names = {line.name for line in lines}
        self.lines = [line for line in self.lines if line.name not in names] + list(lines)
        self._index = None

    def drop(self, line: Line) -> None:
        self.lines = [other for other in self.lines if other is not line]
        self._index = None


def unescape(value: str) -> str:
    """TEXT (3.3.11); a backslash before anything that needs none is kept, as in a Windows path."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def line_of(raw: str) -> Line | None:
    """The line, or None for what is none: no colon, no name, or a head beyond `MAX_HEAD`."""
    colon = raw.find(":")
    if colon < 0:
        return None
    head = raw[:colon]
    if ";" in head:
        if '"' in head:
            colon = _value_colon(raw, colon)
        colon = unquoted_uri_parameter.value_colon(raw, colon)
        head = raw[:colon]
    if len(head) > MAX_HEAD:
        return None
    given = head.partition(";")[0]
    name = _known_names.get(given)
    if name is None:
        name = given.strip().upper()
        if _NAME.fullmatch(name) is None:
            return None
        if len(_known_names) < _MAX_KNOWN and len(given) < _KNOWN_LENGTH:
            _known_names[given] = name
    return Line(name, head, raw[colon + 1 :])


def _value_colon(raw: str, colon: int) -> int:
    """The first colon outside quotes; the first of all where a quote is never closed."""
    first, at = colon, 0
    while True:
        quote = raw.find('"', at)
        if quote < 0 or colon < quote:
            return colon
        closing = raw.find('"', quote + 1)
        if closing < 0:
            return first
        at = closing + 1
        if colon < at:
            colon = raw.find(":", at)
            if colon < 0:
                return first


def _parameters(head: str) -> dict[str, str]:
    found: dict[str, str] = {}
    if '"' in head:
        pairs: Iterable[tuple[str, str]] = _PARAMETER.findall(head)
    else:
        pairs = ((name.strip(), value) for name, _, value in (part.partition("=") for part in head.split(";")[1:]))
    for name, value in pairs:
        value = value.strip().replace('"', "")
        if "^" in value:
            value = _CARET.sub(lambda caret: _CARETS[caret[1]], value)
        found.setdefault(name.upper(), value)
    return found


def calendars_of(text: str) -> list[Block]:
    """The VCALENDARs in `text`, which has LF line ends and is unfolded. Never raises; linear in its length.

    An END that is missing is supplied by the next component of its level, or by the END of what it stands in; what is
    open when the text ends is not whole. Lines outside a VCALENDAR are passed over; within, `strange` counts lines
    that are none.
    """
    return calendars_in(text.split("\n"))


def calendars_in(lines: list[str]) -> list[Block]:
    """The same of lines."""
    found: list[Block] = []
    stack: list[Block] = []
    too_deep = 0
    for raw in vcalendar_quoted_printable.joined(lines):
        if not raw:
            continue
        line = line_of(raw)
        if line is None:
            if stack and raw.strip():
                stack[-1].strange += 1
            continue
        if line.name == "BEGIN":
            kind = line.value.strip().upper()
            if kind == "VCALENDAR":
                _close(stack, 0)
                too_deep = 0
                calendar = Block(kind)
                found.append(calendar)
                stack.append(calendar)
            elif stack:
                if kind in PLACED:
                    _close(stack, 1)
                    too_deep = 0
                if len(stack) >= MAX_DEPTH:
                    too_deep += 1
                    continue
                block = Block(kind)
                stack[-1].blocks.append(block)
                stack.append(block)
        elif line.name == "END":
            if too_deep:
                too_deep -= 1
            else:
                _end(stack, line.value.strip().upper())
        elif stack and not too_deep:
            stack[-1].lines.append(line)
    return found


def _end(stack: list[Block], kind: str) -> None:
    for depth in range(len(stack) - 1, -1, -1):
        if stack[depth].kind == kind:
            _close(stack, depth)
            return


def _close(stack: list[Block], depth: int) -> None:
    for block in stack[depth:]:
        block.is_whole = True
    del stack[depth:]


def events_of(calendar: Block) -> Iterable[Block]:
    return (block for block in calendar.blocks if block.kind == "VEVENT")

"""The plain-text view: columns that never run together, whatever width a terminal gives a character."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from wcwidth import wcswidth, wcwidth

_HEADER: Final = ("TITLE", "START", "END", "LOCATION", "STATUS")
_WIDEST: Final = (40, 20, 20, 30, 10)  # cells of a column; longer texts end in an ellipsis
_GAP: Final = "  "
_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Line(NamedTuple):
    title: str
    start: str
    end: str
    location: str
    status: str


def render_table(name: str, calendar_id: str, timezone: str, lines: Sequence[Line]) -> str:
    """The calendar's line, a rule, the header, a rule, a row an event, a rule, and the count."""
    cells = [[_fit(text, most) for text, most in zip(line, _WIDEST, strict=True)] for line in lines]
    widths = [
        max(len(head), *(_width(row[i]) for row in cells)) if cells else len(head) for i, head in enumerate(_HEADER)
    ]
    rule = "-" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    count = f"{len(lines)} event{'' if len(lines) == 1 else 's'}"
    table = [_row(_HEADER, widths), rule, *(_row(row, widths) for row in cells), *([rule] if cells else [])]
    return "\n".join([f"{_fit(name, 255)} ({calendar_id})  tz: {timezone}", rule, *table, count, ""])


def _row(texts: Sequence[str], widths: Sequence[int]) -> str:
    padded = (text + " " * (width - _width(text)) for text, width in zip(texts, widths, strict=True))
    return _GAP.join(padded).rstrip()


def _width(text: str) -> int:
    return len(text) if text.isascii() else max(wcswidth(text), 0)


def _fit(text: str, most: int) -> str:
    """One line of at most `most` cells, without what would move a terminal's cursor."""
    if len(text) <= most and text.isascii() and text.isprintable():
        return text.strip()
    text = _BREAKS.sub(" ", text).strip()
    if not text.isascii():
        text = "".join(character for character in text if wcwidth(character) >= 0)
    if _width(text) <= most:
        return text
    kept, used = [], 0
    for character in text:
        used += 1 if character.isascii() else max(wcwidth(character), 0)
        if used > most - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"

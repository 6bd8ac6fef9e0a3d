"""The plain-text view: columns that never run together, whatever width a terminal gives a character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from app.events.cells import fit, width_of

_HEADER: Final = ("TITLE", "START", "END", "LOCATION", "STATUS")
_WIDEST: Final = (40, 25, 25, 30, 10)  # cells of a column; longer texts end in an ellipsis
_GAP: Final = "  "


class Line(NamedTuple):
    title: str
    start: str
    end: str
    location: str
    status: str


def render_table(name: str, calendar_id: str, timezone: str, lines: Sequence[Line]) -> str:
    """The calendar's line, a rule, the header, a rule, a row an event, a rule, and the count."""
    cells = [[fit(text, most) for text, most in zip(line, _WIDEST, strict=True)] for line in lines]
    widths = [
        max(len(head), *(width_of(row[i]) for row in cells)) if cells else len(head) for i, head in enumerate(_HEADER)
    ]
    rule = "-" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    count = f"{len(lines)} event{'' if len(lines) == 1 else 's'}"
    table = [_row(_HEADER, widths), rule, *(_row(row, widths) for row in cells), *([rule] if cells else [])]
    return "\n".join([f"{fit(name, 255)} ({calendar_id})  tz: {timezone}", rule, *table, count, ""])


def _row(texts: Sequence[str], widths: Sequence[int]) -> str:
    padded = (text + " " * (width - width_of(text)) for text, width in zip(texts, widths, strict=True))
    return _GAP.join(padded).rstrip()

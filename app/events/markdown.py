"""What is next as a table in Markdown, for language models: whatever a title holds, it stays text in its cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from app.core.times import wall_of
from app.core.wording import full_date
from app.events.agenda import UNTRUSTED, Entry, in_order
from app.events.cells import fit, one_line, without_turns

_MARKS: Final = re.compile(r"([\\`*_{}\[\]|~#!$@])")
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINKS: Final = re.compile(r"(?i)\b(www)\.|([a-z][a-z0-9+.-]*):(?=/|\S+\\@)")
_HEAD: Final = ("Date", "Time", "Title", "Location", "Status")
_CELL_MOST: Final = 120  # cells of a terminal: enough for a title, and no prompt is flooded by one


def render_markdown(name: str, calendar_id: str, zone: ZoneInfo, now: datetime, entries: Sequence[Entry]) -> str:
    """A line for the calendar and a table; what came by mail says so beside it. Times on the clocks of `zone`."""
    today = wall_of(now, zone).date()
    rows = [
        (
            full_date(entry.first_day(zone)),
            entry.time(zone),
            escape_markdown(entry.title),
            escape_markdown(entry.location or ""),
            f"{entry.status} ({UNTRUSTED})" if entry.is_untrusted else entry.status,
        )
        for _, found in in_order(entries, zone, today)
        for entry in found
    ]
    head = [f"**{escape_markdown(name)}** ({escape_markdown(calendar_id)}), times in {escape_markdown(zone.key)}", ""]
    return "\n".join([*head, _row(_HEAD), _row(["---"] * len(_HEAD)), *map(_row, rows), ""])


def escape_markdown(text: str) -> str:
    """One line that CommonMark and GitHub's dialect show as it stands: no markup, no HTML, no link, no cell's end."""
    text = fit(one_line(without_turns(text)), _CELL_MOST)
    text = "".join(_HTML.get(character, character) for character in text)
    text = _MARKS.sub(r"\\\1", text)
    return _LINKS.sub(lambda found: f"{found[1]}\\." if found[1] else f"{found[2]}\\:", text)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

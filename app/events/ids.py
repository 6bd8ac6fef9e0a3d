"""Wire ids of events: `evt_…`, and `evt_…_20260301T0900b` for one date of a series."""

from __future__ import annotations

import re
from typing import Final

from app.errors import Problem
from app.ids import PREVIEWED

_WIRE_ID: Final = re.compile(r"^(evt_[0-9A-Za-z]{1,64})(?:_([0-9]{8}(?:T[0-9]{4}(?:[0-9]{2})?b?)?))?$")


def split_id(wire_id: str) -> tuple[str, str]:
    """The event's id and the key, '' where the id names an event as a whole. Raises `not_found`."""
    match = _WIRE_ID.match(wire_id)
    if match is None:
        raise no_such_event(wire_id)
    return match[1], match[2] or ""


def no_such_event(wire_id: str) -> Problem:
    if wire_id.startswith(PREVIEWED):
        return Problem(
            "not_found",
            f"{wire_id[:60]} is an event of a preview: nothing was stored.",
            hint="Send the same request without preview, and use the id of that answer.",
        )
    return Problem(
        "not_found",
        f"There is no event {wire_id[:60]!r} in this calendar.",
        hint="GET /calendars/:id/events lists them; a date of a series has the series' id with _YYYYMMDD after it.",
    )

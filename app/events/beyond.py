"""Windows that reach past what is stored: dates expanded in memory, with the ids they would be stored under."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from app.core.series import Series, occurrences
from app.core.times import midnight_of
from app.db.database import Database
from app.events.model import Event, event_of_row
from app.events.render import occurrence_text, own_json, shared_json
from app.events.sql import sql
from app.workers import in_thread

_DAY: Final = timedelta(days=1)
_LONGEST_SHIFT: Final = timedelta(days=2)  # between an instant and what may be the same date elsewhere
Position = tuple[datetime, str, str]


class _Found(NamedTuple):
    at: datetime
    event_id: str
    key: str
    text: str


async def page_beyond(
    db: Database, calendar_id: str, timezone: str, params: Mapping[str, Any]
) -> tuple[str, Position | None]:
    """A page of `list_events`, and its cursor when it is full: stored rows merged with dates that are not stored.

    Costs at most a page of dates a series, off the event loop.
    """
    wanted = params["offset"] + params["limit"]
    window = {"calendar_id": calendar_id, "from": params["from"], "to": params["to"]}
    series = [event_of_row(row) for row in await db.all(sql.series_beyond, window)]
    lengths = await db.one(sql.longest_seconds, {"calendar_id": calendar_id})
    longest = lengths[0] if lengths and params["overlapping"] else 0
    rows = await db.all(
        sql.page_rows, {**params, "calendar_id": calendar_id, "limit": wanted, "longest_seconds": longest}
    )
    specials = await db.all(sql.specials_of, {"calendar_id": calendar_id, "event_ids": [event.id for event in series]})
    taken = {(event_id, key) for event_id, key in specials}
    fresh = await in_thread(_expand_all, series, timezone, params, taken, wanted)
    merged = heapq.merge((_Found(*row) for row in rows), fresh)
    page = list(merged)[params["offset"] : wanted] if params["offset"] else _first(merged, wanted)
    last = page[-1] if len(page) == params["limit"] else None
    return ",".join(found.text for found in page), last and (last.at, last.event_id, last.key)


def _first(merged: Any, count: int) -> list[_Found]:
    return [found for found, _ in zip(merged, range(count), strict=False)]


def _expand_all(
    series: list[Event], timezone: str, params: Mapping[str, Any], taken: set[tuple[str, str]], wanted: int
) -> list[_Found]:
    found = [
        item for event in series if _fits(event, params) for item in _expand(event, timezone, params, taken, wanted)
    ]
    found.sort()
    return found


def _fits(event: Event, params: Mapping[str, Any]) -> bool:
    """Whether a series' plain dates pass the filters that look at its texts."""
    if params["status"] is not None and params["status"] != event.status:
        return False
    if params["updated_since"] is not None and event.updated_at < params["updated_since"]:
        return False
    texts = " ".join(filter(None, (event.title, event.description or "", event.location or ""))).lower()
    return all(_plain(word) in texts for word in params["words"] or ())


def _plain(pattern: str) -> str:
    """The word inside a LIKE pattern that `reads` made."""
    return pattern[1:-1].replace("\\%", "%").replace("\\_", "_").replace("\\\\", "\\")


def _expand(
    event: Event, timezone: str, params: Mapping[str, Any], taken: set[tuple[str, str]], wanted: int
) -> list[_Found]:
    """The dates of one series in the window that are not stored, no more than a page needs."""
    series = event.series(timezone)
    assert event.stored_from is not None
    assert event.stored_through is not None
    low, high = params["from"], params["to"] + timedelta(seconds=1)
    if params["overlapping"]:
        low -= timedelta(days=event.length.days + 1, seconds=event.length.seconds)
    elif event.all_day:
        low -= _LONGEST_SHIFT
    low = max(low, params["cursor_at"].replace(tzinfo=UTC))
    spans = ((low, min(high, event.stored_from)), (max(low, event.stored_through), high))
    shared, found = shared_json(event), list[_Found]()
    for since, until in spans:
        if since >= until:
            continue
        # Dates with a life of their own are stored, and do not count: ask for as many more.
        extra = sum(1 for event_id, _ in taken if event_id == event.id)
        for date in occurrences(series, since, until, wanted + extra):
            position = (date.start, event.id, date.key)
            if (event.id, date.key) in taken or (event.id, date.key[:8]) in taken:
                continue
            if position <= (params["cursor_at"], params["cursor_event"], params["cursor_key"]):
                continue
            if not _in_window(series, date.original, date.start, date.end, params):
                continue
            text = occurrence_text(event, own_json(event, date), shared, key=date.key)
            found.append(_Found(*position, text))
    return found[:wanted]


def _in_window(series: Series, original: datetime, start: datetime, end: datetime, params: Mapping[str, Any]) -> bool:
    since: datetime = params["from"]
    if params["overlapping"] and end > since:
        return True
    if series.all_day:
        return midnight_of(original.date() + _DAY, series.zone) > since
    return start >= since

"""Windows that reach past what is stored: dates expanded in memory, with the ids they would be stored under."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple

from app.core.series import Occurrence, Series, occurrences
from app.core.times import midnight_of
from app.db.database import Database
from app.events.materialise import Special, special_of
from app.events.model import Event, event_of_row
from app.events.render import occurrence_text, own_json, shared_json
from app.events.sql import sql
from app.workers import in_thread

_DAY: Final = timedelta(days=1)
_ONE_SECOND: Final = timedelta(seconds=1)
_BITE: Final = 100  # dates expanded at once: less than what a page needs of most series
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
    lengths = await db.one(sql.longest_seconds, {"calendar_id": calendar_id})
    longest = lengths[0] if lengths and params["overlapping"] else 0
    window = {**params, "calendar_id": calendar_id, "limit": wanted, "longest_seconds": longest}
    series = [event_of_row(row) for row in await db.all(sql.series_beyond, window)]
    rows = await db.all(sql.page_rows, window)
    specials: dict[str, dict[str, Special]] = defaultdict(dict)
    found = await db.all(sql.specials_of, {"calendar_id": calendar_id, "event_ids": [event.id for event in series]})
    for event_id, *special in found:
        specials[event_id][special[0]] = Special(*special)
    fresh = await in_thread(_expand_all, series, timezone, params, specials, wanted)
    merged = _once(heapq.merge((_Found(*row) for row in rows), fresh))
    page = list(islice(merged, params["offset"], wanted))
    last = page[-1] if len(page) == params["limit"] else None
    return ",".join(found.text for found in page), last and (last.at, last.event_id, last.key)


def _once(merged: Iterable[_Found]) -> Iterator[_Found]:
    """Without what was stored between the reads of a page and so was found twice."""
    before = None
    for found in merged:
        if found[:3] != before:
            yield found
        before = found[:3]


def _expand_all(
    series: list[Event],
    timezone: str,
    params: Mapping[str, Any],
    specials: Mapping[str, Mapping[str, Special]],
    wanted: int,
) -> list[_Found]:
    found = [
        item
        for event in series
        if _fits(event, params)
        for item in islice(_expand(event, timezone, params, specials.get(event.id, {})), wanted)
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
    event: Event, timezone: str, params: Mapping[str, Any], specials: Mapping[str, Special]
) -> Iterator[_Found]:
    """The dates of one series in the window that are not stored, in order."""
    series = event.series(timezone)
    assert event.stored_from is not None
    assert event.stored_through is not None
    low, high = params["from"], params["to"] + _ONE_SECOND
    if params["overlapping"]:
        low -= timedelta(days=event.length.days + 1, seconds=event.length.seconds)
    elif event.all_day:
        low -= _LONGEST_SHIFT
    low = max(low, params["cursor_at"])
    spans = [(low, min(high, event.stored_from))] if params["from_given"] else []
    if params["to_given"]:
        spans.append((max(low, event.stored_through), high))
    shared = shared_json(event)
    cursor = (params["cursor_at"], params["cursor_event"], params["cursor_key"])
    for date in (date for since, until in spans for date in _dates(series, since, until)):
        position = (date.start, event.id, date.key)
        if position <= cursor or not _in_window(series, date, params):
            continue
        if special_of(series, specials, date) is None:
            yield _Found(*position, occurrence_text(event, own_json(event, date), shared, key=date.key))


def _dates(series: Series, since: datetime, until: datetime) -> Iterator[Occurrence]:
    """The dates in [since, until), expanded as far as they are asked for."""
    while since < until:
        found = occurrences(series, since, until, _BITE)
        yield from found
        if len(found) < _BITE:
            return
        since = found[-1].start + _ONE_SECOND


def _in_window(series: Series, date: Occurrence, params: Mapping[str, Any]) -> bool:
    since: datetime = params["from"]
    if params["overlapping"] and date.end > since:
        return True
    if series.all_day:
        return midnight_of(date.original.date() + _DAY, series.zone) > since
    return date.start >= since

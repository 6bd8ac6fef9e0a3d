"""Reading what happens. Each hot read is one statement, authentication included, whose result is the answer's text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from app.agents.access import admitted
from app.calendars.writing import ALWAYS, FOREVER, no_such_calendar
from app.core.series import at as occurrence_at
from app.core.times import format_wait, instant_of, load_zone, parse_time
from app.errors import Problem
from app.events.beyond import Position, page_beyond
from app.events.ids import no_such_event, split_id
from app.events.materialise import key_in, stored_keys
from app.events.model import event_of_row
from app.events.outlook import with_outlook
from app.events.render import RENDERER, occurrence_text, own_json, shared_json
from app.events.rerender import rerender_calendar
from app.events.schemas import TIME_MOST
from app.events.sql import sql
from app.http.answers import encode
from app.http.context import Context
from app.http.requests import choice, flag, whole_number

LIST_DEFAULT: Final = 50
LIST_MOST: Final = 200
OFFSET_MOST: Final = 10_000  # rows skipped by offset; beyond it a cursor, which skips none, is the way
UPCOMING_DEFAULT: Final = 5
UPCOMING_MOST: Final = 50
REACH: Final = timedelta(days=731)  # an explicit end reaches two years ahead; later ones are clamped
WORDS_MOST: Final = 10  # words of q
_MIDNIGHT: Final = time()
_TAIL: Final = 200  # characters at the end of a text that hold what SQL puts there, and nothing a caller wrote
LIST_PARAMETERS: Final = (
    "start", "end", "status", "limit", "offset", "cursor", "q", "expand", "updated_since", "overlapping",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """A list's query, parsed but for what depends on the calendar's zone."""

    start: date | datetime | None
    end: date | datetime | None
    status: str | None
    limit: int
    offset: int
    cursor: tuple[datetime, str, str] | None
    words: list[str] | None
    expand: bool
    updated_since: datetime | None
    overlapping: bool

    @property
    def needs_zone(self) -> bool:
        """Whether a bound without offset waits to be read in the calendar's zone."""
        return any(
            bound is not None and (not isinstance(bound, datetime) or bound.tzinfo is None)
            for bound in (self.start, self.end)
        )


class Listed(NamedTuple):
    """A page of a list: its events as JSON texts between commas, and its last position where there may be more."""

    timezone: str
    texts: str
    last: Position | None


def filters_of(values: Mapping[str, str]) -> Filters:
    """Raises `invalid_time` or `invalid_field`, naming the parameter."""
    updated_since = _bound(values, "updated_since")
    if updated_since is not None and not (isinstance(updated_since, datetime) and updated_since.tzinfo):
        raise Problem(
            "invalid_time",
            "updated_since must be an instant with an offset.",
            hint="For example 2026-03-01T00:00:00Z.",
            field="updated_since",
        )
    offset = whole_number(values, "offset", 0, least=0, most=None)
    if offset > OFFSET_MOST:
        raise Problem(
            "invalid_field",
            f"offset goes up to {OFFSET_MOST}.",
            hint="Follow next_cursor with ?cursor= to go further.",
            field="offset",
        )
    return Filters(
        start=_bound(values, "start"),
        end=_bound(values, "end"),
        status=choice(values, "status", ("confirmed", "tentative", "cancelled")),
        limit=whole_number(values, "limit", LIST_DEFAULT, least=1, most=LIST_MOST),
        offset=offset,
        cursor=_cursor(values.get("cursor")),
        words=_words(values.get("q")),
        expand=flag(values, "expand", True),
        updated_since=updated_since if isinstance(updated_since, datetime) else None,
        overlapping=flag(values, "overlapping"),
    )


async def list_events(at: Context, key_hash: bytes, calendar_id: str, filters: Filters) -> str:
    """What happens, in order of start, then id, as JSON text with `next_cursor` when there is more."""
    zone = "UTC"
    if filters.needs_zone:
        zone = await _zone_of(at, key_hash, calendar_id)
    row = await _list(at, {"key_hash": key_hash, "feed_hash": None}, calendar_id, filters, zone)
    admitted(row)
    assert row is not None
    if row[3] is None:
        raise no_such_calendar(calendar_id)
    found = Listed(*row[4:])
    cursor = "null" if found.last is None else f'"{_cursor_text(*found.last)}"'
    return f'{{"events":[{found.texts}],"timezone":"{found.timezone}","next_cursor":{cursor}}}'


async def list_published(at: Context, feed_hash: bytes, calendar_id: str, filters: Filters) -> Listed | None:
    """What `list_events` finds, for whoever holds the feed's token; None where that is not the calendar's. Bounds
    are instants."""
    assert not filters.needs_zone
    row = await _list(at, {"key_hash": None, "feed_hash": feed_hash}, calendar_id, filters, "UTC")
    return None if row is None else Listed(*row[4:])


async def _list(
    at: Context, caller: Mapping[str, bytes | None], calendar_id: str, filters: Filters, zone: str
) -> tuple[Any, ...] | None:
    """Who is calling, the calendar, its zone, the texts, and the last position of a page that is full."""
    now = at.clock.now()
    params = {**_list_params(filters, zone, now), **caller, "calendar_id": calendar_id, "now": now}
    row = await at.db.one(sql.list_events if filters.expand else sql.list_written, params)
    if row is None or row[3] is None:
        return row
    if row[7]:
        await rerender_calendar(at.db, calendar_id)
        return await _list(at, caller, calendar_id, filters, zone)
    timezone, is_beyond, texts = row[4], row[5], row[6]
    last: Position | None = (row[8], row[9], row[10]) if row[8] is not None else None
    if is_beyond:
        texts, last = await page_beyond(at.db, calendar_id, timezone, params)
    return (*row[:5], texts or "", last)


async def get_event(at: Context, key_hash: bytes, calendar_id: str, wire_id: str) -> str:
    """A single event, a series, or one date of it, stored or not. Raises `not_found`."""
    event_id, key = split_id(wire_id)
    params = {"key_hash": key_hash, "now": at.clock.now(), "calendar_id": calendar_id}
    row = await at.db.one(sql.get_event, {**params, "event_id": event_id, "key": key})
    admitted(row)
    assert row is not None
    found, timezone, is_written, renderer, text = row[3:8]
    if found is None:
        raise no_such_calendar(calendar_id)
    if text is not None and renderer != RENDERER:
        await rerender_calendar(at.db, calendar_id)
        return await get_event(at, key_hash, calendar_id, wire_id)
    if text is not None and '"status":"recurring"' in text[-_TAIL:]:
        return await with_outlook(at.db, calendar_id, event_id, str(text), at.clock.now())
    if text is not None:
        return str(text)
    if not key or not is_written:
        raise no_such_event(wire_id)
    return await _get_unstored(at, key_hash, calendar_id, timezone, event_id, key, wire_id)


async def upcoming(at: Context, key_hash: bytes, calendar_id: str, values: Mapping[str, str]) -> str:
    """The next occurrences that are not cancelled, and the wait until the first of them."""
    now = at.clock.now()
    row = await at.db.one(
        sql.upcoming,
        {
            "key_hash": key_hash,
            "now": now,
            "calendar_id": calendar_id,
            "limit": whole_number(values, "limit", UPCOMING_DEFAULT, least=1, most=UPCOMING_MOST),
            "include_current": flag(values, "include_current"),
            "renderer": RENDERER,
        },
    )
    admitted(row)
    assert row is not None
    found, timezone, texts, is_stale, next_at = row[3:8]
    if found is None:
        raise no_such_calendar(calendar_id)
    if is_stale:
        await rerender_calendar(at.db, calendar_id)
        return await upcoming(at, key_hash, calendar_id, values)
    wait = "null" if next_at is None else f'"{format_wait(next_at - now)}"'
    return f'{{"events":[{texts or ""}],"next_event_starts_in":{wait},"timezone":"{timezone}"}}'


async def _get_unstored(
    at: Context, key_hash: bytes, calendar_id: str, timezone: str, event_id: str, key: str, wire_id: str
) -> str:
    """A date beyond what is stored, one whose id says less than its key, or one a split gave to a successor."""
    row = await at.db.one(sql.read_event, {"calendar_id": calendar_id, "event_id": event_id, "key": ""})
    if row is None:
        raise no_such_event(wire_id)
    event = event_of_row(row)
    series = event.series(timezone)
    occurrence = occurrence_at(series, key_in(series, key)) if event.is_series else None
    if occurrence is None:
        successor = event.successor_of(key) if event.is_series else None
        if successor is None:
            raise no_such_event(wire_id)
        row = await at.db.one(sql.read_event, {"calendar_id": calendar_id, "event_id": successor, "key": ""})
        if row is not None and (tail := event_of_row(row)).is_series:
            key = key_in(tail.series(timezone), key)
        return await get_event(at, key_hash, calendar_id, f"{successor}_{key}")
    for stored in stored_keys(series, occurrence):
        found = await at.db.one(sql.read_text, {"calendar_id": calendar_id, "event_id": event_id, "key": stored})
        if found is not None:
            return str(found[0])
    return occurrence_text(event, own_json(event, occurrence), shared_json(event), key=occurrence.key)


async def _zone_of(at: Context, key_hash: bytes, calendar_id: str) -> str:
    params = {"key_hash": key_hash, "now": at.clock.now(), "calendar_id": calendar_id}
    row = await at.db.one(sql.zone_of, params)
    admitted(row)
    assert row is not None
    if row[3] is None:
        raise no_such_calendar(calendar_id)
    return str(row[3])


def _list_params(filters: Filters, zone: str, now: datetime) -> dict[str, Any]:
    start = _instant(filters.start, zone)
    end = _instant(filters.end, zone)
    if end is not None:
        end = min(end, now + REACH)
    cursor_at, cursor_event, cursor_key = filters.cursor or (ALWAYS, "", "")
    return {
        "from": start or ALWAYS,
        "from_given": start is not None,
        "to": end or FOREVER,
        "to_given": end is not None,
        "status": filters.status,
        "limit": filters.limit,
        "offset": filters.offset,
        "cursor_at": cursor_at,
        "cursor_event": cursor_event,
        "cursor_key": cursor_key,
        "words": filters.words,
        "updated_since": filters.updated_since,
        "overlapping": filters.overlapping and start is not None,
        "renderer": RENDERER,
    }


def _bound(values: Mapping[str, str], name: str) -> date | datetime | None:
    text = values.get(name)
    if text is None:
        return None
    # An unescaped plus in a query string arrives as a blank; no time has one before its offset.
    repaired = re.sub(r"(?<=:\d\d) (?=\d\d:?\d\d$)", "+", text[:TIME_MOST])
    try:
        return parse_time(repaired)
    except Problem as problem:
        raise problem.at(name) from None


def _instant(bound: date | datetime | None, zone: str) -> datetime | None:
    """A bound without offset is read in the calendar's zone; a date is its first moment."""
    if bound is None:
        return None
    if not isinstance(bound, datetime):
        bound = datetime.combine(bound, _MIDNIGHT)
    return instant_of(bound, load_zone(zone)) if bound.tzinfo is None else bound.astimezone(UTC)


def _words(text: str | None) -> list[str] | None:
    if text is None or not text.split():
        return None
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").split()
    return [f"%{word}%" for word in escaped[:WORDS_MOST]]


def _cursor_text(at: datetime, event_id: str, key: str) -> str:
    raw = encode([int(at.timestamp()), event_id, key])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _cursor(text: str | None) -> tuple[datetime, str, str] | None:
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        seconds, event_id, key = msgspec.json.decode(raw, type=tuple[int, str, str])
        if "\0" in event_id + key:
            raise ValueError
        return datetime.fromtimestamp(seconds, UTC), event_id, key
    except (binascii.Error, ValueError, OverflowError, OSError, msgspec.MsgspecError):
        raise Problem(
            "invalid_field",
            "cursor is not one that this service gave out.",
            hint="Use next_cursor of the page before, unchanged.",
            field="cursor",
        ) from None

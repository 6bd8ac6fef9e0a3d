"""The feed: stored VEVENTs put together, and kept in memory while the calendar stays as it is.

A fetch costs one small statement that admits it and tells the calendar's seq; only a seq that this process has not
rendered yet costs a second one. Nothing is written on the way.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from app.core.times import TZDATA_VERSION
from app.db.database import Database
from app.errors import Problem
from app.events.busy import busy_vevents
from app.events.render import RENDERER
from app.events.rerender import rerender_calendar
from app.feeds.sql import sql
from app.ical.write import calendar_text
from app.ical.zones import is_utc, vtimezone
from app.ids import digest
from app.metrics import families

CACHE_BYTES: Final = 24 * 1024 * 1024  # of feeds a process keeps: a few hundred ordinary calendars
_ONE_DAY: Final = timedelta(days=1)  # as much as a local date may lie before that of its instant
_ONE_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Feed:
    seq: int
    etag: str
    changed_at: datetime
    body: Callable[[], Awaitable[bytes]]

    def last_modified(self, now: datetime) -> str:
        """The first whole second after the last change, or `now` while that is still to come: a subscriber who sends
        it back has surely seen everything before it (RFC 9110 8.8.2.1)."""
        after = self.changed_at.astimezone(UTC).replace(microsecond=0) + _ONE_SECOND
        return format_datetime(min(after, now.astimezone(UTC)), usegmt=True)


class _Cache:
    """Rendered feeds by (calendar, seq, renderer, busy), the least recently fetched forgotten first."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._kept: OrderedDict[tuple[str, bool], tuple[str, bytes]] = OrderedDict()

    def get(self, calendar_id: str, busy: bool, etag: str) -> bytes | None:
        kept = self._kept.get((calendar_id, busy))
        if kept is None or kept[0] != etag:
            return None
        self._kept.move_to_end((calendar_id, busy))
        return kept[1]

    def read(self) -> None:
        """Bring the gauge of it up to date."""
        families.FEED_BYTES.set(self._size)

    def put(self, calendar_id: str, busy: bool, etag: str, body: bytes) -> None:
        old = self._kept.pop((calendar_id, busy), None)
        self._size -= len(old[1]) if old else 0
        if len(body) > self._most // 4:
            return
        self._kept[(calendar_id, busy)] = (etag, body)
        self._size += len(body)
        while self._size > self._most:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._size -= len(dropped)


_cache = _Cache(CACHE_BYTES)
read_cache: Final = _cache.read


async def get_feed(db: Database, calendar_id: str, token: str, *, busy: bool) -> Feed:
    """The feed behind a calendar's token. Raises `unauthorized` for a wrong token, a missing one and an unknown
    calendar alike, so that nobody learns which calendars exist."""
    row = None
    if token:
        row = await db.one(sql.open_feed, {"token": digest(token), "calendar_id": calendar_id})
    if row is None:
        raise Problem(
            "unauthorized",
            "This feed needs its token.",
            hint="Subscribe to ical_feed_url exactly as the calendar shows it, with ?token=.",
        )
    seq, changed_at = row[0], row[1]
    etag = f'"{seq}.{RENDERER}.{TZDATA_VERSION}{"b" if busy else ""}"'

    async def body() -> bytes:
        cached = _cache.get(calendar_id, busy, etag)
        families.FEED_READS.add("miss" if cached is None else "hit")
        if cached is None:
            cached, at_seq = await _render(db, calendar_id, busy)
            if at_seq == seq:
                _cache.put(calendar_id, busy, etag, cached)
        return cached

    return Feed(seq, etag, changed_at, body)


def is_fresh(feed: Feed, if_none_match: str | None, if_modified_since: str | None, now: datetime) -> bool:
    """Whether the subscriber has this state already (RFC 9110 13.2.2: an ETag given decides alone).

    A date has whole seconds: within the second of a change it cannot tell two states apart, so only an ETag answers
    304 then.
    """
    if if_none_match is not None:
        candidates = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return "*" in candidates or feed.etag in candidates
    if if_modified_since is None or now - feed.changed_at < _ONE_SECOND:
        return False
    try:
        since = parsedate_to_datetime(if_modified_since)
    except (TypeError, ValueError):
        return False
    if since.tzinfo is None:
        return False
    return since > feed.changed_at


async def _render(db: Database, calendar_id: str, busy: bool) -> tuple[bytes, int]:
    params = {"calendar_id": calendar_id, "renderer": RENDERER}
    row = await db.one(sql.feed_events, params)
    if row is not None and row[3]:
        await rerender_calendar(db, calendar_id)
        row = await db.one(sql.feed_events, params)
    if row is None:
        raise Problem("unauthorized", "This calendar was removed while its feed was read.")
    name, timezone, seq, _, zones, since, vevents = row
    observed = [vtimezone(zone, since.date() - _ONE_DAY) for zone in sorted(zones or ()) if not is_utc(zone)]
    if busy:
        vevents = await busy_vevents(db, calendar_id)
    return calendar_text(name, timezone, observed, [vevents or ""]).encode(), seq

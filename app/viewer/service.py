"""Opening a calendar's page by its secret link, and reading what happens in some days of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from app.db.database import Database
from app.errors import Problem
from app.events.reads import REACH, Filters, list_published
from app.http.context import Context
from app.ids import digest
from app.viewer.happenings import Happening, as_json, read_happenings, touching
from app.viewer.sql import sql
from app.viewer.window import Clocks, Window

LIMIT: Final = 1_000  # events a page; a month with more is no longer looked at by eye
_AROUND: Final = timedelta(days=2)  # between midnights of one date in two zones: 26 hours at most


@dataclass(frozen=True, slots=True)
class Opened:
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Found:
    """What happens in a window and a little around it. `is_cut` says that there is more than a page shows; `reach` is
    the first date that is too far ahead to be known, where the window gets there."""

    timezone: str
    happenings: list[Happening]
    is_cut: bool
    reach: date | None


async def open_page(db: Database, calendar_id: str, token: str) -> Opened:
    """The calendar behind a feed's token. Raises `unauthorized` for a wrong token, a missing one and an unknown
    calendar alike, so that nobody learns which calendars exist."""
    row = await db.one(sql.open_page, {"token": digest(token), "calendar_id": calendar_id}) if token else None
    if row is None:
        raise _closed()
    return Opened(row[0], row[1])


async def read_window(at: Context, calendar_id: str, token: str, window: Window) -> Found:
    """All that has a day in the window on whatever clocks, in one statement. Raises `unauthorized` as `open_page`
    does."""
    start, end = _utc(window.first) - _AROUND, _utc(window.end) + _AROUND
    filters = Filters(
        start=start,
        end=end,
        status=None,
        limit=LIMIT + 1,
        offset=0,
        cursor=None,
        words=None,
        expand=True,
        updated_since=None,
        overlapping=True,
    )
    listed = await list_published(at, digest(token), calendar_id, filters) if token else None
    if listed is None:
        raise _closed()
    found = read_happenings(listed.texts)
    reach = (at.clock.now() + REACH).date()
    return Found(listed.timezone, found[:LIMIT], len(found) > LIMIT, reach if reach < window.end else None)


def answer_of(found: Found, window: Window, clocks: Clocks) -> dict[str, Any]:
    """The window as the page's script reads it."""
    return {
        "events": [as_json(each, clocks) for each in touching(found.happenings, window, clocks.known)],
        "timezone": clocks.calendar.key,
        "is_cut": found.is_cut,
        "known_until": None if found.reach is None else found.reach.isoformat(),
    }


def _utc(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _closed() -> Problem:
    return Problem(
        "unauthorized",
        "This page needs its token.",
        hint="Open page_url exactly as the calendar shows it, with ?token=. After a rotation, ask for the new one.",
    )

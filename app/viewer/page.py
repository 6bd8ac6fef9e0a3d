"""The calendar page: what its template is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from app.assets.html import templates
from app.core.times import wall_of
from app.core.wording import MONTHS, WEEKDAYS, full_date, place, short_date
from app.viewer.happenings import by_days, touching
from app.viewer.service import LIMIT, Found, Opened
from app.viewer.window import Clocks, Window

VIEWS: Final = ("month", "week", "agenda")
SHOWS: Final = ("calendar", "viewer")
AGENDA: Final = timedelta(days=28)
TEMPLATES: Final = templates(Path(__file__).with_name("templates"))
_NEAR: Final = {-1: "Yesterday", 0: "Today", 1: "Tomorrow"}


def agenda_window(first: date) -> Window:
    return Window(first, first + AGENDA)


def values_of(
    calendar_id: str,
    token: str,
    opened: Opened,
    found: Found,
    window: Window,
    clocks: Clocks,
    now: datetime,
    url: str,
    view: str | None,
) -> Mapping[str, Any]:
    """Everything the template shows. `url` is the deployment's, without a final slash."""
    today = wall_of(now, clocks.leads).date()
    feed = f"{url}/feeds/{calendar_id}.ics?token={quote(token)}"
    zones = [clocks.leads]
    days = by_days(touching(found.happenings, window, zones), window, clocks.leads)
    return {
        "name": opened.name,
        "calendar_id": calendar_id,
        "token": token,
        "view": view,
        "clocks": clocks,
        "now": {zone.key: f"{wall_of(now, zone):%H:%M}" for zone in _zones(clocks)},
        "place": place,
        "today": today,
        "window": window,
        "heading": f"{short_date(window.first)} – {full_date(window.last)}",
        "days": [(day.date, _long_date(day.date), _NEAR.get((day.date - today).days), day.happenings) for day in days],
        "before": _link(token, clocks, window.first - AGENDA),
        "after": _link(token, clocks, window.end),
        "at_today": _link(token, clocks, today),
        "subscribe": subscriptions(feed, opened.name),
        "feed": feed,
        "is_cut": found.is_cut,
        "limit": LIMIT,
        "known_until": None if found.reach is None else full_date(found.reach),
    }


def _zones(clocks: Clocks) -> list[Any]:
    return [clocks.calendar, *([clocks.viewer] if clocks.viewer is not None else [])]


def _long_date(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def _link(token: str, clocks: Clocks, day: date) -> str:
    kept = {"token": token, "date": day.isoformat()}
    if clocks.viewer is not None:
        kept["tz"] = clocks.viewer.key
    if clocks.is_viewers:
        kept["show"] = SHOWS[1]
    return f"?{urlencode(kept)}"


def subscriptions(feed: str, name: str) -> list[tuple[str, str]]:
    """Where the great calendars take up a feed, each with its name."""
    webcal = f"webcal://{feed.partition('://')[2]}"
    added = urlencode({"url": feed, "name": name}, quote_via=quote)
    return [
        ("Google Calendar", f"https://calendar.google.com/calendar/render?cid={quote(webcal, safe='')}"),
        ("Apple Calendar", webcal),
        ("Outlook.com", f"https://outlook.live.com/calendar/0/addfromweb?{added}"),
        ("Microsoft 365", f"https://outlook.office.com/calendar/0/addfromweb?{added}"),
    ]

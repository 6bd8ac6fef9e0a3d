"""The calendar page: what its template is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from app.assets.html import templates
from app.core.times import wall_of
from app.core.wording import full_date, long_date, place, short_date
from app.viewer.happenings import by_days, touching
from app.viewer.service import LIMIT, Found
from app.viewer.window import Clocks, Window

VIEWS: Final = ("month", "week", "agenda")
SHOWS: Final = ("calendar", "viewer")
AGENDA: Final = timedelta(days=28)
TEMPLATES: Final = templates(Path(__file__).with_name("templates"))
_NEAR: Final = {-1: "Yesterday", 0: "Today", 1: "Tomorrow"}


def agenda_window(first: date) -> Window:
    return Window(first, first + AGENDA)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks at what: the secret link's parts, and how the page is wanted."""

    calendar_id: str
    token: str
    name: str
    clocks: Clocks
    view: str | None


def values_of(visit: Visit, found: Found, window: Window, now: datetime, url: str) -> Mapping[str, Any]:
    """Everything the template shows. `url` is the deployment's, without a final slash."""
    clocks, token = visit.clocks, visit.token
    today = wall_of(now, clocks.leads).date()
    feed = f"{url}/feeds/{visit.calendar_id}.ics?token={quote(token)}"
    days = by_days(touching(found.happenings, window, [clocks.leads]), window, clocks.leads)
    return {
        "name": visit.name,
        "calendar_id": visit.calendar_id,
        "token": token,
        "view": visit.view,
        "clocks": clocks,
        "now": {zone.key: f"{wall_of(now, zone):%H:%M}" for zone in clocks.known},
        "place": place,
        "window": window,
        "heading": f"{short_date(window.first)} – {full_date(window.last)}",
        "days": [(day.date, long_date(day.date), _NEAR.get((day.date - today).days), day.happenings) for day in days],
        "before": _link(token, clocks, window.first - AGENDA),
        "after": _link(token, clocks, window.end),
        "at_today": _link(token, clocks, today),
        "subscribe": subscriptions(feed, visit.name),
        "feed": feed,
        "is_cut": found.is_cut,
        "limit": LIMIT,
        "known_until": None if found.reach is None else full_date(found.reach),
    }


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

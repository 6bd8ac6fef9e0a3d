"""What is next as text: a table for a terminal, an agenda by local days, or Markdown for a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from app.agents.access import admitted
from app.calendars.writing import no_such_calendar
from app.core.times import format_local, load_zone
from app.errors import Problem
from app.events.agenda import Entry, render_agenda
from app.events.markdown import render_markdown
from app.events.sql import sql
from app.events.table import Line, render_table
from app.http.context import Context
from app.http.requests import nearest, shown, whole_number

VIEW_DEFAULT: Final = 10
VIEW_MOST: Final = 50
FORMATS: Final = ("table", "agenda", "markdown")
MARKDOWN: Final = "markdown"
VIEW_PARAMETERS: Final = ("limit", "format", "tz")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A view's query. Without `zone` a table shows UTC, the others the calendar's zone."""

    limit: int
    form: str
    zone: ZoneInfo | None


def wanted_of(values: Mapping[str, str]) -> Wanted:
    """Raises `invalid_field` or `invalid_timezone` with the nearest valid value, naming the parameter."""
    form = values.get("format", FORMATS[0])
    if form not in FORMATS:
        close = nearest(form, FORMATS)
        raise Problem(
            "invalid_field",
            f"{shown(form)} is not a format of this view.",
            hint=f"Did you mean {close}?" if close else f"Known here: {', '.join(FORMATS)}.",
            field="format",
        )
    try:
        zone = load_zone(values["tz"]) if "tz" in values else None
    except Problem as problem:
        raise problem.at("tz") from None
    return Wanted(whole_number(values, "limit", VIEW_DEFAULT, least=1, most=VIEW_MOST), form, zone)


async def view(at: Context, key_hash: bytes, calendar_id: str, wanted: Wanted) -> str:
    """What `upcoming` finds, as plain text; an agenda and Markdown also show what is under way."""
    is_table = wanted.form == FORMATS[0]
    now = at.clock.now()
    row = await at.db.one(
        sql.view,
        {
            "key_hash": key_hash,
            "now": now,
            "calendar_id": calendar_id,
            "limit": wanted.limit,
            "include_current": not is_table,
        },
    )
    admitted(row)
    assert row is not None
    found, name, timezone, rows = row[3:7]
    if found is None:
        raise no_such_calendar(calendar_id)
    entries = [_entry(*columns) for columns in msgspec.json.decode(rows)] if rows else []
    if is_table:
        lines = [_line(entry, wanted.zone) for entry in entries]
        return render_table(name, calendar_id, wanted.zone.key if wanted.zone else timezone, lines)
    render = render_markdown if wanted.form == MARKDOWN else render_agenda
    return render(name, calendar_id, wanted.zone or load_zone(timezone), now, entries)


def _entry(own: str, title: str, location: str | None, status: str, source: str) -> Entry:
    times = msgspec.json.decode("{" + own + "}")
    start, end = (_moment(times[name]) for name in ("start", "end"))
    return Entry(title, start, end, location, status, source == "inbound_email")


def _moment(text: str) -> date | datetime:
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def _line(entry: Entry, zone: ZoneInfo | None) -> Line:
    return Line(entry.title, _stamp(entry.start, zone), _stamp(entry.end, zone), entry.location or "", entry.status)


def _stamp(moment: date | datetime, zone: ZoneInfo | None) -> str:
    """`2026-03-02 14:00:00Z`, or with a zone `2026-03-02 09:00:00-05:00`."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return f"{moment:%Y-%m-%d %H:%M:%S}Z" if zone is None else format_local(moment, zone).replace("T", " ")

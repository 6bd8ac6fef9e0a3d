"""Removing an event, cancelling one date, or ending a series."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from app.calendars.writing import Write, open_write
from app.core.series import split
from app.db.database import Transaction
from app.errors import Problem
from app.events.dates import ensure_next, exclude
from app.events.find import Date, find_date, find_event, read_specials, read_text
from app.events.materialise import Special
from app.events.model import Event
from app.events.preview import effect, look
from app.events.render import with_members
from app.events.split import end_before
from app.events.sql import sql
from app.events.storing import put_cancelled, put_override
from app.http.context import Context
from app.http.preconditions import check_match

Removed = Literal["event", "series", "following", "date", "nothing"]
"""What a DELETE takes away: a single event, a series, it from a date on, one date, which is cancelled; nothing where
that was cancelled before."""


async def delete_event(
    at: Context,
    tx: Transaction,
    key_hash: bytes,
    calendar_id: str,
    wire_id: str,
    mode: str | None,
    condition: str | None = None,
) -> str:
    """A single event goes; one date is cancelled (`single`, the default under its id), the series ends before it
    (`future`), or goes as a whole (`all`, which a series' own id needs to be told). `condition` is an If-Match header
    for what the id names; raises `precondition_failed` when that has changed. Returns what a preview answers: what is
    removed, and the event or date that the id names as it is before."""
    async with open_write(at, tx, key_hash, calendar_id) as write:
        event, key = await find_event(write, wire_id)
        invited, dates = await at.mails.before(write, event), await look(write, event.id)
        if not key:
            if event.is_series and mode != "all":
                raise Problem(
                    "mode_required",
                    "This is a whole series; deleting it needs to be said.",
                    hint="Use ?mode=all to delete all its dates, or DELETE one date's id, such as "
                    f"{event.id}_20260301.",
                    field="mode",
                )
            before = await read_text(write, event)
            check_match(condition, before)
            removed = _remove(write, event, before)
        else:
            date = await find_date(write, event, key, wire_id)
            before = date.text
            check_match(condition, before)
            removed = await _delete_from_date(write, event, date, mode)
        told = await at.mails.tell(write, invited, event.id)
        told |= await effect(write, dates, event.id)
    return with_members(f'{{"removes":"{removed}","event":{before}}}', **told)


async def _delete_from_date(write: Write, event: Event, date: Date, mode: str | None) -> Removed:
    if mode == "all" or (mode == "future" and date.is_first):
        return _remove(write, event, await read_text(write, event))
    if mode == "future":
        head_part, _ = split(event.series(write.calendar.timezone), date.key)
        assert head_part is not None
        await end_before(write, event, head_part, date, await read_specials(write, event.id))
        return "following"
    if date.cancelled:
        return "nothing"
    await _cancel(write, event, date)
    return "date"


def _remove(write: Write, event: Event, before: str) -> Removed:
    write.tx.later(sql.delete_event, {"calendar_id": event.calendar_id, "event_id": event.id})
    write.record("event.deleted", event.id, before, None)
    return "series" if event.is_series else "event"


async def _cancel(write: Write, series: Event, date: Date) -> None:
    """A cancelled date is only a status; nothing brings it back but changing it on purpose."""
    specials = await read_specials(write, series.id)
    seq = write.next_seq
    if date.row is not None:
        text = put_override(write, _at(date.row, seq), series, sql.update_event, cancelled=True)
    else:
        text = put_cancelled(write, _at(series, seq), date.occurrence)
    write.record("event.deleted", f"{series.id}_{date.key}", date.text, text)
    specials[date.key] = Special(date.key, True, date.is_exception, date.start)
    await exclude(write, series, specials)
    await ensure_next(write, series, specials)


def _at(row: Event, seq: int) -> Event:
    return replace(row, version=seq)

"""Answering an invitation: the answer, and the status that follows from it, are stored apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.calendars.writing import Write, open_write
from app.db.database import Transaction
from app.events.dates import ensure_next, exclude, mark_orphaned
from app.events.edits import override_of
from app.events.find import Date, find_date, find_event, read_overrides, read_specials, read_text
from app.events.materialise import Special, first_of
from app.events.model import Event
from app.events.preview import effect, look
from app.events.recurrence import excluded_keys
from app.events.render import with_members
from app.events.schemas import Respond
from app.events.sql import sql
from app.events.storing import put_override, put_series, put_single
from app.http.context import Context

STATUS_OF: Final = {"accepted": "confirmed", "declined": "cancelled", "tentative": "tentative"}


async def respond(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, wire_id: str, fields: Respond
) -> str:
    """accepted → confirmed, declined → cancelled, tentative → tentative; of a series all dates, except those deleted
    or cancelled by the organiser. Needs scope `book`. Answering an invitation raises no SEQUENCE: it is no change."""
    async with open_write(at, tx, key_hash, calendar_id, scope="book") as write:
        event, key = await find_event(write, wire_id)
        invited, dates = await at.mails.before(write, event), await look(write, event.id)
        answered = key
        if key:
            date = await find_date(write, event, key, wire_id)
            text = await _respond_date(write, event, date, fields.response)
            answered = date.key
        elif event.is_series:
            text = await _respond_series(write, event, fields.response)
        else:
            before = await read_text(write, event)
            text = put_single(write, _answered(write, event, fields.response), sql.update_event)
            write.record("event.responded", event.id, before, text)
        told = await at.mails.tell(write, invited, event.id)
        told |= await at.mails.answer(write, event, answered, fields.response)
        told |= await effect(write, dates, event.id)
    return with_members(text, **told)


async def _respond_series(write: Write, series: Event, response: str) -> str:
    before = await read_text(write, series)
    specials = await read_specials(write, series.id)
    overrides = await read_overrides(write, series.id)
    new = _answered(write, series, response)
    after = {key: replace(special, declined=False) for key, special in specials.items()}
    if response == "declined":
        after = {key: replace(special, declined=special.is_exception) for key, special in after.items()}
    first = first_of(new.series(write.calendar.timezone))
    assert first is not None
    text = put_series(write, new, sql.update_event, first, excluded_keys(after))
    write.record("event.responded", new.id, before, text)
    for row in overrides:
        answered = _answered(write, row, response)
        special = specials[row.key]
        own = put_override(write, answered, new, sql.update_event, cancelled=special.cancelled)
        if special.orphaned:
            mark_orphaned(write, new, row.key, orphaned=True)
        else:
            write.record("event.responded", row.wire_id, None, own)
    return text


async def _respond_date(write: Write, series: Event, date: Date, response: str) -> str:
    """Answering one date makes it an override; the others keep the series' answer."""
    specials = await read_specials(write, series.id)
    row = _answered(write, date.row or override_of(series, date.key, date.occurrence.original), response)
    statement = sql.insert_event if date.row is None else sql.update_event
    text = put_override(write, row, series, statement, cancelled=date.cancelled)
    write.record("event.responded", row.wire_id, date.text, text)
    excluded = excluded_keys(specials)
    specials[date.key] = Special(date.key, date.cancelled, True, date.start, declined=row.status == "cancelled")
    if excluded_keys(specials) != excluded:
        await exclude(write, series, specials)
        await ensure_next(write, series, specials)
    return text


def _answered(write: Write, event: Event, response: str) -> Event:
    """The SEQUENCE is raised of an event of the agent's own alone, whose attendees are told that it is off, or on."""
    status = "cancelled" if event.withdrawn else STATUS_OF[response]
    is_told = event.source == "api" and bool(event.attendees) and "cancelled" in (status, event.status)
    return replace(
        event,
        response=response,
        status=status,
        sequence=event.sequence + (1 if is_told and status != event.status else 0),
        version=write.next_seq,
        updated_at=write.now,
    )

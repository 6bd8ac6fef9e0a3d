"""Making an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.calendars.writing import Write, open_write
from app.db.database import Transaction
from app.events.dates import store_dates, store_specials
from app.events.edits import planned_members
from app.events.find import read_row, read_text
from app.events.model import Attendee, Event
from app.events.recurrence import plan, served_rule, wall_dates
from app.events.render import with_members
from app.events.schemas import EventCreate
from app.events.sql import sql
from app.events.storing import put_series, put_single
from app.events.timing import timing_of
from app.http.answers import encode
from app.http.context import Context
from app.http.writes import Answer
from app.ids import new_id


async def create_event(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, fields: EventCreate
) -> str | Answer:
    """A single event, or a series with its dates stored as far as the horizon. Returns the answer's text.

    Raises, besides what reading raises: `invalid_time`, `invalid_timezone`, `offset_mismatch`, `end_before_start`,
    `invalid_recurrence`, `recurrence_too_costly`, `recurrence_without_dates`, `not_a_date_of_the_series`.
    """
    rule = None if fields.rule is None else served_rule(fields.rule)
    async with open_write(at, tx, key_hash, calendar_id) as write:
        if fields.client_id is not None and (first := await _made_before(write, fields.client_id)) is not None:
            return Answer(first, 200, replayed=True)
        write.events_quota.check(1)
        event = _event(at, write, fields, rule)
        if event.is_series:
            return _store_series(write, event, fields.exdates or ())
        text = put_single(write, event, sql.insert_event)
        write.record("event.created", event.id, None, text)
        return text


async def _made_before(write: Write, client_id: str) -> str | None:
    """The present text of the event that was made under the same client_id."""
    row = await write.tx.one(sql.find_client_id, {"calendar_id": write.calendar.id, "client_id": client_id})
    event = None if row is None else await read_row(write, row[0])
    return None if event is None else await read_text(write, event)


def _store_series(write: Write, event: Event, exdates: Sequence[str]) -> str:
    """Check and store a series that is new; returns the answer's text with `instances_created` and `notices`."""
    planned = plan(event, write.calendar.timezone, write.now, exdates=exdates, specials={})
    text = put_series(write, planned.event, sql.insert_event, planned.first, planned.excluded)
    write.record("event.created", event.id, None, text)
    store_specials(write, planned, {}, ())
    store_dates(write, planned)
    return with_members(text, **planned_members(planned, []))


def _event(at: Context, write: Write, fields: EventCreate, rule: str | None) -> Event:
    calendar = write.calendar
    timing = timing_of(fields, calendar.timezone)
    event_id = new_id("evt")
    event = Event(
        calendar_id=calendar.id,
        id=event_id,
        title=fields.title,
        description=fields.description,
        location=fields.location,
        metadata=None if fields.metadata is None else encode(fields.metadata).decode(),
        status=fields.status or "confirmed",
        transparency=fields.transparency or "opaque",
        all_day=timing.all_day,
        start_wall=timing.start_wall,
        zone=timing.zone,
        zone_given=timing.zone_given,
        instant_given=timing.instant_given,
        length=timing.length,
        rule=rule,
        uid=f"{event_id}@{at.settings.email_domain}",
        client_id=fields.client_id,
        attendees=tuple(Attendee(email) for email in fields.attendees or ()),
        version=write.next_seq,
        created_at=write.now,
        updated_at=write.now,
    )
    if fields.rdates:
        event = replace(event, rdates=wall_dates(fields.rdates, event))
    return replace(event, start_counts=event.is_series and rule is None)

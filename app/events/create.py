"""Making an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from app.calendars.writing import ALWAYS, FOREVER, Write, look_at, open_write
from app.db.database import Transaction
from app.events.dates import store_dates, store_specials
from app.events.edits import planned_members
from app.events.find import read_row, read_text
from app.events.materialise import last_of
from app.events.model import Attendee, Event, event_params
from app.events.recurrence import plan, served_rule, wall_dates
from app.events.render import RENDERER, series_json, shared_json, vevent_text, with_members
from app.events.schemas import EventCreate
from app.events.sql import sql
from app.events.storing import date_params, longest, only_occurrence, put_series, put_single
from app.events.timing import timing_of
from app.http.answers import encode
from app.http.context import Context
from app.http.writes import Answer
from app.ids import new_id

_CREATED_WITH: Final = (
    "calendar_id", "id", "title", "description", "location", "metadata", "status", "transparency", "all_day",
    "start_wall", "second_pass", "zone", "zone_given", "instant_given", "length_days", "length_seconds", "rule",
    "rdates", "start_counts", "last_wall", "last_second_pass", "uid", "client_id", "source", "attendees",
)  # fmt: skip


async def create_event(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, fields: EventCreate
) -> str | Answer:
    """A single event, or a series with its dates stored as far as the horizon. Returns the answer's text.

    Raises, besides what reading raises: `invalid_time`, `invalid_timezone`, `offset_mismatch`, `end_before_start`,
    `invalid_recurrence`, `recurrence_too_costly`, `recurrence_without_dates`, `not_a_date_of_the_series`.
    """
    rule = None if fields.rule is None else served_rule(fields.rule)
    if tx.is_fresh and fields.client_id is None and not fields.exdates and not fields.attendees:
        text = await _create_at_once(at, tx, key_hash, calendar_id, fields, rule)
        if text is not None:
            return text
    async with open_write(at, tx, key_hash, calendar_id) as write:
        if fields.client_id is not None and (first := await _made_before(write, fields.client_id)) is not None:
            return Answer(first, 200, replayed=True)
        write.events_quota.take(1)
        event = _event(at, write, fields, rule)
        if event.is_series:
            text = _store_series(write, event, fields.exdates or ())
        else:
            text = put_single(write, event, sql.insert_event)
            write.record("event.created", event.id, None, text)
        told = await at.mails.tell(write, None, event.id, invites=bool(fields.attendees))
        return with_members(text, **told)


async def _create_at_once(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, fields: EventCreate, rule: str | None
) -> str | None:
    """The common create, in a look and one statement that guards itself. None when what was seen changed in between,
    or no date is to be stored: then the way under the lock is the right one."""
    write = await look_at(at, tx, key_hash, calendar_id)
    write.events_quota.take(1)
    event, zone = _event(at, write, fields, rule), write.calendar.timezone
    series: str | None = None
    last_at, members = None, dict[str, Any]()
    if event.is_series:
        planned = plan(event, zone, write.now, exdates=None, specials={})
        event, dates, first = planned.event, planned.dates, planned.first
        series, last_at, members = series_json(event, first), last_of(event.series(zone)), planned_members(planned, [])
        since, through = event.stored_from, event.stored_through
    else:
        first = only_occurrence(event, zone)
        dates, since, through = [first], ALWAYS, FOREVER
    if not dates:
        return None
    write.occurrences_quota.take(len(dates))
    values = event_params(event)
    row = await tx.alone(
        sql.create_at_once,
        {name: values[name] for name in _CREATED_WITH}
        | date_params(event, zone, dates)
        | {
            "calendar_zone": zone,
            "key_hash": key_hash,
            "now": write.now,
            "sent_at": at.clock.now(),
            "by": write.caller.key_id,
            "count": len(dates),
            "longest_seconds": int(longest(dates).total_seconds()),
            "stored_from": since,
            "stored_through": through,
            "start_at": first.start,
            "last_at": last_at,
            "shared_json": shared_json(event),
            "series_json": series,
            "vevent": vevent_text(event),
            "renderer": RENDERER,
        },
    )
    if row is None:
        return None
    tx.touched.add(calendar_id)
    tx.wakes_dispatchers = row[1]
    return with_members(row[0], **members)


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

"""Making an event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from app.calendars.writing import ALWAYS, FOREVER, Write, look_at, open_write
from app.core.series import Occurrence
from app.db.database import Transaction
from app.events.dates import store_dates, store_specials
from app.events.edits import planned_members
from app.events.expect import check_expected
from app.events.find import read_row, read_text
from app.events.materialise import last_of
from app.events.model import Attendee, Event, event_params
from app.events.recurrence import Plan, plan, served_rule, wall_dates
from app.events.render import RENDERER, own_json, series_json, shared_json, vevent_text, with_members
from app.events.schemas import EventCreate
from app.events.sql import sql
from app.events.storing import date_params, longest, only_occurrence, put_series, put_single
from app.events.timing import timing_of
from app.http.answers import encode
from app.http.context import Context
from app.http.writes import Answer

_CREATED_WITH: Final = (
    "calendar_id", "id", "title", "description", "location", "metadata", "status", "transparency", "all_day",
    "start_wall", "second_pass", "zone", "zone_given", "instant_given", "length_days", "length_seconds", "rule",
    "rdates", "start_counts", "last_wall", "last_second_pass", "uid", "client_id", "source", "attendees",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event that nothing more can be said against: `plan` is that of a series, `first` when it first happens."""

    event: Event
    first: Occurrence
    plan: Plan | None

    @property
    def dates(self) -> int:
        """How many dates are stored of it."""
        return 1 if self.plan is None else len(self.plan.dates) + len(self.plan.specials)


async def create_event(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, fields: EventCreate
) -> str | Answer:
    """A single event, or a series with its dates stored as far as the horizon. Returns the answer's text.

    Raises, besides what reading raises: `invalid_time`, `invalid_timezone`, `offset_mismatch`, `end_before_start`,
    `invalid_recurrence`, `recurrence_too_costly`, `recurrence_without_dates`, `not_a_date_of_the_series`,
    `expectation_failed`.
    """
    rule = None if fields.rule is None else served_rule(fields.rule)
    if tx.is_fresh and fields.client_id is None and not fields.exdates and not fields.attendees:
        text = await _create_at_once(at, tx, key_hash, calendar_id, fields, rule)
        if text is not None:
            return text
    async with open_write(at, tx, key_hash, calendar_id) as write:
        if fields.client_id is not None and (first := await made_before(write, fields.client_id)) is not None:
            return Answer(first, 200, replayed=True)
        return await store(at, write, prepare(at, write, fields, rule))


def prepare(at: Context, write: Write, fields: EventCreate, rule: str | None) -> Prepared:
    """All that can be refused of a new event; nothing is stored yet. `rule` is `fields.rule` in canonical form. Raises
    what `create_event` raises."""
    write.events_quota.check(1)
    event, zone, planned = _event(at, write, fields, rule), write.calendar.timezone, None
    if event.is_series:
        exdates = fields.exdates or ()
        planned = plan(event, zone, write.now, exdates=exdates, specials={})
        event, first = planned.event, planned.first
    else:
        first = only_occurrence(event, zone)
    if fields.expect is not None:
        check_expected(fields.expect, f'{{{own_json(event, first)},"timezone":"{event.zone}"}}')
    prepared = Prepared(event, first, planned)
    write.occurrences_quota.check(prepared.dates)
    return prepared


async def store(at: Context, write: Write, prepared: Prepared) -> str:
    """Store what `prepare` found right, log it and tell those invited; returns the answer's text."""
    event, planned = prepared.event, prepared.plan
    write.events_quota.take(1)
    if planned is None:
        write.occurrences_quota.take(1)
        text = put_single(write, event, sql.insert_event)
        write.record("event.created", event.id, None, text)
    else:
        text = put_series(write, event, sql.insert_event, planned.first, planned.excluded)
        write.record("event.created", event.id, None, text)
        store_specials(write, planned, {}, ())
        store_dates(write, planned)
        text = with_members(text, **planned_members(planned, []))
    told = await at.mails.tell(write, None, event.id, invites=bool(event.attendees))
    return with_members(text, **told)


async def _create_at_once(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, fields: EventCreate, rule: str | None
) -> str | None:
    """The common create, in a look and one statement that guards itself. None when what was seen changed in between,
    or no date is to be stored: then the way under the lock is the right one."""
    write = await look_at(at, tx, key_hash, calendar_id)
    prepared = prepare(at, write, fields, rule)
    event, first, zone = prepared.event, prepared.first, write.calendar.timezone
    series: str | None = None
    last_at, members = None, dict[str, Any]()
    if prepared.plan is not None:
        dates = prepared.plan.dates
        series, last_at = series_json(event, first), last_of(event.series(zone))
        members = planned_members(prepared.plan, [])
        since, through = event.stored_from, event.stored_through
    else:
        dates, since, through = [first], ALWAYS, FOREVER
    if not dates:
        return None
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


async def made_before(write: Write, client_id: str) -> str | None:
    """The present text of the event that was made under the same client_id."""
    row = await write.tx.one(sql.find_client_id, {"calendar_id": write.calendar.id, "client_id": client_id})
    event = None if row is None else await read_row(write, row[0])
    return None if event is None else await read_text(write, event)


def _event(at: Context, write: Write, fields: EventCreate, rule: str | None) -> Event:
    calendar = write.calendar
    timing = timing_of(fields, calendar.timezone)
    event_id = write.new_event_id()
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

"""Storing a series as its organiser has it: what it says, the dates that differ, and those that are cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.calendars.writing import Write
from app.core.itip import Component
from app.core.series import Series, at
from app.events.dates import keep_stored, store_dates, store_specials
from app.events.find import read_specials, read_text
from app.events.invitation import change_type, override_by, said_alike
from app.events.materialise import Special
from app.events.model import Event, wall_of_key
from app.events.recurrence import Plan, excluded_keys, plan
from app.events.render import occurrence_text, own_json, shared_json
from app.events.sql import sql
from app.events.storing import put_override, put_series, span


@dataclass(frozen=True, slots=True)
class Dates:
    """Which dates the organiser says otherwise, and which are cancelled: now, and as the thread had it before."""

    overrides: Mapping[str, Component] = field(default_factory=dict)
    cancelled: frozenset[str] = frozenset()
    overrides_before: Mapping[str, Component] = field(default_factory=dict)
    cancelled_before: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is there so far: nothing for a series that is new."""

    event: Event | None
    specials: Mapping[str, Special]
    rows: Mapping[str, Event]

    @property
    def series(self) -> Event | None:
        return self.event if self.event is not None and self.event.is_series else None


async def store_series(
    write: Write,
    event: Event,
    old: Event | None,
    dates: Dates,
    overrides: Sequence[Event],
    carried: Mapping[str, Event],
) -> int:
    """Bring a series from `old` and its `overrides` to `event` and `dates`; returns how many of its dates are stored.

    `carried` are dates that were events of their own so far, by the key they have in the series. Dates that the agent
    deleted or changed by itself stay so, unless the organiser says something new of them.
    """
    is_series = old is not None and old.is_series
    specials = await read_specials(write, event.id) if is_series else {}
    stored = _Stored(old, specials, {row.key: row for row in overrides} if is_series else {})
    zone = write.calendar.timezone
    rows = _rows(write, event, stored, dates, carried)
    wanted = _specials(event.series(zone), stored, dates, rows, zone)
    since = None if stored.series is None else stored.series.stored_from
    planned = plan(event, zone, write.now, exdates=None, specials=wanted, since=since)
    changed = {key for key, row in rows.items() if row is not stored.rows.get(key)}
    if stored.series is not None:
        planned = _with_exclusions(write, planned, stored)
        is_same = said_alike(stored.series, planned.event) and planned.specials == specials
        if is_same and not changed:
            return planned.instances
    await _write(write, planned, stored, rows, changed)
    return planned.instances


def _rows(write: Write, event: Event, stored: _Stored, dates: Dates, carried: Mapping[str, Event]) -> dict[str, Event]:
    """The overrides as they are to be: the very row that is stored where nothing about it changes."""
    zone = write.calendar.timezone
    rows = {
        key: row
        for key, row in stored.rows.items()
        if key in dates.cancelled or (key not in dates.overrides_before and key not in dates.overrides)
    }
    for key, component in dates.overrides.items():
        row = stored.rows.get(key)
        asked = row or carried.get(key) or _date_of(stored.series or event, key, zone)
        new = override_by(component, event, key, asked, zone, write.now)
        if row is None:
            new = replace(new, created_at=write.now)
        rows[key] = row if row is not None and said_alike(row, new) else new
    return rows


def _date_of(series: Event, key: str, zone: str) -> Event:
    """One date as its series has it."""
    made = at(series.series(zone), key)
    start = wall_of_key(key) if made is None else made.original
    return replace(series, key=key, start_wall=start, instant_given=False, rule=None, rdates=(), start_counts=False)


def _specials(
    series: Series, stored: _Stored, dates: Dates, rows: Mapping[str, Event], zone: str
) -> dict[str, Special]:
    """The dates with a life of their own as they are to be."""
    wanted: dict[str, Special] = {}
    by_agent = {
        key
        for key, special in stored.specials.items()
        if special.cancelled and key not in dates.cancelled_before and not _is_news(key, dates)
    }
    for key in {*dates.cancelled, *rows, *by_agent}:
        row = rows.get(key)
        made = at(series, key)
        known = stored.specials.get(key)
        if row is not None:
            start = span(row, zone)[0]
        elif made is not None:
            start = made.start
        elif known is not None:
            start = known.start_at
        else:
            continue  # a date the series never had
        cancelled = key in dates.cancelled or key in by_agent
        declined = row is not None and row.status == "cancelled" and not cancelled
        wanted[key] = Special(key, cancelled, row is not None, start, declined=declined)
    return wanted


def _is_news(key: str, dates: Dates) -> bool:
    """Whether the organiser says something of a date that was not said before."""
    return key in dates.overrides and dates.overrides[key] != dates.overrides_before.get(key)


def _with_exclusions(write: Write, planned: Plan, stored: _Stored) -> Plan:
    """A feed's SEQUENCE and DTSTAMP move with the set of cancelled dates."""
    if planned.excluded == excluded_keys(stored.specials):
        return planned
    event = replace(planned.event, exclusions=planned.event.exclusions + 1, excluded_at=write.now)
    return replace(planned, event=event)


async def _write(write: Write, planned: Plan, stored: _Stored, rows: Mapping[str, Event], changed: set[str]) -> None:
    old, params = stored.event, {"calendar_id": planned.event.calendar_id, "event_id": planned.event.id}
    before = None if old is None else await read_text(write, old)
    is_same = stored.series is not None and said_alike(stored.series, planned.event)
    version = stored.series.version if stored.series is not None and is_same else write.next_seq
    planned = replace(planned, event=replace(planned.event, version=version))
    if stored.series is not None:
        write.tx.later(sql.delete_plain_occurrences, params)
    elif old is not None:
        write.tx.later(sql.delete_all_occurrences, params)
    statement = sql.insert_event if old is None else sql.update_event
    text = put_series(write, planned.event, statement, planned.first, planned.excluded)
    if not is_same:
        write.record(change_type(old, planned.event), planned.event.id, before, text)
    if stored.series is not None:
        keep_stored(write, planned.event)
    _let_go(write, planned, stored, rows)
    for key in sorted(changed):
        _put_row(write, planned, rows[key], is_new=key not in stored.rows)
    known = {key: each for key, each in stored.specials.items() if key in planned.specials}
    known |= {key: planned.specials[key] for key in changed if key in planned.specials}
    store_specials(write, planned, known, list(rows.values()))
    store_dates(write, planned)


def _let_go(write: Write, planned: Plan, stored: _Stored, rows: Mapping[str, Event]) -> None:
    """Dates that the organiser neither changes nor cancels any more follow the series again."""
    event = planned.event
    without_row = stored.rows.keys() - rows.keys()
    for key in sorted(without_row | (stored.specials.keys() - planned.specials.keys())):
        params = {"calendar_id": event.calendar_id, "event_id": event.id, "keys": [key]}
        write.tx.later(sql.delete_overrides, params)
        write.tx.later(sql.delete_occurrences, params)
        known = stored.specials.get(key)
        if key in planned.specials or (known is not None and known.orphaned):
            continue
        made = at(event.series(write.calendar.timezone), key)
        if made is None or event.status == "cancelled":  # as its series is: nothing of its own is left to say
            write.record("event.deleted", f"{event.id}_{key}", None, None)
        else:
            text = occurrence_text(event, own_json(event, made), shared_json(event), key=key)
            write.record("event.updated", f"{event.id}_{key}", None, text)


def _put_row(write: Write, planned: Plan, row: Event, *, is_new: bool) -> None:
    event, special = planned.event, planned.specials[row.key]
    row = replace(row, version=write.next_seq, stored_from=event.stored_from, stored_through=event.stored_through)
    statement = sql.insert_event if is_new else sql.update_event
    text = put_override(write, row, event, statement, cancelled=special.cancelled)
    if not special.orphaned:
        write.record("event.deleted" if special.cancelled else "event.updated", row.wire_id, None, text)

"""Storing very many events in one write: as few statements as there are bites, whatever each bite holds.

An event that is there already is stored anew under its id, as if it were new, and the log says what became of it and of
each of its dates. All of it but `read_stored` and `Bulk.send` is pure work on values and may run off the event loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from app.calendars.writing import Write
from app.core.series import Occurrence, Series, at
from app.core.times import instant_of
from app.db.database import Params, Row
from app.errors import Problem
from app.events.invitation import change_type
from app.events.materialise import Special, last_of
from app.events.model import Event, event_of_row, wall_of_key
from app.events.recurrence import Plan, excluded_keys, plan
from app.events.render import (
    occurrence_text,
    override_json,
    own_json,
    series_json,
    series_text,
    shared_json,
    vevent_text,
)
from app.events.sql import sql
from app.events.storing import date_params, keep_window, occurrence_params, only_occurrence, row_params, span
from app.http.answers import encode

_SEPARATOR: Final = "\x1e"  # JSON texts never hold it bare, and no UID does
DATES_MOST: Final = 200_000  # dates stored in one write: some seconds
BITE_OF_DATES: Final = 10_000  # dates that are sent at once: what Postgres takes in some tens of milliseconds
TEXT_MOST: Final = 256 * 1024 * 1024  # bytes of the log in one write: each cancelled date repeats its series' texts


@dataclass(slots=True)
class Stored:
    """What the calendar has of one event: `texts` are those of the whole ('') and of its dates with a life of their
    own, `dates` how many are stored."""

    event: Event
    rows: dict[str, Event] = field(default_factory=dict)
    specials: dict[str, Special] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    dates: int = 0


@dataclass(slots=True)
class Desired:
    """An event as it is to be. `rows` are its overrides by key, `cancelled` the keys of its cancelled dates, with a row
    or without. `is_said` says that the event itself is new or changed, `changed` which of its rows are."""

    event: Event
    rows: dict[str, Event] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    old: Stored | None = None
    is_said: bool = True
    changed: set[str] = field(default_factory=set)


async def read_stored(write: Write, uids: Sequence[str]) -> dict[tuple[str, str | None], Stored]:
    """All that the calendar has under some UIDs, by UID and recurrence id."""
    params = {"calendar_id": write.calendar.id, "uids": _SEPARATOR.join(uids)}
    rows = [event_of_row(row) for row in await write.tx.all(sql.read_by_uids, params)]
    found = {row.id: Stored(row) for row in rows if not row.key}
    for row in rows:
        if row.key:
            found[row.id].rows[row.key] = row
    if found:
        ids: Params = {"calendar_id": write.calendar.id, "ids": list(found)}
        for text_row in await write.tx.all(sql.stored_texts, ids):
            _take_text(found[text_row[0]], text_row)
    return {(stored.event.uid, stored.event.recurrence_id): stored for stored in found.values()}


def _take_text(stored: Stored, row: Row) -> None:
    _, key, text, cancelled, is_exception, start_at, orphaned, declined, dates = row
    if text is not None:
        stored.texts[key] = text
    if key:
        stored.specials[key] = Special(key, cancelled, is_exception, start_at, orphaned, declined and not cancelled)
    else:
        stored.dates = dates


class Bulk:
    """The rows of one write, gathered and sent a bite at a time."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._zone = write.calendar.timezone
        self._rows: list[dict[str, Any]] = []
        self._gone: list[str] = []
        self._events = 0
        self._dates: dict[str, list[str]] = {name: [] for name in _DATE_COLUMNS}
        self._text_left = TEXT_MOST
        self._dates_left = DATES_MOST

    @property
    def is_full(self) -> bool:
        """Whether it is time to send."""
        return len(self._dates["keys"]) >= BITE_OF_DATES

    def store(self, desired: Desired, planned: Plan | None) -> None:
        """Gather one event with its dates and changes; `planned` is what `prepare` made of it. Raises `quota_exceeded`,
        and `recurrence_too_costly` or `body_too_large` where all of them have too many dates or too large a log;
        ValueError or OverflowError where the event contradicts itself, and then nothing of it is gathered."""
        with self._undone():
            self._store(desired, planned)

    def remove(self, stored: Stored) -> None:
        """Gather the removal of an event."""
        event = stored.event
        self._gone.append(event.id)
        self._write.events_quota.take(-1)
        self._write.occurrences_quota.take(-stored.dates)
        self._record("event.deleted", event.id, stored.texts.get(""), None)

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """Takes back what was gathered of an event that turns out to be none: what others wrote may be so odd that no
        text can be made of it."""
        rows, gone, events, dates = len(self._rows), len(self._gone), self._events, len(self._dates["keys"])
        changes = len(self._write.changes)
        present = self._write.events_quota.present, self._write.occurrences_quota.present
        try:
            yield
        except (ValueError, OverflowError):
            del self._rows[rows:], self._gone[gone:], self._write.changes[changes:]
            for column in self._dates.values():
                del column[dates:]
            self._events = events
            self._write.events_quota.present, self._write.occurrences_quota.present = present
            raise

    def _store(self, desired: Desired, planned: Plan | None) -> None:
        old = desired.old
        count = 1 if planned is None else len(planned.dates) + len(planned.specials)
        self._write.occurrences_quota.take(count - (0 if old is None else old.dates))
        self._dates_left -= count
        if self._dates_left < 0:
            raise Problem(
                "recurrence_too_costly",
                f"What this would store has more than {DATES_MOST:,} dates.",
                hint="Store series that come up many times a day apart from the others.",
            )
        if old is None:
            self._write.events_quota.take(1)
        else:
            self._gone.append(old.event.id)
        self._events += 1
        if planned is None:
            self._single(desired)
        else:
            self._series(desired, planned)

    async def send(self) -> None:
        """Send what was gathered, with the changes recorded so far."""
        write, calendar_id = self._write, self._write.calendar.id
        if self._gone:
            write.tx.later(sql.delete_events, {"calendar_id": calendar_id, "ids": self._gone})
        if self._rows:
            write.tx.later(sql.insert_events, {"rows": encode(self._rows).decode()})
        count = len(self._dates["keys"])
        if count:
            joined = {
                name: (_SEPARATOR if name == "own_jsons" else ",").join(each) for name, each in self._dates.items()
            }
            write.tx.later(sql.insert_dates, {"calendar_id": calendar_id, **joined})
        if self._events or count:
            counts = {"calendar_id": calendar_id, "events": self._events, "occurrences": count}
            write.tx.later(sql.count_stored, counts)
        write.spill()
        self._rows, self._gone, self._events = [], [], 0
        self._dates = {name: [] for name in _DATE_COLUMNS}
        await write.tx.flush()

    def prepare(self, desired: Desired) -> Plan | None:
        """Which dates a series is to have; None for a single event. Raises what `plan` raises."""
        if not desired.event.is_series:
            return None
        series = desired.event.series(self._zone)
        specials = {}
        for key in {*desired.cancelled, *desired.rows}:
            row = desired.rows.get(key)
            cancelled = key in desired.cancelled
            declined = row is not None and row.status == "cancelled" and not cancelled
            start = _start_of(series, key) if row is None else span(row, self._zone)[0]
            specials[key] = Special(key, cancelled, row is not None, start, declined=declined)
        old, now = desired.old, self._write.now
        since = None if old is None or not old.event.is_series else old.event.stored_from
        planned = plan(desired.event, self._zone, now, exdates=None, specials=specials, since=since)
        if not desired.is_said and old is not None and planned.excluded != excluded_keys(old.specials):
            # A feed's SEQUENCE and DTSTAMP move with the set of cancelled dates.
            event = replace(planned.event, exclusions=planned.event.exclusions + 1, excluded_at=now)
            return replace(planned, event=event)
        return planned

    # ------------------------------------------------------------------------------------------------ one event

    def _single(self, desired: Desired) -> None:
        write, old = self._write, desired.old
        event = replace(desired.event, version=write.next_seq, stored_from=None, stored_through=None, last_wall=None)
        date = only_occurrence(event, self._zone)
        shared, own = shared_json(event), own_json(event, date)
        self._put(event, shared, None, vevent_text(event), date.start, None)
        self._put_date(occurrence_params(event, self._zone, date.start, date.end, own))
        before = None if old is None else old.texts.get("")
        self._record(
            change_type(None if old is None else old.event, event),
            event.id,
            before,
            occurrence_text(event, own, shared),
        )

    def _series(self, desired: Desired, planned: Plan) -> None:
        write, old, event = self._write, desired.old, planned.event
        is_said = desired.is_said or old is None or not old.event.is_series
        event = replace(event, version=write.next_seq if is_said or old is None else old.event.version)
        shared, own = shared_json(event), series_json(event, planned.first)
        last_at = last_of(event.series(self._zone))
        self._put(event, shared, own, vevent_text(event, planned.excluded), planned.first.start, last_at)
        if is_said:
            before = None if old is None else old.texts.get("")
            self._record(
                change_type(None if old is None else old.event, event),
                event.id,
                before,
                series_text(event, own, shared),
            )
        assert event.stored_from is not None
        assert event.stored_through is not None
        keep_window(write, event.stored_from, event.stored_through)
        known = {} if old is None else old.specials
        for key, special in sorted(planned.specials.items()):
            row = desired.rows.get(key)
            if row is not None:
                self._override(desired, event, row, special)
            else:
                self._cancelled(event, shared, special, planned.places[key], known.get(key))
        for key in sorted(known.keys() - planned.specials.keys()):
            self._let_go(event, shared, key, known[key])
        self._put_dates(event, planned.dates)

    def _override(self, desired: Desired, series: Event, row: Event, special: Special) -> None:
        key, old = row.key, desired.old
        known = None if old is None else old.specials.get(key)
        is_same = known is not None and (known.cancelled, known.orphaned) == (special.cancelled, special.orphaned)
        row = replace(row, stored_from=series.stored_from, stored_through=series.stored_through)
        is_said = key in desired.changed or not is_same
        if is_said:
            row = replace(row, version=self._write.next_seq)
        start, end = span(row, self._zone)
        shared, own = shared_json(row), override_json(row, start, end)
        self._put(row, shared, None, vevent_text(row, series=series), start, None)
        params = occurrence_params(row, self._zone, start, end, own, cancelled=special.cancelled, is_exception=True)
        self._put_date(params | {"orphaned": special.orphaned})
        if is_said and not special.orphaned:
            text = occurrence_text(row, own, shared, cancelled=special.cancelled, is_exception=True)
            before = None if old is None else old.texts.get(key)
            self._record("event.deleted" if special.cancelled else "event.updated", row.wire_id, before, text)

    def _cancelled(
        self, event: Event, shared: str, special: Special, place: Occurrence | None, known: Special | None
    ) -> None:
        key = special.key
        date = Occurrence(key, wall_of_key(key), special.start_at, special.start_at) if place is None else place
        day = date.original.date()
        own = own_json(event, date._replace(key=key))
        params = occurrence_params(event, self._zone, date.start, date.end, own, key=key, cancelled=True, day=day)
        self._put_date(params | {"orphaned": special.orphaned})
        if not special.orphaned and (known is None or known.orphaned or not known.cancelled or known.is_exception):
            text = occurrence_text(event, own, shared, key=key, cancelled=True)
            self._record("event.deleted", f"{event.id}_{key}", None, text)

    def _let_go(self, event: Event, shared: str, key: str, known: Special) -> None:
        """A date that is neither changed nor cancelled any more follows its series again."""
        if known.orphaned:
            return
        made = at(event.series(self._zone), key)
        if made is None:
            self._record("event.deleted", f"{event.id}_{key}", None, None)
        else:
            text = occurrence_text(event, own_json(event, made._replace(key=key)), shared, key=key)
            self._record("event.updated", f"{event.id}_{key}", None, text)

    # ------------------------------------------------------------------------------------------------ gathering

    def _record(self, type_: Any, wire_id: str, before: str | None, after: str | None) -> None:
        self._text_left -= len(before or "") + len(after or "")
        if self._text_left < 0:
            raise Problem(
                "body_too_large",
                f"The log of what this changes would have more than {TEXT_MOST // 1024 // 1024} MB.",
                hint="Each cancelled date repeats its series' texts: shorten descriptions, or send the file in parts.",
            )
        self._write.record(type_, wire_id, before, after)

    def _put(
        self, event: Event, shared: str, series: str | None, vevent: str, start_at: datetime, last_at: datetime | None
    ) -> None:
        params = row_params(event, shared, series, vevent, start_at, last_at)
        params["metadata"] = None if event.metadata is None else msgspec.Raw(event.metadata.encode())
        params["attendees"] = msgspec.Raw(params["attendees"].encode())
        self._rows.append(params)

    def _put_dates(self, event: Event, dates: Sequence[Occurrence]) -> None:
        if not dates:
            return
        self._note_longest(max(int((date.end - date.start).total_seconds()) for date in dates))
        texts = date_params(event, self._zone, dates)
        count = len(dates)
        columns = self._dates
        columns["event_ids"] += [event.id] * count
        columns["keys"] += [f"k{date.key}" for date in dates]
        for name in ("starts", "ends", "first_day_ends", "moments"):
            columns[name] += texts[name].split(",")
        columns["flags"] += ["---"] * count
        columns["versions"] += [""] * count
        columns["own_jsons"] += texts["own_jsons"].split(_SEPARATOR)

    def _put_date(self, params: Mapping[str, Any]) -> None:
        self._note_longest(int((params["end_at"] - params["start_at"]).total_seconds()))
        columns = self._dates
        columns["event_ids"].append(params["event_id"])
        columns["keys"].append(f"k{params['key']}")
        columns["starts"].append(_epoch(params["start_at"]))
        columns["ends"].append(_epoch(params["end_at"]))
        columns["first_day_ends"].append(_epoch(params["first_day_end"]))
        columns["moments"].append(_epoch(params["moment"]))
        flags = (params["cancelled"] and "c", params["is_exception"] and "x", params["orphaned"] and "o")
        columns["flags"].append("".join(flag or "-" for flag in flags))
        columns["versions"].append("" if params["version"] is None else str(params["version"]))
        columns["own_jsons"].append(params["own_json"])

    def _note_longest(self, seconds: int) -> None:
        calendar = self._write.calendar
        calendar.longest_seconds = max(calendar.longest_seconds, seconds)


_DATE_COLUMNS: Final = (
    *("event_ids", "keys", "starts", "ends", "first_day_ends", "moments", "flags", "versions", "own_jsons"),
)


def _start_of(series: Series, key: str) -> datetime:
    """When the series has a date; for one it does not make, what its key says."""
    made = at(series, key)
    return instant_of(wall_of_key(key), series.zone) if made is None else made.start


def _epoch(instant: datetime | None) -> str:
    return "" if instant is None else str(int(instant.timestamp()))

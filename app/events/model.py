"""An event as it is stored: one row, one VEVENT, whether single event, series or override."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Final

import msgspec

from app.core.rule import Rule, parse_rule
from app.core.series import Series
from app.core.times import Length, instant_of, load_zone
from app.db.database import Row

LATER: Final = "+"
Metadata = str  # JSON text of an object, kept as it was written


class Attendee(msgspec.Struct, frozen=True, omit_defaults=False):
    email: str
    name: str | None = None
    role: str | None = None
    partstat: str | None = None


_attendees = msgspec.json.Decoder(tuple[Attendee, ...]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What was written. `key` is '' for a single event or a series, else the date that this row overrides.

    `start_wall` is naive, in `zone`, with fold for the second pass; midnight when all-day. `length` is nominal days
    plus exact seconds. `rdates` are wall times (`2026-03-01T09:00:00`, with `b` after it on a second pass) or bare
    dates. `version` is the seq of the last change. Between `stored_from` and `stored_through` a series' dates exist
    as occurrences. `extra` are unfolded property lines that are not modelled; `sender_check` is JSON text of what the
    mail provider said of the sender; an answer of an attendee to a SEQUENCE below `asked_sequence` is stale.
    `recurrence_id` (as `core.itip.format_moment` writes it) is that of a date invited without its series; `withdrawn`
    says that the organiser cancelled the event.
    """

    calendar_id: str
    id: str
    key: str = ""
    title: str
    description: str | None = None
    location: str | None = None
    metadata: Metadata | None = None
    status: str = "confirmed"
    transparency: str = "opaque"
    all_day: bool
    start_wall: datetime
    zone: str
    zone_given: bool
    instant_given: bool
    length: Length
    rule: str | None = None
    rdates: tuple[str, ...] = ()
    start_counts: bool = False
    last_wall: datetime | None = None
    uid: str
    client_id: str | None = None
    sequence: int = 0
    exclusions: int = 0
    excluded_at: datetime | None = None
    organiser_email: str | None = None
    response: str | None = None
    source: str = "api"
    attendees: tuple[Attendee, ...] = ()
    successor_id: str | None = None
    successor_key: str | None = None
    stored_from: datetime | None = None
    stored_through: datetime | None = None
    version: int = 0
    created_at: datetime
    updated_at: datetime
    organiser_name: str | None = None
    extra: str | None = None
    sender_check: str | None = None
    asked_sequence: int = 0
    recurrence_id: str | None = None
    withdrawn: bool = False

    @property
    def is_series(self) -> bool:
        return self.rule is not None or bool(self.rdates)

    @property
    def goes_on(self) -> bool:
        """Whether it is the part of an invited series that goes on otherwise from one date on; its `recurrence_id` is
        that date's key then, with `LATER` behind it."""
        return self.recurrence_id is not None and self.recurrence_id.endswith(LATER)

    @property
    def wire_id(self) -> str:
        return f"{self.id}_{self.key}" if self.key else self.id

    def successor_of(self, key: str) -> str | None:
        """The series that a split gave the date `key` to, or might have."""
        if self.successor_key is None or key[:8] < self.successor_key[:8]:
            return None
        return self.successor_id

    def series(self, calendar_zone: str) -> Series:
        """The recurrence of this event. All-day dates are placed at midnights of the calendar's zone."""
        return Series(
            start=self.start_wall,
            zone=load_zone(calendar_zone if self.all_day else self.zone),
            length=self.length,
            rule=None if self.rule is None else rule_of(self.rule),
            all_day=self.all_day,
            rdates=tuple(parse_rdate(text) for text in self.rdates),
            start_counts=self.start_counts,
            last=self.last_wall,
        )

    def start_instant(self, calendar_zone: str) -> datetime:
        return instant_of(self.start_wall, load_zone(calendar_zone if self.all_day else self.zone))


@lru_cache(maxsize=4096)
def rule_of(text: str) -> Rule:
    return parse_rule(text)


def parse_rdate(text: str) -> date | datetime:
    if len(text) == 10:
        return date.fromisoformat(text)
    wall = datetime.fromisoformat(text.removesuffix("b"))
    return wall.replace(fold=1) if text.endswith("b") else wall


def format_rdate(value: date | datetime) -> str:
    """As stored: a bare date, or a wall time with `b` after it on the second pass of a fold."""
    return value.isoformat() + ("b" if isinstance(value, datetime) and value.fold else "")


def wall_of_key(key: str) -> datetime:
    """The local date and time a key names; midnight where it names a date alone."""
    day = date(int(key[:4]), int(key[4:6]), int(key[6:8]))
    clock = key[9:].removesuffix("b")
    at = time(int(clock[:2]), int(clock[2:4]), int(clock[4:6] or 0)) if clock else time()
    return datetime.combine(day, at).replace(fold=1 if key.endswith("b") else 0)


def event_of_row(row: Row) -> Event:
    """An Event from a row that `queries.sql` selected with `event_columns`."""
    values: dict[str, Any] = dict(zip(_ROW_NAMES, row, strict=True))
    if values.pop("second_pass"):
        values["start_wall"] = values["start_wall"].replace(fold=1)
    if values.pop("last_second_pass"):
        values["last_wall"] = values["last_wall"].replace(fold=1)
    values["length"] = Length(values.pop("length_days"), values.pop("length_seconds"))
    values["rdates"] = tuple(values["rdates"])
    values["attendees"] = _attendees(values["attendees"])
    return Event(**values)


_ROW_NAMES: Final = (
    "calendar_id", "id", "key", "title", "description", "location", "metadata", "status", "transparency",
    "all_day", "start_wall", "second_pass", "zone", "zone_given", "instant_given", "length_days",
    "length_seconds", "rule", "rdates", "start_counts", "last_wall", "last_second_pass", "uid", "client_id", "sequence",
    "exclusions", "excluded_at", "organiser_email", "response", "source", "attendees", "successor_id", "successor_key",
    "stored_from", "stored_through", "version", "created_at", "updated_at", "organiser_name", "extra", "sender_check",
    "asked_sequence", "recurrence_id", "withdrawn",
)  # fmt: skip
WIDTH: Final = len(_ROW_NAMES)


def event_params(event: Event) -> dict[str, Any]:
    """The row's values by name, as `insert_event` and `update_event` take them."""
    return {
        "calendar_id": event.calendar_id,
        "id": event.id,
        "key": event.key,
        "title": event.title,
        "description": event.description,
        "location": event.location,
        "metadata": event.metadata,
        "status": event.status,
        "transparency": event.transparency,
        "all_day": event.all_day,
        "start_wall": event.start_wall.replace(fold=0),
        "second_pass": event.start_wall.fold == 1,
        "zone": event.zone,
        "zone_given": event.zone_given,
        "instant_given": event.instant_given,
        "length_days": event.length.days,
        "length_seconds": event.length.seconds,
        "rule": event.rule,
        "rdates": list(event.rdates),
        "start_counts": event.start_counts,
        "last_wall": event.last_wall and event.last_wall.replace(fold=0),
        "last_second_pass": event.last_wall is not None and event.last_wall.fold == 1,
        "uid": event.uid,
        "client_id": event.client_id,
        "sequence": event.sequence,
        "exclusions": event.exclusions,
        "excluded_at": event.excluded_at,
        "organiser_email": event.organiser_email,
        "response": event.response,
        "source": event.source,
        "attendees": msgspec.json.encode(event.attendees).decode(),
        "successor_id": event.successor_id,
        "successor_key": event.successor_key,
        "stored_from": event.stored_from,
        "stored_through": event.stored_through,
        "version": event.version,
        "created_at": event.created_at,
        "updated_at": event.updated_at,
        "organiser_name": event.organiser_name,
        "extra": event.extra,
        "sender_check": event.sender_check,
        "asked_sequence": event.asked_sequence,
        "recurrence_id": event.recurrence_id,
        "withdrawn": event.withdrawn,
    }

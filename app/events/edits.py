"""What a PATCH makes of an Event, before anything is stored. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.errors import Problem
from app.events.find import Date
from app.events.model import Attendee, Event
from app.events.recurrence import Plan, wall_dates
from app.events.schemas import EventUpdate
from app.events.timing import TIMING_FIELDS, retimed
from app.http.answers import encode

RECURRENCE_FIELDS: Final = frozenset({"recurrence", "rrule", "rdates", "exdates"})
_NEVER_NULL: Final = ("title", "start", "end", "duration", "all_day")
_SHOWN_IN_FEEDS: Final = (
    "title", "description", "location", "status", "transparency", "all_day", "start_wall", "zone", "length", "rule",
    "rdates",
)  # fmt: skip
_SAME_DATES: Final = ("rule", "rdates", "start_wall", "zone", "all_day", "length", "start_counts")
_ORPHANED: Final = (
    "Some dates that were edited on their own are not dates of the series any more; they are kept but not listed, "
    "and return when the rule makes them again: see orphaned_overrides."
)


def check_given(fields: EventUpdate) -> None:
    """Raises `nothing_to_change`, or `invalid_field` for a null where nothing can be cleared."""
    given = fields.model_fields_set
    if not given:
        raise Problem("nothing_to_change", "Nothing was given to change.", hint="Give at least one field.")
    for name in _NEVER_NULL:
        if name in given and getattr(fields, name) is None:
            raise Problem("invalid_field", f"{name} cannot be null.", hint="Leave it out to keep it.", field=name)


def changed(
    old: Event, fields: EventUpdate, given: Set[str], rule: str | None, calendar_zone: str, now: datetime
) -> Event:
    """`old` with the given texts, times and recurrence; SEQUENCE raised when a feed shows the difference.

    `rule` is `fields.rule` in canonical form. The version is the caller's to set.
    """
    new = replace(old, **_texts(old, fields, given), **_times(old, fields, given, calendar_zone))
    if fields.rule_given:
        new = replace(new, rule=rule, rdates=() if rule is None else new.rdates)
    if "rdates" in given:
        new = replace(new, rdates=wall_dates(fields.rdates or (), new))
    if not has_same_dates(old, new):
        counts = new.is_series and (new.rule is None or (old.source != "api" and old.start_counts))
        new = replace(new, last_wall=None, start_counts=counts)
    shown_alike = all(getattr(old, name) == getattr(new, name) for name in _SHOWN_IN_FEEDS)
    return replace(new, updated_at=now, sequence=old.sequence + (0 if shown_alike else 1))


def given_exdates(fields: EventUpdate) -> Sequence[str] | None:
    """The dates to leave out from now on, none of them when null was given; None when nothing was said of them."""
    return (fields.exdates or ()) if "exdates" in fields.model_fields_set else None


def has_same_dates(old: Event, new: Event) -> bool:
    return all(getattr(old, name) == getattr(new, name) for name in _SAME_DATES)


def override_of(series: Event, date: Date) -> Event:
    """The row of a date that had none: everything as its series says for it."""
    return replace(
        series,
        key=date.key,
        start_wall=date.occurrence.original,
        instant_given=False,
        rule=None,
        rdates=(),
        start_counts=False,
        last_wall=None,
        exclusions=0,
        excluded_at=None,
        successor_id=None,
        successor_key=None,
    )


def planned_members(planned: Plan, orphaned: list[str]) -> dict[str, Any]:
    """What an answer adds after dates were made anew."""
    return {
        "instances_created": planned.instances,
        "orphaned_overrides": orphaned,
        "notices": [*planned.notices, *([_ORPHANED] if orphaned else [])],
    }


def _texts(old: Event, fields: EventUpdate, given: Set[str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: getattr(fields, name) for name in ("title", "description", "location") if name in given
    }
    if "metadata" in given:
        values["metadata"] = None if fields.metadata is None else encode(fields.metadata).decode()
    if "status" in given:
        values["status"] = fields.status or "confirmed"
    if "transparency" in given:
        values["transparency"] = fields.transparency or "opaque"
    if "attendees" in given:
        known = {attendee.email: attendee for attendee in old.attendees}
        values["attendees"] = tuple(known.get(email, Attendee(email)) for email in fields.attendees or ())
    return values


def _times(old: Event, fields: EventUpdate, given: Set[str], calendar_zone: str) -> dict[str, Any]:
    if given.isdisjoint(TIMING_FIELDS):
        return {}
    timing = retimed(old, fields, given, calendar_zone)
    return {
        "all_day": timing.all_day,
        "start_wall": timing.start_wall,
        "zone": timing.zone,
        "zone_given": timing.zone_given,
        "instant_given": timing.instant_given,
        "length": timing.length,
    }

"""What a PATCH makes of an Event, before anything is stored. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from app.errors import Problem
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
    if given <= {"expect"}:
        raise Problem("nothing_to_change", "Nothing was given to change.", hint="Give at least one field.")
    for name in _NEVER_NULL:
        if name in given and getattr(fields, name) is None:
            raise Problem("invalid_field", f"{name} cannot be null.", hint="Leave it out to keep it.", field=name)


def only_a_series_has_exdates() -> Problem:
    return Problem("invalid_field", "Only a series has exdates.", hint="Give recurrence too.", field="exdates")


def changed(
    old: Event, fields: EventUpdate, given: Set[str], rule: str | None, calendar_zone: str, now: datetime
) -> Event:
    """`old` with the given texts, times and recurrence; SEQUENCE raised when a feed shows the difference, or
    somebody is invited no more.

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
    is_raised = not shown_alike or _has_uninvited(old, new)
    new = replace(new, updated_at=now, sequence=old.sequence + (1 if is_raised else 0))
    return new if has_same_dates(old, new) else asked_again(new)


def asked_again(event: Event) -> Event:
    """Who accepted another time did not accept this one: answers are awaited anew, and to this SEQUENCE."""
    if event.source != "api" or not event.attendees:
        return event
    waiting = tuple(
        attendee if attendee.partstat is None else msgspec.structs.replace(attendee, partstat="NEEDS-ACTION")
        for attendee in event.attendees
    )
    return replace(event, attendees=waiting, asked_sequence=event.sequence)


def _has_uninvited(old: Event, new: Event) -> bool:
    """Whether somebody is invited no more: the cancellation that they get must be newer than their invitation."""
    left = {attendee.email for attendee in old.attendees} - {attendee.email for attendee in new.attendees}
    return old.source == "api" and bool(left)


def given_exdates(fields: EventUpdate) -> Sequence[str] | None:
    """The dates to leave out from now on, none of them when null was given; None when nothing was said of them."""
    return (fields.exdates or ()) if "exdates" in fields.model_fields_set else None


def has_same_dates(old: Event, new: Event) -> bool:
    return all(getattr(old, name) == getattr(new, name) for name in _SAME_DATES)


def override_of(series: Event, key: str, original: datetime) -> Event:
    """The row of a date that had none: everything as its series says for it. Its SEQUENCE counts on from the series' as
    feeds and invitations show it, cancelled dates included."""
    return replace(
        series,
        key=key,
        sequence=series.sequence + series.exclusions,
        start_wall=original,
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

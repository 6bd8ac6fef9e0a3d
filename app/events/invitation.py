"""From what an organiser said to the Event that stands for it. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from app.calendars.writing import ChangeType
from app.core.itip import Attendee as Invitee
from app.core.itip import Component
from app.core.itip.moments import parse_moment
from app.core.series import Series, at, named, occurrences, split
from app.core.times import end_of, instant_of, load_zone
from app.errors import Problem
from app.events.model import Attendee, Event, format_rdate
from app.events.recurrence import with_part
from app.ids import new_id

UNTITLED: Final = "(No title)"
FUTURE_DATES_MOST: Final = 500  # dates said one by one where a later part of a series moved to other days
_WEB: Final = ("https://", "http://")
_STATUS_OF: Final = {"accepted": "confirmed", "declined": "cancelled", "tentative": "tentative", None: "tentative"}


def invited(
    component: Component,
    old: Event | None,
    *,
    calendar_id: str,
    calendar_zone: str,
    now: datetime,
    sender_check: str | None,
    withdrawn: bool = False,
    recurrence_id: str | None = None,
) -> Event:
    """The event or series as its organiser has it now. What the agent added to `old` stays; its answer stays while it
    is still an answer to the same question (`asks_again`). The version is the caller's to set."""
    when = component.when
    assert when is not None
    event_id = old.id if old is not None else new_id("evt")
    new = Event(
        calendar_id=calendar_id,
        id=event_id,
        title=component.summary or UNTITLED,
        description=component.description,
        location=component.location or called_in_at(component),
        metadata=None if old is None else old.metadata,
        transparency=component.transparency,
        all_day=when.all_day,
        start_wall=when.start_wall,
        zone=when.zone,
        zone_given=when.zone_given,
        instant_given=when.instant_given,
        length=when.length,
        rule=component.rule,
        rdates=tuple(sorted(component.rdates)),
        start_counts=component.is_series,
        uid=component.uid,
        client_id=None if old is None else old.client_id,
        sequence=component.sequence,
        exclusions=0 if old is None else old.exclusions,
        excluded_at=None if old is None else old.excluded_at,
        organiser_email=None if component.organizer is None else component.organizer.address,
        organiser_name=None if component.organizer is None else component.organizer.name,
        source="inbound_email",
        attendees=tuple(invitee_of(each) for each in component.attendees),
        extra="\n".join(component.extra) or None,
        sender_check=sender_check,
        recurrence_id=recurrence_id,
        withdrawn=withdrawn,
        stored_from=None if old is None else old.stored_from,
        stored_through=None if old is None else old.stored_through,
        created_at=now if old is None else old.created_at,
        updated_at=now,
    )
    return answered_as_before(new, old, calendar_zone)


def override_by(component: Component, series: Event, key: str, old: Event, calendar_zone: str, now: datetime) -> Event:
    """One date of a series as the organiser has it now; `old` is what it was, its own row or what its series said."""
    new = invited(
        component,
        old,
        calendar_id=series.calendar_id,
        calendar_zone=calendar_zone,
        now=now,
        sender_check=series.sender_check,
    )
    new = replace(new, key=key, id=series.id, rule=None, rdates=(), start_counts=False, client_id=None)
    new = replace(
        new, exclusions=0, excluded_at=None, stored_from=series.stored_from, stored_through=series.stored_through
    )
    return answered_as_before(new, old, calendar_zone)


def answered_as_before(new: Event, old: Event | None, calendar_zone: str) -> Event:
    """`new` with the answer given to `old`, unless it asks again; and the status that follows."""
    response = None if old is None or asks_again(old, new, calendar_zone) else old.response
    return replace(new, response=response, status="cancelled" if new.withdrawn else _STATUS_OF[response])


def asks_again(old: Event, new: Event, calendar_zone: str) -> bool:
    """Whether who answered `old` has not answered `new`: when, how often or where has changed (RFC 5546 2.1.4)."""
    if (old.rule, old.rdates, old.all_day) != (new.rule, new.rdates, new.all_day) or old.location != new.location:
        return True
    if new.all_day or (new.is_series and old.zone != new.zone):
        return (old.start_wall, old.length, old.zone) != (new.start_wall, new.length, new.zone)
    zone = load_zone(new.zone)
    starts = old.start_instant(calendar_zone), new.start_instant(calendar_zone)
    return starts[0] != starts[1] or end_of(starts[0], zone, old.length) != end_of(starts[1], zone, new.length)


def said_alike(old: Event, new: Event) -> bool:
    """Whether nothing an agent or a feed would see differs."""
    same = replace(
        new,
        version=old.version,
        updated_at=old.updated_at,
        last_wall=old.last_wall,
        stored_from=old.stored_from,
        stored_through=old.stored_through,
        exclusions=old.exclusions,
        excluded_at=old.excluded_at,
        sender_check=old.sender_check,
    )
    return same == old


def change_type(old: Event | None, new: Event) -> ChangeType:
    """How the log names what became of an event."""
    if old is None:
        return "event.created"
    return "event.deleted" if new.withdrawn and not old.withdrawn else "event.updated"


def ending_before(event: Event, key: str, calendar_zone: str) -> Event | None:
    """The series as far as the date `key`; None where nothing comes before it, itself where it has no such date."""
    series = event.series(calendar_zone)
    if not event.is_series or at(series, key) is None:
        return event
    head, _ = split(series, key)
    return None if head is None else with_part(event, head)


def from_then_on(
    event: Event, key: str, component: Component, later: Event, calendar_zone: str
) -> tuple[Event, list[str]]:
    """`later`, an event made of `component`, as the series that goes on from the date `key` of `event`; and sentences
    about what could only be said for some time. Later dates move by as much as that one."""
    if component.is_series:
        return later, []
    series = event.series(calendar_zone)
    _, tail = split(series, key)
    first = at(series, key)
    assert first is not None
    moved = later.start_wall.date() - first.original.date()
    if not moved:
        part = replace(tail, start=later.start_wall)
        return replace(with_part(later, part), start_wall=later.start_wall, start_counts=True), []
    return _day_by_day(later, tail, moved)


def _day_by_day(later: Event, tail: Series, moved: timedelta) -> tuple[Event, list[str]]:
    began = instant_of(tail.start, tail.zone)
    dates = occurrences(tail, began, began + timedelta(days=731), FUTURE_DATES_MOST)
    time = later.start_wall.time()
    walls = [datetime.combine(date.original.date() + moved, time) for date in dates]
    rdates = tuple(format_rdate(wall.date() if later.all_day else wall) for wall in walls[1:])
    notice = f"From {walls[0].date()} on the series moved to other days; its dates are known until {walls[-1].date()}."
    return replace(later, rdates=rdates or (walls[0].date().isoformat(),), start_counts=True), [notice]


def key_named(series: Event, recurrence_id: str, calendar_zone: str) -> str | None:
    """The key of the date of a series that a recurrence id names; None where the series has no such date."""
    try:
        found = named(series.series(calendar_zone), parse_moment(recurrence_id))
    except (Problem, ValueError, OverflowError):  # too costly to find, or a year that is not served
        return None
    return None if found is None else found.key


def called_in_at(component: Component) -> str | None:
    """Where it is, when the organiser named no place but an address to call in at."""
    for address in (component.conference, component.url):
        if address is not None and address.lower().startswith(_WEB) and len(address) <= 500:
            return address
    return None


def invitee_of(invitee: Invitee) -> Attendee:
    return Attendee(invitee.address, invitee.name, invitee.role, invitee.partstat)

"""What an answer names: the invitation as its organiser wrote it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from app.core.itip import Component, Thread, parse_moment, series_of
from app.core.itip.meaning import key_of_date
from app.core.itip.thread import MASTER, date_of_slot
from app.core.mailbox import Mailbox, ascii_address
from app.core.series import at
from app.core.times import instant_of, load_zone, wall_of
from app.events.model import Event
from app.ical.write import VEvent


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is answered. `sequence` is that of the newest message about it. For one date of a series `recurrence_id`
    names it in the form that the organiser gives dates: a wall time, an instant, or a date; `component` is then the
    date's own, or the series' where the date follows that."""

    component: Component
    series: Component
    sequence: int
    recurrence_id: date | datetime | None = None


def invitation_to(thread: Thread, event: Event, key: str, zone: str) -> Invitation | None:
    """The newest invitation to an event, or with `key` to one date of it; None where the thread has none. `zone` is the
    calendar's."""
    slots = {name: slot.invite for name, slot in thread.slots.items() if slot.invite is not None}
    master = slots.pop(MASTER, None)
    if master is None:
        return _to_date_alone(slots, event, zone)
    if not key:
        return Invitation(master, master, master.sequence)
    sequence = master.sequence
    for name, invite in sorted(slots.items()):
        given, is_future = date_of_slot(name)
        named = key_of_date(master, given, zone)
        if named == key and not is_future:
            return Invitation(invite, master, invite.sequence, _given(given, master))
        if is_future and named is not None and named <= key:
            sequence = max(sequence, invite.sequence)
    made = at(series_of(master, zone), key)
    if made is None:
        return None
    return Invitation(master, master, sequence, _in_form_of(master, made.original, zone))


def vevent_of(invitation: Invitation, stamp: datetime, zone: str) -> VEvent:
    """The invitation as `itip_write.reply` takes it."""
    component, named = invitation.component, invitation.recurrence_id
    follows_series = named is not None and component is invitation.series and component.recurrence_id is None
    start = named if follows_series and named is not None else _start(component, zone)
    if isinstance(start, datetime) and start.tzinfo is not None:
        start = start.astimezone(UTC).replace(tzinfo=None)
    when = component.when
    assert when is not None, "an invitation has a start"
    return VEvent(
        uid=component.uid,
        sequence=invitation.sequence,
        summary=component.summary or "",
        created=stamp,
        modified=stamp,
        start=start,
        zone=_zone(component),
        end=when.length,
        location=component.location,
        rrule=component.rule if named is None else None,
        recurrence_id=named,
        recurrence_zone=_zone(invitation.series),
    )


def invited_as(invitation: Invitation | None, event: Event, own: Iterable[str]) -> Mailbox:
    """Whom the organiser invited: the first of the agent's `own` addresses that is among the attendees, in the letters
    and under the name of the invitation; else the first of them."""
    named = {attendee.email: attendee.name for attendee in event.attendees}
    if invitation is not None:
        attendees = (*invitation.series.attendees, *invitation.component.attendees)
        named = {attendee.address: attendee.name for attendee in attendees}
    known = {_plain(address): Mailbox(address, name) for address, name in named.items()}
    addresses = list(own)
    found = (known[_plain(address)] for address in addresses if _plain(address) in known)
    return next(found, Mailbox(addresses[0]))


def _to_date_alone(slots: dict[str, Component], event: Event, zone: str) -> Invitation | None:
    """Of dates that were invited without their series, the one that the event is: the one that starts with it, else the
    newest."""
    dates = [invite for name, invite in slots.items() if not date_of_slot(name)[1] and invite.when is not None]
    if not dates:
        return None
    start = event.start_instant(zone)

    def fits(invite: Component) -> tuple[bool, int]:
        assert invite.when is not None
        return invite.when.start(zone) == start, invite.sequence

    found = max(dates, key=fits)
    named = None if found.recurrence_id is None else _given(found.recurrence_id, found)
    return Invitation(found, found, found.sequence, named)


def _given(text: str, series: Component) -> date | datetime:
    """A RECURRENCE-ID as it was given: an instant stands for a wall time where the series has a zone (`Component`)."""
    value, zone = parse_moment(text), _zone(series)
    if isinstance(value, datetime) and value.tzinfo is not None and zone is not None and not _is_in_utc(series):
        return wall_of(value, zone)
    return value


def _in_form_of(series: Component, wall: datetime, zone: str) -> date | datetime:
    """A date that the series makes, as its organiser would name it; `wall` is in the zone that it recurs in."""
    assert series.when is not None
    if series.when.all_day:
        return wall.date()
    return instant_of(wall, load_zone(series.when.zone)) if _is_in_utc(series) else wall


def _start(component: Component, zone: str) -> date | datetime:
    when = component.when
    assert when is not None, "an invitation has a start"
    if when.all_day:
        return when.start_wall.date()
    return when.start(zone) if _is_in_utc(component) else when.start_wall


def _zone(component: Component) -> ZoneInfo | None:
    """The zone that the organiser writes times in; None for dates."""
    when = component.when
    if when is None or when.all_day:
        return None
    return load_zone("UTC" if when.instant_given else when.zone)


def _is_in_utc(component: Component) -> bool:
    return component.when is not None and component.when.instant_given


def _plain(address: str) -> str:
    return ascii_address(address).lower()

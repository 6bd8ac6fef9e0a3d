"""From a file's components to events as they would be stored. Pure: told the receiving calendar's zone and the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from app.core.itip.component import Component
from app.core.times import load_zone
from app.errors import Problem
from app.events.invitation import UNTITLED, called_in_at, invitee_of
from app.events.model import Event
from app.events.schemas import is_active_address
from app.ical.files import CalendarFile, Entry
from app.ical.text import web_address
from app.transfer.remainder import Hidden, Remainder, Successor, known_again, read_hidden, read_remainder, restored

MAX_HIDDEN: Final = 2_000  # dates that a series does not make any more; each is a line of its own
_CHANGED: Final = "The event was changed outside Kalends since it was exported; what the file shows was taken."


@dataclass(slots=True)
class Draft:
    """One component of a file as an event, without an id yet; `event` is None where `reason` says why not.

    `uid` and `recurrence_id` are those of its VEVENT. `named` is the RECURRENCE-ID as another calendar wrote it, still
    to be looked up in its series; a row of our own writing has its `event.key`. `cancelled_dates` are keys, `exdates`
    texts of dates; `hidden` are dates the series does not make. `is_ours` says that it is exactly what was exported,
    `is_known` that at least the agent's own members are.
    """

    place: int
    uid: str | None
    event: Event | None = None
    recurrence_id: str | None = None
    named: str | None = None
    date_cancelled: bool = False
    cancelled_dates: Sequence[str] = ()
    exdates: Sequence[str] = ()
    hidden: Sequence[tuple[Hidden, Event | None]] = ()
    successor: Successor | None = None
    is_ours: bool = False
    is_known: bool = False
    follows_calendar: bool = False
    reason: str | None = None
    sentence: str | None = None
    notices: list[str] = field(default_factory=list)

    @property
    def is_date(self) -> bool:
        """Whether it is one date of a series."""
        return self.named is not None or (self.event is not None and self.event.key != "")


def drafts_of(
    file: CalendarFile, begin: int, end: int, calendar_id: str, calendar_zone: str, now: datetime
) -> list[Draft]:
    """The components from one place to another. Never raises."""
    entries = file.entries(begin, end)
    found = [_draft(begin + place, entry, calendar_id, calendar_zone, now) for place, entry in enumerate(entries)]
    for draft in found:
        if draft.is_ours and draft.event is not None and draft.event.rule is not None:
            _check_cost(draft, file, calendar_zone)
    return found


def _check_cost(draft: Draft, file: CalendarFile, zone: str) -> None:
    """A rule of our own writing is another's word like any: its steps are counted with all others of the file."""
    assert draft.event is not None
    try:
        file.purse.check(draft.event.series(zone))
    except Problem as problem:
        draft.event, draft.reason, draft.sentence = None, problem.code, problem.message


def _draft(place: int, entry: Entry, calendar_id: str, zone: str, now: datetime) -> Draft:
    component, carried = entry.component, entry.carried
    if component is None or carried is None:
        return Draft(place, entry.uid, reason=entry.reason, sentence=entry.sentence)
    draft = Draft(place, component.uid, recurrence_id=component.recurrence_id, notices=list(component.notices))
    if component.when is None:  # one date of a series is cancelled, and nothing else said of it
        draft.named, draft.date_cancelled = component.recurrence_id, True
        return draft
    said = None if carried.own is None else read_remainder(carried.own)
    if (
        said is not None
        and carried.is_exact
        and _restore(draft, component, said, carried.extra, calendar_id, zone, now)
    ):
        draft.hidden = _hidden(draft.event, carried.hidden, zone, now)
        return draft
    draft.event = _foreign(draft, component, carried.extra, calendar_id, now)
    draft.named = component.recurrence_id
    draft.exdates = component.exdates
    when = component.when
    draft.follows_calendar = when.all_day or not (when.zone_given or when.instant_given)
    if component.this_and_future:
        draft.notices.append("RANGE=THISANDFUTURE was read as the one date.")
    if said is not None:
        _recall(draft, said)
    return draft


def _restore(
    draft: Draft,
    component: Component,
    said: Remainder,
    extra: Sequence[str],
    calendar_id: str,
    zone: str,
    now: datetime,
) -> bool:
    """Whether the component is exactly what was exported, and now stands in `draft`."""
    base = replace(_base(component, extra, calendar_id, now), location=component.location)
    try:
        event = restored(base, said, zone, now)
    except (ValueError, OverflowError, Problem):
        return False
    draft.event, draft.is_ours, draft.is_known, draft.notices = event, True, True, []
    draft.date_cancelled = said.cancelled
    draft.cancelled_dates, draft.successor = said.cancelled_dates, said.successor
    draft.follows_calendar = event.all_day and not event.zone_given
    return True


def _recall(draft: Draft, said: Remainder) -> None:
    assert draft.event is not None
    draft.notices.append(_CHANGED)
    try:
        draft.event, draft.is_known = known_again(draft.event, said), True
    except ValueError:
        return


def _hidden(event: Event | None, texts: Sequence[str], zone: str, now: datetime) -> list[tuple[Hidden, Event | None]]:
    found: list[tuple[Hidden, Event | None]] = []
    for text in texts[:MAX_HIDDEN]:
        said = read_hidden(text)
        if said is None or event is None:
            continue
        row = None
        if said.row is not None:
            base = replace(event, rule=None, rdates=(), start_counts=False, recurrence_id=None)
            try:
                row = restored(base, said.row, zone, now)
            except (ValueError, OverflowError, Problem):
                continue
            if row.key != said.key:
                continue
        found.append((said, row))
    return found


def _foreign(draft: Draft, component: Component, extra: Sequence[str], calendar_id: str, now: datetime) -> Event:
    place = component.location or called_in_at(component)
    if component.location is None and place is not None:
        extra = [line for line in extra if line != f"URL:{web_address(place)}"]  # which the place's own will be
    event = replace(_base(component, extra, calendar_id, now), location=place)
    if event.location is not None and is_active_address(event.location):
        draft.notices.append("LOCATION was an address that runs code, and was left out.")
        event = replace(event, location=None)
    return event


def _base(component: Component, extra: Sequence[str], calendar_id: str, now: datetime) -> Event:
    """An event as its standard properties have it. Times of the future stand for now: nothing was written later."""
    when, organizer = component.when, component.organizer
    assert when is not None
    updated = min(component.last_modified or component.dtstamp or now, now)
    return Event(
        calendar_id=calendar_id,
        id="",
        title=component.summary or UNTITLED,
        description=component.description,
        location=component.location,
        status=component.status or "confirmed",
        transparency=component.transparency,
        all_day=when.all_day,
        start_wall=when.start_wall,
        zone=load_zone(when.zone).key,
        zone_given=when.zone_given,
        instant_given=when.instant_given,
        length=when.length,
        rule=component.rule,
        rdates=tuple(sorted(component.rdates)),
        start_counts=component.is_series,
        uid=component.uid,
        sequence=component.sequence,
        organiser_email=None if organizer is None else organizer.address,
        organiser_name=None if organizer is None else organizer.name,
        source="import",
        attendees=tuple(invitee_of(each) for each in component.attendees),
        extra="\n".join(extra) or None,
        created_at=min(component.created or updated, updated),
        updated_at=updated,
    )

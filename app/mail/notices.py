"""Who is told what of a change: a function of what an event was and is to those invited. Pure.

- Somebody added gets the invitation as it is, somebody removed a cancellation, and the others nothing of that.
- Time, place, title or rule differ: all get the event anew. So they do when more than one date of a series changed.
- One date differs: it goes alone, with its RECURRENCE-ID.
- Who leaves a series' list leaves all its dates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from app.events.model import Attendee, Event
from app.events.render import component
from app.ical.itip_write import Invited
from app.mail.scheduled import Scheduled, cancelled, is_news, named


@dataclass(frozen=True, slots=True)
class Notice:
    """One message, and those who get it. `event_id` names what it is about: the event, or one date."""

    method: Literal["REQUEST", "CANCEL"]
    event_id: str
    invited: list[Invited]
    is_update: bool = False
    recipients: list[Attendee] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Key:
    """What makes two people's messages the same. `dates` is empty for the whole event; `hidden` are dates of it that
    they are not invited to."""

    method: Literal["REQUEST", "CANCEL"]
    dates: tuple[str, ...] = ()
    is_update: bool = False
    hidden: frozenset[str] = frozenset()


def notices(before: Scheduled | None, after: Scheduled | None) -> list[Notice]:
    """The messages that a change from `before` to `after` makes, None standing for an event that is not there."""
    told: dict[_Key, list[Attendee]] = {}
    changed = _changed_dates(before, after)
    for attendee in _everybody(before, after):
        for key in _for_one(attendee.email, before, after, changed):
            told.setdefault(key, []).append(attendee)
    return [_notice(key, recipients, before, after) for key, recipients in told.items()]


def _everybody(*states: Scheduled | None) -> Iterable[Attendee]:
    rows = [row for state in states if state is not None for row in state.rows]
    return {attendee.email: attendee for row in rows for attendee in row.attendees}.values()


def _changed_dates(before: Scheduled | None, after: Scheduled | None) -> list[str]:
    """The keys of dates that are off, or changed on their own, in one of the states and not alike in the other."""
    old = {} if before is None else before.special_dates
    new = {} if after is None else after.special_dates
    return sorted(key for key in {*old, *new} if key not in old or key not in new or old[key] != new[key])


def _for_one(address: str, before: Scheduled | None, after: Scheduled | None, changed: list[str]) -> list[_Key]:
    was = before is not None and before.invites_to_all(address)
    now = after is not None and after.invites_to_all(address)
    if was and not now:
        return [_Key("CANCEL")]
    if now and after is not None:
        hidden = frozenset(key for key in after.overrides if after.date_for(address, key) is None)
        if not was or before is None:
            return [_Key("REQUEST", hidden=hidden)]
        has_news = is_news(before.event, after.event)
        dates = [] if has_news else list(_dates(address, before, after, changed))
        return [_Key("REQUEST", is_update=True, hidden=hidden)] if has_news or len(dates) > 1 else dates
    return list(_dates(address, before, after, changed))


def _dates(address: str, before: Scheduled | None, after: Scheduled | None, changed: list[str]) -> Iterable[_Key]:
    """What somebody is told of single dates."""
    for key in changed:
        old = None if before is None else before.date_for(address, key)
        new = None if after is None else after.date_for(address, key)
        if old is None and new is not None:
            yield _Key("REQUEST", (key,))
        elif old is not None and new is None:
            yield _Key("CANCEL", (key,))
        elif old is not None and new is not None and is_news(old, new):
            yield _Key("REQUEST", (key,), is_update=True)


def _notice(key: _Key, recipients: list[Attendee], before: Scheduled | None, after: Scheduled | None) -> Notice:
    if key.method == "REQUEST":
        assert after is not None
        rows = [_row(after, date) for date in key.dates]
        invited = [after.date(row) for row in rows] if rows else after.whole(key.hidden)
        about = rows[0].wire_id if rows else after.event.id
        return Notice("REQUEST", about, invited, key.is_update, recipients)
    assert before is not None
    row = _row(before, key.dates[0]) if key.dates else before.event
    vevent = component(row, (), before.event) if key.dates else component(row, before.excluded, None)
    sequence = max(vevent.sequence, before.sequence) + 1
    if after is not None:
        sequence = max(vevent.sequence, after.sequence)
    elif not key.dates:
        sequence = max(sequence, *(each.sequence + 1 for each in before.rows))
    people = [named(attendee) for attendee in recipients]
    return Notice("CANCEL", row.wire_id, [Invited(cancelled(vevent, sequence), people)], recipients=recipients)


def _row(state: Scheduled, key: str) -> Event:
    row = state.overrides.get(key) or state.plain_date(key)
    assert row is not None, "a date that somebody is invited to is made by its series"
    return row

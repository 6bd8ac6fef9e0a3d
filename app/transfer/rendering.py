"""All that a calendar holds, as one text that can be imported again without loss. Pure.

Nothing in it depends on ids, which an import draws anew, nor on when it is rendered: an export that was imported into
an empty calendar of the same name and zone exports the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from app.events.materialise import Special
from app.events.model import Event
from app.events.recurrence import excluded_keys
from app.events.render import component, vevent_uid
from app.ical.carry import attendee_line, carrying_vevent, exported_calendar, organiser_line
from app.ical.write import VEvent
from app.ical.zones import is_utc, vtimezone
from app.transfer.remainder import Hidden, Successor, as_json, remainder_of

EXPORT: Final = 1  # counts the ways an export has looked: part of its ETag
_ONE_DAY: Final = timedelta(days=1)  # as much as a local date may lie before that of its instant
_Place = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Whole:
    """An event or a series with the dates that have a life of their own, by their key."""

    event: Event
    rows: Mapping[str, Event]
    specials: Mapping[str, Special]

    @property
    def vevent_uid(self) -> str:
        return vevent_uid(self.event)


def export_text(name: str, timezone: str, wholes: Iterable[Whole]) -> str:
    """The calendar, its events by start, UID and RECURRENCE-ID, each series with its dates behind it."""
    found = sorted(wholes, key=_place)
    uids = {whole.event.id: whole.event.uid for whole in found}
    vevents = [text for whole in found for text in _vevents(whole, uids)]
    return exported_calendar(name, timezone, _vtimezones(found), vevents)


def _place(whole: Whole) -> _Place:
    event = whole.event
    return event.start_wall.isoformat(), event.uid, event.recurrence_id or "", event.id


def _vevents(whole: Whole, uids: Mapping[str, str]) -> Iterable[str]:
    event, specials = whole.event, whole.specials
    excluded = excluded_keys(specials) if event.is_series else []
    remainder = remainder_of(
        event,
        whole.vevent_uid,
        cancelled_dates=[key for key in excluded if not specials[key].is_exception],
        successor=_successor(event, uids),
    )
    hidden = [as_json(_hidden(whole, key)) for key in sorted(specials) if specials[key].orphaned]
    yield _vevent(event, component(event, excluded, None), as_json(remainder), hidden)
    for key, row in sorted(whole.rows.items()):
        special = specials.get(key)
        if special is None or special.orphaned:
            continue
        vevent = component(row, (), event)
        if special.cancelled:
            vevent = replace(vevent, status="cancelled")
        said = remainder_of(row, whole.vevent_uid, cancelled=special.cancelled)
        yield _vevent(row, vevent, as_json(said), ())


def _vevent(event: Event, vevent: VEvent, own: str, hidden: Sequence[str]) -> str:
    people = [attendee_line(each.email, each.name, each.role, each.partstat) for each in event.attendees]
    if event.organiser_email is not None:
        people.insert(0, organiser_line(event.organiser_email, event.organiser_name))
    return carrying_vevent(vevent, people, (event.extra or "").split("\n"), own, hidden)


def _hidden(whole: Whole, key: str) -> Hidden:
    special, row = whole.specials[key], whole.rows.get(key)
    said = None if row is None else remainder_of(row, whole.vevent_uid, whole=True)
    return Hidden(key, special.cancelled, said)


def _successor(event: Event, uids: Mapping[str, str]) -> Successor | None:
    uid = None if event.successor_id is None else uids.get(event.successor_id)
    return None if uid is None or event.successor_key is None else Successor(uid, event.successor_key)


def _vtimezones(wholes: Iterable[Whole]) -> list[str]:
    """The VTIMEZONE of every zone that is named, from the earliest date on."""
    zones: set[str] = set()
    since = date.max
    for whole in wholes:
        for event in (whole.event, *whole.rows.values()):
            if not event.all_day:
                zones.add(event.zone)
                since = min(since, event.start_wall.date(), *(date.fromisoformat(text[:10]) for text in event.rdates))
    return [vtimezone(zone, since - _ONE_DAY) for zone in sorted(zones) if not is_utc(zone)]

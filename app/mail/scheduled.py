"""An event of the agent's own as those invited should know it, and what of it makes news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.calendars.writing import Write
from app.core.series import at
from app.events.edits import override_of
from app.events.find import read_overrides, read_specials
from app.events.model import Attendee, Event
from app.events.recurrence import excluded_keys
from app.events.render import component
from app.ical.itip_write import Attendee as Named
from app.ical.itip_write import Invited
from app.ical.write import VEvent


@dataclass(frozen=True, slots=True)
class Scheduled:
    """`excluded` are the keys of the dates that a series makes and does not have; `overrides` the rows of its dates
    that were changed on their own and stand."""

    event: Event
    zone: str
    excluded: tuple[str, ...] = ()
    overrides: Mapping[str, Event] = field(default_factory=dict)
    _plain: dict[str, Event | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def rows(self) -> tuple[Event, ...]:
        return (self.event, *self.overrides.values())

    @property
    def special_dates(self) -> dict[str, Event | None]:
        """The dates that do not follow the series, by key: None for one that is off."""
        return {**dict.fromkeys(self.excluded), **self.overrides}

    def invites_to_all(self, address: str) -> bool:
        """Whether `address` is invited to the event as a whole, and that is on."""
        return self.event.status != "cancelled" and _attends(self.event, address)

    def date_for(self, address: str, key: str) -> Event | None:
        """The row of one date as it stands for `address`, made up where the series alone says it; None where the date
        is off, or others are invited to it."""
        if key in self.excluded:
            return None
        row = self.overrides.get(key)
        if row is not None:
            return row if _attends(row, address) else None
        return self.plain_date(key) if self.invites_to_all(address) else None

    def plain_date(self, key: str) -> Event | None:
        """The row of a date that follows its series; None where the series does not make it."""
        if key not in self._plain:  # asked for by everybody invited
            made = at(self.event.series(self.zone), key) if self.event.is_series else None
            self._plain[key] = None if made is None else override_of(self.event, key, made.original)
        return self._plain[key]

    @property
    def sequence(self) -> int:
        """The SEQUENCE of the whole, as feeds have it."""
        return self.event.sequence + self.event.exclusions

    def whole(self, hidden: frozenset[str]) -> list[Invited]:
        """All of the event, as REQUEST says it: the dates in `hidden` are left out."""
        excluded = sorted({*self.excluded, *hidden})
        shown = [row for key, row in sorted(self.overrides.items()) if key not in hidden]
        return [
            Invited(component(self.event, excluded, None), people(self.event)),
            *(Invited(component(row, (), self.event), people(row)) for row in shown),
        ]

    def date(self, row: Event) -> Invited:
        """One date alone; never under a lower SEQUENCE than the whole had."""
        vevent = component(row, (), self.event)
        return Invited(replace(vevent, sequence=max(vevent.sequence, self.sequence)), people(row))


async def read_scheduled(write: Write, event: Event) -> Scheduled | None:
    """The present state of an event; None where nobody is invited, or somebody else's event it is."""
    if event.source != "api":
        return None
    if not event.is_series:
        return Scheduled(event, write.calendar.timezone) if event.attendees else None
    overrides = await read_overrides(write, event.id)
    if not event.attendees and not any(row.attendees for row in overrides):
        return None
    specials = await read_specials(write, event.id)
    standing = {
        row.key: row
        for row in overrides
        if (special := specials.get(row.key)) is not None and not special.excluded and not special.orphaned
    }
    return Scheduled(event, write.calendar.timezone, tuple(excluded_keys(specials)), standing)


def is_news(old: Event, new: Event) -> bool:
    """Whether time, place, title or rule differ: what those invited are told of. The same instants under another zone's
    name are no news of a single event; a series recurs on its zone's wall time."""
    return (old.title, old.location, *_times(old)) != (new.title, new.location, *_times(new))


def people(event: Event) -> list[Named]:
    return [named(attendee) for attendee in event.attendees]


def named(attendee: Attendee) -> Named:
    return Named(attendee.email, attendee.name, attendee.role, attendee.partstat)


def cancelled(event: VEvent, sequence: int) -> VEvent:
    """The VEVENT that `itip_write.cancel` makes one of SEQUENCE `sequence` of."""
    return replace(event, sequence=sequence - 1)


def _times(event: Event) -> tuple[object, ...]:
    if event.is_series:
        wall = (event.start_wall, event.start_wall.fold)
        return (event.all_day, *wall, event.zone if not event.all_day else "", event.length, event.rule, event.rdates)
    if event.all_day:
        return (True, event.start_wall, event.length)
    return (False, event.start_instant(event.zone), event.length)


def _attends(event: Event, address: str) -> bool:
    return any(attendee.email == address for attendee in event.attendees)

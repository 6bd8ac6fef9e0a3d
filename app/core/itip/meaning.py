"""What a thread means: a function of what is kept, whatever the order in which it came.

How dates and the whole go together, decided:

- A recurrence id names a date exactly (its instant, its wall time where it floats, its local date where it is a DATE),
  in whatever zone it is written. An id that names none exactly names the date of its local day, since a date's identity
  here is its original local day; but not when it was said before the present series: then the series was re-timed
  since, and what was said of its old dates is obsolete.
- So a new title of the series leaves edited and cancelled dates alone, and a new time resets them, whose ids then name
  nothing. Organisers behave the same, and their next messages name the dates that they keep.
- What was said last of a date counts, by (SEQUENCE, DTSTAMP); of ids that come to name one date, the newer.
- A date in EXDATE that also has a component of its own: the component counts, unless the series was written later.
- A cancellation of what is not here means nothing by itself: it waits in the thread.
- Cancelling all cancels what was said before it, edited dates included; a later invitation to one date stands alone. A
  whole new invitation after that starts afresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from app.core.itip.component import Component
from app.core.itip.moments import format_moment, parse_moment
from app.core.itip.thread import MASTER, Slot, Thread, date_of_slot, is_after, is_newer
from app.core.rule import Rule, parse_rule
from app.core.series import Budget, Occurrence, Series, at, named, occurrences
from app.core.times import instant_of, load_zone, wall_of
from app.errors import Problem

_STEPS: Final = (
    200_000  # of a Budget, for looking all dates of one thread up together, and again one by one: 0.2 s at worst
)
_TOGETHER: Final = 8  # from so many dates on they are looked up in one walk instead of one by one
_SPARSE: Final = timedelta(days=60)  # a walk looks at no more time than this for each date that is looked up


@dataclass(frozen=True, slots=True)
class Future:
    """From the date `key` on, the series is as `component` says (RANGE=THISANDFUTURE): its start is that date's, moved;
    later dates move by as much.
    """

    key: str
    component: Component


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is to be stored.

    `master` is the event or series, `cancelled` says that the organiser cancelled all of it (dates in `overrides`
    excepted: they were invited again). Keys are those of `Series` occurrences (`20260301`, `20260301T0900`).
    `cancelled_dates` holds the series' EXDATEs too. From `ends_before` on, the series has no dates any more.

    `loose` are dates that no series here has, by recurrence id: invited alone, or added to the series. They are events
    of their own until the series comes that has them. `loose_cancelled` are those that were cancelled.
    """

    master: Component | None = None
    cancelled: bool = False
    overrides: Mapping[str, Component] = field(default_factory=dict)
    cancelled_dates: tuple[str, ...] = ()
    futures: tuple[Future, ...] = ()
    ends_before: str | None = None
    loose: Mapping[str, Component] = field(default_factory=dict)
    loose_cancelled: Mapping[str, Component] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing was invited, so that there is nothing to store."""
        return self.master is None and not self.loose and not self.loose_cancelled


def series_of(component: Component, calendar_zone: str) -> Series:
    """The recurrence of a component that has a DTSTART, as `Event.series` has it: DTSTART counts as a date (mail), and
    all-day dates are placed at midnights of the calendar's zone.
    """
    when = component.when
    assert when is not None
    last = None if component.last is None else parse_moment(component.last)
    assert last is None or isinstance(last, datetime)
    return Series(
        start=when.start_wall,
        zone=load_zone(calendar_zone if when.all_day else when.zone),
        length=when.length,
        rule=None if component.rule is None else _rule(component.rule),
        all_day=when.all_day,
        rdates=tuple(parse_moment(text) for text in component.rdates),
        start_counts=True,
        last=last,
    )


@lru_cache(maxsize=1024)
def _rule(text: str) -> Rule:
    return parse_rule(text)


def meaning(thread: Thread, calendar_zone: str) -> Meaning:
    """What the thread means in a calendar of that zone (which places all-day dates, and nothing else).

    Costs what its dates cost to find, at most about 0.4 s; never raises.
    """
    whole = thread.slots.get(MASTER, Slot())
    dates = {key: slot for key, slot in thread.slots.items() if key != MASTER}
    if whole.invite is None or whole.invite.when is None:
        return _without_master(whole, dates)
    if not dates and not whole.invite.exdates:
        return Meaning(master=whole.invite, cancelled=whole.is_cancelled)
    return _with_master(whole.invite, whole, dates, calendar_zone)


def _without_master(whole: Slot, dates: Mapping[str, Slot]) -> Meaning:
    by_date: dict[str, Slot] = {}
    ends: list[tuple[str, Component]] = []
    for key in sorted(dates):
        given, and_later = date_of_slot(key)
        slot = dates[key]
        by_date[given] = _merged(by_date.get(given), slot)
        if and_later and slot.is_cancelled and slot.cancel is not None:
            ends.append((given, slot.cancel))
    loose: dict[str, Component] = {}
    cancelled: dict[str, Component] = {}
    for given, slot in by_date.items():
        invite = slot.invite
        if invite is not None:
            is_off = slot.is_cancelled or _is_cancelled_with_all(invite, whole) or _is_ended(given, invite, ends)
            (cancelled if is_off else loose)[given] = invite
    return Meaning(cancelled=whole.cancel is not None, loose=loose, loose_cancelled=cancelled)


def _is_ended(given: str, invite: Component, ends: Iterable[tuple[str, Component]]) -> bool:
    """Whether all dates from an earlier one on were cancelled since; ids of one form are compared, no others can be."""
    return any(end <= given and len(end) == len(given) and not is_after(invite, cancel) for end, cancel in ends)


def _is_cancelled_with_all(component: Component, whole: Slot) -> bool:
    return whole.cancel is not None and not is_after(component, whole.cancel)


# ------------------------------------------------------------------------------------------ dates of the series


class _Place(NamedTuple):
    """Where the series has the date that an id names. `day` is unique for a date, and in order."""

    key: str
    is_exact: bool


def _with_master(master: Component, whole: Slot, dates: Mapping[str, Slot], calendar_zone: str) -> Meaning:
    series = series_of(master, calendar_zone)
    ids = {date_of_slot(key)[0] for key in dates}
    places = _places(series, ids | set(master.exdates))
    single: dict[str, Slot] = {}
    future: dict[str, Slot] = {}
    loose: dict[str, Slot] = {}
    for slot_key in sorted(dates):
        given, and_later = date_of_slot(slot_key)
        and_later = and_later and master.is_series
        place = places.get(given)
        slot = _current(dates[slot_key], master, place)
        if place is None or slot == Slot():
            if not and_later and slot != Slot():
                loose[given] = slot
        elif and_later:
            future[place.key] = _merged(future.get(place.key), slot)
        else:
            single[place.key] = _merged(single.get(place.key), slot)
    return _joined(
        master, whole, single, future, loose, [places[text].key for text in master.exdates if text in places]
    )


def _current(slot: Slot, master: Component, place: _Place | None) -> Slot:
    """Without what was said of dates that the series had before it was re-timed."""
    if place is not None and place.is_exact:
        return slot
    invite, cancel = (None if said is None or is_after(master, said) else said for said in (slot.invite, slot.cancel))
    return Slot(invite, cancel)


def _merged(one: Slot | None, other: Slot) -> Slot:
    if one is None:
        return other
    return Slot(_newer(one.invite, other.invite), _newer(one.cancel, other.cancel))


def _newer(one: Component | None, other: Component | None) -> Component | None:
    if one is None or other is None:
        return one or other
    return one if is_newer(one, other) else other


def _joined(
    master: Component,
    whole: Slot,
    single: Mapping[str, Slot],
    future: Mapping[str, Slot],
    loose: Mapping[str, Slot],
    excluded: Iterable[str],
) -> Meaning:
    end, ended_by = _end(future, whole)
    futures = tuple(
        Future(key, slot.invite)
        for key, slot in sorted(future.items())
        if slot.invite is not None
        and not slot.is_cancelled
        and not _is_cancelled_with_all(slot.invite, whole)
        and (ended_by is None or end is None or key < end or is_after(slot.invite, ended_by))
    )
    overrides: dict[str, Component] = {}
    off = set(excluded)
    for key, slot in sorted(single.items()):
        invite, cancel = slot.invite, slot.cancel
        beyond = ended_by if end is not None and key >= end else None
        if invite is not None and not slot.is_cancelled and not _is_cancelled_with_all(invite, whole):
            if beyond is not None and not is_after(invite, beyond):
                continue
            if key in off and is_after(master, invite):
                continue
            off.discard(key)
            overrides[key] = invite
        elif cancel is not None and slot.is_cancelled and not _is_fresh(cancel, whole):
            off.add(key)
    added: dict[str, Component] = {}
    added_off: dict[str, Component] = {}
    for given, slot in loose.items():
        if slot.invite is not None:
            is_off = slot.is_cancelled or _is_cancelled_with_all(slot.invite, whole)
            (added_off if is_off else added)[given] = slot.invite
    is_off = whole.is_cancelled
    if not master.is_series:  # its one date is the whole of it
        for invite in overrides.values():
            master = msgspec.structs.replace(invite, recurrence_id=None)
        is_off, overrides, off = is_off or bool(off), {}, set()
    return Meaning(
        master=master,
        cancelled=is_off,
        overrides=overrides,
        cancelled_dates=tuple(sorted(off)),
        futures=futures,
        ends_before=end,
        loose=added,
        loose_cancelled=added_off,
    )


def _is_fresh(cancel: Component, whole: Slot) -> bool:
    """Whether a whole new invitation came after all was cancelled, this date's cancellation being older still."""
    return whole.cancel is not None and not whole.is_cancelled and not is_after(cancel, whole.cancel)


def _end(future: Mapping[str, Slot], whole: Slot) -> tuple[str | None, Component | None]:
    for key, slot in sorted(future.items()):
        if slot.cancel is not None and slot.is_cancelled and not _is_fresh(slot.cancel, whole):
            return key, slot.cancel
    return None, None


def _places(series: Series, texts: Iterable[str]) -> dict[str, _Place]:
    """Where the series has each of the dates; those it does not have are absent."""
    budget = Budget(_STEPS)
    ordered = sorted(texts)
    found: dict[str, _Place] = {}
    walk = _walk(series, ordered, Budget(_STEPS)) if len(ordered) >= _TOGETHER else {}
    for text in ordered:
        try:
            place = walk.get(text) or _place(series, parse_moment(text), budget)
        except (Problem, ValueError, OverflowError):  # too costly, or a year that is not served
            continue
        if place is not None:
            found[text] = place
    return found


def _place(series: Series, given: date | datetime, budget: Budget) -> _Place | None:
    occurrence = named(series, given, budget=budget)
    if occurrence is not None:
        return _Place(occurrence.key, True)
    if not isinstance(given, datetime) or series.all_day or series.several_a_day:
        return None
    local = given if given.tzinfo is None else wall_of(given, series.zone)
    occurrence = at(series, f"{local:%Y%m%d}", budget=budget)
    return None if occurrence is None else _Place(occurrence.key, False)


def _walk(series: Series, texts: Iterable[str], budget: Budget) -> dict[str, _Place]:
    """Many dates in one walk over the series; what is not in it is asked for by itself."""
    if series.all_day:
        return {}
    instants = {text: instant for text in texts if (instant := _instant(series, text)) is not None}
    if not instants:
        return {}
    low, high = min(instants.values()), max(instants.values())
    if high - low > _SPARSE * len(instants):
        return {}
    try:
        dates = occurrences(series, low, high + timedelta(seconds=1), budget=budget)
    except (Problem, OverflowError):
        return {}
    by_start: dict[datetime, Occurrence] = {each.start: each for each in dates}
    return {text: _Place(by_start[at_].key, True) for text, at_ in instants.items() if at_ in by_start}


def _instant(series: Series, text: str) -> datetime | None:
    if len(text) == 10:
        return None
    value = parse_moment(text)
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo is not None else instant_of(value, series.zone)


def on_date(master: Component, key: str, calendar_zone: str) -> Component | None:
    """What the series says of its date `key`, as a component of that date: what an override is compared with. None
    where it has no such date.
    """
    if master.when is None:
        return None
    try:
        occurrence = at(series_of(master, calendar_zone), key, budget=Budget(_STEPS))
    except Problem:
        return None
    if occurrence is None:
        return None
    wall = occurrence.original
    when = msgspec.structs.replace(master.when, start_wall=wall, second_pass=bool(wall.fold))
    named = format_moment(wall.date() if when.all_day else occurrence.start)
    return msgspec.structs.replace(master, recurrence_id=named, when=when, rule=None, last=None, rdates=(), exdates=())


def key_of_date(master: Component, recurrence_id: str, calendar_zone: str) -> str | None:
    """The key under which the series has the date that a recurrence id names; None where it has no such date."""
    if master.when is None:
        return None
    place = _places(series_of(master, calendar_zone), [recurrence_id]).get(recurrence_id)
    return None if place is None else place.key

"""What a write says about recurrence, checked, and what follows for the dates that are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from app.calendars.writing import FOREVER
from app.core.rule import format_rule, parse_rule
from app.core.series import Occurrence, Series, at, check, key_of, occurrences
from app.core.times import MAX_YEAR, MIN_YEAR, load_zone, place, wall_of
from app.errors import Problem
from app.events.materialise import Special, first_of, first_window, materialise, special_of
from app.events.model import Event, format_rdate, rule_of
from app.events.timing import read_time

_MOVED: Final = "The start is not a date of the rule, so the series begins at its first match, {first}."


@dataclass(frozen=True, slots=True)
class Plan:
    """A series ready to be stored.

    `event` has its start moved to the first match and its last date filled in. `dates` follow the series in
    everything; `specials` are the dates with a life of their own as they will be, `places` where the series puts
    them (None: it no longer makes them). `notices` are sentences for the caller.
    """

    event: Event
    first: Occurrence
    dates: list[Occurrence]
    specials: dict[str, Special]
    places: dict[str, Occurrence | None]
    notices: list[str]

    @property
    def excluded(self) -> list[str]:
        """The keys of the series' EXDATEs."""
        return excluded_keys(self.specials)

    @property
    def instances(self) -> int:
        """How many dates are stored within the window, edited ones included, cancelled ones not."""
        through = self.event.stored_through
        assert through is not None
        edited = [s for s in self.specials.values() if s.is_exception and not s.cancelled and not s.orphaned]
        return len(self.dates) + sum(1 for special in edited if special.start_at <= through)


def excluded_keys(specials: Mapping[str, Special]) -> list[str]:
    return sorted(key for key, special in specials.items() if special.excluded)


def served_rule(text: str) -> str:
    """The rule in canonical form. Raises `invalid_recurrence` for what breaks RFC 5545 or is finer than HOURLY."""
    rule = parse_rule(text)
    if rule.is_finer_than_hourly:
        raise Problem(
            "invalid_recurrence",
            f"FREQ={rule.freq.name} is finer than HOURLY, which is the finest this calendar serves.",
            hint="Use FREQ=HOURLY, with BYMINUTE for several times an hour.",
            field="recurrence",
        )
    return format_rule(rule)


def wall_dates(texts: Sequence[str], event: Event) -> tuple[str, ...]:
    """`rdates` as stored: bare dates stay dates, times become wall times in the event's zone; in order, once each."""
    dates = set()
    for index, text in enumerate(texts):
        field = f"rdates.{index}"
        value = read_time(text, field)
        if event.all_day and isinstance(value, datetime):
            raise Problem(
                "invalid_field",
                "An all-day series has dates without times.",
                hint=f'Give "{value.date()}".',
                field=field,
            )
        dates.add(format_rdate(_wall(value, event, field) if isinstance(value, datetime) else value))
    return tuple(sorted(dates))


def plan(
    event: Event,
    calendar_zone: str,
    now: datetime,
    *,
    exdates: Sequence[str] | None,
    specials: Mapping[str, Special],
    since: datetime | None = None,
) -> Plan:
    """Check a series and decide what of it to store. With `exdates`, they replace its cancelled dates; without, those
    among `specials` stay. `since` is where its stored dates began before, None for a new series.

    Raises `recurrence_without_dates`, `recurrence_too_costly` or `not_a_date_of_the_series`.
    """
    event = _with_dated_until(event, calendar_zone)
    asked = event.series(calendar_zone)
    series = check(asked)
    first = first_of(series)
    assert first is not None
    notices = []
    if series.start != asked.start:
        shown = first.original.date() if event.all_day else first.original.isoformat(timespec="minutes")
        notices.append(_MOVED.format(first=shown))
    event = replace(event, start_wall=series.start, last_wall=series.last)
    places = _places(series, specials)
    after = {key: replace(special, orphaned=places[key] is None) for key, special in specials.items()}
    if exdates is not None:
        _apply_exdates(after, places, _exdates(exdates, series, event))
    if exdates and _nothing_left(series, after):
        raise Problem(
            "recurrence_without_dates",
            "All dates of this series are cancelled, so there is none left.",
            hint="Leave at least one date, or delete the series.",
            field="exdates",
        )
    stored = materialise(series, after, since or first_window(series, now), now)
    event = replace(event, stored_from=stored.since, stored_through=stored.through)
    plain = [date for date in stored.dates if special_of(series, after, date) is None]
    return Plan(event, first, plain, after, places, notices)


def _with_dated_until(event: Event, calendar_zone: str) -> Event:
    """An all-day series ends on a date: UNTIL as an instant is read once, in the zone it was written for, so that its
    last date stays when the calendar moves to another zone, and a feed says the same."""
    until = rule_of(event.rule).until if event.all_day and event.rule else None
    if event.rule is None or not isinstance(until, datetime):
        return event
    if until.tzinfo is not None and MIN_YEAR <= until.year <= MAX_YEAR:
        until = wall_of(until, load_zone(calendar_zone))
    return replace(event, rule=format_rule(replace(rule_of(event.rule), until=until.date())))


def _places(series: Series, specials: Mapping[str, Special]) -> dict[str, Occurrence | None]:
    """Where the series has each special date; of two that have come to name one date, the exact name counts."""
    places = {key: at(series, key) for key in specials}
    for key, found in places.items():
        if found is not None and found.key != key and found.key in specials:
            places[key] = None
    return places


def _exdates(texts: Sequence[str], series: Series, event: Event) -> dict[str, Occurrence]:
    """The dates that `exdates` name. One the series does not have is refused: a wrong time would otherwise leave
    its date standing in silence."""
    found: dict[str, Occurrence] = {}
    for index, text in enumerate(texts):
        field = f"exdates.{index}"
        value = read_time(text, field)
        key = key_of(series, _wall(value, event, field) if isinstance(value, datetime) else value)
        date = None if key is None else at(series, key)
        if date is None:
            first = first_of(series)
            assert first is not None
            raise Problem(
                "not_a_date_of_the_series",
                f"{text} is not a date of this series, so it cannot be left out.",
                hint="Name a date as the series has it, with its time in the series' zone or with an offset; a bare "
                f"date means that day's first. The series begins {first.original.isoformat(timespec='minutes')}.",
                field=field,
            )
        found[date.key] = date
    return found


def _apply_exdates(
    specials: dict[str, Special], places: dict[str, Occurrence | None], named: Mapping[str, Occurrence]
) -> None:
    known = {place.key: key for key, place in places.items() if place is not None}
    named = {known.get(key, key): date for key, date in named.items()}
    for key, special in list(specials.items()):
        if key in named or special.orphaned:
            continue
        if special.is_exception:
            specials[key] = replace(special, cancelled=False)
        else:
            del specials[key]
    for key, date in named.items():
        old = specials.get(key)
        specials[key] = replace(old, cancelled=True) if old else Special(key, True, False, date.start)
        places[key] = date


def _wall(value: datetime, event: Event, field: str) -> datetime:
    try:
        return place(value, load_zone(event.zone), zone_is_explicit=event.zone_given).wall
    except Problem as problem:
        raise problem.at(field) from None


def _nothing_left(series: Series, specials: Mapping[str, Special]) -> bool:
    """Whether a finite series has all its dates cancelled; looks at no more dates than are cancelled, and one."""
    cancelled = sum(1 for special in specials.values() if special.cancelled)
    first = first_of(series)
    if series.last is None or not cancelled or first is None:
        return False
    dates = occurrences(series, first.start, FOREVER, cancelled + 1)
    return all((special := special_of(series, specials, date)) is not None and special.cancelled for date in dates)

"""What a write says about recurrence, checked, and what follows for the dates that are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from app.calendars.writing import FOREVER
from app.core.budget import Budget
from app.core.rule import format_rule, parse_rule
from app.core.series import Occurrence, Series, at, check, named, occurrences
from app.core.times import MAX_YEAR, MIN_YEAR, instant_of, load_zone, place, wall_of
from app.errors import Problem
from app.events.materialise import Special, first_of, first_window, materialise, special_of
from app.events.model import Event, format_rdate, rule_of
from app.events.timing import read_time

_MOVED: Final = "The start is not a date of the rule, so the series begins at its first match, {first}."


_MANY: Final = 20  # exdates from which on they are looked up together
_SPARSE: Final = timedelta(days=40)  # a date that far apart on average is better asked for by itself
_ONE_DAY: Final = timedelta(days=1)


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
    budget: Budget | None = None,
) -> Plan:
    """Check a series and decide what of it to store. With `exdates`, they replace its cancelled dates; without, those
    among `specials` stay. `since` is where its stored dates began before, None for a new series. `budget` bounds what
    checking it costs, and knows afterwards what it did.

    Raises `recurrence_without_dates`, `recurrence_too_costly` or `not_a_date_of_the_series`.
    """
    event = _in_dates(event, calendar_zone)
    asked = event.series(calendar_zone)
    series = check(asked, budget=budget)
    first = first_of(series)
    assert first is not None
    notices = []
    if series.start != asked.start:
        shown = first.original.date() if event.all_day else first.original.isoformat(timespec="minutes")
        notices.append(_MOVED.format(first=shown))
    rdates = tuple(sorted(format_rdate(value) for value in series.rdates))
    event = replace(event, start_wall=series.start, last_wall=series.last, rdates=rdates)
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


def with_part(event: Event, part: Series) -> Event:
    """The event with the recurrence of one of its parts. One of a single date stays a series: its start is said as
    an RDATE too, which adds nothing."""
    rdates = part.rdates or (() if part.rule else (part.start.date(),))
    return replace(
        event,
        start_wall=part.start,
        rule=None if part.rule is None else format_rule(part.rule),
        rdates=tuple(sorted(format_rdate(value) for value in rdates)),
        start_counts=part.start_counts,
        last_wall=part.last,
    )


def _in_dates(event: Event, calendar_zone: str) -> Event:
    """An all-day series speaks of dates alone (RFC 5545 3.3.10). UNTIL as an instant is read once, in the zone it was
    written for, so that its last date stays when the calendar moves to another zone; parts that name a time of day are
    left out, since readers of a feed disagree about ignoring them."""
    if event.rule is None or not event.all_day:
        return event
    rule = rule_of(event.rule)
    until = rule.until
    if isinstance(until, datetime):
        if until.tzinfo is not None and MIN_YEAR <= until.year <= MAX_YEAR:
            until = wall_of(until, load_zone(calendar_zone))
        until = until.date()
    if not rule.is_sub_daily:
        rule = replace(rule, byhour=(), byminute=(), bysecond=())
    return replace(event, rule=format_rule(replace(rule, until=until)))


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
    values = []
    for index, text in enumerate(texts):
        value = read_time(text, f"exdates.{index}")
        values.append(_wall(value, event, f"exdates.{index}") if isinstance(value, datetime) else value)
    by_wall = dates_by_wall(series, values)
    found: dict[str, Occurrence] = {}
    for index, value in enumerate(values):
        place = by_wall.get((value, getattr(value, "fold", 0))) or named(series, value)
        if place is None:
            first = first_of(series)
            assert first is not None
            raise Problem(
                "not_a_date_of_the_series",
                f"{texts[index]} is not a date of this series, so it cannot be left out.",
                hint="Name a date as the series has it, with its time in the series' zone or with an offset; a bare "
                f"date means that day's first. The series begins {first.original.isoformat(timespec='minutes')}.",
                field=f"exdates.{index}",
            )
        found[place.key] = place
    return found


def dates_by_wall(series: Series, values: Sequence[date | datetime]) -> dict[tuple[date | datetime, int], Occurrence]:
    """Many dates by the wall time the series gives them, looked up in one go: asking one by one costs a window each.
    What is not among them is still asked for by itself."""
    if len(values) < _MANY or series.all_day:
        return {}
    walls = [value if isinstance(value, datetime) else datetime.combine(value, time()) for value in values]
    low = instant_of(min(walls), series.zone) - _ONE_DAY
    high = min(instant_of(max(walls), series.zone), low + len(values) * _SPARSE) + 2 * _ONE_DAY
    found: dict[tuple[date | datetime, int], Occurrence] = {}
    try:
        dates = occurrences(series, low, high, 2 * len(values))
    except Problem:  # too dense to be walked, which one by one is not
        return {}
    for each in dates:
        found[(each.original.replace(fold=0), each.original.fold)] = each
        if len(each.key) == len("20260301"):
            found[(each.original.date(), 0)] = each
    return found


def _apply_exdates(
    specials: dict[str, Special], places: dict[str, Occurrence | None], named: Mapping[str, Occurrence]
) -> None:
    known = {place.key: key for key, place in places.items() if place is not None}
    named = {known.get(key, key): where for key, where in named.items()}
    for key, special in list(specials.items()):
        if key in named or special.orphaned:
            continue
        if special.is_exception:
            specials[key] = replace(special, cancelled=False)
        else:
            del specials[key]
    for key, where in named.items():
        old = specials.get(key)
        specials[key] = replace(old, cancelled=True) if old else Special(key, True, False, where.start)
        places[key] = where


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

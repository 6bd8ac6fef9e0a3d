"""RRULE, RDATE and EXDATE of a VEVENT, checked: what a series must stand up to before it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Final

from app.core.itip.component import When
from app.core.itip.moments import format_moment, parse_moment
from app.core.rule import Rule, format_rule, parse_rule
from app.core.series import MAX_RDATES, MAX_STEPS, Budget, Series, check
from app.core.times import MAX_YEAR, MIN_YEAR, load_zone
from app.errors import Problem
from app.ical import limits
from app.ical.dates import Dates
from app.ical.lines import Block, Line

Say = Callable[[str | None], None]

TOTAL_STEPS: Final = 400_000  # of Budgets, for all series of one calendar together: about 0.4 s at worst
_DROPPED: Final = "Of the recurrence only the first date was kept: "


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The fields of `Component` of that name."""

    rule: str | None = None
    last: str | None = None
    rdates: tuple[str, ...] = ()
    exdates: tuple[str, ...] = ()


@dataclass(slots=True)
class Purse:
    """The steps that are left for all rules of one calendar."""

    left: int = TOTAL_STEPS

    def check(self, series: Series) -> Series:
        """`check` of the series. Raises its `Problem`s, and `recurrence_too_costly` when nothing is left."""
        given = min(self.left, MAX_STEPS)
        budget = Budget(given)
        try:
            return check(series, budget=budget)
        finally:
            self.left -= given - max(budget.left, 0)


def recurrence_of(event: Block, when: When, dates: Dates, purse: Purse, say: Say) -> Recurrence:
    """What can be kept of the recurrence; `say` takes what cannot. An override has none."""
    if event.first("RECURRENCE-ID") is not None:
        if event.first("RRULE") is not None:
            say("The changed date of a series had a recurrence rule of its own, which was left out.")
        return Recurrence()
    if event.first("EXRULE") is not None:
        say("EXRULE is no longer part of iCalendar and was left out; dates that it took out are shown.")
    rule = _rule(event, when, dates, say)
    rdates = _rdates(event, when, dates, say)
    rule, last = _checked(rule, rdates, when, dates, purse, say)
    if rule is None and not rdates:
        return Recurrence()
    exdates = _moments(event.all("EXDATE"), "EXDATE", limits.MAX_EXDATES, when, dates, say)
    return Recurrence(None if rule is None else format_rule(rule), last, rdates, exdates)


def _rule(event: Block, when: When, dates: Dates, say: Say) -> Rule | None:
    lines = [line for line in event.all("RRULE") if line.value.strip()]
    if not lines:
        return None
    if len(lines) > 1:
        say(f"The event had {len(lines)} recurrence rules; the first was kept.")
    try:
        rule = parse_rule(lines[0].value.replace(" ", "").replace("\t", ""))
    except Problem as problem:
        say(_DROPPED + problem.message)
        return None
    if rule.is_finer_than_hourly:
        say(f"{_DROPPED}FREQ={rule.freq.name} is not served.")
        return None
    return _whole_days(rule, dates) if when.all_day else rule


def _whole_days(rule: Rule, dates: Dates) -> Rule:
    """An all-day rule speaks of dates alone (3.3.10)."""
    until = rule.until
    if isinstance(until, datetime):
        until = until.date() if until.tzinfo is None or _is_end_of_day(until) else dates.day(until)
    if rule.is_sub_daily:
        return replace(rule, until=until)
    return replace(rule, until=until, byhour=(), byminute=(), bysecond=())


def _is_end_of_day(until: datetime) -> bool:
    """Midnight and a second before it mean the date as it is written; other times somebody's own midnight."""
    return until.time() in (time(), time(23, 59, 59)) or not MIN_YEAR < until.year < MAX_YEAR


def _rdates(event: Block, when: When, dates: Dates, say: Say) -> tuple[str, ...]:
    lines = event.all("RDATE")
    if any("/" in line.value for line in lines):
        say("Dates that RDATE gave with an end of their own (PERIOD) have the event's length.")
    found = _moments(lines, "RDATE", MAX_RDATES, when, dates, say)
    start = format_moment(when.start_wall.date() if when.all_day else when.start_wall)
    return tuple(text for text in found if text != start)


def _values(lines: Sequence[Line]) -> Iterator[tuple[Line, str]]:
    for line in lines:
        for value in line.value.replace("\\,", ",").split(","):
            if value.strip():
                yield line, value.partition("/")[0]


def _moments(lines: Sequence[Line], name: str, most: int, when: When, dates: Dates, say: Say) -> tuple[str, ...]:
    found: dict[str, None] = {}
    unread = 0
    for line, value in _values(lines):
        if len(found) >= most:
            say(f"The event had more than {most:,} {name}s; the first {most:,} were kept.")
            break
        try:
            found[dates.local(line, value, when)] = None
        except (ValueError, OverflowError):
            unread += 1
    if unread:
        say(f"Values of {name} that are no times were left out ({unread}).")
    return tuple(found)


def _checked(
    rule: Rule | None, rdates: tuple[str, ...], when: When, dates: Dates, purse: Purse, say: Say
) -> tuple[Rule | None, str | None]:
    if rule is None:
        return None, None
    series = Series(
        when.start_wall,
        dates.floating if when.all_day else load_zone(when.zone),
        when.length,
        rule,
        when.all_day,
        tuple(parse_moment(text) for text in rdates),
        start_counts=True,
    )
    try:
        series = purse.check(series)
    except Problem as problem:
        say(_DROPPED + problem.message)
        return None, None
    return rule, None if series.last is None else format_moment(series.last)

"""What a rule means, tried out one day or one minute after another: slow, short, and independent of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, product
from zoneinfo import ZoneInfo

from app.core.rule import Freq, Rule


def _positions(numbers: tuple[int, ...], place: int, size: int) -> bool:
    """Whether the place (from 1) among `size` is meant by one of the numbers."""
    return place in numbers or place - size - 1 in numbers


def _week(day: date, wkst: int) -> tuple[int, int]:
    """The number of the day's week, and how many weeks its year has; the week's fourth day decides its year."""

    def number(of: date) -> tuple[int, int]:
        fourth = of - timedelta(days=(of.weekday() - wkst) % 7) + timedelta(days=3)
        return fourth.year, (fourth.timetuple().tm_yday - 1) // 7 + 1

    year, week = number(day)
    last = max(number(date(year, 12, 31) - timedelta(days=back))[1] for back in range(8))
    return week, last


def _day_passes(rule: Rule, day: date, start: date) -> bool:
    leap = date(day.year, 12, 31).timetuple().tm_yday
    length = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    months, monthdays, weekdays = rule.bymonth, rule.bymonthday, rule.byday
    plain = {entry.weekday for entry in weekdays}
    if not (weekdays or monthdays or rule.byyearday or rule.byweekno):
        if rule.freq in (Freq.MONTHLY, Freq.YEARLY):
            monthdays = (start.day,)
        if rule.freq is Freq.YEARLY:
            months = months or (start.month,)
        if rule.freq is Freq.WEEKLY:
            plain = {start.weekday()}
    elif rule.byweekno and not (weekdays or monthdays or rule.byyearday):
        plain = {start.weekday()}
    if months and day.month not in months:
        return False
    if monthdays and not _positions(monthdays, day.day, length):
        return False
    if rule.byyearday and not _positions(rule.byyearday, day.timetuple().tm_yday, leap):
        return False
    if rule.byweekno and not _positions(rule.byweekno, *_week(day, rule.wkst)):
        return False
    if not plain:
        return True
    in_year = rule.freq is Freq.YEARLY and not months
    place, size = (day.timetuple().tm_yday, leap) if in_year else (day.day, length)
    for entry in weekdays:
        if entry.weekday == day.weekday():
            from_start, from_end = (place - 1) // 7 + 1, -((size - place) // 7 + 1)
            if entry.ordinal in (0, from_start, from_end):
                return True
    return not weekdays and day.weekday() in plain


def _period(rule: Rule, day: date, start: date) -> int:
    """How many periods lie between that of the start and that of the day."""
    if rule.freq is Freq.YEARLY:
        return day.year - start.year
    if rule.freq is Freq.MONTHLY:
        return (day.year - start.year) * 12 + day.month - start.month
    if rule.freq is Freq.WEEKLY:
        monday = start - timedelta(days=(start.weekday() - rule.wkst) % 7)
        return (day - monday).days // 7
    return (day - start).days


def _picked(rule: Rule, found: list[datetime]) -> list[datetime]:
    if not rule.bysetpos:
        return found
    return [it for place, it in enumerate(found, 1) if _positions(rule.bysetpos, place, len(found))]


def walls_by_day(rule: Rule, start: datetime, days: int) -> list[datetime]:
    """The wall times within so many days of the start, of a rule of DAILY or coarser; COUNT and UNTIL aside."""
    first = start.date() - timedelta(days=366)
    every = [first + timedelta(days=number) for number in range(366 + days + 366)]
    clock = sorted(
        time(*parts)
        for parts in product(
            rule.byhour or [start.hour], rule.byminute or [start.minute], rule.bysecond or [start.second]
        )
    )
    found: list[datetime] = []
    for number, in_period in groupby(every, key=lambda day: _period(rule, day, start.date())):
        if number % rule.interval == 0:
            matching = [day for day in in_period if _day_passes(rule, day, start.date())]
            found += _picked(rule, [datetime.combine(day, at) for day in matching for at in clock])
    return [wall for wall in found if start <= wall < start + timedelta(days=days)]


def instants_by_minute(rule: Rule, start: datetime, zone: ZoneInfo, hours: int) -> list[datetime]:
    """The instants within so many hours of the start, of an HOURLY or MINUTELY rule without BYSECOND, in a zone whose
    offset changes by whole hours."""
    begin = start.replace(tzinfo=zone).astimezone(UTC)
    expands = rule.freq is Freq.HOURLY and bool(rule.byminute)
    unit = timedelta(hours=1) if rule.freq is Freq.HOURLY else timedelta(minutes=1)
    anchor = begin - timedelta(minutes=start.minute) if expands else begin

    def passing() -> Iterator[datetime]:
        for number in range(-60, (hours + 1) * 60):
            instant = begin + timedelta(minutes=number)
            wall = instant.astimezone(zone)
            on_step = (instant - anchor) // unit % rule.interval == 0
            if not expands and rule.freq is Freq.HOURLY:
                on_step = on_step and (instant - anchor) % unit == timedelta(0)
            minute_passes = not rule.byminute or wall.minute in rule.byminute
            hour_passes = not rule.byhour or wall.hour in rule.byhour
            if on_step and minute_passes and hour_passes and _day_passes(rule, wall.date(), start.date()):
                yield instant

    found: list[datetime] = []
    for _, inside in groupby(passing(), key=lambda instant: (instant - anchor) // unit):
        found += _picked(rule, list(inside))
    return [instant for instant in found if begin <= instant < begin + timedelta(hours=hours)]

"""Random rules that are valid under RFC 5545."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import strategies as st

from app.core.rule import Freq, Rule, WeekdayNum, format_rule, parse_rule
from app.errors import Problem


def _some(low: int, high: int, most: int = 3) -> st.SearchStrategy[tuple[int, ...]]:
    numbers = st.integers(low, high).filter(bool) if low < 0 else st.integers(low, high)
    return st.one_of(st.just(()), st.sets(numbers, min_size=1, max_size=most).map(lambda found: tuple(sorted(found))))


def _rarely(parts: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.one_of(st.just(()), st.just(()), parts)


@st.composite
def _days(draw: st.DrawFn, with_ordinals: bool) -> tuple[WeekdayNum, ...]:
    ordinals = st.sampled_from([0, 0, 1, 2, -1, 5]) if with_ordinals else st.just(0)
    entry = st.builds(WeekdayNum, st.integers(0, 6), ordinals)
    return tuple(sorted(draw(st.sets(entry, max_size=4))))


def _is_valid(rule: Rule) -> bool:
    try:
        return parse_rule(format_rule(rule)) == rule
    except Problem:
        return False


@st.composite
def rules(draw: st.DrawFn, freqs: tuple[Freq, ...] = tuple(Freq), ends: bool = True) -> Rule:
    """A rule that `parse_rule` takes, in canonical form; with `ends`, sometimes with COUNT or UNTIL."""
    freq = draw(st.sampled_from(freqs))
    weeks = draw(_rarely(_some(-53, 53, 2))) if freq is Freq.YEARLY else ()
    rule = Rule(
        freq,
        interval=draw(st.sampled_from([1, 1, 1, 2, 3, 4, 7])),
        wkst=draw(st.sampled_from([0, 0, 6, 3])),
        bysecond=draw(_rarely(_some(0, 59, 2))),
        byminute=draw(_rarely(_some(0, 59, 2))),
        byhour=draw(_rarely(_some(0, 23, 3))),
        byday=draw(_days(freq in (Freq.YEARLY, Freq.MONTHLY) and not weeks)),
        bymonthday=draw(_rarely(_some(-31, 31))) if freq is not Freq.WEEKLY else (),
        byyearday=draw(_rarely(_some(-366, 366))) if freq in (Freq.YEARLY, Freq.HOURLY) else (),
        byweekno=weeks,
        bymonth=draw(_rarely(_some(1, 12))),
        bysetpos=draw(_rarely(_some(-4, 4, 2))),
    )
    if ends and draw(st.booleans()):
        day = draw(st.dates(date(2026, 1, 1), date(2030, 1, 1)))
        time = datetime(day.year, day.month, day.day, draw(st.integers(0, 23)), 30)
        until = draw(st.sampled_from([None, day, time, time.replace(tzinfo=UTC)]))
        rule = replace(rule, until=until) if until else replace(rule, count=draw(st.integers(1, 40)))
    return rule if _is_valid(rule) else replace(rule, bysetpos=())

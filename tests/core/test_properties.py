"""What holds for every rule: agreement with others' expanders, and of the engine with itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise

from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.rule import Freq, Rule, format_rule
from app.core.series import Occurrence, Series, at, check, first_from, key_of, occurrences, split
from app.core.times import Length, instant_of, load_zone
from tests.core.making import refusal
from tests.core.oracle import instants_by_minute, walls_by_day
from tests.core.rules import rules

UTC_ZONE = load_zone("UTC")
DENVER = load_zone("America/Denver")
COARSE = (Freq.YEARLY, Freq.MONTHLY, Freq.WEEKLY, Freq.DAILY)
STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(
    lambda at: at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
)
SPAN = timedelta(days=200)  # from a series' start on: a change of clocks is within
ZONES = st.sampled_from(
    ["America/Denver", "Europe/Dublin", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "UTC"]
).map(load_zone)


def walls(rule: Rule, start: datetime, days: int) -> list[datetime]:
    made = Series(start, UTC_ZONE, Length(0, 0), rule)
    low = start.replace(tzinfo=UTC)
    return [occurrence.original for occurrence in occurrences(made, low, low + timedelta(days=days))]


# ------------------------------------------------------------------------------------------------- against others


@given(rules(COARSE, ends=False), STARTS)
@settings(max_examples=120, deadline=None)
def test_every_rule_of_days_means_what_trying_out_each_day_says(rule: Rule, start: datetime) -> None:
    assert walls(rule, start, 1100) == walls_by_day(rule, start, 1100)


@given(rules((Freq.HOURLY, Freq.MINUTELY), ends=False), st.sampled_from(["2026-03-07T20:15", "2026-10-31T20:15"]))
@settings(max_examples=50, deadline=None)
def test_every_rule_of_hours_means_what_trying_out_each_minute_says(rule: Rule, start: str) -> None:
    rule = replace(rule, bysecond=(), bysetpos=rule.bysetpos if rule.byminute else ())
    begin = datetime.fromisoformat(start)
    low = instant_of(begin, DENVER)
    found = occurrences(Series(begin, DENVER, Length(0, 0), rule), low, low + timedelta(hours=20))
    assert [occurrence.start for occurrence in found] == instants_by_minute(rule, begin, DENVER, 20)


def _dateutil_is_right(rule: Rule) -> bool:
    """Three kinds of rule it gets wrong, and one it knows only in part; the test by days above has them all."""
    mid_week_set = rule.freq is Freq.WEEKLY and rule.bysetpos
    week_without_day = rule.byweekno and not (rule.byday or rule.bymonthday or rule.byyearday)
    every_and_nth = len({bool(entry.ordinal) for entry in rule.byday}) == 2  # MO,2MO becomes 2MO there
    first_week_from_the_end = any(number <= -52 for number in rule.byweekno)
    return not (mid_week_set or week_without_day or every_and_nth or first_week_from_the_end)


@given(rules(COARSE), STARTS)
@settings(max_examples=120, deadline=None)
def test_every_rule_of_days_means_what_dateutil_says_where_it_is_right(rule: Rule, start: datetime) -> None:
    assume(_dateutil_is_right(rule))
    if isinstance(rule.until, datetime):
        rule = replace(rule, until=rule.until.replace(tzinfo=None))
    elif rule.until is not None:
        rule = replace(rule, until=datetime.combine(rule.until, datetime.max.time().replace(microsecond=0)))
    made = walls(rule, start, 1100)
    # No more than as many: dateutil looks for a date that never comes until the year 9999.
    theirs = rrulestr(format_rule(replace(rule, count=None)), dtstart=start)
    assert made == list(islice(theirs, len(made)))


# -------------------------------------------------------------------------------------------------- with itself


@st.composite
def series(draw: st.DrawFn) -> Series:
    rule = draw(rules((*COARSE, Freq.HOURLY)))
    start = draw(STARTS)
    all_day = not rule.is_sub_daily and draw(st.integers(0, 3)) == 0
    near = st.datetimes(start - timedelta(days=20), start + timedelta(days=150)).map(
        lambda at: at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
    )
    rdates: list[date | datetime] = draw(st.lists(near | near.map(datetime.date), max_size=3))
    return Series(
        start.replace(hour=0, minute=0) if all_day else start,
        draw(ZONES),
        Length(1, 0) if all_day else draw(st.sampled_from([Length(0, 3600), Length(1, 0)])),
        rule,
        all_day,
        tuple(rdates),
        draw(st.booleans()),
    )


def of_the_first_months(whole: Series) -> list[Occurrence]:
    low = instant_of(whole.start, whole.zone)
    window = (low - timedelta(days=30), low + SPAN)
    assume(refusal(lambda: occurrences(whole, *window)) != "recurrence_too_costly")
    return occurrences(whole, *window)


@given(series(), st.integers(-40, 200), st.integers(0, 86_399))
@settings(max_examples=50, deadline=None)
def test_two_windows_side_by_side_have_what_the_one_over_both_has(whole: Series, days: int, seconds: int) -> None:
    found = of_the_first_months(whole)
    low = instant_of(whole.start, whole.zone) - timedelta(days=30)
    middle = low + timedelta(days=days + 40, seconds=seconds)
    high = low + SPAN + timedelta(days=30)
    middle = min(middle, high)
    assert occurrences(whole, low, middle) + occurrences(whole, middle, high) == found
    assert first_from(whole, middle) == next((it for it in found if it.start >= middle), first_from(whole, high))


@given(series())
@settings(max_examples=50, deadline=None)
def test_every_occurrence_is_found_by_its_key_and_named_by_its_time(whole: Series) -> None:
    found = of_the_first_months(whole)
    assert len({occurrence.key for occurrence in found}) == len(found)
    assert all(earlier.start < later.start for earlier, later in pairwise(found))
    for occurrence in (*found[:8], *found[-8:]):
        assert at(whole, occurrence.key) == occurrence
        assert key_of(whole, occurrence.original) == occurrence.key
        if not whole.all_day:
            assert key_of(whole, occurrence.start) == occurrence.key


@given(series(), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_a_limit_cuts_and_changes_nothing_else(whole: Series, limit: int) -> None:
    found = of_the_first_months(whole)
    low = instant_of(whole.start, whole.zone)
    assert occurrences(whole, low - timedelta(days=30), low + SPAN, limit) == found[:limit]


@given(series(), st.integers(0, 60))
@settings(max_examples=50, deadline=None)
def test_a_split_loses_no_date_and_doubles_none(whole: Series, place: int) -> None:
    found = of_the_first_months(whole)
    assume(found and refusal(lambda: check(whole)) is None)  # no other series is ever stored
    border = found[place % len(found)]
    head, tail = split(whole, border.key)
    low = instant_of(whole.start, whole.zone)
    window = (low - timedelta(days=30), low + SPAN)
    before = [] if head is None else [occurrence.start for occurrence in occurrences(head, *window)]
    after = [occurrence.start for occurrence in occurrences(tail, *window)]
    assert before + after == [occurrence.start for occurrence in found]
    assert after[0] == border.start


@given(series())
@settings(max_examples=40, deadline=None)
def test_checking_a_series_changes_none_of_its_dates(whole: Series) -> None:
    found = of_the_first_months(whole)
    refused = refusal(lambda: check(whole))
    if refused is not None:
        assert refused == "recurrence_too_costly" or (refused == "recurrence_without_dates" and not found)
        return
    checked = check(whole)
    low = instant_of(whole.start, whole.zone)
    again = occurrences(checked, low - timedelta(days=30), low + SPAN)
    assert [(it.start, it.end) for it in again] == [(it.start, it.end) for it in found]
    assert check(checked) == checked

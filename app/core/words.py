"""One sentence that says what an event means.

It is true before it is clever: a rule that `day_words` has no exact phrase for is quoted, with its first dates beside
it. Dates are those on the clocks of the series' zone. A stored sentence knows no "next"; whoever reads at a known
moment passes the next dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from app.core.budget import Budget
from app.core.clock_words import Clock
from app.core.dates import extra_dates
from app.core.day_words import day_phrase, weekdays_of
from app.core.days import date_of, day_of
from app.core.expand import ENDLESS, instant_of_wall, rule_dates, times_of_day
from app.core.offsets import DAY, Dated, Offsets, seconds_of
from app.core.rule import Freq, Rule, format_rule
from app.core.shape import Occurrence, Series
from app.core.times import MAX_YEAR, Length, wall_of
from app.core.wording import clock, dates, full_date, length_words, listed, numbered, place
from app.errors import Problem

MAX_SENTENCE: Final = 300  # characters: it stands beside every event, and is to be read at a glance
MAX_STEPS: Final = 3_000  # about 3 ms: finding the first dates of a rule that has to be quoted
_SPARSE_YEAR: Final = 2200  # a COUNT whose last date lies later may have met the end of time before it was full
_SPARSE_INTERVAL: Final = 1_000  # steps of more than these are checked for the same


class _Detail(NamedTuple):
    """How much a sentence may hold; the next smaller one is taken where it becomes too long."""

    rule: int  # characters of a quoted rule
    dates: int  # dates in one list


_DETAILS: Final = (_Detail(100, 3), _Detail(60, 1), _Detail(0, 1))


# --------------------------------------------------------------------------------------------------- a single event


def say_single(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`Tue 3 Mar 2026, 09:00–09:30 in New York.`, for a single event, one occurrence or an override with times.

    `start` and `end` are instants. Where the clocks show the start or the end twice, change in between, or changed
    within the hour before, the offsets are said too.
    """
    return f"{_span(start, end, zone)}."


def say_all_day(first: date, days: int) -> str:
    """`All day on Sat 7 Mar 2026.`, `All day from Sat 7 to Mon 9 Mar 2026 (3 days).`"""
    return f"{_all_day(first, days)}."


def _all_day(first: date, days: int) -> str:
    if days <= 1:
        return f"All day on {full_date(first)}"
    last = first + timedelta(days - 1)
    begin = full_date(first)
    if first.year == last.year:
        begin = begin.rsplit(" ", 1 if first.month != last.month else 2)[0]
    return f"All day from {begin} to {full_date(last)} ({days:,} days)"


def _span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    begins, ends = start.astimezone(zone), end.astimezone(zone)
    day, begin, finish = begins.date(), _second_of_day(begins), _second_of_day(ends)
    days = (ends.date() - day).days
    where = place(zone.key)
    offsets = [_offset(begins)] if begins.utcoffset() == ends.utcoffset() else [_offset(begins), _offset(ends)]
    if len(offsets) > 1 or any(_is_unclear(shown) for shown in (begins, ends)):
        where += f" ({', then '.join(offsets)})"
    if start == end:
        return f"{full_date(day)} at {clock(begin)} {where}"
    if days == 0 or (days == 1 and finish == 0):
        return f"{full_date(day)}, {clock(begin)}–{clock(finish + days * DAY)} {where}"
    return f"{full_date(day)}, {clock(begin)} – {full_date(ends.date())}, {clock(finish)} {where}"


def _second_of_day(shown: datetime) -> int:
    return shown.hour * 3600 + shown.minute * 60 + shown.second


def _offset(shown: datetime) -> str:
    return "UTC" + shown.isoformat(timespec="seconds")[19:]


def _is_unclear(shown: datetime) -> bool:
    """Whether clocks show this time twice, or have just been changed, so that another time may have been meant."""
    hour_before = (shown.astimezone(UTC) - timedelta(seconds=3599)).astimezone(shown.tzinfo)
    return any(other.utcoffset() != shown.utcoffset() for other in (hour_before, shown.replace(fold=1 - shown.fold)))


# --------------------------------------------------------------------------------------------------------- a series


def say_series(
    series: Series, *, cancelled: int = 0, edited: int = 0, next_dates: Sequence[Occurrence] = ()
) -> str:
    """`Every Monday and Wednesday, 09:00–09:30 in New York, 14 times, last on Wed 16 Dec 2026; next …`

    The series should be as `check` returned it: without its `last`, the date it ends on is not said. `cancelled`
    and `edited` count dates that are left out or changed, which are still among "14 times". `next_dates` are the
    next to come, of which up to three are named. Never raises, and never exceeds `MAX_SENTENCE` characters.
    """
    subject = _Subject(series)
    for detail in _DETAILS:
        sentence = f"{subject.body(detail, next_dates)}{_exceptions(cancelled, edited)}"
        if next_dates:
            sentence += f"; next {subject.named([_dated(each) for each in next_dates[: detail.dates]])}"
        if len(sentence) < MAX_SENTENCE:
            break
    return f"{sentence}."


def _exceptions(cancelled: int, edited: int) -> str:
    words = f", except {numbered(cancelled, 'cancelled date')}" if cancelled else ""
    return words + (f", with {numbered(edited, 'edited date')}" if edited else "")


def _dated(occurrence: Occurrence) -> Dated:
    return int(occurrence.start.timestamp()), seconds_of(occurrence.original), 0


class _Subject:
    """A series, with what a sentence about it needs worked out once."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self.offsets = Offsets(series.zone)
        self.rule = None if series.rule is None else _as_days(series.rule, series)
        self.times: Sequence[int] = ()
        """The times of day that every date of the rule has; empty where there is no such set."""
        if self.rule is None or not self.rule.is_sub_daily:
            self.times = _times(self.rule, series)

    # ------------------------------------------------------------------------------------------------ single dates

    def named(self, found: Sequence[Dated]) -> str:
        """Dates in words, with a clock time where it is not the series' only one."""
        shown = [self._day_and_clock(dated) for dated in found]
        if any(at for _, at in shown):
            return listed([f"{full_date(day)}{at}" for day, at in shown])
        return dates([day for day, _ in shown])

    def _day_and_clock(self, dated: Dated) -> tuple[date, str]:
        at = datetime.fromtimestamp(dated[0], UTC).astimezone(self.series.zone)
        if self.series.all_day:
            # A day that a zone leaves out altogether has no midnight of its own.
            own = date_of(dated[1] // DAY)
            return (own if own == at.date() - timedelta(1) else at.date()), ""
        second = _second_of_day(at)
        if len(self.times) == 1 and second == self.times[0]:
            return at.date(), ""
        twice = at.replace(fold=1 - at.fold).utcoffset() != at.utcoffset()
        return at.date(), f" at {clock(second)}" + (f" ({_offset(at)})" if twice else "")

    # -------------------------------------------------------------------------------------------------------- body

    def body(self, detail: _Detail, next_dates: Sequence[Occurrence]) -> str:
        """All that does not depend on what became of single dates."""
        series, rule = self.series, self.rule
        extra = sorted({dated for dated, _ in extra_dates(series, self.offsets)})
        if rule is None:
            return self._only(extra, detail)
        try:
            found = self._first(3)
        except Problem:
            return f"{_quoted(rule, detail)}{self._with_times()}{self._end(rule, None, 0)}{self._added(extra, detail)}"
        own_start = instant_of_wall(series.start, self.offsets)
        made = {dated[0] for dated in found}
        is_start_extra = series.start_counts and own_start not in made
        extra = [dated for dated in extra if dated[0] not in made]
        count = None if rule.count is None else rule.count - is_start_extra
        if count == 0:
            found = []
        if len(found) < 2 or count == 1:
            return self._only(sorted([*found[:1], *extra]), detail)
        phrase = self._phrase(rule)
        words = phrase or _quoted(rule, detail)
        words += self._with_times()
        if not self._is_clocked():
            words += f", from {self.named(found[:1])} {place(series.zone.key)}"
        words += self._end(rule, found[0], count or 0) + self._added(extra, detail)
        if phrase is None and not next_dates:
            words += f"; first on {self.named(found[: detail.dates])}"
        return words

    def _phrase(self, rule: Rule) -> str | None:
        return day_phrase(rule, self.series.start, max(len(self.times), 1)) if self._is_worded(rule) else None

    def _is_worded(self, rule: Rule) -> bool:
        return bool(self.times) or rule.freq is Freq.HOURLY

    def _is_clocked(self) -> bool:
        return self.series.all_day or bool(self.times)

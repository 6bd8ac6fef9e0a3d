"""One sentence that says what an event means.

It is true before it is clever: a rule that `day_words` has no exact phrase for is quoted, with its first dates beside
it. Dates are those on the clocks of the series' zone. A stored sentence knows no "next"; whoever reads at a known
moment passes the next dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from app.core.budget import Budget
from app.core.clock_words import Clock, clock_words, is_regular
from app.core.dates import extra_dates
from app.core.day_words import day_phrase, weekdays_of
from app.core.days import date_of, weekday
from app.core.expand import ENDLESS, fold_of, instant_of_wall, rule_dates, times_of_day
from app.core.offsets import DAY, Dated, Offsets, seconds_of
from app.core.rule import Freq, Rule, format_rule
from app.core.shape import Occurrence, Series
from app.core.times import MAX_YEAR, end_of, wall_of
from app.core.wording import clock, dates, full_date, length_words, listed, numbered, place
from app.errors import Problem

MAX_SENTENCE: Final = 300  # characters: it stands beside every event, and is to be read at a glance
MAX_STEPS: Final = 3_000  # about 3 ms: finding the first dates of a rule that has to be quoted
_SPARSE_YEAR: Final = 2200  # a COUNT whose last date lies later may have met the end of time before it was full
_SPARSE_INTERVAL: Final = 100  # steps of more than these are checked for the same


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


def clock_span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`09:00–09:30`, `22:00–01:00 (+1 day)`, `09:00` where it takes no time: for where the date stands beside it.

    `start` and `end` are instants. Offsets are said as in `say_single`: `01:30–01:15 (UTC-04:00, then UTC-05:00)`.
    """
    begins, ends = start.astimezone(zone), end.astimezone(zone)
    begin, finish = _second_of_day(begins), _second_of_day(ends)
    days = (ends.date() - begins.date()).days
    if days == 1 and finish == 0:
        days, finish = 0, DAY
    shown = clock(begin) if start == end else f"{clock(begin)}–{clock(finish)}"
    notes = [f"+{numbered(days, 'day')}"] if days else []
    offsets = [_offset(begins)] if begins.utcoffset() == ends.utcoffset() else [_offset(begins), _offset(ends)]
    if len(offsets) > 1 or any(_is_unclear(each) for each in (begins, ends)):
        notes.append(", then ".join(offsets))
    return f"{shown} ({'; '.join(notes)})" if notes else shown


def _second_of_day(shown: datetime) -> int:
    return shown.hour * 3600 + shown.minute * 60 + shown.second


def _offset(shown: datetime) -> str:
    return "UTC" + shown.isoformat(timespec="seconds")[19:]


def _is_unclear(shown: datetime) -> bool:
    """Whether clocks show this time twice, or have just been changed, so that another time may have been meant."""
    hour_before = (shown.astimezone(UTC) - timedelta(seconds=3599)).astimezone(shown.tzinfo)
    return any(other.utcoffset() != shown.utcoffset() for other in (hour_before, shown.replace(fold=1 - shown.fold)))


# --------------------------------------------------------------------------------------------------------- a series


def say_series(series: Series, *, cancelled: int = 0, edited: int = 0, next_dates: Sequence[Occurrence] = ()) -> str:
    """`Every Monday and Wednesday, 09:00–09:30 in New York, 14 times, last on Wed 16 Dec 2026; next …`

    The series should be as `check` returned it: without its `last`, the date it ends on is not said. `cancelled`
    and `edited` count dates that are left out or changed, which are still among "14 times". `next_dates` are the
    next to come, of which up to three are named. Never raises, and never exceeds `MAX_SENTENCE` characters.
    """
    for detail in _DETAILS:
        subject = _Subject(series)
        sentence = f"{subject.body(detail, has_next=bool(next_dates))}{_exceptions(cancelled, edited)}"
        if next_dates:
            coming = [subject.occurring(occurrence) for occurrence in next_dates[: detail.dates]]
            sentence += f"; next {subject.named(coming)}"
        if len(sentence) < MAX_SENTENCE:
            return f"{sentence}."
    return f"By its recurrence rule, from {full_date(series.start)} on{_exceptions(cancelled, edited)}."


def _exceptions(cancelled: int, edited: int) -> str:
    words = f", except {numbered(cancelled, 'cancelled date')}" if cancelled else ""
    return words + (f", with {numbered(edited, 'edited date')}" if edited else "")


class _Subject:
    """A series, with what every part of a sentence about it needs."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self.offsets = Offsets(series.zone)
        self.rule = None if series.rule is None else _by_days(series.rule, series)
        # The times of day that all dates of the rule have; none where they are not the same on all.
        self.times = _times(self.rule, series)

    @property
    def is_clocked(self) -> bool:
        return bool(self.times)

    # ------------------------------------------------------------------------------------------------ single dates

    def named(self, found: Sequence[Dated], usual: int | None = None) -> str:
        """Dates in words, with a clock time where it is not the usual one: by default, the only one there is."""
        if usual is None and len(self.times) == 1:
            usual = self.times[0]
        shown = [self._day_and_clock(dated, usual) for dated in found]
        if any(at for _, at in shown):
            return listed([f"{full_date(day)}{at}" for day, at in shown])
        return dates([day for day, _ in shown])

    def _day_and_clock(self, dated: Dated, usual: int | None) -> tuple[date, str]:
        if self.series.all_day:
            return date_of(dated[1] // DAY), ""
        at = datetime.fromtimestamp(dated[0], self.series.zone)
        second = _second_of_day(at)
        if second == usual and not dated[2]:
            return at.date(), ""
        twice = at.replace(fold=1 - at.fold).utcoffset() != at.utcoffset()
        return at.date(), f" at {clock(second)}" + (f" ({_offset(at)})" if twice else "")

    def occurring(self, occurrence: Occurrence) -> Dated:
        wall = wall_of(occurrence.start, self.series.zone)
        return int(occurrence.start.timestamp()), seconds_of(wall), wall.fold

    def _at(self, wall: datetime) -> Dated:
        return instant_of_wall(wall, self.offsets), seconds_of(wall), fold_of(wall, self.offsets)

    # ----------------------------------------------------------------------------------------------------- the whole

    def body(self, detail: _Detail, *, has_next: bool) -> str:
        """All that does not depend on what became of single dates."""
        extra: list[Dated] = []
        if self.rule is None or self.series.rdates or self.series.start_counts:
            extra = sorted({dated for dated, _ in extra_dates(self.series, self.offsets)})
        if self.rule is None:
            return self._only(extra, detail)
        own = self._at(self.series.start)
        phrase = self._phrase(self.rule)
        words = phrase or _quoted(self.rule, detail)
        count = self.rule.count
        if phrase and not self.series.start_counts:
            extra = [dated for dated in extra if dated != own]
            first, following, is_single = own, [], count == 1 or self.series.last == self.series.start
        else:
            try:
                found = self._first_dates(self.rule)
            except Problem:
                extra = [dated for dated in extra if dated != own]
                return (
                    f"{words}{self._when(own, extra)}{self._end(self.rule, own, count)}{_and_on(self, extra, detail)}"
                )
            extra = [dated for dated in extra if dated not in found]
            if count is not None and self.series.start_counts and own in extra:
                count -= 1
            if not found or count == 0:
                return self._only(extra, detail)
            first, following, is_single = found[0], found[1:], len(found) == 1 or count == 1
        if is_single:
            return self._only(sorted({first, *extra}), detail)
        words += self._when(first, extra) + self._end(self.rule, first, count) + _and_on(self, extra, detail)
        if phrase or has_next:
            return words
        if self.is_clocked and count is not None and self.rule.interval == 1:
            return f"{words}; first on {self.named([first, *following][: detail.dates])}"
        return f"{words}; then on {self.named(following[: detail.dates])}"

    def _phrase(self, rule: Rule) -> str | None:
        if not self.is_clocked and rule.freq is not Freq.HOURLY:
            return None
        return day_phrase(rule, self.series.start, len(self.times))

    def _first_dates(self, rule: Rule) -> list[Dated]:
        """Up to three; more than one, that is, wherever there is more than one."""
        series = self.series
        if series.last is None and rule.count is not None:
            series = replace(series, rule=replace(rule, count=None))  # not to be counted to its end for this
        return rule_dates(series, self._at(series.start)[0], ENDLESS, 3, self.offsets, Budget(MAX_STEPS))

    def _only(self, found: Sequence[Dated], detail: _Detail) -> str:
        """Dates that no rule makes, or a rule that makes a single one."""
        series, where = self.series, place(self.series.zone.key)
        if not found:
            return "On no date"
        if len(found) == 1 and not series.all_day:
            start = datetime.fromtimestamp(found[0][0], UTC)
            return f"Only on {_span(start, end_of(start, series.zone, series.length), series.zone)}"
        days = sorted({date_of(dated[1] // DAY) for dated in found})
        self.times = times = sorted({dated[1] % DAY for dated in found})
        if len(times) > 1:
            self.times = ()
        elif any(self._day_and_clock(dated, times[0])[1] for dated in found):
            self.times = ()  # a gap moves one of them
        words = f"Only on {self.named(found)}"
        if len(found) > detail.dates + 1:
            words = f"On {numbered(len(found), 'date')} from {self.named(found[:1])} to {self.named(found[-1:])}"
        if self.is_clocked:
            return words + self._clocked(sorted({day.weekday() for day in days}), days[0].year)
        return f"{words} {where}{self._each()}"

    # ------------------------------------------------------------------------------------------------------ its parts

    def _when(self, first: Dated, extra: Sequence[Dated]) -> str:
        """The times of day, or the first date's where the rule counts on from it."""
        series = self.series
        if self.is_clocked and self.rule is not None:
            weekdays = {*weekdays_of(self.rule, series.start), *(weekday(dated[1] // DAY) for dated in extra)}
            return self._clocked(sorted(weekdays), date_of(first[1] // DAY).year)
        return f"{self._each()}, from {self.named([first])} {place(series.zone.key)}"

    def _clocked(self, weekdays: Sequence[int], year: int) -> str:
        series = self.series
        if series.all_day:
            return f", all day for {length_words(series.length)}" if series.length.days > 1 else ", all day"
        return f", {clock_words(Clock(tuple(self.times), series.length, series.zone, tuple(weekdays), year))}"

    def _each(self) -> str:
        length = self.series.length
        return f", each for {length_words(length)}" if length.days or length.seconds else ""

    def _end(self, rule: Rule, first: Dated, count: int | None) -> str:
        """`, 14 times, last on …`, `, from … until …`."""
        begin = self.named([first], self.times[0]) if self.is_clocked else ""
        last = self.series.last
        shown_last = "" if last is None else self.named([self._at(last)], self.times[-1] if self.is_clocked else None)
        if count is not None:
            words = f", {'' if self._is_counted_out(rule) else 'at most '}{numbered(count, 'time')}"
            words += f", first on {begin}" if begin and rule.interval > 1 else ""
            return words + (f", last on {shown_last}" if shown_last else "")
        words = f", from {begin}" if begin else ""
        if rule.until is None or rule.until.year > MAX_YEAR:
            return words
        return f"{words}{'' if begin else ','} until {shown_last or full_date(self._until_day(rule.until))}"

    def _until_day(self, until: date | datetime) -> date:
        if not isinstance(until, datetime):
            return until
        return (until if until.tzinfo is None else wall_of(until, self.series.zone)).date()

    def _is_counted_out(self, rule: Rule) -> bool:
        """Whether a rule with COUNT has that many dates before the last year that is served."""
        last = self.series.last
        if last is None or (last.year < _SPARSE_YEAR and rule.interval < _SPARSE_INTERVAL):
            return True
        endless = replace(self.series, rule=replace(rule, count=None), last=None)
        try:
            return bool(rule_dates(endless, self._at(last)[0] + 1, ENDLESS, 1, self.offsets, Budget(MAX_STEPS)))
        except Problem:
            return False


def _and_on(subject: _Subject, extra: Sequence[Dated], detail: _Detail) -> str:
    if not extra:
        return ""
    is_short = len(extra) <= detail.dates
    return f", and on {subject.named(extra) if is_short else numbered(len(extra), 'added date')}"


def _quoted(rule: Rule, detail: _Detail) -> str:
    text = format_rule(replace(rule, count=None, until=None))
    return f"By the rule {text}" if len(text) <= detail.rule else "By its recurrence rule"


def _times(rule: Rule | None, series: Series) -> Sequence[int]:
    if rule is not None and rule.is_sub_daily:
        return ()
    try:
        times = times_of_day(series)
    except Problem:
        return ()
    return () if rule is not None and rule.bysetpos and len(times) > 1 else times


def _by_days(rule: Rule, series: Series) -> Rule:
    """Each hour of BYHOUR is a time of each day, unless the clocks change about that hour."""
    is_plain = rule.freq is Freq.HOURLY and rule.interval == 1 and rule.byhour
    if not is_plain or rule.bysetpos or rule.byyearday or rule.bysecond or series.all_day:
        return rule
    daily = replace(rule, freq=Freq.DAILY)
    weekdays = tuple(weekdays_of(daily, series.start))
    daily_clock = Clock(tuple(times_of_day(series)), series.length, series.zone, weekdays, series.start.year)
    return daily if is_regular(daily_clock) else rule

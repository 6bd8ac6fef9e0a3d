"""The dates of HOURLY, MINUTELY and SECONDLY rules: steps of exact elapsed time, filtered by what clocks
show.

A *tick* is the beginning of a period: each `interval` hours, minutes or seconds from the start's instant,
whatever the clocks do meanwhile, so that no instant comes twice and none is missing over a change of offset.
Where the rule expands inside the period (BYMINUTE or BYSECOND under HOURLY, BYSECOND under MINUTELY), ticks
are the hours or minutes that clocks show, and the `inner` seconds of each are its dates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import gcd
from typing import Final, NamedTuple

from app.core.budget import Budget
from app.core.days import LAST_DAY, date_of, days_through, limited_days
from app.core.offsets import DAY, Dated, Offsets, offset_at, transitions_between
from app.core.rule import Freq, Rule
from app.core.setpos import picked

_UNITS: Final = {Freq.HOURLY: 3600, Freq.MINUTELY: 60, Freq.SECONDLY: 1}  # seconds


class _Piece(NamedTuple):
    """A run of epoch seconds [low, high) on one local day with one offset; `midnight` is where that day would
    begin.
    """

    low: int
    high: int
    midnight: int


def _pieces(day: int, offsets: Offsets) -> list[_Piece]:
    """From the first midnight of a local day to that of the next; usually one piece. After a fold over
    midnight there are pieces of the day before as well.
    """
    low, high = offsets.instant(day * DAY), offsets.instant((day + 1) * DAY)
    if high - low == DAY:
        return [_Piece(low, high, low)]
    if high <= low:
        return []
    changes = [change for change in transitions_between(low, high, offsets.zone) if change.at < high]
    found = []
    for end in (*(change.at for change in changes), high):
        offset = offset_at(low, offsets.zone)
        while low < end:
            midnight = (low + offset) // DAY * DAY - offset
            until = min(end, midnight + DAY)
            found.append(_Piece(low, until, midnight))
            low = until
    return found


class _Ticks:
    """A rule and its start, taken apart once."""

    def __init__(self, rule: Rule, instant: int, wall: int) -> None:
        self.unit = _UNITS[rule.freq]
        self.step = self.unit * rule.interval
        self.hours, self.minutes, self.seconds = (
            rule.byhour,
            rule.byminute,
            [min(s, 59) for s in rule.bysecond],
        )
        self.inner: Sequence[int] = (0,)
        self.is_expanded = self.unit > 1 and bool(rule.bysecond or (rule.byminute and rule.freq is Freq.HOURLY))
        if self.is_expanded:
            minutes: Sequence[int] = (0,)
            if rule.freq is Freq.HOURLY:
                minutes, self.minutes = rule.byminute or (wall % 3600 // 60,), ()
            seconds, self.seconds = self.seconds or [wall % 60], []
            self.inner = sorted({minute * 60 + second for minute, second in product(minutes, seconds)})
        if rule.bysetpos:
            self.inner = picked(self.inner, rule.bysetpos)
        self.anchor = instant - wall % self.unit if self.is_expanded else instant
        self.has_limits = bool(self.hours or self.minutes or self.seconds)
        self._common = gcd(self.step, DAY)
        self._allowed: dict[int, list[int]] = {}

    def shift(self, midnight: int) -> int:
        """How far the units that clocks show lie from those counted from the anchor (Lord Howe: half an
        hour).
        """
        return (midnight - self.anchor) % self.unit if self.is_expanded else 0

    def passes(self, second_of_day: int) -> bool:
        hour, rest = divmod(second_of_day, 3600)
        return (
            (not self.hours or hour in self.hours)
            and (not self.minutes or rest // 60 in self.minutes)
            and (not self.seconds or rest % 60 in self.seconds)
        )

    def allowed(self, origin: int, budget: Budget) -> list[int]:
        """Seconds of a day, beginning at `origin`, that pass the limits and can be reached by the step at
        all.
        """
        remainder = (origin - self.anchor) % self._common
        if remainder not in self._allowed:
            phase = -remainder % self.unit
            hours = self.hours or range(24)
            minutes = self.minutes or range(60)
            seconds = (self.seconds or range(60)) if self.unit == 1 else (phase,)
            budget.spend(len(hours) * len(minutes) * len(seconds) // 50)
            self._allowed[remainder] = [
                second
                for second in (h * 3600 + m * 60 + s for h in hours for m in minutes for s in sorted(set(seconds)))
                if (remainder + second) % self._common == 0
            ]
        return self._allowed[remainder]

    def on(self, piece: _Piece, budget: Budget) -> Iterator[int]:
        """The rule's epoch seconds within a piece."""
        midnight = piece.midnight
        shift = self.shift(midnight)
        origin = midnight - shift
        begin = self.anchor + -((self.anchor - (piece.low - shift - self.unit + 1)) // self.step) * self.step
        ticks: Sequence[int] = range(begin, piece.high - shift, self.step)
        if self.has_limits:
            if self.unit < 3600 and len(allowed := self.allowed(origin, budget)) <= len(ticks):
                budget.spend(len(allowed))
                ticks = [origin + second for second in allowed if (origin + second - self.anchor) % self.step == 0]
            else:
                budget.spend(len(ticks))
                ticks = [tick for tick in ticks if self.passes((tick - origin) % DAY)]
        for tick in ticks:
            budget.spend(len(self.inner))
            for second in self.inner:
                at = tick + shift + second
                if piece.low <= at < piece.high:
                    yield at


def sub_daily(
    rule: Rule, instant: int, wall: int, offsets: Offsets, low: int, high: int, budget: Budget
) -> Iterator[Dated]:
    """The dates in [low, high), epoch seconds, of a rule that starts at `instant`, when clocks show `wall`."""
    ticks = _Ticks(rule, instant, wall)
    low = max(low, instant)
    high = min(high, offsets.instant((LAST_DAY + 1) * DAY))
    if low >= high or not ticks.inner:
        return
    dates = _sparse if ticks.step >= DAY else _dense
    for dated in dates(rule, ticks, offsets, low, high, budget):
        if low <= dated[0] < high:
            yield dated


def _sparse(rule: Rule, ticks: _Ticks, offsets: Offsets, low: int, high: int, budget: Budget) -> Iterator[Dated]:
    """Tick by tick, for steps of a day and more."""
    limited = limited_days(rule)
    first = ticks.anchor + (low - ticks.anchor) // ticks.step * ticks.step
    for tick in range(first, high, ticks.step):
        budget.spend(2 + len(ticks.inner))
        wall, _ = offsets.wall(tick)
        begin = wall - wall % ticks.unit if ticks.is_expanded else wall
        day = wall // DAY
        if limited is not None:
            on = date_of(day)
            if on.day - 1 not in limited(on.year, on.month, day - on.day + 1):
                continue
        if ticks.passes(begin % DAY):
            for second in ticks.inner:
                at = tick - (wall - begin) + second
                yield at, *offsets.wall(at)


def _dense(rule: Rule, ticks: _Ticks, offsets: Offsets, low: int, high: int, budget: Budget) -> Iterator[Dated]:
    """Day by day, for steps below a day."""
    limited = limited_days(rule)

    def is_wanted(day: int) -> bool:
        on = date_of(day)
        return limited is None or on.day - 1 in limited(on.year, on.month, day - on.day + 1)

    def irregular(pieces: list[_Piece]) -> Iterator[Dated]:
        for piece in pieces:
            if is_wanted(offsets.wall(piece.low)[0] // DAY):
                yield from ((at, *offsets.wall(at)) for at in ticks.on(piece, budget))

    last_day = offsets.wall(high)[0] // DAY + 1
    unvisited = offsets.wall(low)[0] // DAY - 1
    for day in days_through(rule, unvisited, last_day, budget):
        # The day after a wanted one may begin with a second pass of that one's last hour.
        if day > unvisited and len(pieces := _pieces(unvisited, offsets)) > 1:
            yield from irregular(pieces)
        unvisited = day + 1
        budget.spend(4)  # a day costs about what four dates do
        pieces = _pieces(day, offsets)
        if len(pieces) > 1:
            yield from irregular(pieces)
        else:
            for piece in pieces:
                wall = day * DAY - piece.midnight
                yield from ((at, at + wall, 0) for at in ticks.on(piece, budget))
    if unvisited <= last_day and len(pieces := _pieces(unvisited, offsets)) > 1:
        yield from irregular(pieces)

"""A VTIMEZONE read (RFC 5545 3.6.5): the offsets it says, instant by instant."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from app.core.offsets import DAY, Transition, seconds_of
from app.core.rule import parse_rule
from app.core.series import Budget, Series, occurrences
from app.core.times import MIN_YEAR, Length, load_zone
from app.errors import Problem
from app.ical.lines import Block
from app.ical.stamps import stamp

MAX_OBSERVANCES: Final = 300  # of one VTIMEZONE; libical writes one for each change since 1900, about 240
_STEPS: Final = 20_000  # of a Budget, for the rules of one VTIMEZONE; two yearly ones over ten years need 100
_RULE_FROM: Final = 1970  # Outlook begins its yearly rules in 1601; a rule has no dates that early here
_YEARS_BEFORE: Final = 3  # how far back the onset is looked for that holds when a window begins
_OFFSET_MOST: Final = 26 * 3600


class Observance(NamedTuple):
    """STANDARD or DAYLIGHT: from its onsets on, clocks are `after` seconds east of UTC, having been `before`.

    `start` and `rdates` are wall seconds; of a date before 1900 too.
    """

    start: int
    before: int
    after: int
    rules: tuple[str, ...] = ()
    rdates: tuple[int, ...] = ()


Observances = tuple[Observance, ...]


def observances_of(vtimezone: Block) -> Observances:
    """Its observances in a fixed order; those that lack a DTSTART or an offset are passed over."""
    found = [_observance(block) for block in vtimezone.blocks[:MAX_OBSERVANCES]]
    return tuple(sorted(observance for observance in found if observance is not None))


def _observance(block: Block) -> Observance | None:
    start, to = block.first("DTSTART"), block.first("TZOFFSETTO")
    if block.kind not in ("STANDARD", "DAYLIGHT") or start is None or to is None:
        return None
    try:
        after = _offset(to.value)
        came_from = block.first("TZOFFSETFROM")
        before = after if came_from is None else _offset(came_from.value)
        rules = tuple(line.value.strip() for line in block.all("RRULE")[:2])
        return Observance(_wall(start.value, before), before, after, rules, tuple(_rdates(block, before)))
    except (ValueError, OverflowError):
        return None


def _rdates(block: Block, before: int) -> Iterable[int]:
    values = (value for line in block.all("RDATE") for value in line.value.split(","))
    for _, value in zip(range(MAX_OBSERVANCES), values, strict=False):
        yield _wall(value.partition("/")[0], before)


def _wall(value: str, before: int) -> int:
    at = stamp(value)
    if not isinstance(at, datetime):
        return seconds_of(datetime(at.year, at.month, at.day))
    if at.tzinfo is not None:  # against 3.6.5, which wants local time
        return int(at.timestamp()) + before
    return seconds_of(at)


def _offset(text: str) -> int:
    """±hhmm or ±hhmmss; a colon, a missing sign and hhm of some senders are taken."""
    text = text.strip().replace(":", "")
    sign = -1 if text[:1] in "-−" else 1
    digits = text.lstrip("+-−")
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (3, 4, 6):
        raise ValueError("not an offset")
    digits = digits.zfill(4).ljust(6, "0")
    seconds = sign * (int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:]))
    if abs(seconds) > _OFFSET_MOST:
        raise ValueError("not an offset")
    return seconds


@dataclass(frozen=True, slots=True)
class Clock:
    """The offsets of a VTIMEZONE over some years: `first` until the first of `changes`."""

    first: int
    changes: tuple[Transition, ...]

    def offset(self, instant: int) -> int:
        """Seconds east of UTC at an epoch second."""
        index = bisect_right(self.changes, instant, key=lambda change: change.at)
        return self.changes[index - 1].after if index else self.first

    def instant(self, wall: datetime) -> datetime:
        """In a gap by the offset before it, in a fold the first pass (RFC 5545 3.3.5)."""
        seconds = seconds_of(wall)
        offset = self.first
        for change in self.changes:
            if seconds < change.at + max(change.before, change.after):
                break
            offset = change.after
        return datetime.fromtimestamp(seconds - offset, UTC)


@lru_cache(maxsize=512)
def clock_of(observances: Observances, first_year: int, last_year: int) -> Clock:
    """What clocks do from the first year through the last. Without observances, they show UTC."""
    if not observances:
        return Clock(0, ())
    low = _begin(max(first_year - _YEARS_BEFORE, MIN_YEAR))
    high = _begin(last_year + 1) + DAY
    budget = Budget(_STEPS)
    onsets: dict[int, int] = {}
    for observance in observances:
        for wall in (observance.start, *observance.rdates):
            onsets[wall - observance.before] = observance.after
        for rule in observance.rules:
            for wall in _walls(observance, rule, low, high, budget):
                onsets[wall - observance.before] = observance.after
    changes: list[Transition] = []
    offset = first = min(observances).before
    for at in sorted(onsets):
        after = onsets[at]
        if after != offset and at < high:
            changes.append(Transition(at, offset, after))
            offset = after
    kept = [change for change in changes if change.at >= low]
    if kept or changes:
        first = kept[0].before if kept else changes[-1].after
    return Clock(first, tuple(kept))


def _begin(year: int) -> int:
    return seconds_of(datetime(year, 1, 1))


def _walls(observance: Observance, rule_text: str, low: int, high: int, budget: Budget) -> list[int]:
    """The onsets that a rule makes, as wall seconds; none where the rule is none."""
    try:
        rule = parse_rule(rule_text)
        start = datetime(1970, 1, 1) + timedelta(seconds=observance.start)
        if start.year < _RULE_FROM and rule.interval == 1 and rule.count is None:
            start = start.replace(year=_RULE_FROM, day=min(start.day, 28)) if rule.byday else _moved(start)
        until = rule.until
        if isinstance(until, datetime) and until.tzinfo is not None:
            rule = replace(rule, until=until + timedelta(seconds=observance.before))  # its dates are walls
        series = Series(start, load_zone("UTC"), Length(0, 0), rule)
        window = datetime.fromtimestamp(max(low, seconds_of(start)), UTC), datetime.fromtimestamp(high, UTC)
        return [seconds_of(each.original) for each in occurrences(series, *window, budget=budget)]
    except (Problem, ValueError, OverflowError):
        return []


def _moved(start: datetime) -> datetime:
    day: date = start.date()
    return start.replace(year=_RULE_FROM + 2) if (day.month, day.day) == (2, 29) else start.replace(year=_RULE_FROM)

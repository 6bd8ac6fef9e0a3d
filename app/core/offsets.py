"""Wall seconds ↔ epoch seconds, for many times in one zone.

zoneinfo answers for one time at a microsecond each, without saying how long the answer holds. Here an offset
is kept together with the span of wall times it applies to, so that ninety dates cost two or three look-ups.

Wall seconds count from 1970-01-01T00:00 on the wall, as if every day had 86,400.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

DAY: Final = 86_400  # seconds

Dated = tuple[int, int, int]
"""A date of a series: epoch second, wall seconds as the rule has them, fold. Wall and instant differ in a gap."""

_EPOCH: Final = datetime(1970, 1, 1)
_PROBE: Final = 4 * DAY  # no zone has kept an offset for less than 12 days since 1900
_DENSE: Final = 4  # look-ups in one year after which finding its transitions is cheaper than asking one by one
_MAX_YEARS: Final = 10_000  # zone-years remembered, at about 300 bytes each


class Transition(NamedTuple):
    """At the epoch second `at`, the zone's offset changes; offsets in seconds east of UTC."""

    at: int
    before: int
    after: int


def offset_at(instant: int, zone: ZoneInfo) -> int:
    """Seconds east of UTC at an epoch second."""
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None
    return offset.days * DAY + offset.seconds


def seconds_of(wall: datetime) -> int:
    """Wall seconds of a naive datetime."""
    since = wall - _EPOCH
    return since.days * DAY + since.seconds


def datetime_of(wall: int) -> datetime:
    """The naive datetime of wall seconds, with fold 0."""
    return _EPOCH + timedelta(0, wall)


_known: dict[tuple[str, int], tuple[Transition, ...]] = {}


def transitions_between(low: int, high: int, zone: ZoneInfo) -> list[Transition]:
    """Every change of offset in (low, high], epoch seconds."""
    found = []
    known_at, known = low, offset_at(low, zone)
    while known_at < high:
        probe_at = min(known_at + _PROBE, high)
        probe = offset_at(probe_at, zone)
        if probe != known:
            below, at = known_at, probe_at
            while at - below > 1:
                middle = (below + at) // 2
                if offset_at(middle, zone) == known:
                    below = middle
                else:
                    at = middle
            probe_at, probe = at, offset_at(at, zone)
            found.append(Transition(at, known, probe))
        known_at, known = probe_at, probe
    return found


class Offsets:
    """The offsets of one zone, for one run over times that mostly ascend. Not shared between threads."""

    __slots__ = ("_asked", "_high", "_low", "_offset", "zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._low = self._high = self._offset = 0
        self._asked: dict[int, int] = {}

    def instant(self, wall: int) -> int:
        """The epoch second of wall seconds: in a gap by the offset before it, in a fold the first pass."""
        if not self._low <= wall < self._high:
            self._seek(wall)
        return wall - self._offset

    def span(self, wall: int) -> tuple[int, int, int]:
        """(low, high, offset): wall seconds in [low, high), `wall` among them, are `offset` ahead of their
        instants.
        """
        if not self._low <= wall < self._high:
            self._seek(wall)
        return self._low, self._high, self._offset

    def wall(self, instant: int) -> tuple[int, int]:
        """Wall seconds and fold of an epoch second."""
        shown = datetime.fromtimestamp(instant, self.zone)
        return seconds_of(shown.replace(tzinfo=None)), shown.fold

    def is_shifted(self, wall: int, instant: int) -> bool:
        """Whether `wall` lies in a gap, so that clocks show something else at its `instant`."""
        return wall - instant != offset_at(instant, self.zone)

    def _seek(self, wall: int) -> None:
        shown = datetime.fromtimestamp(wall, UTC)
        year = shown.year
        key = (self.zone.key, year)
        transitions = _known.get(key)
        if transitions is None:
            asked = self._asked[year] = self._asked.get(year, 0) + 1
            if asked <= _DENSE:
                offset = datetime.combine(shown.date(), shown.time(), self.zone).utcoffset()
                assert offset is not None
                self._offset = offset.days * DAY + offset.seconds
                self._low, self._high = wall, wall + 1
                return
            transitions = _remember(key, self.zone)
        low, high = _year_starts(year)
        self._low, self._high, self._offset = low, high, transitions[0].after
        for change in transitions:
            turn = change.at + max(change.before, change.after)  # walls in a gap, or twice, belong to `before`
            if wall < turn:
                self._high = min(turn, high)
                return
            self._low, self._offset = max(turn, low), change.after


def _year_starts(year: int) -> tuple[int, int]:
    return seconds_of(datetime(year, 1, 1)), seconds_of(datetime(year + 1, 1, 1))


def _remember(key: tuple[str, int], zone: ZoneInfo) -> tuple[Transition, ...]:
    """The year's changes, two days either side included, after a first entry that tells the offset before
    them.
    """
    low, high = _year_starts(key[1])
    low, high = low - 2 * DAY, high + 2 * DAY
    first = offset_at(low, zone)
    if len(_known) >= _MAX_YEARS:
        _known.clear()
    changes = (Transition(low - 4 * DAY, first, first), *transitions_between(low, high, zone))
    _known[key] = changes
    return changes

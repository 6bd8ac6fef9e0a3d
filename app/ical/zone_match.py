"""Which IANA zone a VTIMEZONE means: the one whose clocks do the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from app.core.offsets import DAY, offset_at, seconds_of
from app.core.zones import all_zones, load_zone
from app.ical.vtimezone import Clock, Observances, clock_of
from app.ical.windows_zones import WINDOWS_ZONES

_PROBE_EVERY: Final = 12 * DAY  # no zone has kept an offset for less since 1900

_FIRST: Final = (
    *("UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "America/Phoenix", "America/Sao_Paulo", "Europe/Paris", "Europe/Athens", "Europe/Moscow"),
    *("Europe/Istanbul", "Asia/Dubai", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo", "Asia/Singapore"),
    *("Australia/Sydney", "Australia/Brisbane", "Pacific/Auckland", "Africa/Johannesburg", "Africa/Lagos"),
)
"""Of zones whose clocks agree, those that most people live by; then those that Windows names, then all others."""
_COMMON: Final = tuple(dict.fromkeys((*_FIRST, *WINDOWS_ZONES.values())))


class Match(NamedTuple):
    """`zone` does as the VTIMEZONE says over the years asked about; or (not `is_exact`) most of the time, and when it
    begins. None where none does even that.
    """

    zone: str | None
    is_exact: bool


@lru_cache(maxsize=1024)
def match(observances: Observances, first: int, last: int, near: tuple[str, ...]) -> Match:
    """The zone that agrees with the VTIMEZONE from the year `first` through `last`. Of several, the first of `near`
    (zones that its name suggests, the calendar's own), then of a fixed order: so it is always the same one.
    """
    clock = clock_of(observances, first, last)
    probes = _probes(clock, first, last, ends=_is_listed(observances))
    for name in _candidates(near):
        if _agrees(name, probes):
            return Match(name, True)
    begin = probes[-1]
    best, score = None, len(probes) // 2
    for name in dict.fromkeys((*near, *_COMMON)):
        zone = load_zone(name)
        if offset_at(begin[0], zone) == begin[1]:
            agreed = sum(offset_at(at, zone) == offset for at, offset in probes)
            if agreed > score:
                best, score = name, agreed
    return Match(best, False)


def _candidates(near: tuple[str, ...]) -> Iterable[str]:
    return dict.fromkeys((*near, *_COMMON, *all_zones()))


def _agrees(name: str, probes: list[tuple[int, int]]) -> bool:
    zone = load_zone(name)
    return all(offset_at(at, zone) == offset for at, offset in probes)


def _is_listed(observances: Observances) -> bool:
    """Whether the changes are listed one by one, so that after the last of them nothing is said."""
    return not any("UNTIL=" not in rule.upper() for observance in observances for rule in observance.rules)


def _probes(clock: Clock, first: int, last: int, *, ends: bool) -> list[tuple[int, int]]:
    """Instants at which to compare, each with the offset there: around every change, then all through the years (when
    it `ends`, up to the last change). The last one is the beginning.
    """
    low, high = (seconds_of(datetime(year, 1, 1)) for year in (first, last + 1))
    if ends and clock.changes and clock.changes[-1].at >= low:
        high = min(high, max(clock.changes[-1].at + DAY, seconds_of(datetime(first + 1, 1, 1))))
    turns = [at for change in clock.changes if low <= change.at < high for at in (change.at, change.at - 1)]
    return [(at, clock.offset(at)) for at in (*turns, *reversed(range(low, high, _PROBE_EVERY)))]

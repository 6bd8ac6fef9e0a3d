"""Which IANA zone a VTIMEZONE means: the one whose clocks do the same."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
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


class Agreement(IntEnum):
    """How far a zone does as a VTIMEZONE says, over the years asked about."""

    NONE = 0
    MOSTLY = 1  # most of the time, and at the beginning
    NEARLY = 2  # but for hours around a change: many senders write them wrong
    EXACT = 3


class Match(NamedTuple):
    zone: str | None
    agreement: Agreement


@lru_cache(maxsize=1024)
def match(observances: Observances, first: int, last: int, near: tuple[str, ...]) -> Match:
    """The zone that agrees with the VTIMEZONE from the year `first` through `last`. Of several, the first of `near`
    (zones that its name suggests, the calendar's own), then of a fixed order: so it is always the same one.
    """
    clock = clock_of(observances, first, last)
    probes = _probes(clock, first, last, ends=_is_listed(observances))
    likely = tuple(dict.fromkeys((*near, *_COMMON)))
    for name in dict.fromkeys((*likely, *all_zones())):
        if _agrees(name, probes):
            return Match(name, Agreement.EXACT)
    away = _away_from_changes(clock, probes)
    for name in likely:
        if _agrees(name, away):
            return Match(name, Agreement.NEARLY)
    begin = probes[-1]
    best, score = None, len(probes) // 2
    for name in likely:
        zone = load_zone(name)
        if offset_at(begin[0], zone) == begin[1]:
            agreed = sum(offset_at(at, zone) == offset for at, offset in probes)
            if agreed > score:
                best, score = name, agreed
    return Match(best, Agreement.MOSTLY if best else Agreement.NONE)


def _agrees(name: str, probes: list[tuple[int, int]]) -> bool:
    zone = load_zone(name)
    return all(offset_at(at, zone) == offset for at, offset in probes)


def _away_from_changes(clock: Clock, probes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The probes a day and more from each change, and those a day away."""
    changes = [change.at for change in clock.changes]
    beside = [at + side for at in changes if probes[-1][0] < at for side in (-DAY, DAY)]
    far = [at for at, _ in probes if all(abs(at - change) >= DAY for change in changes)]
    return [(at, clock.offset(at)) for at in (*beside, *far)]


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

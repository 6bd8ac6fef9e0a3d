"""VTIMEZONEs that are right from a year on and for ever (RFC 5545 3.6.5), from the tzdata package alone.

Irregular changes become observances of their own. The yearly rule at the foot of the zone's data becomes
observances with an RRULE and without UNTIL, from the first change that it describes. STANDARD and DAYLIGHT
are named for what the clocks do, whatever tzdata calls saving time: in Dublin, where tzdata has winter as the
exception, summer is DAYLIGHT here too, since readers take DAYLIGHT to be ahead.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from app.ical.posix import DAY, Footer, parse_footer
from app.ical.tzif import Kind, Onset, ZoneData, load

UTC_NAMES: Final = frozenset(
    (
        *("UTC", "UCT", "Universal", "Zulu", "GMT", "GMT0", "GMT+0", "GMT-0", "Greenwich"),
        *("Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu"),
        *("Etc/GMT", "Etc/GMT0", "Etc/GMT+0", "Etc/GMT-0", "Etc/Greenwich"),
    )
)
"""Zones that are UTC by definition. A country that keeps UTC today, as Ghana does, may leave it."""

FIRST_YEAR: Final = 1800
"""Before it every place kept its own mean time, which is what its zone has for the years since."""
LAST_YEAR: Final = 2100
"""From it on all years are alike: tzdata states nothing that far ahead but the yearly rules."""

_EPOCH: Final = datetime(1970, 1, 1)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_YEARS_BETWEEN_WEEKDAYS: Final = 13
"""Within so many years every date but 29 February falls on every weekday (twelve, across 1900 or 2100)."""


def is_utc(zone_name: str) -> bool:
    """Whether times in this zone are written in UTC form, so that it needs no VTIMEZONE."""
    return zone_name in UTC_NAMES


def vtimezone(zone_name: str, since: date) -> str:
    """The zone's VTIMEZONE, valid from the beginning of the year of `since` for ever; "" for UTC's own names.

    Whole years are what is cached, so that a feed's text does not change with each day its first event moves.
    Raises Problem `invalid_timezone` for a name that tzdata does not have.
    """
    return _cached(zone_name, _year(since.year))


def offsets_since(zone_name: str, year: int) -> frozenset[int]:
    """Every offset, in seconds east of UTC, that the zone has from the beginning of `year` on."""
    return _offsets(zone_name, _year(year))


def render(zone_name: str, data: ZoneData, year: int) -> str:
    """`vtimezone` of data at hand."""
    lines = [f"BEGIN:VTIMEZONE\r\nTZID:{zone_name}\r\n", *_observances(data, year), "END:VTIMEZONE\r\n"]
    return "".join(lines)


@lru_cache(maxsize=4096)  # about 1 KB each
def _cached(zone_name: str, year: int) -> str:
    return "" if is_utc(zone_name) else render(zone_name, load(zone_name), year)


@lru_cache(maxsize=4096)
def _offsets(zone_name: str, year: int) -> frozenset[int]:
    data = load(zone_name)
    current, later = _from(data, _begin(year))
    footer = parse_footer(data.footer)
    kinds = [current.kind if current else data.first, *(onset.kind for onset in later)]
    if footer.saving is not None:
        kinds += (footer.standard, footer.saving.kind)
    return frozenset(kind.offset for kind in kinds)


def _year(year: int) -> int:
    return min(max(year, FIRST_YEAR), LAST_YEAR)


def _begin(year: int) -> int:
    """A day before the year begins in UTC: early enough for its first midnight in every zone."""
    return (date(year, 1, 1).toordinal() - 1 - _EPOCH_DAY) * DAY


def _from(data: ZoneData, begin: int) -> tuple[Onset | None, tuple[Onset, ...]]:
    """The onset in force at `begin`, if there was one, and those that come later."""
    index = bisect_right(data.onsets, begin, key=lambda onset: onset.at)
    return (data.onsets[index - 1] if index else None), data.onsets[index:]


def _observances(data: ZoneData, year: int) -> Iterator[str]:
    begin = _begin(year)
    footer = parse_footer(data.footer)
    regular = _regular_from(data, footer)
    if regular is None or begin < regular:
        current, later = _from(data, begin)
        # Who asks from 1970 on gets no oddities of older days, such as offsets with seconds, to stumble over.
        oldest = 0 if year >= _EPOCH.year else _begin(FIRST_YEAR)
        if current is not None and current.at >= oldest:
            yield _observance(current)
        else:
            kind = current.kind if current else data.first
            wall = 0 if year >= _EPOCH.year else begin
            yield _observance(Onset(wall - kind.offset, kind, kind))
        for onset in later:
            if onset.before != onset.kind and (regular is None or onset.at < regular):
                yield _observance(onset)
    if regular is not None and footer.saving is not None:
        for index, turn in enumerate((footer.saving.starts, footer.saving.ends)):
            for month, rule in turn.rules():
                onset = _first_of(footer, index, month, regular, begin)
                yield _observance(onset, f"RRULE:FREQ=YEARLY;{rule}\r\n")


def _regular_from(data: ZoneData, footer: Footer) -> int | None:
    """The first onset of the yearly rule: after the irregular ones, or as far back as the data agree with it.

    None when there is no such rule.
    """
    if footer.saving is None:
        return None
    last = max(data.onsets[-1].at if data.onsets else 0, _begin(FIRST_YEAR))
    year = (_EPOCH + timedelta(seconds=last)).year
    regular = min(onset.at for ahead in range(3) for onset in footer.onsets(year + ahead) if onset.at > last)
    past = (onset for back in range(-1, year - FIRST_YEAR) for onset in _latest_first(footer, year - back))
    agreed = zip(reversed(data.onsets), (onset for onset in past if onset.at <= last), strict=False)
    for known, expected in agreed:
        if known != expected:
            break
        regular = known.at
    return regular


def _latest_first(footer: Footer, year: int) -> list[Onset]:
    return sorted(footer.onsets(year), reverse=True)


def _first_of(footer: Footer, index: int, month: int | None, regular: int, begin: int) -> Onset:
    """Where an observance with an RRULE starts: at its last onset up to `begin`, if the rule held then."""
    span = 2 if month is None else _YEARS_BETWEEN_WEEKDAYS
    first = (_EPOCH + timedelta(seconds=regular)).year - 1
    base = (_EPOCH + timedelta(seconds=max(regular, begin))).year
    onsets = [
        onset
        for onset in (footer.onsets(year)[index] for year in range(max(first, base - span), base + span + 1))
        if onset.at >= regular and (month is None or _wall(onset).month == month)
    ]
    past = [onset for onset in onsets if onset.at <= begin]
    return past[-1] if past else onsets[0]


def _observance(onset: Onset, rule: str = "") -> str:
    component = "DAYLIGHT" if _is_ahead(onset.before, onset.kind) else "STANDARD"
    return (
        f"BEGIN:{component}\r\nDTSTART:{_wall(onset):%Y%m%dT%H%M%S}\r\n"
        f"TZOFFSETFROM:{_offset(onset.before.offset)}\r\nTZOFFSETTO:{_offset(onset.kind.offset)}\r\n"
        f"TZNAME:{onset.kind.name}\r\n{rule}END:{component}\r\n"
    )


def _is_ahead(before: Kind, kind: Kind) -> bool:
    """Whether `kind` is what people call summer time: the clocks went forward, and saving began or ended."""
    if before.saving != kind.saving and before.offset != kind.offset:
        return kind.offset > before.offset
    return kind.saving


def _wall(onset: Onset) -> datetime:
    """The onset as the clocks show it just before they turn, which is what its DTSTART is."""
    return _EPOCH + timedelta(seconds=onset.at + onset.before.offset)


def _offset(seconds: int) -> str:
    minutes, rest = divmod(abs(seconds), 60)
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{minutes // 60:02}{minutes % 60:02}" + (f"{rest:02}" if rest else "")

"""From a TZID, and the VTIMEZONE of that name where there is one, to a zone.

In this order: an IANA name, also behind a registry's prefix; a Windows name; what the VTIMEZONE says, by the IANA zone
whose clocks do the same; a display name whose offset and cities agree. A VTIMEZONE that contradicts a name known by
itself does not count: senders copy stale ones along.

An unknown name without a VTIMEZONE is read in the calendar's zone, as a floating time is, and a notice says so: the
event is shown at the clock time that its sender wrote, and nothing else is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from app.core.times import MAX_YEAR, MIN_YEAR, instant_of, load_zone
from app.core.zones import zone_named, zones_called
from app.ical.lines import Block
from app.ical.quirks import exchange_tzone, global_tzid, outlook_display_tzid
from app.ical.vtimezone import Clock, Observances, clock_of, observances_of
from app.ical.windows_zones import WINDOWS_ZONES
from app.ical.zone_match import Agreement, Match, match

MAX_ZONES: Final = 50  # VTIMEZONEs read in one calendar; each may cost some milliseconds
MAX_MATCHES: Final = 25  # searches for a VTIMEZONE's zone in one calendar, at up to 30 ms each; one per zone and year
SERIES_YEARS: Final = 5  # years over which a zone has to agree for a series: rules change more often than that
_SHOWN: Final = 60  # characters of a TZID that a notice repeats


@dataclass(frozen=True, slots=True)
class Place:
    """Where wall times of a TZID are. `clock` is there when no zone has quite its offsets: then times are instants by
    it, and `zone` merely stands for it in a series. `is_known` is False when `zone` is the calendar's for want of
    another.
    """

    zone: ZoneInfo
    clock: Clock | None = None
    is_known: bool = True
    notice: str | None = None

    def instant(self, wall: datetime) -> datetime:
        return instant_of(wall, self.zone) if self.clock is None else self.clock.instant(wall)


@dataclass(slots=True)
class Zones:
    """The zones of one calendar. `floating` is the receiving calendar's zone."""

    calendar: Block
    floating: ZoneInfo
    _known: dict[str, str | None] = field(default_factory=dict)
    _rules: Mapping[str, tuple[Observances, tuple[str, ...]]] | None = None
    _matched: dict[tuple[str, int, int], Place] = field(default_factory=dict)

    def place(self, tzid: str, year: int, last_year: int) -> Place:
        """Where times of that TZID are from one year through another."""
        tzid = tidy(tzid)
        if tzid not in self._known:
            self._known[tzid] = known_zone(tzid)
        if name := self._known[tzid]:
            return Place(load_zone(name))
        rules = self._vtimezones().get(tzid.casefold())
        if rules is not None:
            asked = (tzid, year, max(year, min(last_year, year + SERIES_YEARS)))
            if asked not in self._matched:
                may_search = len(self._matched) < MAX_MATCHES
                self._matched[asked] = _by_rules(*asked, *rules, self.floating, may_search=may_search)
            return self._matched[asked]
        if name := outlook_display_tzid.resolved(tzid):
            return Place(load_zone(name))
        notice = (
            f"The time zone “{tzid[:_SHOWN]}” is not known and its rules are not there;"
            f" its times were read in {self.floating.key}."
        )
        return Place(self.floating, is_known=False, notice=notice)

    def _vtimezones(self) -> Mapping[str, tuple[Observances, tuple[str, ...]]]:
        if self._rules is None:
            found: dict[str, tuple[Observances, tuple[str, ...]]] = {}
            blocks = [block for block in self.calendar.blocks if block.kind == "VTIMEZONE"]
            for block in blocks[:MAX_ZONES]:
                line, location = block.first("TZID"), block.first("X-LIC-LOCATION")
                observances = observances_of(block)
                if line is not None and observances:
                    located = None if location is None else zone_named(location.text.strip())
                    near = (located,) if located else ()
                    found.setdefault(tidy(line.text).casefold(), (observances, near))
            self._rules = found
        return self._rules


def tidy(tzid: str) -> str:
    """Without quotes and blanks around it, and without the `TZID=` that some repeat within."""
    tzid = " ".join(tzid.replace('"', " ").split())
    return tzid[5:] if tzid[:5].upper() == "TZID=" else tzid


def known_zone(tzid: str) -> str | None:
    """The IANA zone that a TZID names by itself."""
    if len(tzid) > 200:
        return None
    folded = tzid.casefold().replace(" ", "_").replace("-", "_")
    return (
        zone_named(tzid)
        or WINDOWS_ZONES.get(folded)
        or exchange_tzone.resolved(tzid)
        or ("/" in tzid and global_tzid.resolved(tzid))
        or None
    )


def _by_rules(
    tzid: str,
    year: int,
    last_year: int,
    observances: Observances,
    located: tuple[str, ...],
    floating: ZoneInfo,
    *,
    may_search: bool,
) -> Place:
    year = min(max(year, MIN_YEAR + 1), MAX_YEAR - 1)
    last_year = min(max(last_year, year) + 1, MAX_YEAR)
    like = (*located, *zones_called(tzid), *outlook_display_tzid.called(tzid), floating.key)
    near = tuple(dict.fromkeys(like))
    found = match(observances, year, last_year, near) if may_search else Match(None, Agreement.NONE)
    if found.zone is not None and found.agreement is Agreement.EXACT:
        return Place(load_zone(found.zone))
    clock = clock_of(observances, year, last_year)
    if found.zone is not None and found.agreement is Agreement.NEARLY:
        return Place(load_zone(found.zone), clock)
    stand_in = found.zone or _fixed(clock, year)
    notice = f"No known time zone has the rules of “{tzid[:_SHOWN]}”; repeated dates follow {stand_in}."
    return Place(load_zone(stand_in), clock, notice=notice)


def _fixed(clock: Clock, year: int) -> str:
    """The zone of the offset at the beginning of the year, where the database has a name for it."""
    offset = clock.offset(int(datetime(year, 1, 1, tzinfo=UTC).timestamp()))
    text = f"UTC{'-' if offset < 0 else '+'}{abs(offset) // 3600:02}:{abs(offset) // 60 % 60:02}"
    return outlook_display_tzid.resolved(text) or "UTC"

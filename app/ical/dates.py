"""When a VEVENT is: DTSTART with DTEND or DURATION, RECURRENCE-ID, and other dates in the event's own zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.core.itip.component import When
from app.core.itip.moments import format_moment
from app.core.offsets import DAY
from app.core.times import MAX_LENGTH, MAX_YEAR, MIN_YEAR, Length, instant_of, load_zone, wall_of
from app.ical.lines import Block, Line
from app.ical.stamps import length, stamp
from app.ical.tzids import Place, Zones, tidy

_NOTHING: Final = Length(0, 0)
_ONE_DAY: Final = Length(1, 0)
_UNTIL: Final = re.compile(r"UNTIL=([0-9]{4})", re.IGNORECASE)
_UTC: Final = load_zone("UTC")


class Dates:
    """The times of one VEVENT, read in the zones of its calendar. `say` takes a notice."""

    def __init__(self, event: Block, zones: Zones, say: Callable[[str | None], None]) -> None:
        self._event = event
        self._zones = zones
        self._say = say
        self._is_series = event.first("RRULE") is not None or event.first("RDATE") is not None
        self._tzid = ""
        self._place: Place | None = None

    @property
    def floating(self) -> ZoneInfo:
        """The receiving calendar's zone."""
        return self._zones.floating

    # ------------------------------------------------------------------------------------------ the event itself

    def when(self) -> When:
        """Raises ValueError where DTSTART is no time, or lies outside the years that are served."""
        line = self._event.first("DTSTART")
        assert line is not None
        start = _stamp_of(line, line.value)
        if not MIN_YEAR <= start.year <= MAX_YEAR:
            raise ValueError("outside the years that are served")
        floating = self._zones.floating
        if not isinstance(start, datetime):
            wall = datetime.combine(start, time())
            return When(True, wall, floating.key, self._days(start))
        place = self._start_place(line, start)
        if start.tzinfo is not None:
            return self._at_instant(start.astimezone(UTC), place)
        if place is None:
            return self._on_wall(start, floating, instant_of(start, floating), is_given=False)
        instant = instant_of(start, place.zone)
        if place.clock is not None and not self._is_series:
            if place.instant(start) != instant:
                return self._at_instant(place.instant(start), place)
        else:
            self._say(place.notice)
        return self._on_wall(start, place.zone, instant, is_given=place.is_known)

    def _start_place(self, line: Line, start: datetime) -> Place | None:
        tzid = tidy(line.params.get("TZID", ""))
        if not tzid:
            return None
        place = self._zones.place(tzid, start.year, self._last_year() if self._is_series else start.year)
        self._tzid, self._place = tzid, place
        return place

    def _last_year(self) -> int:
        line = self._event.first("RRULE")
        until = None if line is None else _UNTIL.search(line.value)
        return MAX_YEAR if until is None else int(until[1])

    def _at_instant(self, instant: datetime, place: Place | None) -> When:
        """Given in UTC: a single event is shown in its own zone or the calendar's, a series recurs in UTC."""
        if place is not None and place.is_known and place.clock is None:
            return self._on_wall(wall_of(instant, place.zone), place.zone, instant, is_given=True)
        if self._is_series:
            return self._on_wall(wall_of(instant, _UTC), _UTC, instant, is_given=True)
        zone = self._zones.floating
        wall = wall_of(instant, zone)
        return When(False, wall, zone.key, self._lapse(instant, zone), False, True, bool(wall.fold))

    def _on_wall(self, wall: datetime, zone: ZoneInfo, instant: datetime, *, is_given: bool) -> When:
        if not MIN_YEAR <= wall.year <= MAX_YEAR:
            raise ValueError("outside the years that are served")
        return When(False, wall, zone.key, self._lapse(instant, zone), is_given, False, bool(wall.fold))

    # -------------------------------------------------------------------------------------------------- its length

    def _end(self) -> tuple[date | datetime, Line] | None:
        line = self._event.first("DTEND")
        if line is None:
            return None
        try:
            return _stamp_of(line, line.value), line
        except (ValueError, OverflowError):
            self._say(f"DTEND “{line.value[:40]}” is no time and was left out.")
            return None

    def _duration(self) -> Length | None:
        line = self._event.first("DURATION")
        if line is None:
            return None
        try:
            found = length(line.value)
        except ValueError:
            found = None
        if found is None:
            self._say(f"DURATION “{line.value[:40]}” is no length of an event and was left out.")
        return found

    def _days(self, start: date) -> Length:
        """Of an all-day event: its end is exclusive, and one that is not later than the start means that one day."""
        end = self._end()
        if end is None:
            lasting = self._duration()
            return _ONE_DAY if lasting is None else Length(max(lasting.days - (-lasting.seconds // DAY), 1), 0)
        value = end[0]
        if isinstance(value, datetime):
            self._say("DTSTART is a date and DTEND a time; the event lasts through the end's day.")
            value = value.date() + timedelta(days=1 if value.time() != time() else 0)
        if value < start:
            self._say("The event ended before it began; it was given one day.")
        days = (value - start).days
        self._compare_duration(days * DAY)
        if days > MAX_LENGTH.days:
            self._say("The event lasted longer than a hundred years; it was given one day.")
            return _ONE_DAY
        return Length(max(days, 1), 0)

    def _lapse(self, start: datetime, zone: ZoneInfo) -> Length:
        """Of a timed event: exact to its end, nominal by its duration, nothing without either (3.6.1)."""
        end = self._end()
        if end is None:
            return self._duration() or _NOTHING
        value, line = end
        if not isinstance(value, datetime):
            self._say("DTSTART is a time and DTEND a date; the event ends as that day begins.")
            value = datetime.combine(value, time())
        try:
            span = self._instant(value, line, zone) - start
        except (ValueError, OverflowError):
            span = -MAX_LENGTH
        if not timedelta(0) <= span <= MAX_LENGTH:
            why = "ended before it began" if span < timedelta(0) else "lasted longer than a hundred years"
            self._say(f"The event {why}; its start was kept and its length is zero.")
            return _NOTHING
        self._compare_duration(int(span.total_seconds()))
        return Length(0, int(span.total_seconds()))

    def _compare_duration(self, seconds: int) -> None:
        """An event has DTEND or DURATION (3.6.1); one with both that agree needs no word."""
        lasting = None if self._event.first("DURATION") is None else self._duration()
        if lasting is not None and lasting.days * DAY + lasting.seconds != seconds:
            self._say("The event had both DTEND and DURATION; DTEND counts.")

    # -------------------------------------------------------------------------------------------- its other dates

    def _instant(self, value: datetime, line: Line, zone: ZoneInfo) -> datetime:
        """The instant of a value; one without a zone, or in an unknown one, is in the event's."""
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        tzid = tidy(line.params.get("TZID", ""))
        place = self._placed(tzid, value) if tzid else None
        return instant_of(value, zone) if place is None or not place.is_known else place.instant(value)

    def _placed(self, tzid: str, value: datetime) -> Place:
        if self._place is not None and tzid == self._tzid:
            return self._place
        return self._zones.place(tzid, value.year, value.year)

    def local(self, line: Line, value: str, when: When) -> str:
        """A value of EXDATE or RDATE in the event's own terms: a date, or a wall time in its zone. Raises ValueError
        where it is none.
        """
        given = _stamp_of(line, value)
        if not MIN_YEAR < given.year < MAX_YEAR:
            raise ValueError("outside the years that are served")
        if not isinstance(given, datetime):
            return format_moment(given)
        if when.all_day:
            return format_moment(self.day(given))
        tzid = tidy(line.params.get("TZID", ""))
        if given.tzinfo is None and (not tzid or tzid == self._tzid):
            return format_moment(given)
        zone = load_zone(when.zone)
        return format_moment(wall_of(self._instant(given, line, zone), zone))

    def day(self, given: datetime) -> date:
        """The date of an all-day event that a time names: as written; in UTC away from midnight, as the calendar's
        clocks show it, since senders mean their own midnight.
        """
        if given.tzinfo is None or given.time() == time():
            return given.date()
        return wall_of(given.astimezone(UTC), self._zones.floating).date()

    def recurrence_id(self) -> tuple[str | None, bool]:
        """The text of RECURRENCE-ID, and whether it means all later dates too. Raises ValueError for one that is no
        time.
        """
        line = self._event.first("RECURRENCE-ID")
        if line is None:
            return None, False
        given = _stamp_of(line, line.value)
        reach = line.params.get("RANGE", "").strip().upper()
        if reach not in ("", "THISANDFUTURE"):
            self._say(f"RANGE={reach[:40]} is not served; the one date was read.")
        return self._named(line, given), reach == "THISANDFUTURE"

    def _is_all_day(self) -> bool:
        line = self._event.first("DTSTART")
        try:
            return line is not None and not isinstance(_stamp_of(line, line.value), datetime)
        except (ValueError, OverflowError):
            return False

    def _named(self, line: Line, given: date | datetime) -> str:
        if isinstance(given, datetime) and given.tzinfo is None and self._is_all_day():
            return format_moment(given.date())  # midnight in the sender's zone, which may be another day here
        tzid = tidy(line.params.get("TZID", ""))
        if isinstance(given, datetime) and given.tzinfo is None and tzid:
            place = self._placed(tzid, given)
            if place.is_known:
                return format_moment(place.instant(given))
        return format_moment(given)


def _stamp_of(line: Line, value: str) -> date | datetime:
    """The value; a date where the line says so, whatever stands behind it."""
    found = stamp(value)
    if isinstance(found, datetime) and ";" in line.head and line.params.get("VALUE", "").upper() == "DATE":
        return found.date()
    return found

"""Events and calendars as iCalendar text (RFC 5545).

A VEVENT is rendered once, when its event is written, and stored; a feed joins what is stored. So nothing here
reads a clock: the same event gives the same bytes on every fetch and after every restart.

How times are said:

- In a zone that is UTC by definition: `…Z`.
- A date without recurrence: `TZID` and wall time, unless its start or end falls where the clocks turn. There
  wall time says two instants or none, readers disagree, and both are written in UTC.
- A series: always `TZID`, since its rule recurs on wall time, with UNTIL in UTC (3.3.10). The exception is a
  rule that steps in exact hours or less (FREQ=HOURLY and finer) in a zone whose clocks turn: readers walk
  those in wall time, repeat an hour in spring and lose one in autumn. It is written in UTC as long as none of
  its BY parts means local time; with such a part (BYHOUR, BYDAY, …) only `TZID` can say the rule, and readers
  may differ from us in the hour of a clock change. Nor can `TZID` say that a rule starts in the second pass
  of an hour that happens twice: readers show that one date in the first. Single dates (RDATE alone) that start
  there have their DTSTART in UTC.
- RDATE, EXDATE and RECURRENCE-ID: in the form of DTSTART, and in UTC for the second pass of an hour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from app.core.times import MAX_YEAR, MIN_YEAR, Length, end_of, format_length, instant_of, is_turning
from app.ical.text import escape, fold, printable, web_address
from app.ical.zones import is_utc, offsets_since

PRODID: Final = "-//Kalends//Kalends//EN"
REFRESH: Final = "PT5M"
"""How often a subscriber is asked to fetch again (RFC 7986 5.7), as an iCalendar duration."""

Status = Literal["confirmed", "tentative", "cancelled"]
Transparency = Literal["opaque", "transparent"]

_HOUR: Final = 3600
_DIGITS: Final = "%04d%02d%02dT%02d%02d%02d"  # a third of the time of strftime, and this runs four times an event
_EXACT_STEPS: Final = frozenset({"HOURLY", "MINUTELY", "SECONDLY"})
_ANY_ZONE_PARTS: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
_WITHIN_THE_HOUR: Final = frozenset({"BYMINUTE", "BYSECOND"})
_PROPERTY_NAME: Final = re.compile(r"([A-Za-z0-9-]+)[;:]")
_NEVER_EXTRA: Final = frozenset(
    (
        *("BEGIN", "END", "UID", "SEQUENCE", "DTSTAMP", "CREATED", "LAST-MODIFIED", "RECURRENCE-ID"),
        *("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "STATUS", "TRANSP"),
        *("SUMMARY", "DESCRIPTION", "LOCATION", "URL", "ATTENDEE", "ORGANIZER", "REQUEST-STATUS"),
    )
)


@dataclass(frozen=True, slots=True)
class VEvent:
    """One VEVENT: a single event, a series, or (with `recurrence_id`) the override of one date.

    `start` is a naive wall time in `zone` (its `fold` counts), or a date when all-day. An all-day event needs
    no zone; given one, an UNTIL in UTC is read in it.
    `end` is an aware instant, or a nominal `Length`; when all-day an exclusive date or whole days.
    `rdates` and `exdates` are walls in `zone`, or dates. `rrule` is the value alone, without `RRULE:`.
    `created` and `modified` are aware; DTSTAMP and LAST-MODIFIED are both `modified`.

    On an override, `recurrence_id` is the original wall time in `recurrence_zone`, the series' zone, or the
    original date with `recurrence_zone` None; `series_rrule` is the series' rule, so that RECURRENCE-ID is
    written in the form of the series' DTSTART. Where somebody else's form is to be repeated, an aware
    `recurrence_id` is written in UTC. The override's own times may be in another zone, or all-day.

    `extra` are unfolded property lines to carry verbatim. Lines that name a property written here, open or
    close a component or hold a mail address are left out.
    """

    uid: str
    sequence: int
    summary: str
    created: datetime
    modified: datetime
    start: datetime | date
    zone: ZoneInfo | None
    end: datetime | date | Length
    description: str | None = None
    location: str | None = None
    status: Status = "confirmed"
    transparency: Transparency = "opaque"
    rrule: str | None = None
    rdates: Sequence[datetime | date] = ()
    exdates: Sequence[datetime | date] = ()
    recurrence_id: datetime | date | None = None
    recurrence_zone: ZoneInfo | None = None
    series_rrule: str | None = None
    extra: tuple[str, ...] = ()


def vevent(event: VEvent) -> str:
    """`BEGIN:VEVENT` to `END:VEVENT`, folded, every line ending in CRLF.

    Raises ValueError where the event contradicts itself: a wall time without a zone, an instant without
    an offset, an end of another kind than the start or before it, a DATE among the times of a series.
    """
    return "".join((*_opening(event, event.modified), *_contents(event), "END:VEVENT\r\n"))


def busy_vevent(event: VEvent) -> str:
    """The same VEVENT with its times only: SUMMARY:Busy, and nothing of what the event says."""
    return "".join((*_opening(event, event.modified), "SUMMARY:Busy\r\nEND:VEVENT\r\n"))


def scheduled_vevent(event: VEvent, stamp: datetime, people: Iterable[str]) -> str:
    """`vevent` in an iTIP message made at `stamp`, its DTSTAMP: with `people`, whole ORGANIZER and ATTENDEE lines.

    They are no part of a VEvent, so that a published feed cannot show them.
    """
    return "".join((*_opening(event, stamp), *people, *_contents(event), "END:VEVENT\r\n"))


def answered_vevent(event: VEvent, stamp: datetime, people: Iterable[str]) -> str:
    """The VEVENT of an answer: what names the event, its times and its title. Nothing that is ours to say of it, as
    our STATUS is, and no RDATEs and EXDATEs: some may be only our own."""
    invited = replace(event, rdates=(), exdates=())
    title = fold("SUMMARY:" + escape(event.summary))
    lines = ("BEGIN:VEVENT\r\n", *_identity(event, stamp), *people, *_placing(invited), title, "END:VEVENT\r\n")
    return "".join(lines)


def calendar_text(name: str, zone_name: str, vtimezones: Iterable[str], vevents: Iterable[str]) -> str:
    """A published calendar (METHOD:PUBLISH) around VTIMEZONE and VEVENT texts that are already whole.

    `vtimezones` must hold `zones.vtimezone` of every zone that an event of the calendar names.
    """
    title = escape(name)
    head = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{PRODID}\r\nCALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\n"
        + fold("NAME:" + title)
        + fold("X-WR-CALNAME:" + title)
        + fold("X-WR-TIMEZONE:" + escape(zone_name))
        + f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}\r\nX-PUBLISHED-TTL:{REFRESH}\r\n"
    )
    return "".join((head, *vtimezones, *vevents, "END:VCALENDAR\r\n"))


def _opening(event: VEvent, stamp: datetime) -> list[str]:
    """What a VEVENT and its busy form share: identity, state and times."""
    return [
        "BEGIN:VEVENT\r\n",
        *_identity(event, stamp),
        f"LAST-MODIFIED:{_utc(event.modified)}\r\n"
        f"STATUS:{event.status.upper()}\r\nTRANSP:{event.transparency.upper()}\r\n",
        *_placing(event),
    ]


def _identity(event: VEvent, stamp: datetime) -> tuple[str, str]:
    return fold("UID:" + escape(event.uid)), f"SEQUENCE:{event.sequence}\r\nDTSTAMP:{_utc(stamp)}\r\n"


def _placing(event: VEvent) -> Iterator[str]:
    """RECURRENCE-ID, and the times."""
    if event.recurrence_id is not None:
        yield _recurrence_id(event.recurrence_id, event.recurrence_zone, event.series_rrule)
    yield from _times(event, event.start) if isinstance(event.start, datetime) else _dates(event, event.start)


def _contents(event: VEvent) -> Iterator[str]:
    """What the event says."""
    yield f"CREATED:{_utc(event.created)}\r\n"
    yield fold("SUMMARY:" + escape(event.summary))
    if event.description:
        yield fold("DESCRIPTION:" + escape(event.description))
    if event.location:
        yield fold("LOCATION:" + escape(event.location))
        address = web_address(event.location)
        if address is not None:
            yield fold("URL:" + address)
    yield from _extra(event.extra)


def _times(event: VEvent, start: datetime) -> list[str]:
    """DTSTART, DTEND or DURATION, RRULE, RDATE, EXDATE of an event with times."""
    zone, end = event.zone, event.end
    if zone is None or start.tzinfo is not None:
        raise ValueError("A VEvent that starts at a time needs it naive, with its zone beside it.")
    began = instant_of(start, zone)
    if isinstance(end, Length):
        ended = end_of(began, zone, end)
    elif isinstance(end, datetime) and end.tzinfo is not None:
        ended = end.astimezone(UTC)
    else:
        raise ValueError("A VEvent that starts at a time ends at an instant or after a Length.")
    if ended < began:
        raise ValueError("A VEvent cannot end before it starts.")

    if event.rrule is not None:
        in_utc = is_utc(zone.key) or _steps_in_utc(event.rrule, zone, start.year)
    elif event.rdates:
        in_utc = is_utc(zone.key)
    else:
        in_utc = is_utc(zone.key) or is_turning(start, zone) or is_turning(ended.astimezone(zone), zone)
    # Single dates that begin in a second pass need no rule to recur on wall time: the first alone is in UTC.
    is_second_pass = event.rrule is None and bool(event.rdates) and start.fold == 1 and is_turning(start, zone)
    first_in_utc = in_utc or is_second_pass
    lines = [f"DTSTART:{_utc(began)}\r\n" if first_in_utc else f"DTSTART;TZID={zone.key}:{_digits(start)}\r\n"]
    if is_second_pass and ended > began:
        length = end if isinstance(end, Length) else Length.between(began, ended)
        lines.append(f"DURATION:{format_length(length)}\r\n")
    elif ended > began:  # DTEND must be later than DTSTART (3.8.2.2); without it both are equal (3.6.1)
        lines.append(_end(event, start, began, ended, zone, in_utc=in_utc))
    if event.rrule is not None:
        lines.append(fold("RRULE:" + _rule(event.rrule, lambda until: _until_instant(until, zone))))
    lines.extend(
        # Nothing has to match an RDATE but the DTSTART it repeats: else, where the clocks turn, it is the instant.
        _moment("RDATE", wall, zone, in_utc=in_utc or (wall != start and is_turning(wall, zone)))
        for wall in _walls(event.rdates)
    )
    lines.extend(_moment("EXDATE", wall, zone, in_utc=in_utc) for wall in _walls(event.exdates))
    return lines


def _end(event: VEvent, start: datetime, began: datetime, ended: datetime, zone: ZoneInfo, *, in_utc: bool) -> str:
    """DURATION for a nominal length and DTEND for an end, unless readers disagree on what that means."""
    length = event.end if isinstance(event.end, Length) else None
    recurs = event.rrule is not None or bool(event.rdates)
    if in_utc:
        if length is not None and (length.days == 0 or is_utc(zone.key)):
            return f"DURATION:{format_length(length)}\r\n"
        return f"DTEND:{_utc(ended)}\r\n"
    finish = ended.astimezone(zone)
    shown = finish.replace(tzinfo=None) - start
    if recurs:
        if length is None and (shown != ended - began or is_turning(finish, zone)):
            # The first date meets a clock change: from DTEND some readers take wall time for all the others.
            length = Length.between(began, ended)
    elif length is not None and shown != timedelta(days=length.days, seconds=length.seconds):
        length = None  # a clock change lies between: some readers add a DURATION on the wall clock
    if length is not None:
        return f"DURATION:{format_length(length)}\r\n"
    return f"DTEND;TZID={zone.key}:{_digits(finish)}\r\n"


def _dates(event: VEvent, start: date) -> list[str]:
    """The lines of an all-day event: DATE values throughout, the end exclusive."""
    end = event.end
    if isinstance(end, datetime):
        raise ValueError("An all-day VEvent ends on a date or after whole days, not at an instant.")
    lines = [f"DTSTART;VALUE=DATE:{_day(start)}\r\n"]
    if isinstance(end, date):
        if end <= start:
            raise ValueError("The end of an all-day VEvent is exclusive: at least the day after its start.")
        lines.append(f"DTEND;VALUE=DATE:{_day(end)}\r\n")
    else:
        if end.days < 1 or end.seconds:
            raise ValueError("An all-day VEvent lasts whole days, at least one.")
        lines.append(f"DURATION:{format_length(end)}\r\n")
    if event.rrule is not None:
        lines.append(fold("RRULE:" + _rule(event.rrule, lambda until: _until_date(until, event.zone))))
    for name, days in (("RDATE", event.rdates), ("EXDATE", event.exdates)):
        lines.extend(f"{name};VALUE=DATE:{_day(day)}\r\n" for day in days)
    return lines


def _recurrence_id(original: datetime | date, zone: ZoneInfo | None, rrule: str | None) -> str:
    if not isinstance(original, datetime):
        return f"RECURRENCE-ID;VALUE=DATE:{_day(original)}\r\n"
    if original.tzinfo is not None:
        return f"RECURRENCE-ID:{_utc(original)}\r\n"
    if zone is None:
        raise ValueError("A RECURRENCE-ID at a wall time needs the series' zone.")
    in_utc = is_utc(zone.key) or (rrule is not None and _steps_in_utc(rrule, zone, original.year))
    return _moment("RECURRENCE-ID", original, zone, in_utc=in_utc)


def _walls(values: Sequence[datetime | date]) -> Iterator[datetime]:
    """`values` as the wall times they must be: readers ignore a DATE, and show the date it would exclude."""
    for value in values:
        if not isinstance(value, datetime):
            raise ValueError("RDATE and EXDATE of a series with times are wall times, not dates.")
        yield value


def _moment(name: str, wall: datetime, zone: ZoneInfo, *, in_utc: bool) -> str:
    """One property per date: of a list some readers take only the first."""
    # TZID names the first pass of a repeated hour (3.3.5); the second has no other form than UTC.
    if in_utc or (wall.fold and is_turning(wall, zone)):
        return f"{name}:{_utc(instant_of(wall, zone))}\r\n"
    return f"{name};TZID={zone.key}:{_digits(wall)}\r\n"


def _steps_in_utc(rrule: str, zone: ZoneInfo, year: int) -> bool:
    """Whether a series with this rule is written in UTC; see the head of this module."""
    parts = dict(part.split("=", 1) for part in rrule.split(";"))
    if parts.get("FREQ") not in _EXACT_STEPS:
        return False
    offsets = offsets_since(zone.key, year)
    if len(offsets) == 1:
        return False  # the clocks never turn: wall time and elapsed time agree
    local = parts.keys() - _ANY_ZONE_PARTS
    return not local or (local <= _WITHIN_THE_HOUR and all(offset % _HOUR == 0 for offset in offsets))


def _rule(rrule: str, until: Callable[[str], str]) -> str:
    """The rule with UNTIL in the form that its DTSTART demands (3.3.10)."""
    if "UNTIL=" not in rrule:
        return rrule
    head, _, tail = rrule.partition("UNTIL=")
    value, semicolon, rest = tail.partition(";")
    return f"{head}UNTIL={until(value)}{semicolon}{rest}"


def _until_instant(until: str, zone: ZoneInfo) -> str:
    """UNTIL of a series with times, in UTC: a local time is read in `zone`, a date means all of its day."""
    if until.endswith("Z"):
        return until
    wall = datetime.fromisoformat(until if "T" in until else until + "T235959")
    if not MIN_YEAR <= wall.year <= MAX_YEAR:
        return _digits(wall) + "Z"  # as good as never, or before every start: no zone matters
    if "T" in until:
        return _utc(instant_of(wall, zone))
    return _utc(max(instant_of(wall.replace(fold=fold), zone) for fold in (0, 1)))  # a day may end twice


def _until_date(until: str, zone: ZoneInfo | None) -> str:
    """UNTIL of an all-day series: its date, that of an instant being read in `zone` when there is one."""
    if zone is not None and until.endswith("Z") and MIN_YEAR <= int(until[:4]) <= MAX_YEAR:
        return _day(datetime.fromisoformat(until).astimezone(zone))
    return until[:8]


def _extra(lines: Iterable[str]) -> list[str]:
    kept = []
    for line in lines:
        clean = printable(line)
        name = _PROPERTY_NAME.match(clean)
        if name is not None and name[1].upper() not in _NEVER_EXTRA and "mailto:" not in clean.lower():
            kept.append(fold(clean))
    return kept


def _utc(at: datetime) -> str:
    if at.tzinfo is not UTC:
        if at.tzinfo is None:
            raise ValueError("An instant needs an offset.")
        at = at.astimezone(UTC)
    return _digits(at) + "Z"


def _digits(at: datetime) -> str:
    return _DIGITS % (at.year, at.month, at.day, at.hour, at.minute, at.second)


def _day(day: date) -> str:
    return day.isoformat()[:10].replace("-", "")

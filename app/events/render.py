"""The texts that are stored with an event: JSON members of the answer, and the VEVENT of the feed.

An answer is put together in SQL (`occurrence_text`, `series_text`) from members rendered here when they were
written; what only state tells (status, parent, etag) is added there. RENDERER counts the ways these texts have
looked: a stored text of another number is rendered anew before it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from app.core.itip import parse_moment
from app.core.series import Occurrence, at, is_by_rule, occurrences, rdate_walls
from app.core.times import Length, end_of, format_instant, format_local, instant_of, is_turning, load_zone
from app.core.words import say_all_day, say_series, say_single
from app.events.model import Event, parse_rdate, rule_of, wall_of_key
from app.http.answers import encode
from app.ical.write import VEvent, busy_vevent, vevent

RENDERER: Final = 3
_DAY: Final = timedelta(days=1)


def shared_json(event: Event) -> str:
    """Members that all occurrences of an event have in common, and its series object too."""
    members: dict[str, object] = {
        "calendar_id": event.calendar_id,
        "reads": reads(event),
        "title": event.title,
        "description": event.description,
        "metadata": None if event.metadata is None else msgspec.Raw(event.metadata.encode()),
        "location": event.location,
        "source": event.source,
        "attendees": [attendee.email for attendee in event.attendees],
        "attendee_details": event.attendees,
        "ical_uid": event.uid,
        "timezone": event.zone,
        "sequence": event.sequence,
        "response": event.response,
        "transparency": event.transparency,
        "created_at": format_instant(event.created_at),
        "updated_at": format_instant(event.updated_at),
    }
    if event.all_day:
        members["all_day"] = True
    if event.client_id is not None:
        members["client_id"] = event.client_id
    if event.organiser_email is not None:
        members["organiser_email"] = event.organiser_email
    if event.source == "inbound_email" or event.sender_check is not None:  # also where an import brought it here
        members["untrusted"] = True
    if event.sender_check is not None:
        members["sender_check"] = msgspec.Raw(event.sender_check.encode())
    return _members(members)


def reads(event: Event) -> str:
    """What an event means, in one sentence that stays true: of a series all that does not depend on the moment."""
    if event.is_series:
        return say_series(event.series(event.zone))
    if event.all_day:
        return say_all_day(event.start_wall.date(), event.length.days)
    zone = load_zone(event.zone)
    start = event.start_instant(event.zone)
    return say_single(start, end_of(start, zone, event.length), zone)


def own_json(event: Event, occurrence: Occurrence) -> str:
    """Members of one occurrence: its id, its times, and its original date where it belongs to a series."""
    key = occurrence.key
    head = f'"id":"{event.id}_{key}"' if key else f'"id":"{event.id}"'
    if key:
        head += f',"occurrence_date":"{key[:4]}-{key[4:6]}-{key[6:8]}T00:00:00.000Z"'
    return f"{head},{_times(event, occurrence.start, occurrence.end, occurrence.original.date())}"


def override_json(event: Event, start: datetime, end: datetime) -> str:
    """Members of an occurrence that is an override, with the override's own times."""
    key = event.key
    return (
        f'"id":"{event.id}_{key}","occurrence_date":"{key[:4]}-{key[4:6]}-{key[6:8]}T00:00:00.000Z",'
        f"{_times(event, start, end, event.start_wall.date())}"
    )


def occurrence_text(
    event: Event,
    own: str,
    shared: str,
    *,
    key: str | None = None,
    cancelled: bool = False,
    is_exception: bool = False,
) -> str:
    """An occurrence's answer as the SQL function of the same name puts it together."""
    key = event.key if key is None else key
    parent = f',"parent_event_id":"{event.id}"' if key else ""
    exception = ',"is_exception":true' if is_exception else ""
    status = "cancelled" if cancelled else event.status
    return f'{{{own},{shared}{parent}{exception},"status":"{status}","etag":"{etag(event)}"}}'


def series_text(event: Event, series: str, shared: str) -> str:
    """A series' answer as the SQL function of the same name puts it together."""
    tail = f'"status":"recurring","series_status":"{event.status}","etag":"{etag(event)}"'
    return f"{{{series},{shared},{tail}}}"


def etag(event: Event) -> str:
    return f"{RENDERER}.{event.version}"


def series_json(event: Event, first: Occurrence) -> str:
    """Members of a series as written. Its cancelled dates are not among them: they are occurrences of their own."""
    zone = load_zone(event.zone)
    dates = {"recurrence": event.rule, "rdates": [_wire_rdate(text, zone) for text in event.rdates]}
    times = _times(event, first.start, first.end, first.original.date())
    return f'"id":"{event.id}",{times},{_members(dates)}'


def vevent_text(event: Event, excluded: Sequence[str] = (), *, series: Event | None = None) -> str:
    """The VEVENT of a row. `excluded` are the keys of its EXDATEs; `series` is what an override belongs to."""
    return vevent(component(event, excluded, series))


def busy_text(event: Event, excluded: Sequence[str] = (), *, series: Event | None = None) -> str:
    """The same VEVENT with its times only."""
    return busy_vevent(component(event, excluded, series))


def component(event: Event, excluded: Sequence[str], series: Event | None) -> VEvent:
    """A row as the writer of iCalendar takes it; parameters as in `vevent_text`."""
    zone = None if event.all_day else load_zone(event.zone)
    start: date | datetime = event.start_wall.date() if event.all_day else event.start_wall
    recurrence_id: date | datetime | None = None
    if series is not None:
        recurrence_id = _original(series, event.key)
    elif event.recurrence_id is not None and not event.goes_on:
        recurrence_id = _alone(event)
    return VEvent(
        uid=vevent_uid(event if series is None else series),
        sequence=event.sequence + event.exclusions,
        summary=event.title,
        created=event.created_at,
        modified=max(event.updated_at, event.excluded_at or event.updated_at),
        start=start,
        zone=zone,
        end=_end(event),
        description=event.description,
        location=event.location,
        status=event.status,  # type: ignore[arg-type]
        transparency=event.transparency,  # type: ignore[arg-type]
        rrule=event.rule,
        rdates=_feed_rdates(event),
        exdates=[*(_original(event, key) for key in excluded), *_undated_start(event)],
        recurrence_id=recurrence_id,
        recurrence_zone=None if series is None or series.all_day else load_zone(series.zone),
        series_rrule=None if series is None else series.rule,
    )


def vevent_uid(event: Event) -> str:
    """The UID that other readers know an event, or a series with its overrides, by: a part of a series that goes on
    otherwise is a series of its own to them."""
    return f"{event.uid}/{event.recurrence_id}" if event.goes_on else event.uid


def _alone(event: Event) -> date | datetime:
    """The RECURRENCE-ID of a date whose series is not here: a date, or an instant."""
    assert event.recurrence_id is not None
    named = parse_moment(event.recurrence_id)
    if isinstance(named, datetime) and named.tzinfo is None:
        return instant_of(named, load_zone(event.zone))
    return named


def with_members(text: str, **members: object) -> str:
    """An answer's text with further members; those without a value (None, or nothing in a list) are left out."""
    kept = {name: value for name, value in members.items() if value not in (None, [])}
    return f"{text[:-1]},{encode(kept)[1:-1].decode()}}}" if kept else text


def _end(event: Event) -> date | datetime | Length:
    """Whole days and an exact length are written as an end, which more readers understand than a DURATION."""
    if event.all_day:
        return event.start_wall.date() + event.length.days * _DAY
    if event.length.days:
        return event.length
    return event.start_instant(event.zone) + timedelta(seconds=event.length.seconds)


def _members(value: Mapping[str, object]) -> str:
    return encode(value)[1:-1].decode()


def _times(event: Event, start: datetime, end: datetime, first_day: date) -> str:
    if event.all_day:
        last = first_day + (event.length.days - 1) * _DAY
        return f'"start":"{first_day}","end":"{last}","start_local":"{first_day}","end_local":"{last}"'
    zone = load_zone(event.zone)
    return (
        f'"start":"{format_instant(start)}","end":"{format_instant(end)}",'
        f'"start_local":"{format_local(start, zone)}","end_local":"{format_local(end, zone)}"'
    )


def _wire_rdate(text: str, zone: ZoneInfo) -> str:
    value = parse_rdate(text)
    if not isinstance(value, datetime):
        return text
    return format_local(value.replace(tzinfo=zone).astimezone(UTC), zone)


def _feed_rdates(event: Event) -> Sequence[date | datetime]:
    if not event.all_day:
        series = event.series(event.zone)
        # Where the clocks turn an RDATE is written as its instant: readers would show it beside the rule's own date.
        walls = rdate_walls(series)
        return [wall for wall in walls if not is_turning(wall, series.zone) or not is_by_rule(series, wall)]
    values = map(parse_rdate, event.rdates)
    return [value.date() if isinstance(value, datetime) else value for value in values]


def _original(series: Event, key: str) -> date | datetime:
    """What the series itself says for a date: the value of its EXDATE or RECURRENCE-ID."""
    wall = wall_of_key(key)
    if series.all_day:
        return wall.date()
    if "T" not in key:
        wall = _on_day(series, wall.date())
    return _as_said(series, wall)


def _as_said(series: Event, wall: datetime) -> datetime:
    """A date of a series as its VEVENT can say it. A rule that starts in the second pass of an hour has a DTSTART with
    TZID, which says the first: so must what names that date."""
    is_start = wall == series.start_wall and wall.fold == series.start_wall.fold
    on_the_wall = series.rule is not None and not rule_of(series.rule).is_sub_daily
    return wall.replace(fold=0) if is_start and on_the_wall else wall


def _undated_start(event: Event) -> Sequence[date | datetime]:
    """The start of a series whose rule makes no date: it has its RDATEs alone, but iCalendar counts each DTSTART."""
    if event.rule is None or not event.rdates or event.start_counts:
        return ()
    series, start = event.series(event.zone), event.start_instant(event.zone)
    if occurrences(series, start, start + timedelta(seconds=1), 1):
        return ()
    return (event.start_wall.date() if event.all_day else _as_said(event, event.start_wall),)


def _on_day(series: Event, day: date) -> datetime:
    """The wall time that a key without a time stands for: the first of that date, else the series' time of day."""
    rule = None if series.rule is None else rule_of(series.rule)
    # A start that came by mail need not be at the times of its rule.
    if rule is not None and (rule.several_a_day or (series.start_counts and rule.names_times)):
        found = at(series.series(series.zone), f"{day:%Y%m%d}")
        if found is not None:
            return found.original
    if day == series.start_wall.date():
        return series.start_wall
    return datetime.combine(day, series.start_wall.time().replace(fold=0))

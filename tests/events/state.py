"""What must hold of a calendar after any writes, asked over HTTP, of the feed, and of the tables themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import psycopg

from app.core.series import occurrences
from app.core.times import load_zone, midnight_of
from app.events.materialise import Special, special_of
from app.events.model import Event, event_of_row
from app.events.rerender import rerender_calendar
from app.events.upkeep import apply_zone_rules
from tests.ical.oracle import Seen, seen
from tests.support.service import Calendar, Service

NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEAR: Final = NOW + timedelta(days=80)
FAR: Final = NOW + timedelta(days=700)
LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)
_PAGE: Final = 7
_DAY: Final = timedelta(days=1)


def check_everything(service: Service, calendar: Calendar) -> None:
    check_log(calendar)
    check_readers_agree(calendar)
    check_windows(service, calendar)
    check_caches(service, calendar)


def check_log(calendar: Calendar) -> None:
    """Replaying the log rebuilds every event, every override and the set of cancelled dates."""
    changes = calendar.changes()
    assert [change["seq"] for change in changes] == list(range(1, len(changes) + 1))
    state = replayed(changes)
    wholes = {key: event for key, event in state.items() if "parent_event_id" not in event}
    assert {event["id"]: event for event in every(calendar, expand="false", limit=50)} == wholes
    for event_id, event in state.items():
        found = calendar.event(event_id)
        if event.get("is_exception") or "parent_event_id" not in event:
            assert lasting(found) == lasting(event)
        else:
            assert found["status"] == "cancelled"
    listed = every(calendar, start="1990-01-01T00:00:00Z", end=stamp(NOW + timedelta(days=731)), limit=200)
    assert len({event["id"] for event in listed}) == len(listed)
    special = {event["id"] for event in listed if event.get("is_exception")}
    special |= {
        event["id"]
        for event in listed
        if "parent_event_id" in event
        and event["status"] == "cancelled"
        and state[event["parent_event_id"]]["series_status"] != "cancelled"
    }
    logged = {
        key
        for key, event in state.items()
        if "parent_event_id" in event
        and (event.get("is_exception") or state[event["parent_event_id"]]["series_status"] != "cancelled")
    }
    assert special == logged


def lasting(event: dict[str, Any]) -> dict[str, Any]:
    """An event without what depends on the moment of reading: a series says its next dates when it is read."""
    return {name: value for name, value in event.items() if name != "reads" or event["status"] != "recurring"}


def replayed(changes: list[Any]) -> dict[str, Any]:
    """What a client that follows the log knows."""
    state: dict[str, Any] = {}
    for change in changes:
        if change["type"] == "calendar.updated":
            continue
        event_id, event = change["event_id"], change["event"]
        if event is None:
            state = {key: value for key, value in state.items() if key != event_id and not _is_of(key, event_id)}
        elif "parent_event_id" in event and not event.get("is_exception") and event["status"] != "cancelled":
            state.pop(event_id, None)
        else:
            state[event_id] = event
    return state


def _is_of(key: str, event_id: str) -> bool:
    return key.startswith(event_id + "_") and event_id.count("_") == 1


def check_readers_agree(calendar: Calendar) -> None:
    """List (by cursor and by offset), feed, upcoming and view show the same occurrences of the next 80 days."""
    bounds = {"start": stamp(NOW), "end": stamp(NEAR)}
    listed = every(calendar, limit=_PAGE, **bounds)
    assert listed == calendar_pages(calendar, **bounds)
    live = [event for event in listed if event["status"] != "cancelled"]
    zone = load_zone(calendar.api.got(calendar.path)["timezone"])

    def is_near(found: Seen) -> bool:
        if isinstance(found.start, datetime):
            return NOW <= found.start <= NEAR
        return midnight_of(found.start + _DAY, zone) > NOW and midnight_of(found.start, zone) <= NEAR

    fed = seen(calendar.feed(), NOW.date() - 2 * _DAY, NEAR.date() + 2 * _DAY)
    assert_same([found for found in fed if is_near(found)], live)

    coming = []
    for event in live:
        start = seen_of(event).start
        at = start if isinstance(start, datetime) else midnight_of(start, zone)
        if at >= NOW:
            coming.append(event)
    upcoming = calendar.upcoming(limit=50)["events"]
    assert upcoming[: len(coming)] == coming[:50]
    view = calendar.api.get(f"{calendar.path}/view", limit=50).text.splitlines()
    assert [line.split("  ")[0] for line in view[4:-2]] == [event["title"] for event in upcoming]


def check_windows(service: Service, calendar: Calendar) -> None:
    """What is stored is what the series make, in the stored window exactly; a window far beyond it is complete."""
    zone = calendar.api.got(calendar.path)["timezone"]
    with psycopg.connect(service.dsn) as connection:
        events = [
            event_of_row(row)
            for row in connection.execute("select * from event_rows where calendar_id = %s", [calendar.id])
        ]
        stored = connection.execute(
            "select event_id, key, cancelled, is_exception, start_at, end_at, orphaned from occurrences"
            " where calendar_id = %s",
            [calendar.id],
        ).fetchall()
        row = connection.execute(
            "select stored_from, stored_through, events, occurrences from calendars where id = %s", [calendar.id]
        ).fetchone()
    assert row is not None
    assert row[2:] == (sum(1 for event in events if not event.key), len(stored))
    expected = {(event_id, key): (start, end) for event_id, key, _, _, start, end, gone in stored if not gone}
    for event in events:
        if event.key or not event.is_series:
            continue
        assert event.stored_from is not None
        assert event.stored_through is not None
        assert event.stored_from <= row[0]
        assert event.stored_through >= row[1]
        specials = {
            key: Special(key, cancelled, is_exception, start, gone)
            for event_id, key, cancelled, is_exception, start, _, gone in stored
            if event_id == event.id and (cancelled or is_exception)
        }
        made = _made(event, zone, specials)
        plain = {
            key: (start, end)
            for event_id, key, cancelled, is_exception, start, end, _ in stored
            if event_id == event.id and not cancelled and not is_exception
        }
        assert plain == {
            key: times for key, times in made.items() if event.stored_from <= times[0] < event.stored_through
        }
        expected |= {(event.id, key): times for key, times in made.items()}
    day = {event.id: event.all_day for event in events if not event.key}
    overridden = {(event.id, event.key): event.all_day for event in events if event.key}
    place = load_zone(zone)

    def is_inside(name: tuple[str, str], start: datetime) -> bool:
        if start > FAR:
            return False
        if overridden.get(name, day[name[0]]):
            return midnight_of(start.astimezone(place).date() + _DAY, place) > LONG_AGO
        return start >= LONG_AGO

    inside = sorted((times[0], *name) for name, times in expected.items() if is_inside(name, times[0]))
    listed = every(calendar, start=stamp(LONG_AGO), end=stamp(FAR), limit=200)
    assert [event["id"] for event in listed] == [f"{event}_{key}" if key else event for _, event, key in inside]


def _made(event: Event, zone: str, specials: dict[str, Special]) -> dict[str, tuple[datetime, datetime]]:
    series = event.series(zone)
    dates = occurrences(series, LONG_AGO - 9 * _DAY, FAR + _DAY)
    return {date.key: (date.start, date.end) for date in dates if special_of(series, specials, date) is None}


def check_caches(service: Service, calendar: Calendar) -> None:
    """Texts rendered anew, and times computed anew with the same zone rules, are what was stored; neither is logged."""
    feed = calendar.feed()
    before = tables(service, calendar)
    with psycopg.connect(service.dsn) as connection:
        connection.execute(
            "update events set renderer = -1, shared_json = 'x', vevent = 'x',"
            " series_json = case when series_json is not null then 'x' end where calendar_id = %s",
            [calendar.id],
        )
        connection.execute(
            "update occurrences set own_json = 'x' where calendar_id = %s and not orphaned", [calendar.id]
        )
    service.run(rerender_calendar(service.context.db, calendar.id))
    assert tables(service, calendar) == before
    with psycopg.connect(service.dsn) as connection:
        connection.execute("update calendars set tzdata = 'old' where id = %s", [calendar.id])
    service.run(apply_zone_rules(service.context.db, service.clock.now()))
    assert tables(service, calendar) == before
    assert calendar.feed() == feed


def tables(service: Service, calendar: Calendar) -> list[Any]:
    """All rows of a calendar's contents, and its seq."""
    with psycopg.connect(service.dsn) as connection:
        statements = (
            "select to_jsonb(e) from events e where calendar_id = %s order by id, key",
            "select to_jsonb(o) from occurrences o where calendar_id = %s order by event_id, key",
            "select to_jsonb(seq) from calendars where id = %s",
        )
        return [connection.execute(statement, [calendar.id]).fetchall() for statement in statements]


def every(calendar: Calendar, **params: Any) -> list[Any]:
    """All pages of a list, by cursor."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = calendar.api.got(f"{calendar.path}/events", **params, **cursor)
        found += page["events"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def calendar_pages(calendar: Calendar, **params: Any) -> list[Any]:
    """All pages of a list, by offset."""
    found: list[Any] = []
    while page := calendar.list(limit=_PAGE * 5, offset=len(found), **params):
        found += page
    return found


def seen_of(event: Any) -> Seen:
    if event.get("all_day"):
        return Seen(date.fromisoformat(event["start"]), date.fromisoformat(event["end"]) + _DAY, event["title"])
    return Seen(instant(event["start"]), instant(event["end"]), event["title"])


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def assert_same(fed: Iterable[Seen], listed: list[Any]) -> None:
    """A subscriber sees what is listed. The reader used here counts an exact length on the wall, against RFC 5545
    3.8.5.3, and so is off where the clocks turn between start and end, or moved the start out of a gap: such ends are
    not compared."""
    lengths = {}
    for event in listed:
        found = seen_of(event)
        lengths[found[::2]] = None if _is_near_a_turn(event) else found.end
    known = list(map(seen_of, listed))
    shown = [each if lengths.get(each[::2], each) is not None else each._replace(end=each.start) for each in fed]
    meant = [each if lengths[each[::2]] is not None else each._replace(end=each.start) for each in known]
    only_shown = [each for each in ordered(shown) if each not in meant]
    only_meant = [each for each in ordered(meant) if each not in shown]
    assert not only_shown and not only_meant, f"only fed: {only_shown[:3]}; only listed: {only_meant[:3]}"  # noqa: PT018
    assert ordered(shown) == ordered(meant)


def _is_near_a_turn(event: Any) -> bool:
    if event.get("all_day"):
        return False
    start, end = instant(event["start"]), instant(event["end"])
    zone = load_zone(event["timezone"])
    return len({at.astimezone(zone).utcoffset() for at in (start - timedelta(hours=1), start, end)}) > 1


def ordered(found: Iterable[Seen]) -> list[Seen]:
    return sorted(found, key=lambda shown: (shown.start.isoformat(), shown.summary, str(shown.end)))


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")

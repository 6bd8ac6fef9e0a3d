"""What the service does on its own: series stay stored ahead, and a look that finds nothing costs nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from app.events.upkeep import apply_zone_rules, extend_calendars
from tests.events.state import every, stamp, tables
from tests.support.service import Api, Calendar, Service

NINE = {"start": "2026-03-02T09:00:00", "end": "2026-03-02T09:30:00"}


def extend(service: Service) -> int:
    return service.run(extend_calendars(service.context.db, service.clock.now()))


def next_of(service: Service, calendar: Calendar) -> dict[str, str]:
    """The day of the next live date of each title, as a list without an end shows it."""
    found: dict[str, str] = {}
    for event in every(calendar, start=stamp(service.clock.now()), limit=200):
        if event["status"] != "cancelled":
            found.setdefault(event["title"], event["start_local"][:10])
    return found


def test_a_year_of_steps_always_shows_the_next_live_date_of_each_series(service: Service, calendar: Calendar) -> None:
    calendar.add(title="daily", recurrence="FREQ=DAILY", **NINE)
    calendar.add(title="weekly", recurrence="FREQ=WEEKLY", **NINE)
    yearly = calendar.add(title="yearly", recurrence="FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=4", **NINE)
    rare = calendar.add(title="rare", recurrence="FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31", **NINE)
    calendar.add(title="counted", recurrence="FREQ=WEEKLY;COUNT=20", **NINE)
    calendar.add(title="until", recurrence="FREQ=DAILY;UNTIL=20260801", **NINE)
    calendar.remove(f"{yearly['id']}_20260704")
    calendar.change(f"{rare['id']}_20261231", start="2027-01-05T09:00:00")
    seq = calendar.changes()[-1]["seq"]
    for step in range(14):
        now = datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(days=28 * step)
        service.clock.move_to(now)
        extend(service)
        found = next_of(service, calendar)
        assert found["daily"] == str((now + timedelta(days=0 if now.hour < 13 else 1)).date())
        assert found["weekly"] == str((now + timedelta(days=-now.weekday() % 7)).date())
        assert found["yearly"] == "2027-07-04"
        assert found["rare"] == ("2027-01-05" if now < datetime(2027, 1, 5, 14, tzinfo=UTC) else "2027-12-31")
        assert ("counted" in found) == (now < datetime(2026, 7, 13, 14, tzinfo=UTC))
        assert ("until" in found) == (now < datetime(2026, 8, 1, 13, tzinfo=UTC))
        days = [event["start_local"][:10] for event in calendar.list(start=stamp(now), limit=200, q="daily")]
        assert len(set(days)) == len(days)
        assert len(days) >= 89
    assert calendar.changes()[-1]["seq"] == seq


def test_a_next_date_that_is_moved_away_or_declined_is_followed_by_another(
    service: Service, calendar: Calendar
) -> None:
    moved = calendar.add(title="moved", recurrence="FREQ=YEARLY", start="2026-09-01T09:00:00", duration="PT1H")
    declined = calendar.add(title="declined", recurrence="FREQ=YEARLY", start="2026-09-01T09:00:00", duration="PT1H")
    dropped = calendar.add(title="dropped", recurrence="FREQ=YEARLY", start="2026-09-01T09:00:00", duration="PT1H")
    calendar.change(f"{moved['id']}_20260901", start="2026-01-01T09:00:00")
    path = f"{calendar.path}/events/{declined['id']}_20260901/respond"
    assert calendar.api.post(path, {"response": "declined"}).status_code == 200
    calendar.change(f"{dropped['id']}_20260901", status="cancelled")
    assert next_of(service, calendar) == dict.fromkeys(("moved", "declined", "dropped"), "2027-09-01")


def test_a_look_that_finds_nothing_reads_only_an_index_and_writes_nothing(own_service: Service) -> None:
    service = own_service
    api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
    calendars = [Calendar(api, api.made("/calendars", name=f"{n}", timezone="Asia/Tokyo")) for n in range(4)]
    for calendar in calendars[:3]:
        calendar.add(title="x", recurrence="FREQ=DAILY", **NINE)
        calendar.add(title="done", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    service.clock.advance(timedelta(days=2))
    assert extend(service) == 3  # the finished ones are not touched again
    before = [tables(service, calendar) for calendar in calendars]
    with psycopg.connect(service.dsn, autocommit=True) as connection:
        for _ in range(3):
            assert extend(service) == 0
            assert service.run(apply_zone_rules(service.context.db, service.clock.now())) == 0
        connection.execute("insert into calendars select (jsonb_populate_record(c, jsonb_build_object("
            "'id', 'cal_' || n, 'feed_hash', '\\x' || lpad(to_hex(n), 64, '0'),"
            "'inbound_hash', '\\x' || lpad(to_hex(n), 64, '0')))).*"
            " from calendars c, generate_series(1, 3000) n where c.id = %s", [calendars[3].id])  # fmt: skip
        connection.execute("analyze calendars")
        plans = [
            plan_of(connection, "select id from calendars where stored_through < '2026-06-01' order by stored_through"),
            plan_of(connection, "select id from calendars where tzdata < 'x' and tzdata > 'x' limit 5"),
        ]
    assert "calendars_by_horizon" in plans[0]
    assert "calendars_by_tzdata" in plans[1]
    assert [tables(service, calendar) for calendar in calendars] == before


def plan_of(connection: psycopg.Connection[Any], statement: str) -> str:
    return "\n".join(row[0] for row in connection.execute("explain " + statement))


def test_new_zone_rules_do_not_stop_at_a_series_whose_dates_are_all_cancelled(
    service: Service, calendar: Calendar
) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=2", **NINE)
    calendar.remove(f"{series['id']}_20260302")
    calendar.remove(f"{series['id']}_20260303")
    assert calendar.change(series["id"], start="2026-03-02T10:00:00")["instances_created"] == 0
    shift(service, calendar)
    assert service.run(apply_zone_rules(service.context.db, service.clock.now())) == 1


def test_new_zone_rules_move_what_was_written_in_wall_time_and_log_it(service: Service, calendar: Calendar) -> None:
    series = calendar.add(title="series", recurrence="FREQ=DAILY;COUNT=4", **NINE)
    calendar.change(f"{series['id']}_20260304", start="2026-03-04T15:00:00")
    calendar.remove(f"{series['id']}_20260305")
    calendar.add(title="wall", start="2026-03-09T09:00:00", duration="PT1H")
    calendar.add(title="instant", start="2026-03-09T13:00:00Z", duration="PT1H")
    meant = {event["id"]: event["start"] for event in calendar.list()}
    seq = calendar.changes()[-1]["seq"]
    shift(service, calendar)
    service.run(apply_zone_rules(service.context.db, service.clock.now()))
    found = {event["id"]: event["start"] for event in calendar.list()}
    instants = [event["id"] for event in calendar.list(q="instant")]
    assert {key: at for key, at in found.items() if key not in instants} == {
        key: at for key, at in meant.items() if key not in instants
    }
    assert found[instants[0]] != meant[instants[0]]  # what was written as an instant stays where it is stored
    changes = calendar.changes(seq)
    assert {change["by"] for change in changes} == {"kalends"}
    assert {change["event"]["title"] for change in changes} == {"series", "wall", "instant"}
    service.run(apply_zone_rules(service.context.db, service.clock.now()))
    assert calendar.changes(seq) == changes


def shift(service: Service, calendar: Calendar) -> None:
    """As if the stored times had been computed by zone rules that differ by an hour."""
    with psycopg.connect(service.dsn) as connection:
        connection.execute(
            "update occurrences set start_at = start_at + interval '1 hour', end_at = end_at + interval '1 hour'"
            " where calendar_id = %s",
            [calendar.id],
        )
        connection.execute("update calendars set tzdata = 'old' where id = %s", [calendar.id])

"""`reads`: each event says in one sentence what it means."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.service import Calendar, Service


def test_an_event_says_when_it_is_and_where_that_clock_hangs(calendar: Calendar) -> None:
    event = calendar.add(title="x", start="2026-03-03T09:00:00", end="2026-03-03T09:30:00")
    assert event["reads"] == "Tue 3 Mar 2026, 09:00–09:30 in New York."
    day = calendar.add(title="x", start="2026-03-07", end="2026-03-09")
    assert day["reads"] == "All day from Sat 7 to Mon 9 Mar 2026 (3 days)."


def test_a_series_says_its_rule_its_end_its_exceptions_and_its_next_dates(service: Service, calendar: Calendar) -> None:
    series = calendar.add(
        title="x", start="2026-03-02T09:00:00", duration="PT30M", recurrence="FREQ=WEEKLY;BYDAY=MO,WE;COUNT=14"
    )
    rule = "Every Monday and Wednesday, 09:00–09:30 in New York, 14 times, last on Wed 15 Apr 2026"
    assert series["reads"] == f"{rule}."
    assert calendar.list(limit=1)[0]["reads"] == f"{rule}."
    assert calendar.event(series["id"])["reads"] == f"{rule}; next Mon 2 Mar and Wed 4 Mar 2026."
    calendar.remove(f"{series['id']}_20260304")
    service.clock.move_to(datetime(2026, 3, 3, tzinfo=UTC))
    now = calendar.event(series["id"])["reads"]
    assert now == f"{rule}, except 1 cancelled date; next Mon 9 Mar and Wed 11 Mar 2026."


def test_an_edited_date_speaks_for_itself(calendar: Calendar) -> None:
    series = calendar.add(title="x", start="2026-03-02T09:00:00", duration="PT30M", recurrence="FREQ=DAILY;COUNT=3")
    moved = calendar.change(f"{series['id']}_20260303", start="2026-03-03T15:00:00")
    assert moved["reads"] == "Tue 3 Mar 2026, 15:00–15:30 in New York."

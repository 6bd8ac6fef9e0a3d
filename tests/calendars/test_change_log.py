"""The log: dense, complete, one change an event touched, and silent where nothing was written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.events.state import replayed
from tests.support.service import Api, Calendar

NINE = {"start": "2026-03-02T09:00:00", "end": "2026-03-02T09:30:00"}


def kinds(changes: list[Any]) -> list[tuple[str, str]]:
    return [(change["type"], change["event_id"][17:] if change["event_id"] else "") for change in changes]


def test_each_write_is_one_change_of_each_event_it_touches(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=8", exdates=["2026-03-04"], **NINE)
    calendar.change(f"{series['id']}_20260303", title="own")
    calendar.remove(f"{series['id']}_20260305")
    calendar.change(series["id"], title="y")
    calendar.change(f"{series['id']}_20260306", mode="future", title="tail")
    calendar.remove(series["id"], mode="all")
    assert [change["seq"] for change in calendar.changes()] == list(range(1, 9))
    assert [kind for kind, _ in kinds(calendar.changes())] == [
        "event.created", "event.deleted", "event.updated", "event.deleted", "event.updated", "event.updated",
        "event.created", "event.deleted",
    ]  # fmt: skip


def test_what_changes_nothing_is_not_logged(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=8", **NINE)
    calendar.remove(f"{series['id']}_20260303")
    calendar.remove(f"{series['id']}_20260303")
    calendar.refused(title="x", start="soon", end="later")
    calendar.list(end="2027-01-01T00:00:00Z")
    calendar.feed()
    assert len(calendar.changes()) == 2


def test_a_changed_calendar_is_a_change_without_an_event(calendar: Calendar) -> None:
    calendar.add(title="x", **NINE)
    calendar.api.changed(calendar.path, {"name": "New"})
    last = calendar.changes()[-1]
    assert (last["seq"], last["type"], last["event_id"]) == (2, "calendar.updated", None)
    assert last["calendar"]["name"] == "New"
    assert "token" not in str(last)


def test_a_replay_from_any_point_ends_in_the_same_state(calendar: Calendar) -> None:
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=8", **NINE)
    calendar.change(f"{series['id']}_20260303", title="own")
    calendar.remove(f"{series['id']}_20260304")
    calendar.change(f"{series['id']}_20260304", status="confirmed")
    single = calendar.add(title="z", **NINE)
    calendar.remove(single["id"])
    whole = calendar.changes()
    for since in range(len(whole) + 1):
        assert whole[:since] + calendar.changes(since) == whole
    assert set(replayed(whole)) == {series["id"], f"{series['id']}_20260303", f"{series['id']}_20260304"}


def test_pages_of_the_log_say_how_far_it_goes(calendar: Calendar) -> None:
    for _ in range(5):
        calendar.add(title="x", **NINE)
    page = calendar.api.got(f"{calendar.path}/changes", since=1, limit=2)
    assert [change["seq"] for change in page["changes"]] == [2, 3]
    assert page["last_seq"] == 5
    assert calendar.api.got(f"{calendar.path}/changes", since=5) == {"changes": [], "last_seq": 5}


@pytest.mark.parametrize(("name", "value"), [("since", "-1"), ("since", "x"), ("limit", "0"), ("colour", "red")])
def test_a_parameter_that_cannot_be_read_is_named(calendar: Calendar, name: str, value: str) -> None:
    response = calendar.api.get(f"{calendar.path}/changes", **{name: value})
    assert (response.status_code, response.json()["field"]) == (400, name)


def test_another_agents_log_is_not_there(service: Any, calendar: Calendar) -> None:
    other = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
    assert other.get(f"{calendar.path}/changes").status_code == 404

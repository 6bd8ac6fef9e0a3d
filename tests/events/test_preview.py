"""A preview gives the answer of the write and leaves no trace of it: not in the tables, in the mail, or in the log."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import NOON
from tests.events.conftest import QUOTA
from tests.events.writer import ZONES, Writer
from tests.support.service import Api, Calendar, Service

EXAMPLES: Final = int(os.environ.get("KALENDS_TEST_PREVIEWS", "3"))  # calendars that the property is tried on
LUNCH: Final = {"title": "Lunch", "start": "2026-03-10T12:00:00", "end": "2026-03-10T13:00:00"}
STANDUP: Final = {
    "title": "Standup",
    "start": "2026-03-03T09:00:00",
    "duration": "PT15M",
    "recurrence": "FREQ=WEEKLY;BYDAY=TU;COUNT=6",
}
ADA: Final = "ada@example.com"
_MARKS: Final = {"preview", "dates"}
_ETAG: Final = re.compile(r'"etag": "[0-9.]+"')


@pytest.fixture
def service(owing_service: Service) -> Service:
    owing_service.clock.move_to(NOON)
    return owing_service


@pytest.fixture
def watched(api: Api) -> Calendar:
    return _watched(api)


def _watched(api: Api, zone: str = "America/New_York") -> Calendar:
    """A calendar whose changes are told to a webhook."""
    return Calendar(api, api.made("/calendars", name="Work", timezone=zone, webhook_url="https://example.com/hook"))


def database_of(service: Service) -> dict[str, Any]:
    """All rows of all tables, but for what the process notes in passing: when a key was used, what a limit has left."""
    with psycopg.connect(service.dsn) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.tables where table_schema = 'public'"
                " and table_type = 'BASE TABLE' and table_name not in ('keys', 'allowances', 'failures')"
            )
        ]
        return {
            name: connection.execute(
                f"select coalesce(json_agg(t order by t::text), '[]')::text from {name} t"
            ).fetchone()
            for name in names
        }


def owed(service: Service) -> int:
    with psycopg.connect(service.dsn) as connection:
        row = connection.execute("select count(*) from deliveries").fetchone()
    assert row is not None
    return int(row[0])


def same(previewed: Any, real: Any) -> bool:
    """Whether the answers are equal, ids of what is new and tags aside."""
    new, made = str(previewed.get("id")), str(real.get("id"))
    text = _ETAG.sub("", _text({name: value for name, value in previewed.items() if name not in _MARKS}))
    if new.startswith("evt_preview"):
        text = text.replace(new, made)
    return text == _ETAG.sub("", _text(real))


def _text(value: Any) -> str:
    return repr(value).replace("'", '"')


class Previewer(Writer):
    """Sends each write as a preview first, and looks at what it left behind and what it said."""

    def __init__(self, service: Service, calendar: Calendar, data: st.DataObject) -> None:
        super().__init__(calendar, data)
        self._service, self._sends = service, 0

    def _sent(self, method: str, place: str, body: Any, **params: str) -> None:
        self._sends += 1
        if method != "delete" and not place.endswith("respond") and self._sends % 2:
            body = {**body, "attendees": [ADA, "bob@example.org"][: self._sends % 3]}
        path = f"{self._calendar.path}/events" + (f"/{place}" if place else "")
        before = database_of(self._service)
        http = self._calendar.api.http
        previewed = http.request(method, path, json=body, params={**params, "preview": "true"})
        assert database_of(self._service) == before
        real = http.request(method, path, json=body, params=params)
        told = f"{method} {path} {body} {params}\n{previewed.text}\n{real.text}"
        if real.status_code >= 400:
            assert previewed.status_code == real.status_code, told
            assert {**previewed.json(), "request_id": ""} == {**real.json(), "request_id": ""}, told
        elif real.status_code == 204:
            assert previewed.status_code == 200, told
            assert previewed.json()["event"]["id"] == place.split("?")[0], told
        else:
            assert previewed.status_code == 200, told
            assert previewed.json()["preview"] is True, told
            assert same(previewed.json(), real.json()), told


def test_a_preview_of_any_write_leaves_the_database_as_it_was_and_answers_as_the_write(owing_service: Service) -> None:
    owing_service.clock.move_to(NOON)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(st.data())
    def any_writes(data: st.DataObject) -> None:
        api = Api(owing_service.url, Api(owing_service.url, None).made("/agents")["api_key"])
        previewer = Previewer(owing_service, _watched(api, data.draw(st.sampled_from(ZONES))), data)
        previewer.begin()
        for _ in range(6):
            previewer.write()

    any_writes()


def test_the_preview_of_an_event_is_200_and_what_it_names_is_not_there(watched: Calendar) -> None:
    answer = watched.api.post(f"{watched.path}/events/preview", LUNCH)
    previewed = answer.json()
    assert (answer.status_code, previewed["preview"]) == (200, True)
    assert previewed["reads"] == "Tue 10 Mar 2026, 12:00–13:00 in New York."
    assert previewed["id"].startswith("evt_preview")
    missing = watched.api.get(f"{watched.path}/events/{previewed['id']}")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert "preview" in missing.json()["error"]
    assert watched.list() == []


def test_a_preview_by_parameter_is_the_same_as_by_path(watched: Calendar) -> None:
    by_path = watched.api.post(f"{watched.path}/events/preview", STANDUP)
    by_parameter = watched.api.post(f"{watched.path}/events", STANDUP, preview="true")
    assert by_path.json() == by_parameter.json()
    assert by_path.json()["instances_created"] == 6


def test_the_tag_of_a_preview_fits_no_state_that_follows(watched: Calendar) -> None:
    event = watched.add(**LUNCH)
    path = f"{watched.path}/events/{event['id']}"
    previewed = watched.api.changed(path, {"title": "Tea"}, preview="true")
    watched.change(event["id"], title="Coffee")
    late = watched.api.http.patch(path, json={"title": "Soup"}, headers={"If-Match": previewed["etag"]})
    assert late.status_code == 412


def test_a_preview_heeds_if_match(watched: Calendar) -> None:
    event = watched.add(**LUNCH)
    path = f"{watched.path}/events/{event['id']}?preview=true"
    watched.change(event["id"], title="Coffee")
    for method, body in (("PATCH", {"title": "Tea"}), ("DELETE", None)):
        answer = watched.api.http.request(method, path, json=body, headers={"If-Match": event["etag"]})
        assert answer.status_code == 412


def test_moving_a_series_is_previewed_with_how_many_dates_move_and_the_first_of_them(watched: Calendar) -> None:
    series = watched.add(**STANDUP)
    watched.remove(f"{series['id']}_20260310")
    previewed = watched.api.changed(
        f"{watched.path}/events/{series['id']}", {"start": "2026-03-03T10:30:00"}, preview="true"
    )
    assert previewed["dates"]["moved"] == 6  # the cancelled one moves along
    assert previewed["dates"]["first"][0] == {
        "effect": "moved",
        "was": {"start_local": "2026-03-03T09:00:00-05:00", "end_local": "2026-03-03T09:15:00-05:00"},
        "is": {"start_local": "2026-03-03T10:30:00-05:00", "end_local": "2026-03-03T10:45:00-05:00"},
    }
    assert watched.starts()[0] == "2026-03-03T14:00:00.000Z"


def test_dates_at_the_horizon_are_neither_lost_nor_gained_by_a_new_time(service: Service, watched: Calendar) -> None:
    """Ninety days ahead are stored, to the second: 09:00 is within at noon, 17:00 is not."""
    daily = watched.add(**{**STANDUP, "recurrence": "FREQ=DAILY"})
    path = f"{watched.path}/events/{daily['id']}"
    for clock in ("17:00", "06:00"):
        previewed = watched.api.changed(path, {"start": f"2026-03-03T{clock}:00"}, preview="true")
        assert previewed["dates"]["moved"] >= 89
        assert (previewed["dates"]["added"], previewed["dates"]["removed"]) == (0, 0)
    yearly = watched.add(**{**STANDUP, "start": "2026-09-01T09:00:00", "recurrence": "FREQ=YEARLY"})
    moved = watched.api.changed(
        f"{watched.path}/events/{yearly['id']}", {"start": "2026-09-05T09:00:00"}, preview="true"
    )
    assert (moved["dates"]["added"], moved["dates"]["removed"], moved["dates"]["moved"]) == (1, 1, 0)


def test_an_event_that_becomes_a_series_is_previewed_with_the_dates_that_it_gains(watched: Calendar) -> None:
    event = watched.add(**LUNCH)
    path = f"{watched.path}/events/{event['id']}"
    previewed = watched.api.changed(path, {"recurrence": "FREQ=DAILY;COUNT=4"}, preview="true")
    assert (previewed["dates"]["added"], previewed["dates"]["removed"], previewed["dates"]["moved"]) == (3, 0, 0)
    assert previewed["dates"]["first"][0]["is"]["start_local"] == "2026-03-11T12:00:00-04:00"


def test_a_split_is_previewed_as_what_changes_on_its_dates_and_not_as_two_series(watched: Calendar) -> None:
    series = watched.add(**STANDUP)
    path = f"{watched.path}/events/{series['id']}_20260324"
    named = watched.api.changed(path, {"title": "Huddle"}, mode="future", preview="true")
    assert {name: count for name, count in named["dates"].items() if name != "first"} == dict.fromkeys(
        ("added", "removed", "moved", "cancelled", "restored"), 0
    )
    assert named["split_from"] == series["id"]
    moved = watched.api.changed(path, {"start": "2026-03-25T09:00:00"}, mode="future", preview="true")
    assert moved["dates"]["added"] + moved["dates"]["removed"] + moved["dates"]["moved"] > 0
    assert len(watched.list()) == 6


@pytest.mark.parametrize(
    ("suffix", "params", "removes", "counts"),
    [
        ("", {"mode": "all"}, "series", {"removed": 6}),
        ("_20260310", {}, "date", {"cancelled": 1}),
        ("_20260324", {"mode": "future"}, "following", {"removed": 3}),
        ("_20260317", {}, "nothing", {}),
    ],
)
def test_what_a_delete_would_take_away_is_told(
    watched: Calendar, suffix: str, params: dict[str, str], removes: str, counts: dict[str, int]
) -> None:
    series = watched.add(**STANDUP)
    watched.remove(f"{series['id']}_20260317")
    wire_id = series["id"] + suffix
    answer = watched.api.delete(f"{watched.path}/events/{wire_id}", **params, preview="true")
    assert answer.status_code == 200
    removal = answer.json()
    assert (removal["preview"], removal["removes"], removal["event"]["id"]) == (True, removes, wire_id)
    assert {name: count for name, count in removal["dates"].items() if count and name != "first"} == counts
    assert len(watched.list(status="confirmed")) == 5


def test_an_answer_to_an_invitation_is_previewed(watched: Calendar) -> None:
    series = watched.add(**STANDUP)
    path = f"{watched.path}/events/{series['id']}"
    previewed = watched.api.post(f"{path}/respond", {"response": "declined"}, preview="true").json()
    assert (previewed["preview"], previewed["response"], previewed["series_status"]) == (True, "declined", "cancelled")
    assert previewed["dates"]["cancelled"] == 6
    assert watched.event(series["id"])["response"] is None


def test_previews_owe_no_mail_and_no_webhook_and_say_what_the_write_would(service: Service, watched: Calendar) -> None:
    event = {**STANDUP, "attendees": [ADA]}
    before = owed(service)
    previewed = watched.api.post(f"{watched.path}/events/preview", event).json()
    assert (previewed["email_status"], previewed["emails_queued"]) == ("queued", 1)
    assert owed(service) == before
    made = watched.add(**event)
    assert owed(service) == before + 2
    watched.api.delete(f"{watched.path}/events/{made['id']}", mode="all", preview="true")
    watched.api.changed(f"{watched.path}/events/{made['id']}", {"title": "Huddle"}, preview="true")
    assert owed(service) == before + 2


def test_a_preview_that_comes_upon_a_reminder_that_is_due_leaves_it_to_be_owed(
    service: Service, watched: Calendar
) -> None:
    watched.add(**{**LUNCH, "start": "2026-03-02T07:10:00", "end": "2026-03-02T08:00:00"})
    before = owed(service)
    service.clock.advance(timedelta(minutes=7))  # five minutes before it passed two minutes ago
    previewed = watched.api.post(f"{watched.path}/events/preview", STANDUP)
    assert (previewed.status_code, owed(service)) == (200, before)
    watched.add(**STANDUP)
    assert owed(service) == before + 2


def test_a_preview_neither_uses_up_an_idempotency_key_nor_is_given_again_for_one(watched: Calendar) -> None:
    headers = {"Idempotency-Key": "lunch"}
    path = f"{watched.path}/events"
    for _ in range(2):
        previewed = watched.api.http.post(f"{path}?preview=true", json=LUNCH, headers=headers)
        assert (previewed.status_code, previewed.json()["preview"]) == (200, True)
    made = watched.api.http.post(path, json=LUNCH, headers=headers)
    assert (made.status_code, "preview" in made.json()) == (201, False)
    assert "Idempotent-Replayed" not in made.headers
    again = watched.api.http.post(f"{path}?preview=true", json={**LUNCH, "title": "Tea"}, headers=headers)
    assert (again.status_code, again.json()["title"]) == (200, "Tea")


def test_a_preview_takes_no_client_id(watched: Calendar) -> None:
    event = {**LUNCH, "client_id": "lunch"}
    for _ in range(2):
        assert watched.api.post(f"{watched.path}/events/preview", event).json()["client_id"] == "lunch"
    made = watched.add(**event)
    known = watched.api.post(f"{watched.path}/events/preview", {**event, "title": "Tea"})
    assert (known.json()["id"], known.json()["title"]) == (made["id"], "Lunch")


def test_a_preview_at_the_quota_is_refused_as_the_write_and_takes_nothing_of_it(watched: Calendar) -> None:
    for _ in range(QUOTA + 3):
        assert watched.api.post(f"{watched.path}/events/preview", LUNCH).status_code == 200
    for _ in range(QUOTA):
        watched.add(**LUNCH)
    answer = watched.api.post(f"{watched.path}/events/preview", LUNCH)
    assert (answer.status_code, answer.json()["code"], answer.json()["present"]) == (403, "quota_exceeded", QUOTA)


def test_what_a_write_would_be_refused_for_its_preview_is(watched: Calendar) -> None:
    wrong = {**LUNCH, "end": "2026-03-10T11:00:00"}
    previewed, real = (watched.api.post(f"{watched.path}/{place}", wrong) for place in ("events/preview", "events"))
    assert previewed.status_code == real.status_code == 400
    assert {**previewed.json(), "request_id": ""} == {**real.json(), "request_id": ""}
    assert watched.api.post(f"{watched.path}/events", LUNCH, preview="perhaps").json()["field"] == "preview"

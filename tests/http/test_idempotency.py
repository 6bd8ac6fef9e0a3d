"""Retrying is safe: one key, one write, one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from app.http import writes
from tests.support.service import Api, Calendar, Service

EVENT = {"title": "Once", "start": "2026-03-03T09:00:00", "end": "2026-03-03T09:30:00"}


def test_the_same_key_and_body_gives_the_first_answer_again(calendar: Calendar) -> None:
    headers = {"Idempotency-Key": "a-1"}
    first = calendar.api.http.post(f"{calendar.path}/events", json=EVENT, headers=headers)
    second = calendar.api.http.post(f"{calendar.path}/events", json=EVENT, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["ETag"] == first.headers["ETag"]
    assert "Idempotent-Replayed" not in first.headers
    assert len(calendar.list()) == 1


def test_the_same_key_with_another_body_is_refused(calendar: Calendar) -> None:
    headers = {"Idempotency-Key": "a-1"}
    calendar.api.http.post(f"{calendar.path}/events", json=EVENT, headers=headers)
    other = calendar.api.http.post(f"{calendar.path}/events", json=EVENT | {"title": "Two"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len(calendar.list()) == 1


def test_a_key_means_something_only_to_its_api_key_and_path(service: Service, calendar: Calendar) -> None:
    headers = {"Idempotency-Key": "a-1"}
    second = Calendar(calendar.api, calendar.api.made("/calendars", name="Second"))
    other = Api(service.url, calendar.api.made("/agents/keys", scope="full")["api_key"])
    for api, path in ((calendar.api, calendar.path), (calendar.api, second.path), (other, calendar.path)):
        answer = api.http.post(f"{path}/events", json=EVENT, headers=headers)
        assert answer.status_code == 201
        assert "Idempotent-Replayed" not in answer.headers
    assert len(calendar.list()) == 2
    assert len(second.list()) == 1


def test_a_day_later_the_key_is_free_again(service: Service, calendar: Calendar) -> None:
    headers = {"Idempotency-Key": "a-1"}
    first = calendar.api.http.post(f"{calendar.path}/events", json=EVENT, headers=headers)
    service.clock.advance(timedelta(hours=23, minutes=59))
    assert calendar.api.http.post(f"{calendar.path}/events", json=EVENT, headers=headers).content == first.content
    service.clock.advance(timedelta(minutes=1))
    again = calendar.api.http.post(f"{calendar.path}/events", json=EVENT, headers=headers)
    assert again.status_code == 201
    assert again.content != first.content


def test_what_was_refused_can_be_sent_again_corrected(calendar: Calendar) -> None:
    headers = {"Idempotency-Key": "a-1"}
    wrong = calendar.api.http.post(
        f"{calendar.path}/events", json=EVENT | {"end": "2026-03-01T09:00:00"}, headers=headers
    )
    assert wrong.status_code == 400
    right = calendar.api.http.post(f"{calendar.path}/events", json=EVENT, headers=headers)
    assert right.status_code == 201


def test_twenty_equal_requests_at_once_make_one_event_and_twenty_equal_answers(calendar: Calendar) -> None:
    url, key = str(calendar.api.http.base_url), calendar.api.key

    def send(_: int) -> tuple[int, bytes]:
        api = Api(url, key)
        answer = api.http.post(f"{calendar.path}/events", json=EVENT, headers={"Idempotency-Key": "race"})
        return answer.status_code, answer.content

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(send, range(20)))
    assert {status for status, _ in answers} == {201}
    assert len({content for _, content in answers}) == 1
    assert len(calendar.list()) == 1
    assert [change["seq"] for change in calendar.changes()] == [1]


def test_a_request_that_is_still_running_is_told_of(
    service: Service, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody holds the calendar's lock, so the first request hangs; the second waits its time and says so."""
    monkeypatch.setattr(writes, "WAIT_MILLISECONDS", 500)  # each waits its own
    headers = {"Idempotency-Key": "slow"}
    with psycopg.connect(service.dsn) as blocker, ThreadPoolExecutor(1) as threads:
        blocker.execute("select 1 from calendars where id = %s for update", (calendar.id,))
        url = f"{calendar.path}/events"
        first = threads.submit(calendar.api.http.post, url, json=EVENT, headers=headers)
        while not blocker.execute("select 1 from pg_stat_activity where wait_event_type = 'Lock'").fetchone():
            pass
        second = Api(service.url, calendar.api.key).http.post(url, json=EVENT, headers=headers)
        assert second.status_code in (409, 503)
        assert second.headers["Retry-After"] == "2"
        blocker.rollback()
        assert first.result().status_code in (201, 503)
    assert calendar.api.http.post(url, json=EVENT, headers=headers).status_code == 201
    assert len(calendar.list()) == 1


def test_an_answer_with_a_secret_is_sealed_at_rest_and_opens_again(service: Service, api: Api) -> None:
    headers = {"Idempotency-Key": "secret"}
    first = api.http.post("/calendars", json={"name": "Work"}, headers=headers)
    assert api.http.post("/calendars", json={"name": "Work"}, headers=headers).content == first.content
    with psycopg.connect(service.dsn) as connection:
        kept = connection.execute("select answer from idempotency where sealed").fetchall()
    assert kept
    assert all(first.json()["feed_token"].encode() not in bytes(row[0]) for row in kept)


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "ümlaut"])
def test_a_malformed_key_is_refused(calendar: Calendar, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = calendar.api.http.post(f"{calendar.path}/events", json=EVENT, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


def test_the_same_client_id_returns_the_first_event(calendar: Calendar) -> None:
    first = calendar.add(client_id="trip-7", **EVENT)
    assert first["client_id"] == "trip-7"
    again = calendar.api.post(f"{calendar.path}/events", EVENT | {"client_id": "trip-7", "title": "Other"})
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (200, first, "true")
    other = Calendar(calendar.api, calendar.api.made("/calendars", name="Other"))
    assert other.add(client_id="trip-7", **EVENT)["id"] != first["id"]
    calendar.remove(first["id"])
    assert calendar.add(client_id="trip-7", **EVENT)["id"] != first["id"]


def test_twenty_creates_with_one_client_id_make_one_event(calendar: Calendar) -> None:
    url, key = str(calendar.api.http.base_url), calendar.api.key

    def send(_: int) -> str:
        return str(Api(url, key).post(f"{calendar.path}/events", EVENT | {"client_id": "one"}).json()["id"])

    with ThreadPoolExecutor(20) as threads:
        assert len(set(threads.map(send, range(20)))) == 1

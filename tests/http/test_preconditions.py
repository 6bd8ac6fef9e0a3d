"""Two writers cannot overwrite each other, and a reader need not read twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.service import Api, Calendar

EVENT = {"title": "x", "start": "2026-03-03T09:00:00", "end": "2026-03-03T09:30:00"}


def test_every_representation_of_an_event_carries_its_tag(calendar: Calendar) -> None:
    made = calendar.api.post(f"{calendar.path}/events", EVENT)
    path = f"{calendar.path}/events/{made.json()['id']}"
    assert made.headers["ETag"] == f'"{made.json()["etag"]}"' == calendar.api.get(path).headers["ETag"]
    changed = calendar.api.patch(path, {"title": "y"})
    assert changed.headers["ETag"] != made.headers["ETag"]
    assert calendar.api.get(path).headers["ETag"] == changed.headers["ETag"]


def test_metadata_that_looks_like_a_tag_is_not_taken_for_one(calendar: Calendar) -> None:
    made = calendar.api.post(f"{calendar.path}/events", EVENT | {"metadata": {"etag": "mine"}})
    assert made.headers["ETag"] == f'"{made.json()["etag"]}"'


def test_a_stale_tag_gets_the_current_state_and_changes_nothing(calendar: Calendar) -> None:
    event = calendar.add(**EVENT)
    path = f"{calendar.path}/events/{event['id']}"
    current = calendar.change(event["id"], title="y")
    stale, weak = {"If-Match": f'"{event["etag"]}"'}, {"If-Match": f'W/"{current["etag"]}"'}
    for answer in (
        calendar.api.http.patch(path, json={"title": "z"}, headers=stale),
        calendar.api.http.delete(path, headers=stale),
        calendar.api.http.patch(path, json={"title": "z"}, headers=weak),
    ):
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
        assert answer.json()["current"] == current
    for tag in (f'"{current["etag"]}"', "*"):
        assert calendar.api.http.patch(path, json={"location": "r"}, headers={"If-Match": tag}).status_code == 200
        current = calendar.event(event["id"])
    assert calendar.api.http.delete(path, headers={"If-Match": current["etag"]}).status_code == 204


def test_one_date_has_a_tag_of_its_own(calendar: Calendar) -> None:
    series = calendar.add(recurrence="FREQ=DAILY;COUNT=3", **EVENT)
    path = f"{calendar.path}/events/{series['id']}_20260304"
    before = calendar.api.get(path)
    own = calendar.api.http.patch(path, json={"title": "own"}, headers={"If-Match": before.headers["ETag"]})
    assert own.status_code == 200
    calendar.change(series["id"], title="theirs")
    assert calendar.api.get(path).headers["ETag"] == own.headers["ETag"]
    assert calendar.api.http.delete(path, headers={"If-Match": before.headers["ETag"]}).status_code == 412
    assert calendar.api.http.delete(path, headers={"If-Match": own.headers["ETag"]}).status_code == 204
    assert calendar.api.get(path).headers["ETag"] != own.headers["ETag"]


def test_fifty_writers_on_one_tag_make_one_change(calendar: Calendar) -> None:
    event = calendar.add(**EVENT)
    path, url = f"{calendar.path}/events/{event['id']}", str(calendar.api.http.base_url)

    def send(number: int) -> tuple[int, str | None]:
        api = Api(url, calendar.api.key)
        answer = api.http.patch(path, json={"title": f"w{number}"}, headers={"If-Match": f'"{event["etag"]}"'})
        return answer.status_code, answer.json().get("current", {}).get("title")

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(send, range(50)))
    assert sorted(status for status, _ in answers) == [200] + [412] * 49
    assert {title for status, title in answers if status == 412} == {calendar.event(event["id"])["title"]}


def test_if_none_match_saves_reading_the_same_again(calendar: Calendar) -> None:
    event = calendar.add(**EVENT)
    for path in (calendar.path, f"{calendar.path}/events/{event['id']}"):
        tag = calendar.api.get(path).headers["ETag"]
        fresh = calendar.api.http.get(path, headers={"If-None-Match": f'"other", {tag}'})
        assert (fresh.status_code, fresh.content, fresh.headers["ETag"]) == (304, b"", tag)
        assert calendar.api.http.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_calendars_heed_tags_too(calendar: Calendar) -> None:
    before = calendar.api.get(calendar.path)
    tag = before.headers["ETag"]
    renamed = calendar.api.http.patch(calendar.path, json={"name": "New"}, headers={"If-Match": tag})
    assert renamed.status_code == 200
    stale = calendar.api.http.patch(calendar.path, json={"name": "Newer"}, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert stale.json()["current"] == renamed.json() == calendar.api.got(calendar.path)
    assert calendar.api.http.delete(calendar.path, headers={"If-Match": tag}).status_code == 412
    assert calendar.api.http.delete(calendar.path, headers={"If-Match": renamed.headers["ETag"]}).status_code == 204

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import psycopg

from app.errors import Problem
from app.failures.service import KEPT, KEPT_MOST, LIST_MOST, forget_failures
from app.http.failures import KEPT_PER_KEY, KEYS_MOST, UNPROVEN_MOST, Failure, Failures
from app.ids import digest
from tests.conftest import NOON
from tests.support.service import Api, Calendar, Service


def failed(api: Api, **params: Any) -> list[Any]:
    found: list[Any] = api.got("/errors", **params)["errors"]
    return found


def test_an_agent_finds_its_last_mistake_at_once_and_as_it_was_told(calendar: Calendar) -> None:
    refused = calendar.api.post("/calendars", {"name": "Home", "timezone": "Europe/Berln"})
    told = refused.json()
    assert failed(calendar.api) == [
        {
            "at": "2026-03-02T12:00:00.000Z",
            "request_id": refused.headers["X-Request-Id"],
            "method": "POST",
            "route": "/calendars",
            "path": "/calendars",
            "status": 400,
            "code": "invalid_timezone",
            "error": told["error"],
            "hint": told["hint"],
            "field": "timezone",
        }
    ]


def test_an_agent_without_mistakes_has_none(api: Api) -> None:
    assert api.got("/agents/me")
    assert failed(api) == []


def test_the_newest_comes_first_and_limit_keeps_the_newest(calendar: Calendar) -> None:
    paths = [f"{calendar.path}/events/evt_{number}" for number in range(4)]
    for path in paths:
        assert calendar.api.get(path).status_code == 404
    assert [failure["path"] for failure in failed(calendar.api)] == paths[::-1]
    assert [failure["path"] for failure in failed(calendar.api, limit=2)] == paths[:1:-1]
    assert len(failed(calendar.api, limit=LIST_MOST + 1)) == 4
    assert calendar.api.get("/errors", limit=0).json()["field"] == "limit"


def test_route_keeps_one_template_or_one_path(calendar: Calendar) -> None:
    calendar.refused(title="Lunch")
    calendar.api.get(f"{calendar.path}/events/evt_1")
    calendar.api.get("/calendars/cal_1")
    template = "/calendars/{calendar_id}/events"
    assert [f["code"] for f in failed(calendar.api, route=template)] == ["missing_field"]
    assert [f["code"] for f in failed(calendar.api, route=f"{calendar.path}/events")] == ["missing_field"]
    assert [f["path"] for f in failed(calendar.api, route="/calendars/cal_1")] == ["/calendars/cal_1"]
    assert failed(calendar.api, route="/nowhere") == []


def test_a_path_that_nothing_serves_is_told_without_a_route(api: Api) -> None:
    api.get("/calenders")
    api.http.put("/calendars")
    assert [(f["path"], f["route"], f["status"]) for f in failed(api)] == [
        ("/calendars", None, 405),
        ("/calenders", None, 404),
    ]


def test_all_keys_of_an_agent_share_what_failed_and_no_other_agent_sees_it(calendar: Calendar) -> None:
    reader = Api(str(calendar.api.http.base_url), calendar.api.made("/agents/keys", scope="read")["api_key"])
    assert reader.post("/calendars", {"name": "Mine"}).status_code == 403
    assert [failure["code"] for failure in failed(calendar.api)] == ["scope_missing"]
    other = Api(str(calendar.api.http.base_url), Api(str(calendar.api.http.base_url), None).made("/agents")["api_key"])
    other.get(calendar.path)
    assert [failure["path"] for failure in failed(other)] == [calendar.path]
    assert len(failed(reader)) == 1


def test_what_comes_with_an_unknown_key_is_nobodys(service: Service, api: Api) -> None:
    stranger = Api(service.url, "sk_live_made_up")
    assert stranger.get("/agents/me").status_code == 401
    assert stranger.get("/strangers").status_code == 404
    assert stranger.get("/errors").status_code == 401
    assert failed(api) == []
    with psycopg.connect(service.dsn) as database:
        assert database.execute("select count(*) from failures where path = '/strangers'").fetchone() == (0,)


def test_no_secret_no_query_and_no_body_is_kept(service: Service, calendar: Calendar) -> None:
    inbound = calendar.created["inbound_webhook_url"].rsplit("/", 1)[1]
    feed = calendar.created["feed_token"]
    calendar.api.post(f"/inbound/{inbound}", [])
    calendar.api.get(f"/feeds/{calendar.id}.ics", token=f"{feed}x")
    calendar.api.post(f"/inbox/{inbound}", {"subject": "confidential"})
    calendar.api.get(f"/inbound/{inbound}/what", q="confidential")
    calendar.api.get(f"/calendars/{feed}", q="confidential")
    calendar.api.post("/calendars", {"name": "W", f"{calendar.api.key}": "confidential"})
    found = failed(calendar.api)
    assert [failure["path"] for failure in found] == ["/calendars", "/calendars/feed_…", "/inbound/…", "/inbox/inb_…"]
    with psycopg.connect(service.dsn) as database:
        kept = str(database.execute("select f::text from failures f").fetchall())
    for secret in (inbound, feed, calendar.api.key or "", "confidential"):
        assert secret not in kept
        assert secret.split("_")[-1] not in kept


def test_a_path_that_could_not_be_stored_is_stored_without_what_could_not(api: Api) -> None:
    for path in ("/a%00b", "/%ff%fe", "/" + "x" * 900, "/a%0ab"):
        assert api.get(path).status_code == 404
    found = failed(api)
    assert len(found) == 4
    assert all(failure["path"].isprintable() and len(failure["path"]) <= 200 for failure in found)


def test_a_flood_is_kept_in_part_and_an_agent_has_so_many_at_most(service: Service, calendar: Calendar) -> None:
    at = service.context
    agent = calendar.api.got("/agents/me")["agent_id"]
    key = digest(calendar.api.key or "")

    async def flood(rounds: int) -> None:
        for turn in range(rounds):
            for number in range(3 * KEPT_PER_KEY):
                at.failures.note(key, failure(f"/{turn}/{number}"), is_proven=True)
            await at.failures.flush()

    service.run(flood(2))
    newest = [f"/{turn}/{number}" for turn in (1, 0) for number in reversed(range(2 * KEPT_PER_KEY, 3 * KEPT_PER_KEY))]
    assert [each["path"] for each in failed(calendar.api, limit=100)] == newest
    service.run(flood(KEPT_MOST // KEPT_PER_KEY + 2))
    with psycopg.connect(service.dsn) as database:
        kept = database.execute("select count(*) from failures where agent_id = %s", (agent,)).fetchone()
    assert kept == (KEPT_MOST,)


def failure(path: str) -> Failure:
    return Failure(NOON, "req_1", "GET", None, path, 404, "not_found", "Nothing.", None, None)


def test_what_failed_long_ago_is_not_told_and_then_forgotten(own_service: Service) -> None:
    api = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    api.get("/calenders")
    assert len(failed(api)) == 1
    own_service.clock.advance(KEPT - timedelta(seconds=1))
    own_service.run(forget_failures(own_service.context.db, own_service.clock.now()))
    assert len(failed(api)) == 1
    own_service.clock.advance(timedelta(seconds=1))
    assert failed(api) == []
    own_service.run(forget_failures(own_service.context.db, own_service.clock.now()))
    with psycopg.connect(own_service.dsn) as database:
        assert database.execute("select count(*) from failures").fetchone() == (0,)


def test_while_the_database_is_away_the_newest_are_held_and_stored_when_it_is_back() -> None:
    stored: list[str] = []
    is_away = True

    async def store(failures: Any) -> None:
        if is_away:
            raise Problem("unavailable", "Away.")
        stored.extend(failure.path for _, failure in failures)

    async def outage() -> None:
        nonlocal is_away
        held = Failures(store)
        for number in range(KEPT_PER_KEY):
            held.note(b"a", failure(f"/{number}"), is_proven=True)
        await held.flush()
        held.note(b"a", failure("/late"), is_proven=True)
        await held.flush()
        is_away = False
        await held.flush()
        await held.flush()

    asyncio.run(outage())
    assert stored == [*(f"/{number}" for number in range(1, KEPT_PER_KEY)), "/late"]


def test_made_up_keys_push_out_no_real_one_and_memory_is_bounded() -> None:
    stored: list[bytes] = []

    async def store(failures: Any) -> None:
        stored.extend(key for key, _ in failures)

    async def flood() -> None:
        held = Failures(store)
        for number in range(KEYS_MOST + 500):
            held.note(b"made up %d" % number, failure("/"), is_proven=False)
        held.note(b"real", failure("/"), is_proven=True)
        await held.flush()

    asyncio.run(flood())
    assert len(stored) == UNPROVEN_MOST + 1
    assert b"real" in stored

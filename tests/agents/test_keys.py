from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from app.clock import FrozenClock
from tests.support.service import Api, Calendar, Service


def _with(api: Api, scope: str, **fields: Any) -> tuple[Api, Any]:
    made = api.made("/agents/keys", scope=scope, **fields)
    return Api(str(api.http.base_url), made["api_key"]), made


def test_only_the_hash_of_a_key_is_kept(own_service: Service) -> None:
    key = Api(own_service.url, None).made("/agents", name="Ada")["api_key"]
    with psycopg.connect(own_service.dsn) as database:
        rows = database.execute("select row_to_json(keys)::text, hash from keys").fetchall()
    assert len(rows) == 1
    assert rows[0][1] == hashlib.sha256(key.encode()).digest()
    assert key not in rows[0][0]
    assert key[14:] not in rows[0][0]


def test_a_key_is_shown_once_and_then_by_its_first_fourteen_characters(api: Api) -> None:
    _, made = _with(api, "read", name="Reader", expires_at="2027-01-31T13:00:00+01:00")
    assert made["expires_at"] == "2027-01-31T12:00:00.000Z"
    assert made["prefix"] == made["api_key"][:14]
    listed = api.get("/agents/keys")
    assert made["api_key"] not in listed.text
    shown = {key["key_id"]: key for key in listed.json()["keys"]}
    assert len(shown) == 2
    assert shown[made["key_id"]] == {name: value for name, value in made.items() if name != "api_key"} | {
        "last_used_at": shown[made["key_id"]]["last_used_at"]
    }
    assert [key["scope"] for key in listed.json()["keys"] if key["key_id"] != made["key_id"]] == ["full"]


def test_a_key_dies_at_the_moment_it_expires(api: Api, clock: FrozenClock) -> None:
    reader, _ = _with(api, "read", expires_at="2026-03-02T12:10:00Z")
    clock.advance(timedelta(minutes=10) - timedelta(milliseconds=1))
    assert reader.get("/calendars").status_code == 200
    clock.advance(timedelta(milliseconds=1))
    refused = reader.get("/calendars")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "missing_field", "scope"),
        ({"scope": None}, "missing_field", "scope"),
        ({"scope": "admin"}, "invalid_field", "scope"),
        ({"scope": ["read"]}, "invalid_field", "scope"),
        ({"scope": "read", "name": "n" * 256}, "invalid_field", "name"),
        ({"scope": "read", "expires": "2027-01-01T00:00:00Z"}, "unknown_field", "expires"),
        ({"scope": "read", "expires_at": "2026-03-02T12:00:00Z"}, "invalid_field", "expires_at"),
        ({"scope": "read", "expires_at": "2027-01-01T00:00:00"}, "invalid_time", "expires_at"),
        ({"scope": "read", "expires_at": "2027-01-01"}, "invalid_time", "expires_at"),
        ({"scope": "read", "expires_at": "soon"}, "invalid_time", "expires_at"),
        ({"scope": "read", "expires_at": "9999-12-31T23:59:59-12:00"}, "invalid_time", "expires_at"),
        ({"scope": "read", "expires_at": 1798761600}, "invalid_field", "expires_at"),
    ],
)
def test_a_key_is_not_made_from_a_wrong_wish(api: Api, body: Any, code: str, field: str) -> None:
    refused = api.post("/agents/keys", body)
    assert refused.status_code == 400, refused.text
    assert (refused.json()["code"], refused.json()["field"]) == (code, field)
    assert len(api.got("/agents/keys")["keys"]) == 1


def test_a_revoked_key_is_dead_with_the_next_request(api: Api) -> None:
    other, made = _with(api, "full")
    assert other.get("/agents/me").status_code == 200
    api.deleted(f"/agents/keys/{made['key_id']}")
    assert other.get("/agents/me").status_code == 401
    assert other.post("/calendars", {"name": "Late"}).status_code == 401
    gone = api.delete(f"/agents/keys/{made['key_id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


def test_a_full_key_may_revoke_itself_when_another_full_one_lives(api: Api) -> None:
    other, _ = _with(api, "full")
    own_id = next(key["key_id"] for key in api.got("/agents/keys")["keys"] if key["prefix"] == str(api.key)[:14])
    api.deleted(f"/agents/keys/{own_id}")
    assert api.get("/agents/me").status_code == 401
    assert other.get("/agents/me").status_code == 200


def test_the_last_living_full_key_stays(api: Api, clock: FrozenClock) -> None:
    _with(api, "read")
    _with(api, "book")
    _with(api, "full", expires_at="2026-03-02T13:00:00Z")
    own_id = next(key["key_id"] for key in api.got("/agents/keys")["keys"] if key["prefix"] == str(api.key)[:14])
    clock.advance(timedelta(hours=2))  # the other full key has expired
    refused = api.delete(f"/agents/keys/{own_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert api.get("/agents/me").status_code == 200


def test_another_agents_key_is_as_unknown_as_a_random_one(api: Api, service: Service) -> None:
    stranger = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
    theirs = stranger.got("/agents/keys")["keys"][0]["key_id"]
    answers = [api.delete(f"/agents/keys/{key_id}") for key_id in (theirs, "key_AAAAAAAAAAAA")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["error"].replace(theirs, "key_AAAAAAAAAAAA") == answers[1].json()["error"]
    assert stranger.get("/agents/me").status_code == 200


READS = ("/agents/me", "/agents/keys", "/calendars", "{c}", "{c}/events", "{c}/events/{e}", "{c}/upcoming", "{c}/view")
WRITES: tuple[tuple[str, str, Any], ...] = (
    ("PATCH", "/agents", {"name": "x"}),
    ("DELETE", "/agents/me?confirm=agt_x", None),
    ("POST", "/agents/keys", {"scope": "read"}),
    ("DELETE", "/agents/keys/key_AAAAAAAAAAAA", None),
    ("POST", "/calendars", {"name": "x"}),
    ("PATCH", "{c}", {"name": "x"}),
    ("POST", "{c}/rotate", {"what": ["feed"]}),
    ("DELETE", "{c}", None),
    ("POST", "{c}/events", {"title": "x", "start": "2026-03-04T09:00:00Z", "end": "2026-03-04T10:00:00Z"}),
    ("PATCH", "{c}/events/{e}", {"title": "x"}),
    ("DELETE", "{c}/events/{e}", None),
)


@pytest.fixture
def event_id(calendar: Calendar) -> str:
    made = calendar.add(title="Talk", start="2026-03-03T09:00:00", end="2026-03-03T10:00:00")
    return str(made["id"])


@pytest.mark.parametrize("scope", ["read", "book"])
def test_a_narrow_key_reads_everything_and_writes_nothing(calendar: Calendar, event_id: str, scope: str) -> None:
    narrow, _ = _with(calendar.api, scope)

    def at(path: str) -> str:
        return path.format(c=calendar.path, e=event_id)

    for path in (*READS, "{c}/changes"):
        assert narrow.get(at(path)).status_code == 200, path
    before = calendar.changes()
    for method, path, body in WRITES:
        refused = narrow.http.request(method, at(path), json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing"), path
        assert "full" in refused.json()["error"]
        assert scope in refused.json()["error"]
        assert (refused.json()["scope_needed"], refused.json()["scope_held"]) == ("full", scope)
    assert calendar.changes() == before


def test_answering_an_invitation_needs_book(calendar: Calendar, event_id: str) -> None:
    path = f"{calendar.path}/events/{event_id}/respond"
    reader, _ = _with(calendar.api, "read")
    refused = reader.post(path, {"response": "accepted"})
    assert refused.status_code == 403
    assert (refused.json()["scope_needed"], refused.json()["scope_held"]) == ("book", "read")
    booker, _ = _with(calendar.api, "book")
    assert booker.post(path, {"response": "accepted"}).status_code == 200


@pytest.mark.parametrize("scope", ["read", "book"])
def test_a_narrow_key_is_not_told_the_secret_addresses(calendar: Calendar, scope: str) -> None:
    narrow, _ = _with(calendar.api, scope)
    for answer in (narrow.get(calendar.path), narrow.get("/calendars")):
        shown = answer.json().get("calendars", [answer.json()])[0]
        assert shown["ical_feed_url"] is None
        assert shown["page_url"] is None
        assert shown["inbound_webhook_url"] is None
        assert calendar.created["feed_token"] not in answer.text
        assert "inb_" not in answer.text
    own = calendar.api.got(calendar.path)
    assert own["ical_feed_url"] == calendar.created["ical_feed_url"]
    assert own["inbound_webhook_url"] == calendar.created["inbound_webhook_url"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "])
def test_the_scheme_may_be_written_in_any_case(service: Service, api: Api, scheme: str) -> None:
    answer = Api(service.url, None).http.get("/agents/me", headers={"Authorization": f"{scheme} {api.key}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Bearer",
        b"Basic YTpi",
        b"Token {key}",
        b"{key}",
        b"Bearer {key} extra",
        b"Bearer {key},{key}",
        b"Bearer {key}x",
        b"Bearer " + b"a" * 20_000,
        b"Bearer \xff\xfe",
        b"Bearer sk_live_\xc3\xbc",
        b"Bearer null",
        b"Bearer\t{key}",
        b"Bearer sk_live_' or 1=1 --",
        b"Bearer %00",
    ],
)
def test_a_strange_authorization_header_is_401_and_says_how_to_do_it(service: Service, api: Api, header: bytes) -> None:
    sent = header.replace(b"{key}", str(api.key).encode())
    for method, path in (("GET", "/calendars"), ("POST", "/calendars"), ("DELETE", "/agents/me")):
        answer = Api(service.url, None).http.request(method, path, headers=[(b"Authorization", sent)])
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["hint"]

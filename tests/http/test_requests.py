"""What is refused before anything is done, and how it is said."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from app.errors import CODES
from tests.support.service import Api, Calendar, Service

EVENT = {"title": "x", "start": "2026-03-03T09:00:00", "end": "2026-03-03T10:00:00"}


def problem(response: httpx.Response, status: int, code: str, field: str | None = None) -> Any:
    """The error object, which is whole whatever went wrong."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:500]}"
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert body["code"] == code, body
    assert CODES[code].status == status
    assert body.get("field") == field, body
    assert body["error"]
    assert body["error"][-1] in ".!?", body["error"]
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert set(body) <= {"error", "code", "hint", "field", "request_id"}
    assert len(response.content) < 1500
    return body


MALFORMED = {
    "nothing": b"",
    "blanks": b" \n\t ",
    "an open brace": b"{",
    "two values": b'{"name":"x"} {}',
    "a trailing comma": b'{"name":"x",}',
    "single quotes": b"{'name':'x'}",
    "NaN": b'{"name":NaN}',
    "Infinity": b'{"name":-Infinity}',
    "a number out of range": b'{"name":1e999}',
    "a number of 5,000 digits": b'{"name":' + b"9" * 5000 + b"}",
    "a lone high surrogate": rb'{"name":"\ud800"}',
    "a lone low surrogate": rb'{"name":"\ude00"}',
    "a lone surrogate in a name": rb'{"\ud800":1,"name":"x"}',
    "an encoded surrogate": b'{"name":"\xed\xa0\x80"}',
    "a raw NUL": b'{"name":"a\x00b"}',
    "a raw line break": b'{"name":"a\nb"}',
    "bad UTF-8": b'{"name":"\xff\xfe"}',
    "an overlong slash": b'{"name":"\xc0\xaf"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "100,000 brackets": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "an array": b"[]",
    "an array of objects": b'[{"name":"x"}]',
    "null": b"null",
    "a string": b'"name"',
    "a number": b"7",
    "a form": b"name=x&timezone=UTC",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_body_that_is_not_one_json_object_is_refused_everywhere(calendar: Calendar, raw: bytes) -> None:
    event_id = calendar.add(**EVENT)["id"]
    log, agent = calendar.changes(), calendar.api.got("/agents/me")
    for method, path in (
        ("POST", "/calendars"),
        ("PATCH", calendar.path),
        ("POST", f"{calendar.path}/rotate"),
        ("POST", f"{calendar.path}/events"),
        ("PATCH", f"{calendar.path}/events/{event_id}"),
        ("POST", f"{calendar.path}/events/{event_id}/respond"),
        ("POST", "/agents/keys"),
        ("PATCH", "/agents"),
    ):
        response = calendar.api.http.request(method, path, content=raw)
        if method == "PATCH" and not raw.strip():
            problem(response, 400, "nothing_to_change")
        else:
            problem(response, 400, "invalid_json")
    assert calendar.changes() == log
    assert calendar.api.got("/agents/me") == agent
    assert len(calendar.api.got("/calendars")["calendars"]) == 1


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (rb'{"name":"a\u0000b"}', "name"),
        (rb'{"name":"x","webhook_offsets":["-5m","\u0000"]}', "webhook_offsets"),
        (rb'{"na\u0000me":"x"}', "name"),
        (rb'{"name":"x","\u0000":1}', ""),
    ],
)
def test_an_escaped_nul_is_refused_by_the_name_of_its_field(api: Api, raw: bytes, field: str) -> None:
    problem(api.http.post("/calendars", content=raw), 400, "invalid_field", field)
    assert api.got("/calendars") == {"calendars": []}


def test_a_nul_deep_in_metadata_is_found_in_names_and_values(calendar: Calendar) -> None:
    for metadata in ({"a": [{"b": "\0"}]}, {"a": {"\0": 1}}):
        refused = calendar.api.post(f"{calendar.path}/events", EVENT | {"metadata": metadata})
        problem(refused, 400, "invalid_field", "metadata")
    backslash = calendar.add(**EVENT, metadata={"path": r"C:\u0000"})
    assert backslash["metadata"] == {"path": r"C:\u0000"}


@pytest.mark.parametrize("depth", [65, 500, 900, 990])
def test_json_nested_more_than_any_field_takes_is_refused(calendar: Calendar, depth: int) -> None:
    for inner in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        raw = b'{"title":"x","start":"2026-03-03T09:00:00","end":"2026-03-03T10:00:00","metadata":' + inner + b"}"
        refused = calendar.api.http.post(f"{calendar.path}/events", content=raw)
        assert refused.status_code == 400, refused.text
        assert refused.json()["code"] in ("invalid_field", "invalid_json")


WRONG: tuple[Any, ...] = (None, True, 0, -1.5, 10**30, "", "\ufdd0", [], [[]], {}, {"a": None})
BODIES: dict[str, tuple[str, str, dict[str, Any], tuple[str, ...]]] = {
    "agent": ("POST", "/agents", {}, ("name", "description")),
    "key": ("POST", "/agents/keys", {"scope": "read"}, ("name", "scope", "expires_at")),
    "calendar": (
        "POST",
        "/calendars",
        {"name": "x"},
        ("name", "timezone", "agentmail_api_key", "webhook_url", "webhook_secret", "webhook_offsets", "welcome_event"),
    ),
    "calendar's patch": (
        "PATCH",
        "{c}",
        {},
        ("name", "timezone", "agentmail_api_key", "webhook_url", "webhook_secret", "webhook_offsets"),
    ),
    "rotation": ("POST", "{c}/rotate", {"what": ["inbound"]}, ("what",)),
    "answer": ("POST", "{c}/events/{e}/respond", {"response": "accepted"}, ("response",)),
}
_FIELDS = (
    "title start end duration description metadata location status transparency attendees recurrence rrule all_day"
    " timezone exdates rdates"
)
BODIES["event"] = ("POST", "{c}/events", EVENT, tuple(_FIELDS.split()))
BODIES["event's patch"] = ("PATCH", "{c}/events/{e}", {}, tuple(_FIELDS.split()))
BODIES["series' patch"] = ("PATCH", "{c}/events/{s}", {}, tuple(_FIELDS.split()))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_any_value_in_any_field_is_taken_or_refused_by_that_name(
    calendar: Calendar, body: tuple[str, str, dict[str, Any], tuple[str, ...]]
) -> None:
    method, path, base, fields = body
    ids = {"c": calendar.path, "e": calendar.add(**EVENT)["id"]}
    ids["s"] = calendar.add(**EVENT, recurrence="FREQ=DAILY;COUNT=9")["id"]
    for field in fields:
        for value in WRONG:
            response = calendar.api.http.request(method, path.format(**ids), json=base | {field: value})
            if response.status_code < 300:
                continue
            refused = response.json()
            assert response.status_code == 400, (field, value, refused)
            assert refused["code"] in CODES
            if isinstance(value, (list, dict, float)) and value:
                assert str(refused["field"]).split(".")[0] == field, (field, value, refused)


def test_a_query_is_refused_where_it_is_unknown_doubled_or_unreadable(calendar: Calendar) -> None:
    get, events = calendar.api.http.get, f"{calendar.path}/events"
    assert problem(get(f"{events}?limti=5"), 400, "unknown_field", "limti")["hint"] == "Did you mean limit?"
    problem(get(f"{events}?limit=5&limit=6"), 400, "invalid_field", "limit")
    problem(get(f"{events}?start=%00"), 400, "invalid_field", "start")
    problem(get(f"{events}?start=%ff%fe"), 400, "invalid_field", "start")
    problem(get(f"{events}?start=%ed%a0%80"), 400, "invalid_field", "start")
    problem(get(f"{events}?{'x' * 50_000}=1"), 400, "unknown_field", "x" * 60 + "…")
    for path in ("/agents/me", "/agents/keys", "/calendars", calendar.path, f"{calendar.path}/changes"):
        problem(get(f"{path}?page=2"), 400, "unknown_field", "page")
    for method, path in (
        ("POST", "/agents"),
        ("POST", "/calendars"),
        ("PATCH", calendar.path),
        ("DELETE", "/agents/me"),
    ):
        problem(calendar.api.http.request(method, f"{path}?dry_run=1"), 400, "unknown_field", "dry_run")
    problem(calendar.api.http.delete(f"{calendar.path}?force=1"), 400, "unknown_field", "force")


@pytest.mark.parametrize(
    "value", ["0", "-1", "1.5", "", "ten", "1e3", "٥", "+5", " 5", "0x10", "9" * 5000, "1;drop table agents"]
)
def test_a_limit_is_a_whole_number(calendar: Calendar, value: str) -> None:
    for path in (f"{calendar.path}/events", f"{calendar.path}/upcoming", f"{calendar.path}/view"):
        problem(calendar.api.get(path, limit=value), 400, "invalid_field", "limit")


def test_a_limit_beyond_the_most_is_clamped(calendar: Calendar) -> None:
    for path in ("events", "upcoming", "view", "changes"):
        assert calendar.api.get(f"{calendar.path}/{path}", limit=99_999).status_code == 200


@pytest.mark.parametrize("params", ["since=-1", "since=abc", "since=1.0", "since=" + "9" * 30, "limit=0", "limit="])
def test_a_place_in_the_log_is_a_whole_number(calendar: Calendar, params: str) -> None:
    field = params.split("=")[0]
    problem(calendar.api.http.get(f"{calendar.path}/changes?{params}"), 400, "invalid_field", field)


def test_a_dead_key_is_told_so_before_its_mistakes(calendar: Calendar, service: Service) -> None:
    for stranger in (Api(service.url, "sk_live_" + "0" * 32), Api(service.url, None)):
        for method, path, content in (
            ("POST", "/calendars", b"{"),
            ("POST", "/calendars", b'{"nmae":1}'),
            ("POST", "/calendars", b'{"name":"x","timezone":"Mars/Olympus"}'),
            ("PATCH", calendar.path, b""),
            ("POST", f"{calendar.path}/rotate", b"[]"),
            ("POST", f"{calendar.path}/events", b'{"title":1}'),
            ("POST", f"{calendar.path}/events", b'{"title":"x"}'),
            ("GET", f"{calendar.path}/events?limti=1", b""),
            ("GET", f"{calendar.path}/changes?since=x", b""),
            ("POST", "/agents/keys", b"{}"),
            ("PATCH", "/agents", b"{}"),
            ("DELETE", "/agents/me?force=1", b""),
            ("POST", f"{calendar.path}/events/evt_x/respond", b"{}"),
        ):
            refused = stranger.http.request(method, path, content=content)
            problem(refused, 401, "unauthorized")
            assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_a_refused_request_stores_nothing_at_all(own_service: Service) -> None:
    def rows() -> object:
        with psycopg.connect(own_service.dsn) as database:
            return database.execute(
                "select (select count(*) from agents), (select count(*) from keys), (select count(*) from calendars),"
                " (select count(*) from events), (select count(*) from occurrences), (select count(*) from changes)"
            ).fetchone()

    api = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    calendar = Calendar(api, api.made("/calendars", name="Work"))
    before = rows()
    for raw in MALFORMED.values():
        for path in ("/calendars", f"{calendar.path}/events", "/agents/keys"):
            assert api.http.post(path, content=raw).status_code == 400
    for body in ({"title": 5}, {"title": "x", "start": "2026-03-03T10:00:00Z", "end": "2026-03-03T09:00:00Z"}):
        assert api.post(f"{calendar.path}/events", body).status_code == 400
    assert rows() == before

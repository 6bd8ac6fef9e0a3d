"""From arguments to a request: each to its place, and nothing lost, whatever it is."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from app.errors import Problem
from app.mcp import words
from app.mcp.calling import Answer, Request
from app.mcp.results import call
from app.mcp.schemas import input_schema, output_schema
from app.mcp.table import TOOLS
from app.mcp.tool import Tool
from tests.net.servers import run

IMPORT: Final = Tool(
    name="import_events",
    title="Import",
    description="A tool whose body is text.",
    operation_id="take_mail",
    effect="adds",
    says=words.read_text,
    text="ics",
)


def request(tool: str, **arguments: Any) -> Request:
    return TOOLS[tool].request(arguments)


def test_each_argument_goes_where_the_operation_has_it() -> None:
    made = request(
        "update_event", calendar_id="cal_1", event_id="evt_1", mode="future", title="T", location=None, if_match="2.4"
    )
    assert (made.method, made.target) == ("PATCH", "/calendars/cal_1/events/evt_1?mode=future")
    assert made.headers == {"if-match": "2.4", "content-type": "application/json"}
    assert msgspec.json.decode(made.body) == {"title": "T", "location": None}


def test_parameters_are_written_as_a_query_has_them_and_null_is_left_out() -> None:
    made = request("list_events", calendar_id="c", expand=False, limit=5.0, q="a&b ä", status=None)
    assert made.target == "/calendars/c/events?expand=false&limit=5&q=a%26b+%C3%A4"
    assert made.body == b""


def test_what_is_not_known_is_left_for_http_to_refuse() -> None:
    assert request("get_agent", colour="red").target == "/agents/me?colour=red"
    assert msgspec.json.decode(request("create_calendar", colour="red").body) == {"colour": "red"}


@pytest.mark.parametrize(
    ("given", "segment"),
    [("..", "%2E%2E"), (".", "%2E"), ("a/b", "a%2Fb"), ("a?b#c", "a%3Fb%23c"), ("ä\n", "%C3%A4%0A"), ("%2f", "%252f")],
)
def test_an_id_is_one_segment_of_a_path_whatever_it_holds(given: str, segment: str) -> None:
    assert request("get_calendar", calendar_id=given).target == f"/calendars/{segment}"


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "field"),
    [
        ("get_calendar", {}, "missing_field", "calendar_id"),
        ("get_calendar", {"calendar_id": ""}, "missing_field", "calendar_id"),
        ("get_calendar", {"calendar_id": 7}, "invalid_field", "calendar_id"),
        ("get_calendar", {"calendar_id": "\ud800"}, "invalid_field", "calendar_id"),
        ("list_events", {"calendar_id": "c", "q": ["a"]}, "invalid_field", "q"),
        ("list_events", {"calendar_id": "c", "q": "\ud800"}, "invalid_field", "q"),
        ("create_calendar", {"name": "n", "idempotency_key": "a\r\nx: y"}, "invalid_field", "idempotency_key"),
        ("create_calendar", {"name": "n", "idempotency_key": 7}, "invalid_field", "idempotency_key"),
        ("create_calendar", {"name": "\ud800"}, "invalid_json", None),
    ],
)
def test_what_no_request_can_carry_is_refused_by_name(tool: str, arguments: Any, code: str, field: str | None) -> None:
    with pytest.raises(Problem) as refused:
        request(tool, **arguments)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_tool_may_send_text_and_be_answered_with_text() -> None:
    made = IMPORT.request({"token": "t", "ics": "BEGIN:VCALENDAR\r\n", "colour": "red"})
    assert (made.target, made.body) == ("/inbound/t?colour=red", b"BEGIN:VCALENDAR\r\n")
    assert made.headers["content-type"] == "text/calendar"
    assert input_schema(IMPORT)["required"] == ["token", "ics"]
    with pytest.raises(Problem, match="ics is required"):
        IMPORT.request({"token": "t"})

    async def answering(request: Request) -> Answer:
        return Answer(200, {"content-type": "text/calendar; charset=utf-8"}, b"BEGIN:VCALENDAR")

    result = run(call(IMPORT, {"token": "t", "ics": "x"}, answering))
    assert "BEGIN:VCALENDAR" in result.text
    assert result.structured is None
    assert output_schema(TOOLS["view_calendar"]) is None


def test_a_preview_is_told_as_what_would_be() -> None:
    event = {
        "id": "evt_preview1", "title": "Lunch", "location": None, "status": "confirmed", "timezone": "UTC",
        "start_local": "2026-03-03T12:00:00+00:00", "end_local": "2026-03-03T13:00:00+00:00", "preview": True,
    }  # fmt: skip

    async def answering(request: Request) -> Answer:
        body = event if request.method == "POST" else {"removes": "event", "event": event, "preview": True}
        return Answer(200, {"content-type": "application/json"}, msgspec.json.encode(body))

    created = run(call(TOOLS["create_event"], {"calendar_id": "c"}, answering))
    removed = run(call(TOOLS["delete_event"], {"calendar_id": "c", "event_id": "e"}, answering))
    for result in (created, removed):
        assert result.text.startswith("A preview: nothing was changed.")
        assert "would be" in result.text.splitlines()[1]
        assert "Lunch" in result.text
        assert "Written" not in result.text
        assert "Done" not in result.text


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"[]", b'{"error": {}}', b"\xff"])
def test_an_answer_that_is_not_kalends_own_is_an_error_in_our_words(body: bytes) -> None:
    async def answering(request: Request) -> Answer:
        return Answer(502, {"content-type": "text/html"}, body)

    result = run(call(TOOLS["get_agent"], {}, answering))
    assert result.is_error
    assert result.text.startswith("The server answered 502")
    assert msgspec.json.decode(result.structured or b"")["code"] == "unavailable"

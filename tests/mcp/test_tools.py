"""Every tool: called, its results held against its schemas, its limits against those of the HTTP interface."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from app.mcp.schemas import argument_names
from app.mcp.table import TOOLS
from tests.contract.test_answers import closed
from tests.inbound.mails import attachment, calendar_text, inbox, postmark
from tests.mcp.talking import MODES, Line, connected, text_of
from tests.support.service import Api, Service

REQUIRED: Final = (
    *("create_calendar", "delete_calendar", "create_event", "list_events", "get_event"),
    *("update_event", "delete_event", "get_upcoming", "respond_to_event"),
)  # contract, section 9
READING: Final = {name for name in TOOLS if name.startswith(("get_", "list_", "read_", "view_", "explain_"))}
REMOVING: Final = {"delete_calendar", "delete_event", "delete_webhook", "rotate_secrets"}
OVERWRITING: Final = {"update_calendar", "update_event", "import_calendar"}
REACHING_OUT: Final = {
    *("create_event", "create_events", "update_event", "delete_event", "respond_to_event"),
    *("create_webhook", "list_inbound_mail"),
}
HOOK: Final = "https://agent.example.com/hooks"


def tour(service: Service) -> dict[str, list[Any]]:
    """The results of all tools, by tool, from an agent that knows nothing to one that has used everything."""
    mail = inbox(service)
    line = Line(mail.calendar.api)
    results: dict[str, list[Any]] = {}

    def call(tool: str, **arguments: Any) -> Any:
        result = line.call(tool, **arguments)
        results.setdefault(tool, []).append(result)
        assert not result["isError"], (tool, result)
        return result.get("structuredContent")

    mail.take(postmark(attachment(calendar_text("tour"))))
    made = call("create_calendar", name="Work", timezone="America/New_York", webhook_url=HOOK)
    here = {"calendar_id": made["calendar_id"]}
    there = {"calendar_id": mail.calendar.id}
    call("get_agent")
    call("list_calendars")
    call("list_errors")
    call("read_manual")
    call("read_manual", topic="time")
    call("get_calendar", **here)
    call("update_calendar", **here, name="Work and travel")
    single = call(
        "create_event", **here, title="Dentist", start="2026-03-03T15:00:00", end="2026-03-03T15:45:00", location="Main"
    )
    series = call(
        "create_event", **here, title="Standup", start="2026-03-02T09:00:00", duration="PT15M",
        recurrence="FREQ=WEEKLY;BYDAY=MO,WE", attendees=["bob@example.com"],
    )  # fmt: skip
    call("create_event", **here, title="Fair", start="2026-03-05", end="2026-03-06", description="All of it")
    call("create_event", **here, title="Perhaps", start="2026-03-07T09:00:00", duration="PT1H", preview=True)
    good = {"title": "One of two", "start": "2026-03-06T09:00:00", "duration": "PT1H", "expect": {"weekday": "friday"}}
    call("create_events", **here, events=[good, {"title": "Without a start"}])
    call("explain_recurrence", start="2026-03-07T02:30:00", timezone="America/New_York", recurrence="FREQ=DAILY")
    call("list_events", **here, start="2026-03-01", end="2026-03-31", limit=3)
    call("list_events", **here, expand=False)
    call("get_upcoming", **here, include_current=True)
    call("get_event", **here, event_id=single["id"])
    call("get_event", **here, event_id=series["id"])
    call("get_event", **here, event_id=f"{series['id']}_20260304")
    call("update_event", **here, event_id=f"{series['id']}_20260304", start="2026-03-04T11:00:00")
    call("update_event", **here, event_id=f"{series['id']}_20260316", mode="future", title="Later")
    call("delete_event", **here, event_id=f"{series['id']}_20260309")
    invited = call("list_events", **there)["events"][0]["id"]
    call("get_event", **there, event_id=invited)
    call("respond_to_event", **there, event_id=invited, response="accepted")
    call("view_calendar", **here)
    ics = calendar_text("taken-in").replace("METHOD:REQUEST\r\n", "")
    call("import_calendar", **here, ics=ics, preview=True)
    call("import_calendar", **here, ics=ics)
    call("get_changes", **here, limit=3)
    call("get_changes", **here, since=10_000)
    call("list_inbound_mail", **there)
    call("list_sent_mail", **here)
    hook = call("create_webhook", url=HOOK)
    call("list_webhooks")
    call("list_webhook_logs", **here)
    call("delete_webhook", endpoint_id=hook["id"])
    call("rotate_secrets", **here, what=["feed", "webhook_secret"])
    call("delete_event", **here, event_id=series["id"], mode="all")
    call("delete_calendar", **here)
    call("list_events", **there, q="nothing of that name")
    return results


def test_every_tool_works_and_answers_as_its_schema_says(service: Service, line: Line) -> None:
    results, listed = tour(service), line.tools()
    assert set(results) == set(listed) == set(TOOLS)
    for name, found in results.items():
        schema = listed[name].get("outputSchema")
        for result in found:
            assert text_of(result).strip()
            assert ("structuredContent" in result) == (schema is not None)
            if schema is not None:
                validator = Draft202012Validator(closed(schema))
                assert [fault.message for fault in validator.iter_errors(result["structuredContent"])] == [], name


def test_an_error_is_as_the_schema_says_too_because_clients_hold_it_against_it(line: Line) -> None:
    for name, tool in line.tools().items():
        if "outputSchema" in tool:
            error = line.refused(name, calendar_id="cal_none", event_id="evt_none", endpoint_id="whe_none", nosuch=1)
            Draft202012Validator(tool["outputSchema"]).validate(error)
            Draft202012Validator.check_schema(tool["inputSchema"])


def test_the_tools_that_clients_rely_on_are_there_and_no_more_than_can_be_chosen_from() -> None:
    assert set(REQUIRED) <= set(TOOLS)
    assert len(TOOLS) <= 30
    for tool in TOOLS.values():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", tool.name)
        assert tool.description.endswith(".")
        assert 60 <= len(tool.description) <= 500, tool.name


def test_hints_say_what_may_be_called_without_asking(line: Line) -> None:
    for name, tool in line.tools().items():
        hints = tool["annotations"]
        assert hints["readOnlyHint"] == (name in READING), name
        assert hints["destructiveHint"] == (name in REMOVING | OVERWRITING), name
        assert hints["openWorldHint"] == (name in REACHING_OUT), name
        assert hints["idempotentHint"] == (not name.startswith("create_") and name != "rotate_secrets"), name


def test_arguments_have_the_limits_that_http_has(line: Line) -> None:
    described = json.loads(line.api.get("/openapi.json").text.replace("#/components/schemas/", "#/$defs/"))
    parts = described["components"]
    for name, tool in line.tools().items():
        row = TOOLS[name]
        operation = described["paths"][row.operation.path][row.operation.method.lower()]
        served = dict(_parameters(operation, parts))
        if "requestBody" in operation:
            (content,) = operation["requestBody"]["content"].values()
            if row.text is None:
                served |= parts["schemas"][content["schema"]["$ref"].rsplit("/", 1)[1]]["properties"]
            else:  # the body is text, and an argument of its own
                served[row.text] = {"type": "string", "description": f"The {row.text_media} text itself."}
        assert argument_names(row) == tuple(tool["inputSchema"]["properties"])
        offered = tool["inputSchema"]["properties"]
        assert set(offered) == set(served) - {*row.hides, *row.always}, name
        for argument, schema in offered.items():
            assert {key: schema[key] for key in schema if key != "minLength"} == {
                key: served[argument][key] for key in served[argument] if key not in ("minLength", "examples")
            }, f"{name} {argument}"


def _parameters(operation: Any, parts: Any) -> Any:
    for given in operation["parameters"]:
        parameter = parts["parameters"][given["$ref"].rsplit("/", 1)[1]] if "$ref" in given else given
        if parameter["name"] == "If-None-Match":  # a copy to compare with is nothing that a model keeps
            continue
        argument = parameter["name"].lower().replace("-", "_")
        yield argument, {**parameter["schema"], "description": parameter["description"]}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": "x" * 501}, "title"),
        ({"attendees": [f"a{n}@example.com" for n in range(51)]}, "attendees"),
        ({"start": "tomorrow"}, "start"),
        ({"all_day": "yes"}, "all_day"),
        ({"colour": "red"}, "colour"),
        ({"recurrence": "FREQ=DAILY;INTERVAL=0"}, "recurrence"),
        ({"location": "javascript:alert(1)"}, "location"),
    ],
)
def test_what_http_refuses_a_tool_refuses_in_the_same_words(line: Line, wrong: Any, field: str) -> None:
    calendar_id = line.done("create_calendar", name="Work")["calendar_id"]
    event = {"title": "Lunch", "start": "2026-03-03T12:00:00", "end": "2026-03-03T13:00:00", **wrong}
    over_http = line.api.post(f"/calendars/{calendar_id}/events", event).json()
    result = line.call("create_event", calendar_id=calendar_id, **event)
    error = result["structuredContent"]
    assert result["isError"]
    assert {**error, "request_id": ""} == {**over_http, "request_id": ""}
    assert error["field"] == field
    for part in ("error", "hint", "code", "field"):
        assert error.get(part, "") in text_of(result)


def test_a_missing_id_is_told_of_before_anything_is_asked(line: Line) -> None:
    error = line.refused("get_event", calendar_id="cal_x")
    assert (error["code"], error["field"]) == ("missing_field", "event_id")


def test_the_same_idempotency_key_makes_one_event_and_says_so(line: Line) -> None:
    calendar_id = line.done("create_calendar", name="Work")["calendar_id"]
    event = {"calendar_id": calendar_id, "title": "Once", "start": "2026-03-03", "end": "2026-03-03"}
    first = line.call("create_event", **event, idempotency_key="lunch-1")
    again = line.call("create_event", **event, idempotency_key="lunch-1")
    assert again["structuredContent"] == first["structuredContent"]
    assert again["_meta"] == {"kalends/replayed": True}
    assert "nothing new was done" in text_of(again)
    assert len(line.done("list_events", calendar_id=calendar_id)["events"]) == 1
    assert line.refused("create_event", **event, idempotency_key="não")["field"] == "idempotency_key"


def test_a_change_of_what_changed_meanwhile_is_refused_with_the_present_state(line: Line) -> None:
    calendar_id = line.done("create_calendar", name="Work")["calendar_id"]
    here = {"calendar_id": calendar_id}
    made = line.done("create_event", **here, title="Draft", start="2026-03-03", end="2026-03-03")
    line.done("update_event", **here, event_id=made["id"], title="Theirs", if_match=made["etag"])
    error = line.refused("update_event", **here, event_id=made["id"], title="Mine", if_match=made["etag"])
    assert (error["code"], error["current"]["title"]) == ("precondition_failed", "Theirs")


@pytest.mark.parametrize("mode", MODES)
def test_the_official_client_is_told_the_same_tools_in_every_mode(service: Service, line: Line, mode: str) -> None:
    async def listed() -> Any:
        async with connected(service.url, str(line.api.key), mode) as client:
            return await client.list_tools()

    found = asyncio.run(listed())
    assert {tool.name: tool.input_schema for tool in found.tools} == {
        name: tool["inputSchema"] for name, tool in line.tools().items()
    }


def test_the_list_is_what_the_library_would_have_said(line: Line) -> None:
    by_us = line.ask_modern("tools/list").json()["result"]
    by_library = line.ask_modern("tools/list", cursor="").json()["result"]
    assert by_us == by_library
    assert by_us["cacheScope"] == "public"


def test_the_page_for_people_names_every_tool() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE)
    assert named == list(TOOLS)


def test_two_agents_may_read_only_their_own(service: Service, line: Line) -> None:
    theirs = line.done("create_calendar", name="Private")["calendar_id"]
    other = Line(Api(service.url, Api(service.url, None).made("/agents")["api_key"]))
    assert other.refused("get_calendar", calendar_id=theirs)["code"] == "not_found"
    assert other.refused("list_events", calendar_id=theirs)["code"] == "not_found"

"""An id of another agent is answered as one that nobody has: on every route, with keys of every scope."""

from __future__ import annotations

import re
from typing import Any

from app.http.requests import members
from app.pages.catalogue import OPERATIONS
from app.pages.catalogue.bodies import FIELDS
from tests.contract.tour import Tour
from tests.mcp.talking import Line
from tests.security.strangers import CAPABILITIES, ID, PUBLIC, SCOPES, Strange, names_ids
from tests.support.service import Api, Calendar, Service

Visited = tuple[Tour, list[Strange]]


def test_every_route_with_an_id_was_asked_by_strangers_with_it(visited: Visited) -> None:
    """Say in `strangers` what a new variable of a path is, if this fails: an id, a secret, or the same for all."""
    _, asked = visited
    with_ids = {operation.id for operation in OPERATIONS if names_ids(operation)}
    assert with_ids - {strange.operation.id for strange in asked} == set()
    for strange in asked:
        variables = [name for name in strange.operation.path_variables if name not in CAPABILITIES | PUBLIC]
        assert len(strange.others_ids) >= min(1, len(variables)), strange.name
    named = {prefix for operation in OPERATIONS if names_ids(operation) for prefix in _prefixes(operation.id, asked)}
    assert named >= {"cal_", "evt_", "whe_", "dlv_", "inm_", "key_"}


def _prefixes(operation_id: str, asked: list[Strange]) -> set[str]:
    return {each[:4] for strange in asked if strange.operation.id == operation_id for each in strange.others_ids}


def test_the_same_requests_were_answered_to_the_agent_whose_ids_they_are(visited: Visited) -> None:
    tour, asked = visited
    answered = {stop.name for stop in tour.stops if stop.response.status_code == stop.operation.answers[0].status}
    assert {f"{strange.operation.id}.{strange.example.name}" for strange in asked} - answered == set()


def test_anothers_id_is_answered_exactly_as_one_that_nobody_has(visited: Visited) -> None:
    for strange in visited[1]:
        for scope, of_others, of_nobodys in strange.told:
            assert of_others == of_nobodys, f"{strange.name}, key of scope {scope}"


def test_no_stranger_is_served_and_nothing_is_written(visited: Visited) -> None:
    for strange in visited[1]:
        statuses = {scope: told.status for scope, told, _ in strange.told}
        assert all(status in (401, 403, 404) for status in statuses.values()), f"{strange.name}: {strange.told[0]}"
        assert strange.changed == [], strange.name


def test_scopes_are_asked_for_before_ids_are_looked_for(visited: Visited) -> None:
    for strange in visited[1]:
        if strange.operation.scope is not None:
            least = SCOPES.index(strange.operation.scope)
            forbidden = {scope for scope, told, _ in strange.told if told.status == 403}
            assert forbidden == set(SCOPES[least + 1 :]), strange.name


def test_ids_are_found_where_they_stand() -> None:
    found = ID.findall(
        "/calendars/cal_Hb7kQ2mXw9Tz/events/evt_Gw6hD4uPz2Lq_20270304T0900?x=sk_live_Vb7Nq2RtY9pLxGh4Wc6Zs8"
    )
    assert ["".join(each) for each in found] == ["cal_Hb7kQ2mXw9Tz", "evt_Gw6hD4uPz2Lq"]


SHOWN: dict[str, Any] = {  # a value for each field of a body that examples show
    name: value
    for operation in OPERATIONS
    for example in operation.examples
    for name, value in (example.body or {}).items()
} | {"ics": "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260303T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"}
LUNCH = {"start": "2026-03-04T12:00:00", "end": "2026-03-04T13:00:00"}
NAMING_CALENDARS = {("EndpointCreate", "calendars"), ("EndpointUpdate", "calendars")}


def test_ids_in_bodies_that_no_example_shows_are_those_asked_below() -> None:
    """Add to the test below what this finds."""
    names = re.compile(r"(.+_)?ids?|calendars|keys")
    found = {(model.__name__, name) for model in FIELDS for name in members(model) if names.fullmatch(name)}
    assert found - {(model, name) for model, name in found if name == "client_id"} == NAMING_CALENDARS


def test_a_webhook_for_anothers_calendar_is_refused_as_one_for_nobodys(calendar: Calendar, service: Service) -> None:
    stranger = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
    own = stranger.made("/webhooks", url="http://127.0.0.1:9/hook")["id"]
    told = []
    for calendar_id in (calendar.id, "cal_NobodyHas000"):
        body = {"url": "http://127.0.0.1:9/hook", "calendars": [calendar_id]}
        answers = (stranger.post("/webhooks", body), stranger.patch(f"/webhooks/{own}", {"calendars": [calendar_id]}))
        told.append([(a.status_code, {k: v for k, v in a.json().items() if k != "request_id"}) for a in answers])
    assert str(told[0]).replace(calendar.id, "") == str(told[1]).replace("cal_NobodyHas000", "")
    assert all(status in (400, 404) for status, _ in told[0])


def test_a_tool_tells_strangers_of_anothers_id_what_it_tells_of_nobodys(calendar: Calendar, service: Service) -> None:
    event = calendar.add(title="Secret lunch", start="2026-03-03T09:00:00", end="2026-03-03T10:00:00")
    stranger = Line(Api(service.url, Api(service.url, None).made("/agents")["api_key"]))
    others = {"calendar_id": calendar.id, "event_id": event["id"]}
    nobodys = {"calendar_id": "cal_NobodyHas000", "event_id": "evt_NobodyHas000"}
    asked = set()
    for name, tool in stranger.tools().items():
        needed = tool["inputSchema"].get("required", [])
        if not set(needed) & others.keys():
            continue
        asked.add(name)
        told = []
        for ids in (others, nobodys):
            changed = {"name", "title", "end"} & tool["inputSchema"]["properties"].keys()
            arguments = {argument: (SHOWN | LUNCH | ids)[argument] for argument in {*needed, *changed}}
            result = stranger.call(name, **arguments)
            text = re.sub(r"req_[0-9A-Za-z]{12}", "req_", str(result))
            told.append(text.replace(ids["calendar_id"], "<calendar>").replace(ids["event_id"], "<event>"))
            assert result["structuredContent"]["code"] == "not_found", name
        assert told[0] == told[1], name
    assert asked >= {"get_event", "list_events", "update_event", "delete_event", "respond_to_event", "delete_calendar"}

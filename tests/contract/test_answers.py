"""What is written down is what is served: every example is sent, and every answer held against its schema."""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest
from jsonschema import Draft202012Validator

from app.errors import CODES
from app.http.requests import Body, members
from app.pages.catalogue import BEYOND_OPERATIONS, OPERATIONS, headers
from app.pages.catalogue.bodies import FIELDS, body_schema
from app.pages.catalogue.examples import FILE, answer_of, error_of
from app.pages.catalogue.shape import JSON, Answer, Operation
from app.pages.openapi import document
from tests.contract.tour import PUBLIC_URL, Stop, Tour
from tests.support.service import Calendar

REWRITE: Final = "KALENDS_TEST_REWRITE_EXAMPLES"
BY_ID: Final = {operation.id: operation for operation in OPERATIONS}
UNPROVOKED: Final = {"idempotency_in_progress", "internal", "unavailable"}  # need an accident


def closed(schema: Any) -> Any:
    """The schema with objects that hold nothing but what it names."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    return inner | {"additionalProperties": False} if "properties" in inner and "type" in inner else inner


COMPONENTS: Final = {"components": {"schemas": closed(document(PUBLIC_URL)["components"]["schemas"])}}


def faults(component: str, value: Any) -> list[str]:
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{component}", **COMPONENTS})
    return [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(value)]


def written_down(operation: Operation, response: httpx.Response) -> Answer:
    by_status = {answer.status: answer for answer in operation.all_answers}
    assert response.status_code in by_status, f"{operation.id}: {response.status_code} {response.text}"
    return by_status[response.status_code]


def check(stop: Stop) -> None:
    answer = written_down(stop.operation, stop.response)
    assert [name for name in expected(stop.operation, answer) if name not in stop.response.headers] == []
    if not answer.has_body:
        assert stop.response.content == b""
        return
    assert stop.response.headers["Content-Type"].split(";")[0] == answer.media
    if answer.schema is not None:
        assert faults(answer.schema, stop.response.json()) == [], stop.name


def expected(operation: Operation, answer: Answer) -> list[str]:
    return [name for name in headers.of_answer(operation, answer) if name != "Idempotent-Replayed"]


def test_every_example_is_answered_as_its_schema_says(tour: Tour) -> None:
    assert {stop.operation.id for stop in tour.stops} == set(BY_ID)
    for stop in tour.stops:
        assert stop.response.status_code == stop.operation.answers[0].status, f"{stop.name}: {stop.response.text}"
        check(stop)


def test_the_answers_shown_are_those_the_service_gives(tour: Tour) -> None:
    found = {"answers": tour.answers(), "errors": tour.errors()}
    if os.environ.get(REWRITE):
        FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert found == kept, f"When the change is meant: {REWRITE}=1 ./scripts/test tests/contract"


def test_what_a_mistake_is_answered_is_among_what_its_operation_says(tour: Tour) -> None:
    for mistake, response in tour.refusals:
        assert (response.status_code, response.json()["code"]) == (CODES[mistake.code].status, mistake.code)
        assert faults("Error", response.json()) == []
        if mistake.operation is None:
            assert mistake.code in BEYOND_OPERATIONS
            continue
        operation = BY_ID[mistake.operation]
        assert mistake.code in operation.error_codes, mistake
        told = headers.of_error(operation, response.status_code)
        waits = headers.WAITS.get(response.status_code) == mistake.code
        promised = [name for name in told if headers.ANSWER[name].required or (name == "Retry-After" and waits)]
        assert [name for name in promised if name not in response.headers] == []


def test_every_code_is_provoked_shown_and_said_of_an_operation(tour: Tour) -> None:
    assert {mistake.code for mistake, _ in tour.refusals} | UNPROVOKED == set(CODES)
    said = {code for operation in OPERATIONS for code in operation.error_codes}
    assert said | set(BEYOND_OPERATIONS) == set(CODES)
    for code in CODES:
        assert error_of(code)["code"] == code
        assert faults("Error", error_of(code)) == []


def test_an_unchanged_state_is_304_wherever_it_is_said_to_be(tour: Tour) -> None:
    assert {stop.operation.id for stop in tour.revisits} == {each.id for each in OPERATIONS if each.conditional}
    for stop in tour.revisits:
        assert stop.response.status_code == HTTPStatus.NOT_MODIFIED
        check(stop)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_examples_of_bodies_and_answers_are_valid_by_their_schemas(operation: Operation) -> None:
    answer = operation.answers[0]
    for example in operation.examples:
        if example.body is not None:
            assert operation.body is not None
            assert faults(operation.body, example.body) == []
        shown = answer_of(operation.id, example.name)
        if answer.media == JSON and answer.schema is not None and shown is not None:
            assert faults(answer.schema, shown) == []


@pytest.mark.parametrize("model", FIELDS, ids=lambda model: model.__name__)
def test_every_field_of_a_body_is_described(model: type[Body]) -> None:
    assert set(FIELDS[model]) == set(members(model))
    for field in body_schema(model)["properties"].values():
        assert field["description"].endswith(".")


def test_a_member_that_is_not_written_down_would_be_noticed(tour: Tour) -> None:
    agent = next(stop for stop in tour.stops if stop.operation.id == "get_agent").response.json()
    assert faults("Agent", agent) == []
    assert faults("Agent", agent | {"shoe_size": 43}) != []
    assert faults("Agent", {name: value for name, value in agent.items() if name != "name"}) != []
    assert faults("EventPage", {"events": [{"id": "evt_1"}], "timezone": "UTC", "next_cursor": None}) != []


def test_an_event_asked_for_again_by_its_client_id_is_200_and_says_that_it_is_a_replay(calendar: Calendar) -> None:
    event = {"title": "Once", "start": "2026-03-03T09:00:00", "duration": "PT1H", "client_id": "once"}
    first, again = (calendar.api.post(f"{calendar.path}/events", event) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotent-Replayed"] == "true"
    answer = written_down(BY_ID["create_event"], again)
    assert faults(str(answer.schema), again.json()) == []

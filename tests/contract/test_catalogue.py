"""The catalogue names what is served: all of it, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from app.main import create_app
from app.pages.catalogue import OPERATIONS, SECTIONS
from app.pages.catalogue.bodies import FIELDS
from app.pages.catalogue.objects import OBJECTS
from app.pages.catalogue.shape import Operation
from app.pages.openapi import document
from app.settings import SETTINGS, Settings
from tests.support.service import Api, Calendar, Service

ROOT = Path(__file__).parents[2]
NOBODYS = {"event_id": "evt_none", "key_id": "key_none", "endpoint_id": "whe_none", "delivery_id": "dlv_none"}
NOBODYS |= {"digest": "0", "name": "none.css"}
NOBODYS |= {"token": "inb_none", "mail_id": "inm_none", "topic": "time"}


def served() -> set[tuple[str, str]]:
    edge = create_app(Settings(secret_keys=("k" * 32,)), "postgresql:///never_opened")
    app = cast("Litestar", edge._app)
    return {
        (method, _shape(route.path))
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method not in ("HEAD", "OPTIONS")
    }


def _shape(path: str) -> str:
    """A path with its variables nameless: the feed's router knows a name, of which `.ics` is a part."""
    return re.sub(r"{[^}]+}(\.ics)?", "{}", path)


def test_every_route_is_in_the_catalogue_and_nothing_else_is() -> None:
    assert {(operation.method, _shape(operation.path)) for operation in OPERATIONS} == served()


def test_operations_have_names_of_their_own_and_sections_hold_all_of_them() -> None:
    assert len({operation.id for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({operation.summary for operation in OPERATIONS}) == len(OPERATIONS)
    assert sum(SECTIONS.values(), ()) == OPERATIONS


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_the_parameters_written_down_are_those_the_service_knows(operation: Operation, calendar: Calendar) -> None:
    """A parameter that no request has is refused with the names of those it has."""
    event = calendar.add(title="Once", start="2026-03-03T09:00:00", end="2026-03-03T09:30:00")
    path = operation.path.format(**NOBODYS | {"calendar_id": calendar.id, "event_id": event["id"]})
    if operation.id == "get_feed":
        path = f"{path}?token={calendar.created['feed_token']}"
    answer = calendar.api.http.request(
        operation.method, path, params={**dict(_query_of(path)), "~~~~": "1"}, json={} if operation.request else None
    )
    found = answer.json() if answer.headers["Content-Type"] == "application/json" else {}
    is_refused = found.get("code") == "unknown_field" and found["field"] == "~~~~"
    assert is_refused == operation.checks_query, f"{answer.status_code}: {answer.text[:300]}"
    if is_refused:
        known = ", ".join(sorted(parameter.name for parameter in operation.query)) or "nothing"
        assert found["hint"] == f"Known here: {known}."


def _query_of(path: str) -> Iterator[tuple[str, str]]:
    for pair in path.partition("?")[2].split("&"):
        if pair:
            name, _, value = pair.partition("=")
            yield name, value


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_a_key_of_the_scope_written_down_is_the_least_that_is_let_in(operation: Operation, calendar: Calendar) -> None:
    scopes = ("read", "book", "full")
    path = operation.path.format(**NOBODYS | {"calendar_id": calendar.id})
    body = _least_body(operation)
    url = str(calendar.api.http.base_url)
    if operation.scope is None:
        answer = Api(url, None).http.request(operation.method, path, json=body)
        assert answer.status_code != 401 or "token" in answer.json()["error"]
        return
    assert Api(url, None).http.request(operation.method, path, json=body).status_code == 401
    for scope in scopes:
        key = calendar.api.made("/agents/keys", scope=scope)["api_key"]
        if scope == "full" and operation.id == "delete_calendar":
            continue  # it would be done
        answer = Api(url, key).http.request(operation.method, path, json=body)
        is_let_in = answer.status_code != 403
        assert is_let_in == (scopes.index(scope) >= scopes.index(operation.scope)), f"{scope}: {answer.text[:300]}"


def _least_body(operation: Operation) -> Any:
    return next((example.body for example in operation.examples if example.body is not None), None)


def test_every_model_of_a_body_is_described() -> None:
    used = {operation.request for operation in OPERATIONS if operation.request is not None}
    assert used == set(FIELDS)


def test_every_member_parameter_and_header_is_described_in_a_sentence() -> None:
    described = document("https://calendars.example.com")
    found = list(_undescribed(described["components"]["schemas"], "schemas"))
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            found += [f"{method} {path} {p['name']}" for p in operation["parameters"] if not _is_sentence(p)]
    for kind in ("headers", "parameters"):
        found += [name for name, value in described["components"][kind].items() if not _is_sentence(value)]
    assert found == []


def _undescribed(schema: Any, where: str) -> Iterator[str]:
    if isinstance(schema, dict):
        for name, member in schema.get("properties", {}).items():
            if "$ref" not in member and not _is_sentence(member):
                yield f"{where}.{name}"
        for name, inner in schema.items():
            yield from _undescribed(inner, f"{where}.{name}")


def _is_sentence(described: dict[str, Any]) -> bool:
    return "$ref" in described or described.get("description", "").endswith((".", "?"))


def test_every_object_is_used() -> None:
    text = str(document("https://calendars.example.com"))
    assert [name for name in OBJECTS if f"'#/components/schemas/{name}'" not in text] == []


def test_the_readme_lists_every_setting_and_every_path() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [setting.name for setting in SETTINGS if f"| `{setting.name}` |" not in readme] == []
    named = (
        readme.replace(":id", "{}")
        .replace(":token", "{}")
        .replace(":digest", "{}")
        .replace(":name", "{}")
        .replace(":event_id", "{}")
        .replace(":topic", "{}")
        .replace("/calendars/{}/events/{}", "…/events/{}")
    )
    paths = {_shape(operation.path).replace("/calendars/{}/events/{}", "…/events/{}") for operation in OPERATIONS}
    assert sorted(path for path in paths if path not in named) == []


def test_the_document_names_the_address_that_answers_name(service: Service) -> None:
    found = Api(service.url, None).got("/openapi.json")
    assert found["servers"] == [{"url": service.url}]

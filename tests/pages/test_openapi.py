from __future__ import annotations

import time
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.pages.catalogue import OPERATIONS
from app.pages.openapi import document
from app.pages.release import UNINSTALLED
from app.settings import Settings
from tests.support.service import Api, Service

URL = "https://calendars.example.com"


def test_the_document_is_valid_openapi_3_1() -> None:
    assert [fault.message for fault in OpenAPIV31SpecValidator(document(URL)).iter_errors()] == []


def test_it_is_served_as_json_that_any_page_may_read_and_that_caches_may_keep(service: Service) -> None:
    answer = Api(service.url, None).get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age" in answer.headers["Cache-Control"]
    assert answer.json()["openapi"] == "3.1.0"
    assert answer.json()["servers"] == [{"url": service.url}]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_whoever_has_the_page_is_told_so_and_gets_no_body(service: Service, path: str) -> None:
    http = Api(service.url, None).http
    tag = http.get(path).headers["ETag"]
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = http.get(path, headers={"If-None-Match": condition})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert http.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_a_page_is_rendered_once_and_then_given_from_memory(service: Service, path: str) -> None:
    http = Api(service.url, None).http
    http.get(path)
    started = time.perf_counter()
    for _ in range(10):
        assert http.get(path).status_code == 200
    assert time.perf_counter() - started < 1  # rendering one takes about 30 ms


def test_the_document_holds_nothing_of_a_deployment_but_its_address() -> None:
    text = str(document(URL))
    assert str(Settings().data_dir.absolute()) not in text
    assert document(URL) == document(URL)


def test_every_operation_says_what_it_needs_and_how_it_can_fail() -> None:
    operations = list(chain.from_iterable(methods.values() for methods in document(URL)["paths"].values()))
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert "500" in operation["responses"]
        needs_key = "401" in operation["responses"] and operation.get("security") is None
        assert needs_key == ("Needs a key" in operation["description"]), operation["operationId"]


def test_a_post_with_a_key_that_has_an_effect_can_be_sent_again_and_others_need_not() -> None:
    harmless = {operation.id for operation in OPERATIONS if not operation.has_effect}
    assert harmless == {"preview_event", "explain_recurrence"}
    for methods in document(URL)["paths"].values():
        if "post" in methods:
            names = {parameter.get("$ref", "").rsplit("/", 1)[-1] for parameter in methods["post"]["parameters"]}
            can_be_repeated = "security" not in methods["post"] and methods["post"]["operationId"] not in harmless
            assert ("Idempotency-Key" in names) == can_be_repeated


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == UNINSTALLED == document(URL)["info"]["version"]

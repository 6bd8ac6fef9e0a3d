"""The headers of every answer: of all examples, all errors, and whatever is refused before a route is looked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.clock import FrozenClock
from app.pages.catalogue import OPERATIONS
from tests.conftest import NOON, SETTINGS
from tests.contract.tour import Tour
from tests.security.strangers import Strange
from tests.support.service import Api, Calendar, Service, serving

Visited = tuple[Tour, list[Strange]]
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'"
OPEN_TO_ALL = {"get_openapi"}  # holds nothing of anybody's
FOR_ANYBODY = {operation.id for operation in OPERATIONS if not operation.takes_key and not operation.for_operators}
PAGES = {operation.id for operation in OPERATIONS if operation.answers[0].media == "text/html"}


def answers(visited: Visited) -> list[tuple[str, httpx.Response]]:
    tour, _ = visited
    stops = [*tour.stops, *tour.revisits]
    return [(stop.operation.id, stop.response) for stop in stops] + [
        (f"error {mistake.code}", response) for mistake, response in tour.refusals
    ]


def test_every_answer_says_what_browsers_must_not_do_with_it(visited: Visited) -> None:
    for name, response in answers(visited):
        told = {header: response.headers.get(header) for header in ALWAYS}
        assert told == ALWAYS, name
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000", name  # the public address is https
        assert "Server" not in response.headers, name
        assert all(len(response.headers.get_list(header)) <= 1 for header in response.headers), name


def test_nothing_but_a_page_may_load_anything_or_be_framed(visited: Visited) -> None:
    for name, response in answers(visited):
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert policy == NOTHING_LOADS or name in PAGES, name
        assert name in PAGES or not response.headers.get("Content-Type", "").startswith("text/html"), name


def test_what_is_for_one_reader_is_kept_by_nobody_on_the_way(visited: Visited) -> None:
    for name, response in answers(visited):
        told = response.headers["Cache-Control"]
        assert told == "no-store" or name in FOR_ANYBODY | {"get_feed"}, name
        assert name != "get_feed" or told.startswith("private"), name


def test_no_other_sites_page_may_read_what_needs_a_key(visited: Visited) -> None:
    for name, response in answers(visited):
        opened = [header for header in response.headers if header.lower().startswith("access-control-")]
        assert bool(opened) == (name in OPEN_TO_ALL), name


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_of_another_site_is_given_no_leave_when_it_asks_first(api: Api, origin: str) -> None:
    calendar = Calendar(api, api.made("/calendars", name="Work"))
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization",
    }
    for answer in (
        api.http.options(calendar.path, headers=asked),
        api.http.get(calendar.path, headers={"Origin": origin}),
    ):
        assert not [header for header in answer.headers if header.lower().startswith("access-control-")]


def test_a_browser_is_not_told_to_insist_on_encryption_that_is_not_there(service: Service) -> None:
    answer = Api(service.url, None).get("/health")
    assert "Strict-Transport-Security" not in answer.headers
    assert {header: answer.headers.get(header) for header in ALWAYS} == ALWAYS


def test_faults_of_ours_carry_them_too(database: str, tmp_path: Path) -> None:
    with serving(replace(SETTINGS, data_dir=tmp_path), database, FrozenClock(NOON)) as service:
        service.run(service.context.db._pool.close())
        answer = Api(service.url, "sk_live_any").get("/agents/me")
    assert answer.status_code == 503
    assert {header: answer.headers.get(header) for header in ALWAYS} == ALWAYS
    assert answer.headers["Cache-Control"] == "no-store"

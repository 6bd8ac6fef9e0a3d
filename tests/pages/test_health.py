from __future__ import annotations

import pytest

from tests.support.service import Api, Service


@pytest.mark.parametrize("path", ["/health", "/health/live"])
def test_the_process_is_well_when_it_answers(service: Service, path: str) -> None:
    answer = Api(service.url, None).get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/health/db", "/health/ready"])
def test_the_service_is_ready_when_its_own_schema_answers(service: Service, path: str) -> None:
    answer = Api(service.url, None).get(path)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert 15 <= answer.json()["postgres"] <= 18


def test_probes_may_add_what_they_like_to_the_query(service: Service) -> None:
    assert Api(service.url, None).get("/health", nocache="1").status_code == 200


def test_robots_may_fetch_feeds_and_documentation_and_nothing_else(service: Service) -> None:
    answer = Api(service.url, None).get("/robots.txt")
    assert answer.headers["Content-Type"].startswith("text/plain")
    first, *allowed, last = answer.text.splitlines()
    assert (first, last) == ("User-agent: *", "Disallow: /")
    assert allowed[0] == "Allow: /feeds/"
    assert allowed[1:] == [f"Allow: {path}" for path in ("/docs", "/llms.txt", "/man", "/openapi.json", "/changelog")]

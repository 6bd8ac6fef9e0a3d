"""What /metrics tells, of a service that does something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.clock import FrozenClock
from app.errors import Problem
from app.metrics.instruments import INSTRUMENTS
from app.monitoring.access import check_reader
from app.monitoring.database import DATABASE_GAUGES
from app.monitoring.monitor import BUILD
from tests.conftest import NOON, SETTINGS
from tests.monitoring.reading import Family, read, value
from tests.support.postgres import clone, drop
from tests.support.service import Api, Calendar, Service, serving

ROOT = Path(__file__).parents[2]
TOKEN = "an-operators-token-of-this-deployment"


@pytest.fixture(scope="module")
def watched(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    dsn = clone(database_server, template)
    settings = replace(
        SETTINGS, data_dir=tmp_path_factory.mktemp("data"), metrics_token=TOKEN, rate_limits=True, rate_limit_per_key=60
    )
    with serving(settings, dsn, FrozenClock(NOON)) as service:
        yield service
    drop(database_server, dsn)


def scraped(service: Service, *, anew: bool = False) -> dict[str, Family]:
    """What is told now; `anew` also of the database, which is asked every few seconds only."""
    if anew:
        service.run(_forget(service))
    answer = Api(service.url, TOKEN).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.text)


async def _forget(service: Service) -> None:
    service.monitor._gauges._asked_at = float("-inf")


@pytest.fixture
def agent(watched: Service) -> Api:
    return Api(watched.url, Api(watched.url, None).made("/agents")["api_key"])


def test_requests_are_counted_by_the_template_of_their_path_and_never_by_an_id(watched: Service, agent: Api) -> None:
    calendar = Calendar(agent, agent.made("/calendars", name="Work"))
    path = "/calendars/{calendar_id}/events/{event_id}"
    before = scraped(watched)
    for _ in range(3):
        agent.get(f"{calendar.path}/events/evt_nobodys")
    agent.get("/nowhere/at/all")
    after = scraped(watched)
    counted = "kalends_http_request_duration_seconds_count"
    grown = {
        status: value(after, counted, route=path, method="GET", status=status)
        - value(before, counted, route=path, method="GET", status=status)
        for status in ("200", "404")
    }
    assert grown == {"200": 0, "404": 3}
    assert value(after, counted, route="unrouted", status="404") > value(
        before, counted, route="unrouted", status="404"
    )
    assert calendar.id not in str(after)


def test_a_histogram_has_every_bucket_and_its_last_is_the_count(watched: Service, agent: Api) -> None:
    agent.get("/agents/me")
    told = scraped(watched)["kalends_http_request_duration_seconds"]
    name, labels = (
        "kalends_http_request_duration_seconds",
        {("method", "GET"), ("route", "/agents/me"), ("status", "200")},
    )
    buckets = [
        (float(bound), number)
        for (sample, given), number in told.samples.items()
        if sample == f"{name}_bucket" and labels <= given
        for key, bound in given
        if key == "le"
    ]
    counts = [number for _, number in sorted(buckets)]
    assert len(counts) == 13
    assert counts == sorted(counts)
    assert counts[-1] == told.samples[(f"{name}_count", frozenset(labels))] >= 1


def test_those_who_wait_for_changes_do_not_look_like_slow_requests(watched: Service, agent: Api) -> None:
    calendar = Calendar(agent, agent.made("/calendars", name="Work"))
    agent.get(f"{calendar.path}/changes", since=0, wait=0)
    told, counted = scraped(watched), "kalends_http_request_duration_seconds_count"
    assert value(told, counted, route="/calendars/{calendar_id}/changes?wait") >= 1


def test_requests_beyond_a_limit_are_counted_by_the_limit(watched: Service, agent: Api) -> None:
    before = value(scraped(watched), "kalends_rate_limit_refusals_total", limit="default")
    while agent.get("/agents/me").status_code != 429:
        continue
    told = scraped(watched)
    assert value(told, "kalends_rate_limit_refusals_total", limit="default") == before + 1
    assert value(told, "kalends_http_request_duration_seconds_count", status="429") >= 1
    assert value(told, "kalends_rate_limit_subjects") >= 1


def test_what_waits_to_be_sent_is_told_with_its_age(watched: Service, agent: Api) -> None:
    before = scraped(watched, anew=True)
    calendar = Calendar(agent, agent.made("/calendars", name="Work", webhook_url="http://127.0.0.1:9/hook"))
    calendar.add(title="Lunch", start="2026-03-02T13:00:00Z", end="2026-03-02T14:00:00Z")
    watched.clock.advance(timedelta(seconds=90))
    told = scraped(watched, anew=True)
    watched.clock.move_to(NOON)
    due = "kalends_deliveries_due"
    assert value(told, due, kind="webhook") == value(before, due, kind="webhook") + 1
    assert value(told, due, kind="mail") == 0
    assert value(told, "kalends_deliveries_oldest_due_seconds", kind="webhook") == 90
    assert value(told, "kalends_reminders_overdue_seconds") == 0


def test_a_reminder_that_nobody_fired_shows_as_overdue(watched: Service, agent: Api) -> None:
    calendar = Calendar(
        agent, agent.made("/calendars", name="W", webhook_url="http://127.0.0.1:9/", webhook_offsets=["0"])
    )
    calendar.add(title="Lunch", start="2026-03-02T12:10:00Z", end="2026-03-02T14:00:00Z")
    watched.clock.advance(timedelta(minutes=15))
    told = scraped(watched, anew=True)
    watched.clock.move_to(NOON)
    assert value(told, "kalends_reminders_overdue_seconds") == 5 * 60


def test_a_calendar_that_falls_short_of_the_horizon_is_told(watched: Service, agent: Api) -> None:
    calendar = Calendar(agent, agent.made("/calendars", name="Work"))
    week = {"title": "Standup", "start": "2026-03-02T13:00:00Z", "duration": "PT1H", "recurrence": "FREQ=DAILY"}
    calendar.add(**week)
    before = scraped(watched, anew=True)
    assert value(before, "kalends_calendars_short") == 0
    assert 89 < value(before, "kalends_horizon_seconds") / 86400 < 92
    watched.clock.advance(timedelta(days=30))
    told = scraped(watched, anew=True)
    watched.clock.move_to(NOON)
    assert value(told, "kalends_calendars_short") == 1
    assert 59 < value(told, "kalends_horizon_seconds") / 86400 < 62


def test_mail_is_counted_by_what_became_of_it(watched: Service, agent: Api) -> None:
    calendar = agent.made("/calendars", name="Work")
    before = value(scraped(watched), "kalends_inbound_mails_total", outcome="ignored")
    mail = {"MessageID": "1", "Subject": "Hello", "TextBody": "No calendar here.", "From": "a@example.com"}
    assert agent.post(calendar["inbound_webhook_url"], mail).json()["status"] == "ignored"
    assert value(scraped(watched), "kalends_inbound_mails_total", outcome="ignored") == before + 1


def test_feeds_are_counted_by_whether_they_were_in_memory(watched: Service, agent: Api) -> None:
    calendar = Calendar(agent, agent.made("/calendars", name="Work"))
    before = scraped(watched)
    for _ in range(3):
        calendar.feed()
    told, reads = scraped(watched), "kalends_feed_cache_reads_total"
    assert value(told, reads, result="miss") - value(before, reads, result="miss") == 1
    assert value(told, reads, result="hit") - value(before, reads, result="hit") == 2
    assert value(told, "kalends_feed_cache_bytes") > 0


def test_the_process_its_pool_and_its_versions_are_told(watched: Service) -> None:
    told = scraped(watched)
    assert value(told, "process_resident_memory_bytes", process="web-1") > 10_000_000
    assert value(told, "process_open_fds") > 3
    assert value(told, "process_cpu_seconds_total") > 0
    assert 1 <= value(told, "kalends_pool_connections", pool="requests") <= 10
    assert value(told, "kalends_job_last_success_timestamp_seconds", job="upkeep") > 1_700_000_000
    assert value(told, "kalends_database_up") == 1
    ((_, versions),) = told[BUILD].samples
    assert {name for name, _ in versions} == {"version", "tzdata", "python", "postgres", "schema"}


def test_without_the_database_the_process_is_told_all_the_same(own_service: Service) -> None:
    name = own_service.dsn.rsplit("/", 1)[1].partition("?")[0]
    admin = re.sub(rf"/{name}(?=\?|$)", "/postgres", own_service.dsn)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'alter database "{name}" with allow_connections false'.encode())
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        told = scraped(own_service, anew=True)
    assert value(told, "kalends_database_up") == 0
    assert "kalends_deliveries_due" not in told
    assert value(told, "process_resident_memory_bytes") > 0


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer wrong-token-wrong-token", 401),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
    ],
)
def test_whoever_has_the_token_may_read(watched: Service, given: str | None, status: int) -> None:
    headers = {} if given is None else {"Authorization": given}
    answer = Api(watched.url, None).http.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert (answer.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)
    assert "RateLimit" not in answer.headers


def test_an_agents_key_does_not_open_the_numbers(watched: Service, agent: Api) -> None:
    assert agent.get("/metrics").status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_without_a_token_what_comes_through_a_proxy_finds_nothing(service: Service, header: str) -> None:
    assert Api(service.url, None).get("/metrics").status_code == 200
    answer = Api(service.url, None).http.get("/metrics", headers={header: "203.0.113.9"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("settings", "is_served"),
    [
        ({}, True),
        ({"public_url": "http://localhost:8000"}, True),
        ({"public_url": "https://calendars.example.com"}, False),
        ({"host": "0.0.0.0"}, False),
        ({"host": "::1"}, True),
    ],
)
def test_without_a_token_only_a_local_start_serves_numbers(settings: dict[str, Any], is_served: bool) -> None:
    def check(host: bytes) -> bool:
        try:
            check_reader(replace(SETTINGS, **settings), [(b"host", host)])
        except Problem:
            return False
        return True

    assert check(b"127.0.0.1:8000") == is_served
    assert not check(b"rebound.example.com")


def test_every_number_is_described_in_the_docs_and_no_other_is(watched: Service) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `((?:kalends|process)_[a-z_]+)`", page, re.MULTILINE))
    served = {*INSTRUMENTS, *DATABASE_GAUGES, BUILD}
    assert described == served
    assert set(scraped(watched, anew=True)) <= served


def test_alerts_in_the_docs_ask_for_numbers_that_there_are() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rules = re.findall(r"```yaml\n(groups:.*?)```", page, re.DOTALL)
    assert len(rules) == 1
    asked = set(re.findall(r"\b(?:kalends|process)_[a-z_]+", "".join(re.findall(r"expr: (.*)", rules[0]))))
    told = {*INSTRUMENTS, *DATABASE_GAUGES}
    assert asked
    assert {re.sub(r"_(bucket|count|sum)$", "", name) if name not in told else name for name in asked} <= told

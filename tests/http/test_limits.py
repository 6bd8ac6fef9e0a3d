"""Limits and quotas: the same for everybody, with figures, and off where it says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from app.clock import FrozenClock
from app.errors import Problem
from app.http.addresses import client_address
from app.http.limits import Limit, Limiter
from tests.conftest import NOON, SETTINGS
from tests.support.processes import eventually
from tests.support.service import Api, Calendar, Service, serving


@pytest.fixture
def limited(database: str, tmp_path: Path) -> Iterator[Service]:
    settings = replace(
        SETTINGS,
        data_dir=tmp_path,
        rate_limits=True,
        rate_limit_per_key=100,
        rate_limit_new_agents=3,
        quota_calendars=2,
        quota_events=5,
        quota_occurrences=200,
        trusted_proxies=(ip_network("127.0.0.0/8"),),
    )
    with serving(settings, database, FrozenClock(NOON)) as service:
        yield service


def new_agent(service: Service, address: str = "192.0.2.1") -> httpx.Response:
    return httpx.post(f"{service.url}/agents", headers={"X-Forwarded-For": address})


def test_a_key_is_told_its_allowance_and_when_it_is_used_up(limited: Service) -> None:
    api = Api(limited.url, new_agent(limited).json()["api_key"])
    answers = [api.get("/agents/me") for _ in range(110)]
    assert [answer.status_code for answer in answers] == [200] * 100 + [429] * 10
    first, last = answers[0], answers[-1]
    assert first.headers["RateLimit-Policy"] == '"default";q=100;w=60'
    assert first.headers["RateLimit"] == '"default";r=99;t=60'
    assert last.headers["RateLimit"] == '"default";r=0;t=60'
    assert last.headers["Retry-After"] == "60"
    assert last.json()["code"] == "too_many_requests"
    limited.clock.advance(timedelta(seconds=60))
    assert api.get("/agents/me").status_code == 200


def test_one_keys_noise_is_no_other_keys_silence(limited: Service) -> None:
    noisy, quiet = (Api(limited.url, new_agent(limited).json()["api_key"]) for _ in range(2))
    while noisy.get("/agents/me").status_code == 200:
        pass
    assert quiet.get("/agents/me").status_code == 200


def test_an_address_makes_only_so_many_agents_an_hour(limited: Service) -> None:
    assert [new_agent(limited).status_code for _ in range(4)] == [201, 201, 201, 429]
    assert new_agent(limited, "192.0.2.2").status_code == 201
    assert new_agent(limited, "192.0.2.9, 192.0.2.1").status_code == 429
    limited.clock.advance(timedelta(hours=1))
    assert new_agent(limited).status_code == 201


def test_a_made_up_key_costs_the_database_nothing(limited: Service) -> None:
    for number in range(5):
        assert Api(limited.url, f"sk_live_{number:032}").get("/agents/me").status_code == 401

    async def leases() -> int:
        row = await limited.context.db.one("select count(*) from allowances", {})
        assert row is not None
        return int(row[0])

    assert limited.run(leases()) == 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("203.0.113.7", "198.51.100.1", (), "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.1", "", ("10.0.0.0/8",), "10.0.0.1"),
        ("10.0.0.1", "nonsense", ("10.0.0.0/8",), "10.0.0.1"),
        ("::ffff:203.0.113.7", "", (), "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "", (), "2001:db8:1:2::/64"),
    ],
)
def test_only_trusted_proxies_say_who_is_asking(
    peer: str, forwarded: str, trusted: tuple[str, ...], expected: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope: Any = {"client": (peer, 5), "headers": headers}
    assert client_address(scope, tuple(map(ip_network, trusted))) == expected


def test_processes_together_stay_within_the_limit() -> None:
    leased = 0

    async def lease(_: bytes, __: datetime, count: int) -> int:
        nonlocal leased
        await asyncio.sleep(0)
        leased += count
        return leased

    async def spend() -> int:
        limiters, limit, admitted = [Limiter(lease) for _ in range(4)], Limit("default", 1000, 60), 0
        for number in range(6000):
            limiter = limiters[number % 4]
            try:
                await limiter.admit(b"key", limit, 1_000_000.0)
                admitted += 1
            except Problem:
                continue
            limiter.confirm(b"key", limit)
        return admitted

    assert 1000 <= asyncio.run(spend()) <= 1000 + 4 * 10


def test_a_lease_is_taken_for_many_requests_not_for_each() -> None:
    calls = 0

    async def lease(_: bytes, __: datetime, count: int) -> int:
        nonlocal calls
        calls += 1
        return calls * count

    async def spend() -> None:
        limiter, limit = Limiter(lease), Limit("default", 1000, 60)
        for _ in range(500):
            await limiter.admit(b"key", limit, 1_000_000.0)
            limiter.confirm(b"key", limit)

    asyncio.run(spend())
    assert calls <= 12


def test_two_at_once_do_not_both_get_the_last_place(limited: Service) -> None:
    api = Api(limited.url, new_agent(limited).json()["api_key"])
    api.made("/calendars", name="One")

    def make(name: str) -> int:
        answer = httpx.post(f"{limited.url}/calendars", json={"name": name}, headers=api.http.headers)
        return answer.status_code

    with psycopg.connect(limited.dsn) as holder, ThreadPoolExecutor(2) as threads:
        holder.execute("select from agents for update")
        both = [threads.submit(make, name) for name in ("Two", "Three")]
        with psycopg.connect(limited.dsn, autocommit=True) as other:
            waiting = (
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            )
            assert eventually(lambda: other.execute(waiting).fetchone() == (2,))
        holder.rollback()
        assert sorted(each.result() for each in both) == [201, 403]


def test_quotas_name_the_figure_and_hold(limited: Service) -> None:
    api = Api(limited.url, new_agent(limited).json()["api_key"])
    calendar = Calendar(api, api.made("/calendars", name="One"))
    api.made("/calendars", name="Two")
    third = api.post("/calendars", {"name": "Three"})
    assert (third.status_code, third.json()["code"], third.json()["quota"]) == (403, "quota_exceeded", 2)
    series = calendar.add(title="x", start="2026-03-03T09:00:00Z", duration="PT5M", recurrence="FREQ=DAILY")
    calendar.add(title="x", start="2026-03-03T09:00:00Z", duration="PT5M", recurrence="FREQ=DAILY")
    refused = calendar.refused(title="x", start="2026-03-03T09:00:00Z", duration="PT5M", recurrence="FREQ=DAILY")
    assert (refused["code"], refused["quota"], refused["present"]) == ("quota_exceeded", 200, 180)
    for _ in range(3):
        calendar.add(title="x", start="2026-03-03T09:00:00Z", duration="PT5M")
    assert calendar.refused(title="x", start="2026-03-03T09:00:00Z", duration="PT5M")["quota"] == 5
    calendar.remove(series["id"], mode="all")
    calendar.add(title="x", start="2026-03-03T09:00:00Z", duration="PT5M")

"""Promises that hold across processes, with pgbouncer in transaction mode before the database."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import httpx
import psycopg
import pytest

from app.db.pool import SESSION
from tests.support.deployment import Deployment, Traffic, deployed, key_of
from tests.support.pgbouncer import POOL, PROGRAM, Pgbouncer, pooling
from tests.support.postgres import clone, drop
from tests.support.processes import eventually, run
from tests.support.receiver import Receiver, receiving
from tests.support.service import Api, Calendar

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="pgbouncer is not installed (Debian: apt-get install pgbouncer)"
)

EVENT = {"title": "x", "start": "2030-03-03T09:00:00Z", "end": "2030-03-03T09:30:00Z"}
LIMIT = 200  # requests a minute of a key


@dataclass
class Scene:
    dsn: str
    pgbouncer: Pgbouncer
    deployment: Deployment
    receiver: Receiver

    def pair(self) -> tuple[Api, Api]:
        """A new agent at one web process and at the other."""
        one, two = self.deployment.urls
        key = Api(one, None).made("/agents")["api_key"]
        return Api(one, key), Api(two, key)


@pytest.fixture(scope="module")
def scene(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two web processes and a worker, whose pools together are larger than pgbouncer's."""
    dsn = clone(database_server, template)
    directory = tmp_path_factory.mktemp("pgbouncer")
    web = [{"KALENDS_DISPATCH": "off", "KALENDS_RATE_LIMITS": "on", "KALENDS_RATE_LIMIT_PER_KEY": str(LIMIT)}] * 2
    with (
        pooling(dsn) as pgbouncer,
        receiving() as receiver,
        deployed(
            pgbouncer.url,
            directory,
            web=web,
            workers=1,
            KALENDS_DATABASE_DIRECT_URL=dsn,
            KALENDS_DATABASE_PREPARE="on" if pgbouncer.knows_prepared_statements else "off",
        ) as deployment,
    ):
        yield Scene(dsn, pgbouncer, deployment, receiver)
    drop(database_server, dsn)


def test_changes_and_reminders_arrive_once_each(scene: Scene) -> None:
    traffic = Traffic(scene.deployment, scene.receiver, ahead=(1, 2))
    traffic.begin(calendars=2)
    traffic.write(changes=40, reminders=20, seconds=1.0)
    changes, reminders = traffic.committed()
    assert len(changes) >= 40
    assert len(reminders) >= 20
    owed = changes | reminders
    assert eventually(lambda: owed <= {key_of(call) for call in list(scene.receiver.calls)})
    assert [key for key, count in Counter(map(key_of, scene.receiver.calls)).items() if count > 1] == []
    assert {key_of(call) for call in scene.receiver.calls} == owed


def test_all_sessions_plan_as_our_own_do(scene: Scene) -> None:
    with psycopg.connect(scene.pgbouncer.url, autocommit=True, prepare_threshold=None) as connection:
        shown = "select name, setting from pg_settings where name = any(%s)"
        assert dict(connection.execute(shown, (list(SESSION),)).fetchall()) == SESSION


def test_a_limit_holds_for_both_processes_together(scene: Scene) -> None:
    for _ in range(3):
        window, pair = time.time() // 60, scene.pair()
        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(partial(_status, pair), range(LIMIT + 40)))
        if time.time() // 60 == window:  # else the machine was slow, and a second window helped out
            break
    assert Counter(statuses).keys() == {200, 429}
    assert statuses.count(200) <= LIMIT + 2 * LIMIT // 100  # credit: one in a hundred, for each process


def _status(pair: tuple[Api, Api], number: int) -> int:
    return pair[number % 2].get("/agents/me").status_code


def test_one_key_sent_to_both_at_once_makes_one_event(scene: Scene) -> None:
    pair = scene.pair()
    calendar = Calendar(pair[0], pair[0].made("/calendars", name="Shared"))

    def send(number: int) -> bytes:
        path, headers = f"{calendar.path}/events", {"Idempotency-Key": "k"}
        answer = Api(str(pair[number % 2].http.base_url), pair[0].key).http.post(path, json=EVENT, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.content

    with ThreadPoolExecutor(12) as threads:
        assert len(set(threads.map(send, range(12)))) == 1
    assert len(calendar.list()) == 1


def test_a_write_at_one_wakes_a_waiter_at_the_other(scene: Scene) -> None:
    one, two = scene.pair()
    calendar = Calendar(one, one.made("/calendars", name="Shared"))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(one.got, f"{calendar.path}/changes", since=0, wait=20)
        time.sleep(0.3)
        two.made(f"{calendar.path}/events", **EVENT)
        written = time.monotonic()
        assert waiting.result(10)["last_seq"] == 1
        assert time.monotonic() - written < 0.9  # by the notification: a look comes once a second


def test_writes_that_are_refused_and_many_at_once_share_few_sessions(scene: Scene) -> None:
    one, two = scene.pair()
    calendar = Calendar(one, one.made("/calendars", name="Crowded"))

    def send(number: int) -> int:
        event = EVENT if number % 3 else {**EVENT, "end": "2029-01-01T00:00:00Z"}
        return (one, two)[number % 2].post(f"{calendar.path}/events", event).status_code

    with ThreadPoolExecutor(12) as threads:
        assert Counter(threads.map(send, range(60))) == {201: 40, 400: 20}
    with psycopg.connect(scene.dsn) as direct:
        row = direct.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'kalends'"
        ).fetchone()
    assert row is not None
    assert row[0] <= POOL


def test_a_pooler_that_is_gone_is_told_and_one_that_comes_back_is_used(scene: Scene) -> None:
    one, _ = scene.pair()
    scene.pgbouncer.stop(signal.SIGKILL)
    began = time.monotonic()
    answer = one.get("/agents/me")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert time.monotonic() - began < 2
    assert one.get("/health/live").status_code == 200
    scene.pgbouncer.start()
    assert eventually(lambda: one.get("/agents/me").status_code == 200)


def test_a_pooler_without_a_way_around_it_is_refused_at_the_start(scene: Scene) -> None:
    ended = run("migrate", DATABASE_URL=scene.pgbouncer.url, KALENDS_SECRET_KEY="s" * 32)
    assert ended.returncode == 2
    assert "set KALENDS_DATABASE_DIRECT_URL to Postgres' own" in ended.stderr


def test_no_process_met_a_statement_that_was_prepared_elsewhere(scene: Scene) -> None:
    for place in scene.deployment.places:
        assert place.process is not None
        lines = place.process.complaints().splitlines()
        assert not any("prepared statement" in line or "trace" in line for line in lines)
        assert {json.loads(line).get("status") for line in lines if line.startswith("{")}.isdisjoint({500})
    assert "prepared statement" not in scene.pgbouncer.log()
    assert httpx.get(f"{scene.deployment.urls[0]}/health/ready", timeout=5).status_code == 200

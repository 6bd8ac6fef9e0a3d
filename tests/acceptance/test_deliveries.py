"""Deliveries from several processes on one database: each message once, on time, also over a stop and a
crash of the database."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from app.db.embedded import EmbeddedPostgres
from tests.support.deployment import Deployment, Traffic, deployed, due_at, key_of
from tests.support.postgres import clone, drop
from tests.support.processes import STOP_WITHIN, Command, Serve, Worker, eventually
from tests.support.receiver import Answer, Call, Receiver, receiving
from tests.support.service import Api, Calendar

EVENT: Final = {"title": "x", "start": "2030-03-04T09:00:00Z", "end": "2030-03-04T09:30:00Z"}
LATE_MOST: Final = 1.5  # seconds: a look a second, and a slow machine
TRIES: Final = 3  # at being on time, so that a machine that is busy with something else fails nobody


def agent(server: Serve) -> Api:
    return Api(server.url, Api(server.url, None).made("/agents")["api_key"])


def calendar_of(api: Api, url: str) -> Calendar:
    return Calendar(api, api.made("/calendars", name="Work", webhook_url=url, webhook_offsets=["0"]))


def check_each_once(traffic: Traffic, receiver: Receiver) -> list[Call]:
    """Waits for all that was committed; each of it came once, and nothing else. Returns the calls."""
    changes, reminders = traffic.committed()
    owed = changes | reminders
    eventually(lambda: owed <= {key_of(call) for call in list(receiver.calls)}, within=15)
    assert receiver.stays_at(len(receiver.calls), 1.2)
    assert Counter(key_of(call) for call in receiver.calls) == dict.fromkeys(owed, 1)
    return list(receiver.calls)


@pytest.fixture(scope="module")
def eight(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Two hosts, of three web processes and of one, which all send too, and four workers."""
    dsn, data = clone(database_server, template), tmp_path_factory.mktemp("eight")
    with deployed(dsn, data, web=[{"KALENDS_WORKERS": "3"}, {}], workers=4) as deployment:
        yield deployment
    drop(database_server, dsn)


def test_four_web_processes_and_four_workers_send_each_message_once(eight: Deployment) -> None:
    for _ in range(TRIES):
        with receiving() as receiver:
            traffic = Traffic(eight, receiver)
            traffic.begin(calendars=6)
            traffic.write(changes=200, reminders=60, seconds=2)
            calls = check_each_once(traffic, receiver)
        late = max(call.at - due_at(call) for call in calls)
        if late < LATE_MOST:
            break
    assert late < LATE_MOST


def test_processes_that_are_told_to_stop_finish_and_leave_the_rest_to_others(eight: Deployment) -> None:
    def slow(_: Call) -> Answer:
        time.sleep(0.05)
        return 200, {}

    with receiving(slow) as receiver, ThreadPoolExecutor(1) as threads:
        traffic = Traffic(eight, receiver)
        traffic.begin(calendars=4)
        writing = threads.submit(traffic.write, changes=120, reminders=20, seconds=2)
        for place in eight.places[1:4]:  # one that serves, too, and two workers
            time.sleep(0.4)
            process, place.process = place.process, None
            assert process is not None
            check_stops(process)
            assert "Traceback" not in process.complaints(), process.complaints()
            process.__exit__()
        writing.result()
        check_each_once(traffic, receiver)


def check_stops(process: Command) -> None:
    began = time.monotonic()
    assert process.stop() == 0, process.complaints()
    assert time.monotonic() - began < STOP_WITHIN


def test_a_stop_waits_for_no_endpoint_that_hangs(database: str, tmp_path: Path) -> None:
    """Neither for what is owed to it nor for a request that calls it."""

    def answer(call: Call) -> Answer:
        if call.path == "/hook/hangs":
            time.sleep(14)
        return 200, {}

    web = [{"KALENDS_DISPATCH": "on"}, {"KALENDS_DISPATCH": "off"}]
    with receiving(answer) as receiver, deployed(database, tmp_path, web=web, workers=1) as deployment:
        (sends, writes), (worker,) = deployment.web, deployment.workers
        api = agent(writes)
        hanging = [calendar_of(api, f"{receiver.url}/hangs") for _ in range(4)]
        for count, busy in enumerate((worker, sends), start=1):  # each of the two calls an endpoint that hangs
            busy.process.send_signal(signal.SIGSTOP)
            hanging[count].add(**EVENT)
            receiver.wait_for(count)
            busy.process.send_signal(signal.SIGCONT)
        testing = Api(sends.url, api.key)
        with ThreadPoolExecutor(4) as threads:
            threads.submit(testing.post, f"/calendars/{hanging[0].id}/webhook/test")
            receiver.wait_for(3)
            for place in deployment.places:
                place.process = None
            for stop in [threads.submit(check_stops, process) for process in (sends, writes, worker)]:
                stop.result()


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serve, Worker, Path]]:
    """A web process that sends nothing, a worker, and where their embedded database lies."""
    data = tmp_path_factory.mktemp("data")
    with Serve(data, KALENDS_DISPATCH="off") as server, Worker(data) as worker:
        yield server, worker, data


def test_a_worker_sends_at_once_what_a_web_process_wrote(apart: tuple[Serve, Worker, Path]) -> None:
    for _ in range(TRIES):
        with receiving() as receiver:
            calendar = calendar_of(agent(apart[0]), receiver.url)
            waits = []
            for count in range(1, 11):
                calendar.add(**EVENT)
                written = time.time()
                waits.append(receiver.wait_for(count)[-1].at - written)
                time.sleep(0.05)
        if max(waits) < LATE_MOST:
            break
    assert sorted(waits)[5] < 0.3  # a few milliseconds, on a machine that has nothing else to do
    assert max(waits) < LATE_MOST


def test_a_worker_reminds_on_time_of_what_a_web_process_wrote(apart: tuple[Serve, Worker, Path]) -> None:
    for _ in range(TRIES):
        with receiving() as receiver:
            api = agent(apart[0])
            calendar = Calendar(api, api.made("/calendars", name="Work", webhook_offsets=["0"]))
            api.made("/webhooks", url=receiver.url, types=["event.upcoming"])
            soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
            for _number in range(5):
                calendar.add(title="r", start=soon.isoformat(), end=(soon + timedelta(hours=1)).isoformat())
            receiver.wait_for(5)
            assert receiver.stays_at(5, 1.2)
        waits = [call.at - soon.timestamp() for call in receiver.calls]
        assert min(waits) >= 0
        if max(waits) < LATE_MOST:
            break
    assert max(waits) < LATE_MOST


def test_a_crash_of_the_database_makes_nobody_send_what_another_is_sending(apart: tuple[Serve, Worker, Path]) -> None:
    """The worker is in the middle of a lane when it happens; a second one finds the lane held still."""
    server, _, data = apart
    first: list[Any] = []

    def answer(_: Call) -> Answer:
        first.append(None)
        if len(first) == 1:
            time.sleep(3)
        return 200, {}

    with receiving(answer) as receiver, Worker(data):
        calendar = calendar_of(agent(server), receiver.url)
        for _ in range(15):
            calendar.add(**EVENT)
        receiver.wait_for(1)
        crash(EmbeddedPostgres(data / "postgres"))
        calls = receiver.wait_for(15)
        assert receiver.stays_at(len(calls), 2.0)
        assert Counter(call.json["seq"] for call in receiver.calls) == dict.fromkeys(range(1, 16), 1)


def crash(server: EmbeddedPostgres) -> None:
    """One backend of it dies, upon which it ends all others and recovers what was committed from its log."""
    server.start()
    try:
        connection = psycopg.connect(server.dsn("kalends"))
        os.kill(connection.info.backend_pid, signal.SIGKILL)
    finally:
        server.release()

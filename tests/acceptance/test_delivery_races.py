"""What happens to deliveries between two steps of ours, brought about on purpose: by locks that are held, processes
that stand still, statements that fail and connections that are cut."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from app.clock import FrozenClock
from app.outbox.dispatcher import DEAD_AFTER, LANES_MOST, POLL, WALK
from app.outbox.sql import sql
from app.settings import Settings
from tests.support.deployment import Deployment, Place, deployed, due_at
from tests.support.postgres import clone, drop
from tests.support.processes import Worker, eventually
from tests.support.receiver import Answer, Call, Receiver, receiving
from tests.support.service import Api, Calendar, serving

EVENT: Final = {"title": "x", "start": "2030-03-04T09:00:00Z", "end": "2030-03-04T09:30:00Z"}
TAKEN_OVER_WITHIN: Final = DEAD_AFTER + POLL + 3.0  # seconds, on a slow machine


@pytest.fixture(scope="module")
def deployment(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A web process that sends nothing, and a worker."""
    dsn = clone(database_server, template)
    with deployed(dsn, tmp_path_factory.mktemp("data"), web=[{"KALENDS_DISPATCH": "off"}], workers=1) as deployment:
        yield deployment
    drop(database_server, dsn)


@pytest.fixture
def api(deployment: Deployment) -> Api:
    url = deployment.urls[0]
    return Api(url, Api(url, None).made("/agents")["api_key"])


@pytest.fixture
def connection(deployment: Deployment) -> Iterator[psycopg.Connection]:
    with psycopg.connect(deployment.dsn, autocommit=True) as connection:
        yield connection


def calendar_of(api: Api, **fields: Any) -> Calendar:
    return Calendar(api, api.made("/calendars", name="Work", **fields))


def waiting(connection: psycopg.Connection) -> int:
    row = connection.execute(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    ).fetchone()
    assert row is not None
    return int(row[0])


def statuses(calendar: Calendar) -> list[tuple[str, str]]:
    logs = calendar.api.got(f"{calendar.path}/webhook-logs")["logs"]
    return [(log["type"], log["status"]) for log in logs][::-1]


@contextmanager
def locked(deployment: Deployment, calendar: Calendar) -> Iterator[None]:
    """The calendar's lock, held as a long write would."""
    with psycopg.connect(deployment.dsn) as holder:
        holder.execute("select from calendars where id = %s for update", (calendar.id,))
        yield
        holder.rollback()


@contextmanager
def in_order(
    deployment: Deployment, connection: psycopg.Connection, calendar: Calendar, *requests: Callable[[], Any]
) -> Iterator[None]:
    """While the block lasts the requests stand behind the calendar's lock, one after the other; then they go on."""
    with ThreadPoolExecutor(len(requests)) as threads:
        with locked(deployment, calendar):
            futures = []
            for request in requests:
                futures.append(threads.submit(request))
                assert eventually(lambda: waiting(connection) >= len(futures))
            yield
        for future in futures:
            future.result()


class Held:
    """Answers the first call only when told to, and all others at once."""

    def __init__(self, then: Answer = (200, {})) -> None:
        self.came, self.go, self.then = threading.Event(), threading.Event(), then

    def __call__(self, _: Call) -> Answer:
        if not self.came.is_set():
            self.came.set()
            self.go.wait(14)
            return self.then
        return 200, {}


def how_often(receiver: Receiver) -> Counter[int]:
    """Each change by how often it came."""
    return Counter(call.json["seq"] for call in list(receiver.calls))


@pytest.mark.parametrize("change", ["create", "update"])
def test_an_endpoint_hears_of_a_write_that_waited_while_it_was_made(
    deployment: Deployment, connection: psycopg.Connection, api: Api, change: str
) -> None:
    calendar = calendar_of(api)
    event = calendar.add(**EVENT)

    other = Calendar(Api(deployment.urls[0], api.key), calendar.created)

    def write() -> object:
        return other.add(**EVENT) if change == "create" else other.change(event["id"], title="y")

    with receiving() as receiver:

        def make() -> object:
            return api.made("/webhooks", url=receiver.url)

        with in_order(deployment, connection, calendar, make, write):
            pass
        (call,) = receiver.wait_for(1)
        assert call.type == f"event.{change}d"


@pytest.mark.parametrize("change", ["create", "create under a name", "move"])
def test_a_write_that_waited_beyond_a_moment_still_reminds_of_it(
    deployment: Deployment, connection: psycopg.Connection, api: Api, change: str
) -> None:
    with receiving() as receiver, ThreadPoolExecutor(1) as threads:
        calendar = calendar_of(api, webhook_url=receiver.url, webhook_offsets=["0"])
        event = calendar.add(**EVENT)
        start = datetime.now(UTC) + timedelta(seconds=1.2)  # within what a write waits for its calendar
        times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}

        def write() -> Any:
            if change == "move":
                return calendar.change(event["id"], **times)
            return calendar.add(title="soon", **times, **({"client_id": "mine"} if "name" in change else {}))

        with psycopg.connect(deployment.dsn) as holder:
            holder.execute("select from calendars where id = %s for update", (calendar.id,))
            written = threads.submit(write)
            assert eventually(lambda: waiting(connection) == 1)
            assert datetime.now(UTC) < start
            time.sleep((start - datetime.now(UTC)).total_seconds() + 0.2)
            holder.execute("select fire_reminders(array[%s], now() + interval '5 seconds')", (calendar.id,))
            let_go = datetime.now(UTC)
            holder.commit()
        assert written.result()["title"] in ("soon", "x")
        assert eventually(lambda: [call.type for call in receiver.calls].count("event.upcoming") == 1)
        (moment,) = [due_at(call) for call in receiver.calls if call.type == "event.upcoming"]
        assert abs(moment - start.timestamp()) < 1
        changed = connection.execute("select changed_at from calendars where id = %s", (calendar.id,)).fetchone()
        assert changed is not None
        assert changed[0] >= let_go, "a feed that was read before shows it as changed since"


def test_nothing_is_owed_to_an_endpoint_that_was_removed_while_a_write_waited(
    deployment: Deployment, connection: psycopg.Connection, api: Api
) -> None:
    calendar = calendar_of(api)
    with receiving() as receiver:
        endpoint = api.made("/webhooks", url=receiver.url)
        other = Api(deployment.urls[0], api.key)
        with in_order(
            deployment,
            connection,
            calendar,
            lambda: api.deleted(f"/webhooks/{endpoint['id']}"),
            lambda: Calendar(other, calendar.created).add(**EVENT),
        ):
            pass
        assert calendar.changes()
        assert statuses(calendar) == []


def test_endpoints_that_come_and_go_during_writes_hear_of_all_that_lies_between(
    deployment: Deployment, connection: psycopg.Connection, api: Api
) -> None:
    calendar = calendar_of(api)
    until = time.monotonic() + 2.5

    def write(_: int) -> None:
        mine = Calendar(Api(deployment.urls[0], api.key), calendar.created)
        while time.monotonic() < until:
            event = mine.add(**EVENT)
            mine.change(event["id"], title="y")

    with receiving() as receiver, ThreadPoolExecutor(3) as threads:
        writing = [threads.submit(write, number) for number in range(3)]
        while time.monotonic() < until:
            endpoint = api.made("/webhooks", url=receiver.url)
            time.sleep(0.03)
            api.deleted(f"/webhooks/{endpoint['id']}")
        for each in writing:
            each.result()
        assert eventually(lambda: pending(connection, calendar) == 0, within=3)
        told = connection.execute(
            "select lane, array_agg(seq order by position) from deliveries where calendar_id = %s group by lane",
            (calendar.id,),
        ).fetchall()
        assert len(told) > 5
        for lane, seqs in told:
            assert seqs == list(range(seqs[0], seqs[-1] + 1)), lane


def pending(connection: psycopg.Connection, calendar: Calendar) -> int:
    row = connection.execute(
        "select count(*) from deliveries where calendar_id = %s and state = 'pending'", (calendar.id,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_two_changes_of_an_endpoint_at_once_both_come_about(
    deployment: Deployment, connection: psycopg.Connection, api: Api
) -> None:
    calendar = calendar_of(api, webhook_url="http://127.0.0.1:9/one")
    (own,) = api.got("/webhooks")["webhooks"]
    wide = api.made("/webhooks", url="http://127.0.0.1:9/two")
    for endpoint in (own, wide):
        path = f"/webhooks/{endpoint['id']}"

        def change(**fields: Any) -> Callable[[], object]:
            return lambda: Api(deployment.urls[0], api.key).changed(path, fields)  # noqa: B023 (called in this round)

        with in_order(
            deployment, connection, calendar, change(types=["event.deleted"]), change(url="http://127.0.0.1:9/three")
        ):
            pass
        now = api.got(path)
        assert (now["types"], now["url"]) == (["event.deleted"], "http://127.0.0.1:9/three")


def test_nothing_waits_for_an_endpoint_that_answers_gone_while_a_write_waits(
    deployment: Deployment, connection: psycopg.Connection, api: Api
) -> None:
    answer = Held((410, {}))
    with receiving(answer) as receiver:
        calendar = calendar_of(api, webhook_url=receiver.url)
        calendar.add(**EVENT)
        assert answer.came.wait(5)
        with in_order(deployment, connection, calendar, lambda: calendar.add(**EVENT)):
            answer.go.set()
            time.sleep(0.5)  # the answer is dealt with, as far as the lock lets it
        created = "event.created"
        assert eventually(lambda: statuses(calendar) == [(created, "failed"), (created, "failed")], within=5)


def test_a_reminder_whose_moment_passes_while_a_write_waits_comes_once(
    deployment: Deployment, connection: psycopg.Connection, api: Api
) -> None:
    with receiving() as receiver:
        calendar = calendar_of(api, webhook_offsets=["0"])
        api.made("/webhooks", url=receiver.url, types=["event.upcoming"])
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
        event = calendar.add(title="x", start=start.isoformat(), end=(start + timedelta(hours=1)).isoformat())
        time.sleep(max(0.0, start.timestamp() - 0.8 - time.time()))  # a write does not wait for its calendar for long
        with in_order(deployment, connection, calendar, lambda: calendar.change(event["id"], title="y")):
            time.sleep(max(0.0, start.timestamp() + 0.3 - time.time()))
            assert receiver.calls == []
        receiver.wait_for(1, within=3)
        assert receiver.stays_at(1, POLL + 0.2)


def test_a_lane_is_not_lost_when_what_it_holds_cannot_be_read(
    deployment: Deployment, connection: psycopg.Connection, api: Api
) -> None:
    (worker,) = deployment.workers
    with receiving() as receiver:
        calendar = calendar_of(api, webhook_url=receiver.url)
        worker.process.send_signal(signal.SIGSTOP)
        calendar.add(**EVENT)
        connection.execute("alter table occurrences rename to occurrences_away")
        try:
            worker.process.send_signal(signal.SIGCONT)
            held = "select from lanes where holder is not null"
            assert eventually(lambda: connection.execute(held).fetchone() is not None)
        finally:
            connection.execute("alter table occurrences_away rename to occurrences")
        receiver.wait_for(1, within=TAKEN_OVER_WITHIN)


def test_reminders_that_cannot_be_fired_hold_up_nothing_else(connection: psycopg.Connection, api: Api) -> None:
    with receiving() as receiver:
        calendar = calendar_of(api, webhook_url=receiver.url, webhook_offsets=["0"])
        other = calendar_of(api, webhook_url=receiver.url)
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
        calendar.add(title="x", start=start.isoformat(), end=(start + timedelta(hours=1)).isoformat())
        receiver.wait_for(1)
        connection.execute("alter function fire_reminders rename to fire_reminders_away")
        try:
            time.sleep(max(0.0, start.timestamp() + 0.2 - time.time()))
            other.add(**EVENT)
            receiver.wait_for(2, within=POLL + 2)
        finally:
            connection.execute("alter function fire_reminders_away rename to fire_reminders")
        assert receiver.wait_for(3)[-1].type == "event.upcoming"


def test_what_cannot_be_written_down_at_once_is_written_down_later(connection: psycopg.Connection, api: Api) -> None:
    answer = Held()
    with receiving(answer) as receiver:
        calendar = calendar_of(api, webhook_url=receiver.url)
        calendar.add(**EVENT)
        assert answer.came.wait(5)
        connection.execute("alter table deliveries rename column ended_at to ended_away")
        try:
            answer.go.set()
            time.sleep(0.5)
        finally:
            connection.execute("alter table deliveries rename column ended_away to ended_at")
        assert eventually(lambda: statuses(calendar) == [("event.created", "delivered")], within=5)
        assert receiver.stays_at(1)


def test_connections_that_are_cut_while_calls_are_under_way_cost_no_result(
    connection: psycopg.Connection, api: Api
) -> None:
    def slow(_: Call) -> Answer:
        time.sleep(1.0)
        return 200, {}

    with receiving(slow) as receiver:
        calendars = [calendar_of(api, webhook_url=f"{receiver.url}/{number}") for number in range(10)]
        for calendar in calendars:
            calendar.add(**EVENT)
        receiver.wait_for(10)
        for _ in range(3):
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and application_name like 'kalends%'"
            )
            time.sleep(0.4)
        assert eventually(lambda: all(settled(connection, calendar) for calendar in calendars), within=8)
        assert receiver.stays_at(10)
    for _ in range(20):  # until no request comes upon a connection that was cut, for whatever test is next
        api.get("/agents/me")


def settled(connection: psycopg.Connection, calendar: Calendar) -> bool:
    found = connection.execute("select state from deliveries where calendar_id = %s", (calendar.id,)).fetchall()
    return found == [("delivered",)]


def test_a_worker_that_stood_still_goes_on_with_nothing_that_others_took_over(
    deployment: Deployment, api: Api, tmp_path: Path
) -> None:
    answer = Held()
    (first,) = deployment.workers
    with receiving(answer) as receiver:
        calendar = calendar_of(api, webhook_url=receiver.url)
        first.process.send_signal(signal.SIGSTOP)  # until all is written, so that it takes all at once
        for _ in range(30):
            calendar.add(**EVENT)
        first.process.send_signal(signal.SIGCONT)
        assert answer.came.wait(5)
        first.process.send_signal(signal.SIGSTOP)
        place = Place(Worker, {})
        deployment.start(place)
        try:
            receiver.wait_for(31, within=TAKEN_OVER_WITHIN)
            first.process.send_signal(signal.SIGCONT)
            time.sleep(1.5)  # it is alive again, and its first call is still under way
            answer.go.set()
            assert receiver.stays_at(31, 1.0)
            assert how_often(receiver) == {seq: 1 + (seq == 1) for seq in range(1, 31)}
        finally:
            first.process.send_signal(signal.SIGCONT)
            deployment.kill(place)


class Ahead(FrozenClock):
    """A clock that runs, and is a second fast."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=1)


class Right(FrozenClock):
    def now(self) -> datetime:
        return datetime.now(UTC)


def test_clocks_that_differ_by_a_second_double_and_lose_nothing(database: str, tmp_path: Path) -> None:
    settings = Settings(secret_keys=("k" * 32,), rate_limits=False, data_dir=tmp_path)
    began = datetime.now(UTC)
    with (
        receiving() as receiver,
        serving(settings, database, Right(began)) as right,
        serving(settings, database, Ahead(began)) as ahead,
    ):
        api = Api(right.url, Api(right.url, None).made("/agents")["api_key"])
        calendars = [calendar_of(api, webhook_url=receiver.url, webhook_offsets=["0", "-1s"]) for _ in range(3)]
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
        for number in range(24):
            via = Calendar(Api((right, ahead)[number % 2].url, api.key), calendars[number % 3].created)
            event = via.add(title="r", start=start.isoformat(), end=(start + timedelta(hours=1)).isoformat())
            if number % 4 == 0:  # moved back, through the other one
                other = Api((ahead, right)[number % 2].url, api.key)
                moved = (start + timedelta(seconds=1)).isoformat()
                other.changed(f"{via.path}/events/{event['id']}", {"start": moved})
        calls = receiver.wait_for(24 + 6 + 2 * 24)
        assert receiver.stays_at(len(calls), 1.5)
        told = Counter(
            (call.json["event_id"], call.json.get("offset"), call.json.get("seq")) for call in receiver.calls
        )
        assert set(told.values()) == {1}
        for calendar in calendars:
            seqs = [
                call.json["seq"] for call in calls if call.json["calendar_id"] == calendar.id and "seq" in call.json
            ]
            assert seqs == sorted(seqs)


def test_lanes_that_others_hold_keep_nobody_from_those_that_are_free(database: str) -> None:
    held = 2 * LANES_MOST - 100
    assert held < WALK
    with psycopg.connect(database) as connection:
        connection.execute("insert into agents (id, created_at, updated_at) values ('agt', now(), now())")
        connection.execute("insert into dispatchers values ('dsp_other', now())")
        connection.execute(
            "insert into lanes (id, kind, agent_id, holder) "
            "select 'whe_' || lpad(n::text, 4, '0'), 'webhook', 'agt', case when n < %s then 'dsp_other' end "
            "from generate_series(0, %s) n",
            (held, held),
        )
        connection.execute(
            "insert into deliveries (lane, agent_id, type, due_at, created_at) "
            "select id, 'agt', 'event.created', 'epoch', now() from lanes"
        )
        row = connection.execute(
            sql.claim_lanes.encode(),
            {
                "after": "",
                "walk": WALK,
                "now": datetime.now(UTC),
                "room": LANES_MOST,
                "room_for_failing": 0,
                "holder": "dsp_ours",
                "dead_after": DEAD_AFTER,
            },
        ).fetchone()
        assert row is not None
        assert row[0] == [f"whe_{held:04}"]

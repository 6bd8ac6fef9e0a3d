"""What clients see while the database is away, slow or full, and how soon all is well again."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import psycopg
import pytest

from tests.faults.conftest import Place
from tests.faults.watching import Watch, ask, ask_every_route
from tests.support.processes import eventually

WITHIN: Final = 2.0  # seconds: the promise, for an answer and for readiness
BACK_WITHIN: Final = 5.0  # seconds after the database is back


def kill(place: Place) -> None:
    place.stop(signal.SIGKILL)


def stop(place: Place) -> None:
    place.stop(signal.SIGINT)


def start(place: Place) -> None:
    place.postgres.ensure_running()


def swallow(place: Place) -> None:
    place.proxy.swallow()


def flow(place: Place) -> None:
    place.proxy.flow()


@pytest.mark.parametrize(("breaks", "mends"), [(kill, start), (stop, start), (swallow, flow)])
def test_a_database_that_is_away_is_told_within_two_seconds_on_every_route(
    place: Place, watch: Watch, breaks: Callable[[Place], None], mends: Callable[[Place], None]
) -> None:
    for _ in range(3):  # on a busy machine
        told, longest, back = _broken_and_mended(place, watch, breaks, mends)
        print(f"{breaks.__name__:10} red {told:.2f} s, longest answer {longest:.2f} s, back {back:.2f} s")
        if told < WITHIN and longest < WITHIN and back < BACK_WITHIN:
            return
    pytest.fail(f"red after {told:.2f} s, longest answer {longest:.2f} s, back after {back:.2f} s")


def _broken_and_mended(
    place: Place, watch: Watch, breaks: Callable[[Place], None], mends: Callable[[Place], None]
) -> tuple[float, float, float]:
    """Seconds until readiness is red, of the longest answer, and from when the database is back until all is well."""
    broken = time.monotonic()
    breaks(place)
    answers = ask_every_route(place.serve.url, place.others.api.key or "", place.others)
    assert eventually(lambda: any(each.status == 503 for each in watch.of("ready", broken)))
    time.sleep(0.1)
    mends(place)
    mended = time.monotonic()
    assert eventually(watch.is_well)
    assert [(each.what, each.status) for each in answers if each.status != 503] == []
    assert all(each.is_honest for each in answers)
    told = min(each.until for each in watch.of("ready", broken) if each.status == 503) - broken
    longest = max(each.seconds for each in [*answers, *watch.since(broken)])
    return told, longest, max(0.0, watch.well_since() - mended)


def test_a_database_that_takes_no_writes_is_read_on(place: Place, watch: Watch) -> None:
    with psycopg.connect(place.dsn, autocommit=True) as database:
        database.execute("alter system set default_transaction_read_only = on")
        database.execute("select pg_reload_conf()")
        began = time.monotonic()
        assert eventually(lambda: any(each.status == 503 for each in watch.of("write", began)))
        since = time.monotonic()
        time.sleep(0.3)
        writes, reads, ready = (list(watch.of(what, since)) for what in ("write", "read", "ready"))
        health = place.api.got("/health/ready")
        answers = ask_every_route(place.serve.url, place.others.api.key or "", place.others)
        database.execute("set default_transaction_read_only = off")
        database.execute("alter system reset default_transaction_read_only")
        database.execute("select pg_reload_conf()")
    assert {each.status for each in writes} == {503}
    assert {each.status for each in [*reads, *ready]} == {200}
    assert health["status"] == "read_only"
    assert [each for each in answers if not each.is_honest] == []
    assert [each for each in answers if each.what.startswith("GET") and each.status >= 500] == []


def test_a_lock_that_somebody_keeps_is_not_waited_for_for_ever(place: Place, watch: Watch) -> None:
    for _ in range(3):  # on a busy machine
        with psycopg.connect(place.dsn) as database:
            began = time.monotonic()
            database.execute("lock table calendars, keys in access exclusive mode")
            answers = ask_every_route(place.serve.url, place.others.api.key or "", place.others)
            database.rollback()
        longest = max(each.seconds for each in [*answers, *watch.since(began)])
        print(f"locks      longest answer {longest:.2f} s")
        assert {each.status for each in answers if "calendars" in each.what} == {503}
        if longest < WITHIN:
            return
    pytest.fail(f"the longest answer took {longest:.2f} s")


def test_a_database_without_connections_left_serves_those_who_have_one(place: Place, watch: Watch) -> None:
    with ExitStack() as taken:
        takers = _take_all(place, taken)
        full = time.monotonic()
        time.sleep(0.3)
        during = watch.since(full)
        assert {each.status for each in during if each.what in ("read", "write")} <= {200, 201}
        cut = [True]
        while any(cut[-3:]):  # one that is about to be made has no name yet
            cut.append(_cut(takers[0]))
            _take_all(place, taken)
            time.sleep(0.05)
        answer = ask("read", lambda: place.api.get(f"{place.calendar.path}/upcoming"))
        assert answer.status == 503
        assert answer.seconds < WITHIN
    print(f"full       answer {answer.seconds:.2f} s")


def test_a_slow_network_only_makes_everything_slower(place: Place, watch: Watch) -> None:
    place.proxy.delay = 0.05
    began = time.monotonic()
    time.sleep(0.5)
    place.proxy.delay = 0.0
    assert {each.status for each in watch.since(began)} <= {200, 201}


def _cut(database: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether Kalends had a connection to lose."""
    return bool(
        database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'kalends%'"
        ).fetchall()
    )


def _take_all(place: Place, taken: ExitStack) -> list[psycopg.Connection[tuple[object, ...]]]:
    """Whatever connections are left."""
    found: list[psycopg.Connection[tuple[object, ...]]] = []
    try:
        while True:
            found.append(taken.enter_context(psycopg.connect(place.dsn, autocommit=True)))
    except psycopg.OperationalError:
        return found

"""Deliveries while processes are killed: what was committed arrives, all of it and nothing else.

Run the whole of it, 50 kills during 1,000 changes and 500 reminders, with

    KALENDS_TEST_KILLS=50 ./scripts/test tests/acceptance/test_deliveries_killed.py -s

which takes two minutes. The suite runs a sixth of it, since each kill costs a second of a processor for the next start:
the smaller number finds what is wrong often, the larger what is wrong rarely. KALENDS_TEST_EACH=4 runs four web
processes and four workers instead of two and two.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Final

import psycopg

from app.outbox.dispatcher import DEAD_AFTER, POLL
from tests.support.deployment import Deployment, Place, Traffic, deployed, due_at, key_of
from tests.support.processes import eventually
from tests.support.receiver import Answer, Call, Receiver, receiving

KILLS: Final = int(os.environ.get("KALENDS_TEST_KILLS", "6"))
EACH: Final = int(os.environ.get("KALENDS_TEST_EACH", "2"))
CHANGES: Final = 20 * KILLS if KILLS >= 50 else 25 * KILLS
REMINDERS: Final = 10 * KILLS if KILLS >= 50 else 100
SECONDS: Final = 1.1 * KILLS if KILLS >= 50 else 0.7 * KILLS
AHEAD: Final = (3, 5)  # seconds: a write may have to find a process that lives first
SETTLED_WITHIN: Final = 2 * (DEAD_AFTER + POLL) + 10  # seconds after the last write: its reminders are ahead of it
LATE_MOST: Final = (
    DEAD_AFTER + POLL + 2.0
)  # seconds after the moment or the last kill: the lease, a look, a slow machine


@dataclass(frozen=True)
class Kill:
    """`in_flight` is what was not on record as delivered when the process was gone, and had been called by then."""

    at: float
    in_flight: frozenset[str]


def slow_now_and_then(_: Call) -> Answer:
    time.sleep(random.choice((0.0, 0.0, 0.0, 0.05)))
    return 200, {}


def test_what_was_committed_arrives_though_processes_are_killed_at_any_moment(database: str, tmp_path: Path) -> None:
    web = [{"KALENDS_DISPATCH": "on" if number % 2 else "off"} for number in range(EACH)]
    with (
        receiving(slow_now_and_then) as receiver,
        deployed(database, tmp_path, web=web, workers=EACH) as deployment,
        psycopg.connect(database, autocommit=True) as witness,
        ThreadPoolExecutor(1) as threads,
    ):
        traffic = Traffic(deployment, receiver, ahead=AHEAD)
        traffic.begin(calendars=6)
        writing = threads.submit(traffic.write, CHANGES, REMINDERS, SECONDS)
        kills = kill_again_and_again(deployment, receiver, witness, KILLS, SECONDS)
        writing.result()

        changes, reminders = traffic.committed()
        assert len(changes) >= CHANGES
        assert len(reminders) >= REMINDERS
        owed = changes | reminders
        eventually(lambda: owed <= {key_of(call) for call in list(receiver.calls)}, within=SETTLED_WITHIN)
        eventually(lambda: pending(witness) == 0, within=DEAD_AFTER + POLL)
        calls = list(receiver.calls)
        tell(traffic, calls, kills)

        arrived = {key_of(call) for call in calls}
        assert owed - arrived == set(), "lost"
        assert arrived - owed == set(), "of no write that was committed"
        assert pending(witness) == 0, "stuck"
        check_duplicates(calls, kills)
        check_lateness(calls, kills)


def kill_again_and_again(
    deployment: Deployment, receiver: Receiver, witness: psycopg.Connection, count: int, seconds: float
) -> list[Kill]:
    """Kills a process at random, waits a random while, and so on. Each is started again at once."""
    kills, starting = list[Kill](), list[threading.Thread]()
    for _ in range(count):
        time.sleep(random.uniform(0, 2 * seconds / count))
        place = any_living(deployment)
        deployment.kill(place)
        gone = time.time()
        rows = witness.execute("select id from deliveries where state = 'pending'")
        unsettled = {row[0] for row in rows}
        time.sleep(0.05)  # what the process had sent off is read by the receiver within this time
        called = {call.id for call in list(receiver.calls)}
        kills.append(Kill(gone, frozenset(unsettled & called)))
        start = threading.Thread(target=deployment.start, args=(place,))
        start.start()
        starting.append(start)
    for start in starting:
        start.join()
    return kills


def any_living(deployment: Deployment) -> Place:
    while not (living := [place for place in deployment.places if place.process is not None]):
        time.sleep(0.01)
    return random.choice(living)


def pending(witness: psycopg.Connection) -> int:
    row = witness.execute("select count(*) from deliveries where state = 'pending'").fetchone()
    assert row is not None
    return int(row[0])


def check_duplicates(calls: list[Call], kills: list[Kill]) -> None:
    """A message came once more than once for each kill that found it in flight at most, and the same each time."""
    ids, bodies = defaultdict(set), defaultdict(set)
    for call in calls:
        ids[key_of(call)].add(call.id)
        bodies[call.id].add(call.body)
    assert [key for key, several in ids.items() if len(several) > 1] == []
    assert [id_ for id_, several in bodies.items() if len(several) > 1] == []
    may_repeat = Counter(id_ for kill in kills for id_ in kill.in_flight)
    came = Counter(call.id for call in calls)
    assert {id_: count for id_, count in came.items() if count - 1 > may_repeat[id_]} == {}


def check_lateness(calls: list[Call], kills: list[Kill]) -> None:
    """The endpoint that hears of everything is left out: it has something in flight at nearly every kill, and what
    waits for it adds up."""
    late = {key: lateness(call, kills) for key, call in first(calls).items() if call.path != "/hook/created"}
    assert {key: seconds for key, seconds in late.items() if seconds > LATE_MOST} == {}


def lateness(call: Call, kills: list[Kill]) -> float:
    """Seconds since the message's moment, or since the last kill where that was later."""
    return call.at - max([due_at(call), *(kill.at for kill in kills if kill.at < call.at)])


def first(calls: list[Call]) -> dict[object, Call]:
    return {key_of(call): call for call in reversed(calls)}


def tell(traffic: Traffic, calls: list[Call], kills: list[Kill]) -> None:
    messages = list(first(calls).values())
    print(
        f"\n{len(messages)} messages, {len(calls) - len(messages)} duplicates, {len(kills)} kills, "
        f"{sum(len(kill.in_flight) for kill in kills)} in flight at them, {traffic.unanswered} writes unanswered; "
        f"{max(lateness(call, kills) for call in messages):.2f} s at most after moment or last kill"
    )
    for lanes, theirs in (
        ("calendars' own addresses", [call for call in messages if call.path != "/hook/created"]),
        ("the endpoint that hears of all", [call for call in messages if call.path == "/hook/created"]),
    ):
        waits = sorted(call.at - due_at(call) for call in theirs)
        cuts = quantiles(waits, n=100)
        print(
            f"  {lanes}: after {cuts[49] * 1000:.0f} ms (median), {cuts[89]:.2f} s (90 %), {cuts[98]:.2f} s (99 %), "
            f"{waits[-1]:.2f} s (all)"
        )

"""A deployment under mixed load, in which something is killed again and again."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from app.db.embedded import EmbeddedPostgres
from app.settings import Settings
from tests.soak.clients import Client, Tally
from tests.soak.ledger import Ledger, compared
from tests.soak.sampling import Sampler
from tests.support.deployment import KEY, Deployment, Place
from tests.support.processes import Serve, Worker, eventually
from tests.support.receiver import Receiver, receiving
from tests.support.service import Api, Calendar

Victim = Literal["postgres", "web", "worker"]
CALENDARS: Final = 6
CLIENTS: Final = 8
EVERY: Final = 0.02  # seconds that a client rests between two requests
REST: Final = 15.0  # seconds between two kills of a long run
GROWTH_MOST: Final = 24.0  # MB after the warm-up: a leak of a hundred bytes a request shows within ten minutes
SETTLED_WITHIN: Final = 20.0  # seconds after the load: what a dead worker held, retries five seconds later
AWAY_MOST: Final = 5.0  # seconds until a killed Postgres serves again: the promise
OWN: Final = 1  # connections of each process besides its pools: its line


@dataclass
class Result:
    seconds: float
    tally: Tally
    ledger: Ledger
    sampler: Sampler
    kills: Counter[str] = field(default_factory=Counter)
    owed: int = 0
    lost: list[str] = field(default_factory=list)  # acknowledged writes that are not there
    missing: int = 0  # deliveries that did not arrive
    twice: int = 0  # deliveries that arrived more than once, as they may when a worker is killed
    traces: list[str] = field(default_factory=list)  # lines of the logs with a trace, or that are no events
    connections_most: int = 0
    away: float = 0.0  # seconds that the web process which lives throughout was without the database, at the longest

    @property
    def faults(self) -> list[str]:
        """A sentence for each promise that was not kept."""
        checks = [
            (self.lost, f"{len(self.lost)} acknowledged writes are lost: {self.lost[:3]}"),
            (self.missing, f"{self.missing} of {self.owed} deliveries did not arrive"),
            (self.tally.bad, f"{len(self.tally.bad)} answers were faults: {self.tally.bad[:3]}"),
            (self.away > AWAY_MOST, f"the database was away for {self.away:.1f} s"),
            (self.traces, f"{len(self.traces)} lines of the logs are traces: {self.traces[:2]}"),
            (self.sampler.growth > GROWTH_MOST, f"memory grew by {self.sampler.growth:.1f} MB after the warm-up"),
            (
                self.sampler.most_connections > self.connections_most,
                f"{self.sampler.most_connections} connections to the database instead of {self.connections_most}",
            ),
        ]
        return [sentence for is_wrong, sentence in checks if is_wrong]


def soak(directory: Path, seconds: float, kills: list[tuple[float, Victim]]) -> Result:
    """Load for so long, in which each of `kills` happens so many seconds after the begin, on one embedded Postgres that
    the processes share: a web process that lives throughout, another and a worker that do not."""
    environ = {"KALENDS_RATE_LIMITS": "off", "KALENDS_SECRET_KEY": KEY, "KALENDS_DISPATCH": "off"}
    deployment = Deployment("", directory)
    deployment.places = [Place(Serve, environ), Place(Serve, environ), Place(Worker, environ)]
    postgres = EmbeddedPostgres(directory / "postgres")
    with receiving() as receiver:
        try:
            with ThreadPoolExecutor(len(deployment.places)) as threads:
                list(threads.map(lambda place: start(deployment, place), deployment.places))
            return _soak(deployment, postgres, receiver, seconds, kills)
        finally:
            for place in deployment.places:
                if place.process is not None:
                    place.process.__exit__()


def start(deployment: Deployment, place: Place) -> None:
    place.process = place.kind(deployment.data_dir, **place.environ)


def _soak(
    deployment: Deployment, postgres: EmbeddedPostgres, receiver: Receiver, seconds: float, kills: list[Any]
) -> Result:
    elder = deployment.web[0]
    api = Api(elder.url, Api(elder.url, None).made("/agents")["api_key"])
    calendars = [
        Calendar(api, api.made("/calendars", name=f"Soaked {number}", webhook_url=f"{receiver.url}/{number}"))
        for number in range(CALENDARS)
    ]
    sampler = Sampler(elder.pid, lambda: _dsn(postgres))
    result = Result(seconds, Tally(), Ledger(), sampler)
    is_over, is_done = threading.Event(), threading.Event()
    clients = [Client(deployment, api.key or "", calendars, result.ledger, result.tally) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        sampling = threads.submit(sampler.run, is_done)
        working = [threads.submit(client.work, is_over, EVERY) for client in clients]
        try:
            _kill(deployment, postgres, result, seconds, kills)
        finally:
            is_over.set()
            is_done.set()
        for each in [sampling, *working]:
            each.result()
    sampler.look()
    assert eventually(lambda: api.get("/health/ready").status_code == 200)
    result.lost = compared(result.ledger, api)
    _compare_deliveries(result, api, calendars, receiver)
    web, sender = Settings(dispatch=False), Settings()
    pools = 2 * web.pool_size + sender.pool_size + sender.sending_pool_size
    result.connections_most = pools + 3 * OWN
    result.away = longest_away(elder.complaints())
    result.traces += [
        line for place in deployment.places if place.process for line in traces(place.process.complaints())
    ]
    return result


def _kill(
    deployment: Deployment,
    postgres: EmbeddedPostgres,
    result: Result,
    seconds: float,
    kills: list[tuple[float, Victim]],
) -> None:
    began = time.monotonic()
    for at, victim in kills:
        time.sleep(max(0.0, began + at - time.monotonic()))
        if victim == "postgres":
            if (pid := postgres.pid) is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        else:
            place = deployment.places[1 if victim == "web" else 2]
            if place.process is not None:
                result.traces += traces(place.process.complaints())
                deployment.kill(place)
            start(deployment, place)
        result.kills[victim] += 1
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def plan(seconds: float) -> list[tuple[float, Victim]]:
    """Kills of a long run: one after the other every quarter of a minute, a little early or late, but for the last half
    minute."""
    victims: tuple[Victim, ...] = ("postgres", "web", "worker")
    count = max(1, int((seconds - 30) // REST))
    return [(REST * (number + random.uniform(0.6, 1.4)), victims[number % 3]) for number in range(count)]


def longest_away(text: str) -> float:
    events = [json.loads(line) for line in text.splitlines() if '"database.back"' in line]
    return max((event["seconds"] for event in events), default=0.0)


def traces(text: str) -> list[str]:
    return [line[:400] for line in text.splitlines() if '"trace"' in line or line.startswith(("Traceback", "  File"))]


def _compare_deliveries(result: Result, api: Api, calendars: list[Calendar], receiver: Receiver) -> None:
    owed = {
        (f"/hook/{number}", change["seq"])
        for number, calendar in enumerate(calendars)
        for change in _changes(api, calendar)
        if change["event_id"] is not None
    }

    def arrived() -> Counter[tuple[str, int]]:
        return Counter((call.path, call.json["seq"]) for call in list(receiver.calls))

    eventually(lambda: owed <= arrived().keys(), within=SETTLED_WITHIN)
    found = arrived()
    result.owed = len(owed)
    result.missing = len(owed - found.keys())
    result.twice = sum(count > 1 for count in found.values())


def _changes(api: Api, calendar: Calendar) -> list[Any]:
    since, changes = 0, []
    while found := api.got(f"{calendar.path}/changes", since=since, limit=500)["changes"]:
        since = found[-1]["seq"]
        changes += found
    return changes


def _dsn(postgres: EmbeddedPostgres) -> str:
    found = postgres._running()
    directory = found.socket_directory if found else None
    return f"postgresql://kalends@/kalends?host={directory or '/nowhere'}&port=5432"

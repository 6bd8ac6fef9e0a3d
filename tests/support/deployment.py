"""Several processes of Kalends on one database, and clients that write to whichever of them lives."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.processes import Command, Serve, Worker
from tests.support.receiver import Call, Receiver
from tests.support.service import Api

Kind = type[Serve] | type[Worker]
KEY: Final = "k" * 32
LATER: Final = "2030-03-04T09:00:00Z"


@dataclass
class Place:
    """A process of the deployment, or where one is about to be."""

    kind: Kind
    environ: dict[str, str]
    process: Command | None = None


@dataclass
class Deployment:
    dsn: str
    data_dir: Path
    places: list[Place] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)  # of all

    def start(self, place: Place) -> None:
        common = {"DATABASE_URL": self.dsn, "KALENDS_SECRET_KEY": KEY, "KALENDS_RATE_LIMITS": "off"}
        place.process = place.kind(self.data_dir, **{**common, **self.environ, **place.environ})

    def kill(self, place: Place) -> None:
        process, place.process = place.process, None
        assert process is not None
        process.kill()
        process.__exit__()

    @property
    def urls(self) -> list[str]:
        processes = [place.process for place in self.places]
        return [process.url for process in processes if isinstance(process, Serve)]

    @property
    def web(self) -> list[Serve]:
        return [place.process for place in self.places if isinstance(place.process, Serve)]

    @property
    def workers(self) -> list[Worker]:
        return [place.process for place in self.places if isinstance(place.process, Worker)]


@contextmanager
def deployed(
    dsn: str,
    data_dir: Path,
    *,
    web: Sequence[dict[str, str]],
    workers: int,
    worker: Mapping[str, str] | None = None,
    **environ: str,
) -> Iterator[Deployment]:
    """A web process for each of the environments in `web`, and workers with that of `worker`; `environ` is of all. They
    are told to stop at the end."""
    deployment = Deployment(dsn, data_dir, environ=environ)
    deployment.places = [Place(Serve, each) for each in web] + [
        Place(Worker, dict(worker or {})) for _ in range(workers)
    ]
    try:
        with ThreadPoolExecutor(len(deployment.places)) as threads:
            list(threads.map(deployment.start, deployment.places))
        yield deployment
    finally:
        left = [place.process for place in deployment.places if place.process is not None]
        for process in left:
            process.process.terminate()
        for process in left:
            process.__exit__()


@dataclass
class Traffic:
    """Clients that write, and never learn of some writes what became of them."""

    deployment: Deployment
    receiver: Receiver
    key: str = ""
    changed: list[str] = field(default_factory=list)  # calendars in which events come, change and go
    reminding: list[str] = field(default_factory=list)  # calendars whose events remind when they start
    ahead: tuple[int, int] = (2, 4)  # seconds from a reminder's write to its moment
    unanswered: int = 0
    _count: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, calendars: int) -> None:
        """Make the agent, its calendars with an address each, and an endpoint that hears of all that is created."""
        api = self.api()
        self.key = api.made("/agents")["api_key"]
        api = self.api()
        for number in range(2 * calendars):
            url, offsets = f"{self.receiver.url}/{number}", ["0"]
            made = api.made("/calendars", name=str(number), webhook_url=url, webhook_offsets=offsets)
            (self.changed, self.reminding)[number % 2].append(made["calendar_id"])
        api.made("/webhooks", url=f"{self.receiver.url}/created", types=["event.created"])

    def api(self) -> Api:
        """A client of a web process that lives, as far as anybody knows."""
        while not (urls := self.deployment.urls):
            time.sleep(0.01)
        return Api(random.choice(urls), self.key or None)

    def write(self, changes: int, reminders: int, seconds: float, clients: int = 4) -> None:
        """So many changes that were answered and reminders that were asked for, spread over the time; what got no
        answer comes on top. Reminders fall due until a few seconds after it."""
        began = time.monotonic()

        def client(number: int) -> None:
            mine: list[tuple[str, str]] = []
            random_, share = random.Random(number), (changes + reminders) // clients
            kinds = ["change"] * (changes // clients) + ["remind"] * (reminders // clients)
            random_.shuffle(kinds)
            for place, kind in enumerate(kinds):
                time.sleep(max(0.0, began + seconds * place / share - time.monotonic()))
                is_answered = False
                while not is_answered:
                    is_answered = self._remind(random_) if kind == "remind" else self._change(random_, mine)

        with ThreadPoolExecutor(clients) as threads:
            list(threads.map(client, range(clients)))

    def _remind(self, random_: random.Random) -> bool:
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=random_.randint(*self.ahead))
        event = {"title": "r", "start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        return self._send("POST", f"/calendars/{random_.choice(self.reminding)}/events", event) is not None

    def _change(self, random_: random.Random, mine: list[tuple[str, str]]) -> bool:
        chance = random_.random()
        if chance < 0.1:  # a write that is refused, which nobody may hear of
            path = f"/calendars/{random_.choice(self.changed)}/events"
            self._send("POST", path, {"title": "refused", "start": LATER, "end": "2029-01-01T00:00:00Z"})
        if chance < 0.5 or not mine:
            calendar = random_.choice(self.changed)
            event = {"title": "new", "start": LATER, "end": "2030-03-04T10:00:00Z"}
            answer = self._send("POST", f"/calendars/{calendar}/events", event)
            if answer is not None:
                mine.append((calendar, answer.json()["id"]))
            return answer is not None
        calendar, event_id = random_.choice(mine)
        if chance < 0.85:
            told = {"title": str(chance)}
            return self._send("PATCH", f"/calendars/{calendar}/events/{event_id}", told) is not None
        mine.remove((calendar, event_id))
        return self._send("DELETE", f"/calendars/{calendar}/events/{event_id}", None) is not None

    def _send(self, method: str, path: str, body: Any) -> httpx.Response | None:
        """None where no answer came, or none that says what became of it."""
        api = self.api()
        try:
            with api.http as http:
                answer = http.request(method, path, json=body)
        except httpx.HTTPError:
            with self._count:
                self.unanswered += 1
            return None
        return answer if answer.is_success else None

    def committed(self) -> tuple[set[Any], set[Any]]:
        """What has to arrive, and what of it are reminders: a set of the keys that `key_of` gives. Read through HTTP,
        as a client must that got no answer."""
        api, changes, reminders = self.api(), set[Any](), set[Any]()
        for number, calendar in enumerate(
            [each for pair in zip(self.changed, self.reminding, strict=True) for each in pair]
        ):
            since = 0
            while found := api.got(f"/calendars/{calendar}/changes", since=since, limit=500)["changes"]:
                since = found[-1]["seq"]
                for change in found:
                    changes.add((f"/hook/{number}", change["type"], change["event_id"], change["seq"]))
                    if change["type"] == "event.created":
                        changes.add(("/hook/created", change["type"], change["event_id"], change["seq"]))
                    start = (change.get("event") or {}).get("start", "")
                    # What waited for a process to start until its moment had passed, was asked for too late to remind.
                    if change["type"] == "event.created" and number % 2 and change["at"] < start:
                        reminders.add((f"/hook/{number}", "event.upcoming", change["event_id"], start))
        return changes, reminders


def key_of(call: Call) -> tuple[str, str, str, Any]:
    """Which message this is, without the id that it claims to have."""
    told = call.json
    return call.path, told["type"], told["event_id"], told.get("seq") or told["event"]["start"]


def due_at(call: Call) -> float:
    told = call.json
    return datetime.fromisoformat(told.get("fires_at") or told["timestamp"]).timestamp()

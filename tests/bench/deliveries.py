"""How soon and how fast webhooks arrive: reminders spread over a minute and all at one instant, changes, and what
endpoints that hang cost the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Final

import msgspec

from tests.bench.appointments import Agent, Kept
from tests.bench.bare_client import posts_per_second
from tests.bench.histogram import Histogram
from tests.bench.processes import cpu_seconds, family_cpu_seconds
from tests.bench.receiver import Arrival, Receiver
from tests.bench.service import Service

COUNT, QUICK_COUNT = 10_000, 2_000  # reminders, and endpoints in the shape where each has its own
SPREAD: Final = timedelta(seconds=60)  # over which 10,000 reminders fall
ENDPOINTS, SILENT = 100, 20  # where some hang
REMINDERS_EACH: Final = 30  # of every one of those
LEAD: Final = timedelta(seconds=15)  # for moving the events, until the first is due
PATIENCE: Final = 60.0  # seconds beyond the last moment until what has not come is missing
P50_AIM, P99_AIM = 100.0, 1000.0  # milliseconds of lateness
INSTANT_AIM: Final = 10.0  # seconds until all that is due at one instant has arrived
RATE_AIM: Final = 1500.0  # deliveries a second
HANGING_AIM: Final = 2.0  # times the p95 without endpoints that hang


class Delivered(msgspec.Struct, frozen=True):
    """A part of the measurement: lateness in milliseconds from being due, or written, until received. `seconds` are
    from the first moment to the last arrival. `astray` counts what was missing, came twice or came out of order."""

    name: str
    title: str
    count: int
    p50: float
    p95: float
    p99: float
    seconds: float
    astray: int
    web: float = nan  # microseconds of processor time a delivery, as the two below
    postgres: float = nan
    receiver: float = nan
    met: bool | None = None

    @property
    def rate(self) -> float:
        return self.count / self.seconds if self.seconds else nan


class Deliveries(msgspec.Struct, frozen=True):
    """`bare` is how many posts a second the client makes alone, to the same receiver."""

    parts: list[Delivered]
    bare: float


def told(name: str, title: str, expected: int, arrivals: Sequence[Arrival], kept: dict[str, Kept]) -> Delivered:
    """What arrived, held against what was owed."""
    first = {arrival.id: arrival.at for arrival in reversed(arrivals)}
    known = {each: at for each, at in first.items() if each in kept}
    late = Histogram.of(max(0, round((at - kept[each].owed_at) * 1e9)) for each, at in known.items())
    began = min((kept[each].owed_at for each in known), default=nan)
    return Delivered(
        name=name,
        title=title,
        count=len(known),
        p50=late.quantile(0.50),
        p95=late.quantile(0.95),
        p99=late.quantile(0.99),
        seconds=max(known.values(), default=nan) - began,
        astray=abs(expected - len(known)) + len(arrivals) - len(known) + out_of_order(arrivals, kept),
    )


def out_of_order(arrivals: Sequence[Arrival], kept: dict[str, Kept]) -> int:
    """How many changes arrived at an endpoint after one that was logged later."""
    last: dict[str, int] = {}
    wrong = 0
    for arrival in arrivals:
        record = kept.get(arrival.id)
        if record is not None and record.seq is not None:
            wrong += record.seq < last.get(record.lane, 0)
            last[record.lane] = max(record.seq, last.get(record.lane, 0))
    return wrong


@dataclass(frozen=True, slots=True)
class _Cost:
    web: float
    postgres: float
    receiver: float


class DeliveryBench:
    """A running service, a receiver, and somebody who has calendars there."""

    def __init__(self, service: Service, receiver: Receiver, count: int, say: Callable[[str], None]) -> None:
        self._service, self._receiver, self._count, self._say = service, receiver, count, say
        self._agent = Agent(service.url, service.dsn)

    def run(self) -> Deliveries:
        count, receiver = self._count, self._receiver
        here = f"http://127.0.0.1:{receiver.ports[0]}"
        self._say(f"Making {count:,} calendars with an address each.")
        crowd = self._agent.make_calendars([f"{here}/crowd/{n}" for n in range(count)])
        (busy,) = self._agent.make_calendars([f"{here}/busy"])
        parts = [
            self._changes("changes_one", f"{count:,} changes, one endpoint", [busy] * count),
            self._changes("changes_each", f"{count:,} changes, an endpoint each", crowd),
        ]
        spread = SPREAD * count / COUNT
        for shape, title, calendars in (("one", "one endpoint", [busy]), ("each", "an endpoint each", crowd)):
            words = f"{count:,} reminders over {spread.seconds} s, {title}"
            part = self._reminders(f"spread_{shape}", words, calendars, count, spread / count)
            parts.append(
                msgspec.structs.replace(part, met=not part.astray and part.p50 < P50_AIM and part.p99 < P99_AIM)
            )
            words = f"{count:,} reminders at one instant, {title}"
            part = self._reminders(f"instant_{shape}", words, calendars, count, timedelta())
            met = not part.astray and part.seconds <= INSTANT_AIM and part.rate >= RATE_AIM
            parts.append(msgspec.structs.replace(part, met=met))
        self._say("Posting with the client alone.")
        bare = posts_per_second(f"{here}/bare", count)
        receiver.take(count, PATIENCE)
        return Deliveries(parts + self._hanging(), bare)

    def _hanging(self) -> list[Delivered]:
        """Reminders of a hundred endpoints over twenty seconds, without any that hang and then with twenty."""
        addresses = [f"http://127.0.0.1:{port}/" for port in self._receiver.ports[1 : ENDPOINTS + 1]]
        self._say(f"Making {ENDPOINTS} calendars with {REMINDERS_EACH} events each.")
        calendars = self._agent.make_calendars(addresses)
        count = ENDPOINTS * REMINDERS_EACH
        self._receiver.wish(count, PATIENCE)
        self._agent.make_events(calendars * REMINDERS_EACH)
        self._receiver.granted()
        step = timedelta(seconds=20) / count
        healthy = calendars[SILENT:]
        well = self._reminders("well", f"{ENDPOINTS} endpoints, all well", calendars, count, step)
        silent = [f"http://127.0.0.1:{port}/" for port in self._receiver.silent]
        self._agent.send(
            "PATCH", [(f"/calendars/{c}", {"webhook_url": u}) for c, u in zip(calendars, silent, strict=False)]
        )
        title = f"{ENDPOINTS} endpoints of which {SILENT} hang, the others"
        others = self._reminders("hanging", title, calendars, len(healthy) * REMINDERS_EACH, step)
        met = not others.astray and others.p95 < HANGING_AIM * well.p95
        return [well, msgspec.structs.replace(others, met=met)]

    def _changes(self, name: str, title: str, calendars: list[str]) -> Delivered:
        self._say(f"Measuring {title}, as the events are made over HTTP.")
        self._receiver.wish(len(calendars), PATIENCE + len(calendars) / 50)
        before = self._spent()
        self._agent.make_events(calendars)
        return self._told(name, title, len(calendars), before)

    def _reminders(self, name: str, title: str, calendars: list[str], expected: int, step: timedelta) -> Delivered:
        self._say(f"Measuring {title}.")
        first = datetime.now(UTC) + LEAD
        self._agent.move(calendars, first, step)
        if datetime.now(UTC) > first:
            raise SystemExit(
                "Moving the events took longer than they were to wait: the machine is too busy to measure."
            )
        self._receiver.wish(expected, (LEAD + step * self._count).total_seconds() + PATIENCE)
        return self._told(name, title, expected, self._spent())

    def _told(self, name: str, title: str, expected: int, before: _Cost) -> Delivered:
        arrivals = self._receiver.granted()
        after = self._spent()
        each = 1e6 / max(1, len(arrivals))
        part = told(name, title, expected, arrivals, self._agent.kept([arrival.id for arrival in arrivals]))
        return msgspec.structs.replace(
            part,
            web=(after.web - before.web) * each,
            postgres=(after.postgres - before.postgres) * each,
            receiver=(after.receiver - before.receiver) * each,
        )

    def _spent(self) -> _Cost:
        service = self._service
        return _Cost(
            cpu_seconds(service.pid), family_cpu_seconds(service.postgres_pid), cpu_seconds(self._receiver.pid)
        )

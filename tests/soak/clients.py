"""Clients of every kind, that go on whatever breaks: agents that write and read, those that wait for changes, readers
of feeds, and a mail provider that delivers until its mail is taken."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.inbound.mails import attachment, calendar_text, postmark
from tests.soak.ledger import GONE, Ledger
from tests.support.deployment import Deployment
from tests.support.service import Api, Calendar

EVENT: Final = {"start": "2030-03-04T09:00:00Z", "end": "2030-03-04T10:00:00Z"}
SERIES: Final = {"start": "2030-03-04T09:00:00", "duration": "PT30M", "recurrence": "FREQ=WEEKLY;COUNT=8"}
PATIENCE: Final = 0.05  # seconds before a request that failed is sent again
LATENCIES_KEPT: Final = 5_000  # of each kind: a sample is enough, and a long run must not grow by its own notes
MINE_MOST: Final = 200  # events that one client remembers to change


@dataclass
class Tally:
    """How requests of each kind ended, and how long they took."""

    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    bad: list[str] = field(default_factory=list)  # answers that no fault excuses
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, status: int, seconds: float, answer: httpx.Response | None) -> None:
        with self._lock:
            self.statuses[kind][status] += 1
            kept = self.seconds[kind]
            if len(kept) < LATENCIES_KEPT:
                kept.append(seconds)
            else:
                kept[random.randrange(LATENCIES_KEPT)] = seconds
            if answer is not None and status >= 500 and (status != 503 or not answer.headers.get("retry-after")):
                self.bad.append(f"{kind}: {status} {answer.text[:200]}")


class Client:
    """One client at work, in a thread of its own."""

    def __init__(
        self, deployment: Deployment, key: str, calendars: list[Calendar], ledger: Ledger, tally: Tally
    ) -> None:
        self._deployment, self._key, self._calendars = deployment, key, calendars
        self._ledger, self._tally = ledger, tally
        self._mine: list[tuple[str, str, bool]] = []  # calendar, event, whether it is a series
        self._number, self._name = 0, f"{random.getrandbits(32):08x}"
        self._https: dict[str, httpx.Client] = {}

    def work(self, is_over: threading.Event, every: float) -> None:
        kinds = {
            self._create: 4, self._create_series: 1, self._change: 4, self._delete: 1, self._list: 3, self._upcoming: 3,
            self._feed: 2, self._wait: 1, self._mail: 1,
        }  # fmt: skip
        while not is_over.wait(every):
            random.choices(list(kinds), list(kinds.values()))[0](is_over)
        for http in self._https.values():
            http.close()

    def _create(self, is_over: threading.Event, kind: str = "create", more: dict[str, Any] = EVENT) -> None:
        self._number += 1
        title, calendar = f"{self._name}-{self._number}", random.choice(self._calendars)
        headers = {"Idempotency-Key": title}
        body = {**more, "title": title}
        answer = self._insist(
            is_over, kind, lambda http: http.post(f"{calendar.path}/events", json=body, headers=headers)
        )
        if answer is not None and answer.status_code == 201:
            event = answer.json()["id"]
            self._ledger.note_created(calendar.id, event, title)
            self._mine = [*self._mine[-MINE_MOST:], (calendar.id, event, kind != "create")]

    def _create_series(self, is_over: threading.Event) -> None:
        self._create(is_over, "create a series", SERIES)

    def _change(self, is_over: threading.Event) -> None:
        if not self._mine:
            return
        calendar, event, is_series = random.choice(self._mine)
        self._number += 1
        title = f"{self._name}-{self._number}"
        path, mode = f"/calendars/{calendar}/events/{event}", {"mode": "all"} if is_series else {}
        self._ledger.doubt(calendar, event)
        kind = "change a series" if is_series else "change"
        answer = self._insist(is_over, kind, lambda http: http.patch(path, json={"title": title}, params=mode))
        if answer is not None and answer.status_code == 200:
            self._ledger.note(calendar, event, title)

    def _delete(self, is_over: threading.Event) -> None:
        if len(self._mine) < 5:
            return
        calendar, event, is_series = self._mine.pop(random.randrange(len(self._mine)))
        path, mode = f"/calendars/{calendar}/events/{event}", {"mode": "all"} if is_series else {}
        self._ledger.doubt(calendar, event)
        answer = self._insist(is_over, "delete", lambda http: http.delete(path, params=mode))
        if answer is not None and answer.status_code in (204, 404):  # 404: one that was not answered had done it
            self._ledger.note(calendar, event, GONE)

    def _list(self, _: threading.Event) -> None:
        self._once("list", lambda http: http.get(f"{random.choice(self._calendars).path}/events", params={"limit": 50}))

    def _upcoming(self, _: threading.Event) -> None:
        self._once("upcoming", lambda http: http.get(f"{random.choice(self._calendars).path}/upcoming"))

    def _feed(self, _: threading.Event) -> None:
        url = httpx.URL(random.choice(self._calendars).created["ical_feed_url"])
        self._once("feed", lambda http: http.get(url.raw_path.decode()))

    def _wait(self, _: threading.Event) -> None:
        path = f"{random.choice(self._calendars).path}/changes"
        self._once("wait for changes", lambda http: http.get(path, params={"since": 10_000_000, "wait": 1}))

    def _mail(self, is_over: threading.Event) -> None:
        self._number += 1
        calendar, uid = random.choice(self._calendars), f"{self._name}-{self._number}@example.org"
        token = calendar.created["inbound_webhook_url"].rsplit("/", 1)[1]
        payload = postmark(attachment(calendar_text(uid)))
        answer = self._insist(is_over, "mail in", lambda http: http.post(f"/inbound/{token}", json=payload))
        if answer is not None and answer.status_code == 200:
            self._ledger.note_mail(calendar.id, payload["MessageID"])

    def _insist(
        self, is_over: threading.Event, kind: str, request: Callable[[httpx.Client], httpx.Response]
    ) -> httpx.Response | None:
        """The first answer that says what became of it; None where the end comes before."""
        while True:
            answer = self._once(kind, request)
            if answer is not None and answer.status_code < 500:
                return answer
            if is_over.wait(PATIENCE):
                return None

    def _once(self, kind: str, request: Callable[[httpx.Client], httpx.Response]) -> httpx.Response | None:
        urls = self._deployment.urls
        if not urls:
            return None
        url = random.choice(urls)
        http = self._https.get(url)
        if http is None:
            http = self._https[url] = Api(url, self._key).http
        began = time.monotonic()
        try:
            answer = request(http)
        except httpx.HTTPError:  # the process was killed; nobody knows
            self._tally.note(kind, 0, time.monotonic() - began, None)
            self._https.pop(url, httpx.Client()).close()
            return None
        self._tally.note(kind, answer.status_code, time.monotonic() - began, answer)
        return answer

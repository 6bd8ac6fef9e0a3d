"""Clients that go on asking while something breaks, and what they saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx

from app.pages.catalogue import OPERATIONS
from tests.inbound.mails import attachment, calendar_text, postmark
from tests.support.service import Api, Calendar

What = Literal["read", "write", "ready", "live"]
EVERY: Final = 0.03  # seconds between two requests of a client
UNASKED: Final = ("/", "/pages/{calendar_id}", "/pages/{calendar_id}/events")  # which ask it for a session alone
EVENT: Final = {"start": "2030-03-04T09:00:00Z", "end": "2030-03-04T10:00:00Z"}


@dataclass(frozen=True)
class Seen:
    """One answer: when it was asked for, how long it took; status 0 where none came."""

    at: float
    what: str
    status: int
    seconds: float
    code: str | None
    retry_after: str | None

    @property
    def until(self) -> float:
        return self.at + self.seconds

    @property
    def is_honest(self) -> bool:
        """A refusal says that it will pass, and when to come again."""
        return self.status < 500 or ((self.status, self.code) == (503, "unavailable") and bool(self.retry_after))


@dataclass
class Watch:
    """`written` holds the titles of events whose creation was acknowledged. Each is asked for under a key of its own,
    again and again until it is."""

    url: str
    key: str
    calendar: str
    seen: list[Seen] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def of(self, what: What, since: float = 0.0) -> list[Seen]:
        """What was asked for since then, in order."""
        return [each for each in list(self.seen) if each.what == what and each.at >= since]

    def since(self, moment: float) -> list[Seen]:
        """What was answered since then."""
        return [each for each in list(self.seen) if each.until >= moment]

    def well_since(self) -> float:
        """When the first request was answered after which none failed."""
        failed = max((each.until for each in list(self.seen) if each.status >= 500 or not each.status), default=0.0)
        later = [each.until for each in list(self.seen) if each.until > failed and each.what in ("read", "write")]
        return min(later, default=time.monotonic())

    def is_well(self) -> bool:
        """Whether everything was answered well for a while."""
        now = time.monotonic()
        recent = {each.what for each in list(self.seen) if each.at > now - 0.3 and each.status < 300}
        failed = any(each.status >= 300 or not each.status for each in list(self.seen) if each.until > now - 0.25)
        return recent == {"read", "write", "ready", "live"} and not failed

    def run(self, what: What, request: Callable[[httpx.Client], httpx.Response]) -> None:
        with Api(self.url, self.key).http as http:
            while not self._is_over.wait(EVERY):
                self.seen.append(ask(what, lambda: request(http)))

    def write_on(self) -> None:
        with Api(self.url, self.key).http as http:
            while not self._is_over.wait(EVERY):
                title = f"event {time.monotonic_ns()}"
                while not self._write(http, title):
                    if self._is_over.wait(EVERY):
                        return

    def _write(self, http: httpx.Client, title: str) -> bool:
        """Whether the event was acknowledged."""
        body, headers = {**EVENT, "title": title}, {"Idempotency-Key": title.replace(" ", "-")}
        answer = ask("write", lambda: http.post(f"/calendars/{self.calendar}/events", json=body, headers=headers))
        self.seen.append(answer)
        if answer.status == 201:
            self.written.append(title)
        return answer.status == 201

    def stop(self) -> None:
        self._is_over.set()


@contextmanager
def watching(url: str, key: str, calendar: str) -> Iterator[Watch]:
    """Four clients that ask all the time while the block lasts."""
    watch = Watch(url, key, calendar)
    threads = [
        threading.Thread(target=watch.run, args=("read", lambda http: http.get(f"/calendars/{calendar}/upcoming"))),
        threading.Thread(target=watch.run, args=("ready", lambda http: http.get("/health/ready"))),
        threading.Thread(target=watch.run, args=("live", lambda http: http.get("/health/live"))),
        threading.Thread(target=watch.write_on),
    ]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        for thread in threads:
            thread.join(20)


def ask(what: str, request: Callable[[], httpx.Response]) -> Seen:
    began = time.monotonic()
    try:
        answer = request()
    except httpx.HTTPError:
        return Seen(began, what, 0, time.monotonic() - began, None, None)
    failed = answer.status_code >= 400
    code = answer.json()["code"] if failed else None
    return Seen(began, what, answer.status_code, time.monotonic() - began, code, answer.headers.get("retry-after"))


def ask_every_route(url: str, key: str, calendar: Calendar) -> list[Seen]:
    """One request to each operation that needs the database, all at once."""
    known = {
        "calendar_id": calendar.id,
        "token": calendar.created["inbound_webhook_url"].rsplit("/", 1)[1],
    }
    mail = postmark(attachment(calendar_text()), OriginalRecipient=calendar.created["email"])
    feed_token = calendar.created["ical_feed_url"].partition("?")[2]

    def request(http: httpx.Client, number: int) -> Seen:
        operation = asking[number]
        path = operation.path
        for name in operation.path_variables:
            path = path.replace(f"{{{name}}}", known.get(name, "evt_000000000000"))
        body: Any = mail if "/inbound" in path and operation.scope is None else operation.examples[0].body
        if path.startswith("/feeds"):
            path += f"?{feed_token}"
        sent = None if operation.method in ("GET", "DELETE") else body
        return ask(f"{operation.method} {operation.path}", lambda: http.request(operation.method, path, json=sent))

    asking = [operation for operation in OPERATIONS if operation.asks_database and operation.path not in UNASKED]
    with Api(url, key).http as http, ThreadPoolExecutor(len(asking)) as threads:
        return list(threads.map(lambda number: request(http, number), range(len(asking))))

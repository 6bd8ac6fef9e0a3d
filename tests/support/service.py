"""The service as a test sees it: a real server on loopback, in this process so that its clock can be held."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import httpx
import uvicorn
from litestar import Litestar

from app.clock import FrozenClock
from app.http.context import Context
from app.main import create_app
from app.monitoring.monitor import Monitor
from app.settings import Settings

T = TypeVar("T")
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # shared: loading the certificates takes longer than a test
Events = list[Any]
Starts = list[str]


@dataclass
class Service:
    """A running server; `run` executes a coroutine on its event loop."""

    url: str
    dsn: str
    clock: FrozenClock
    context: Context
    monitor: Monitor
    loop: asyncio.AbstractEventLoop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)


@contextmanager
def serving(settings: Settings, dsn: str, clock: FrozenClock) -> Iterator[Service]:
    """Serve the application on a free port until the block is left."""
    # Named TCP, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for the client's acknowledgement.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = create_app(replace(settings, port=port), dsn, clock)
    monitor: Monitor = cast("Litestar", app._app).state.monitor
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", access_log=False, server_header=False, lifespan="on")
    )
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server did not start; see above"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield Service(f"http://127.0.0.1:{port}", dsn, clock, app.context, monitor, loops[0])
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


class Api:
    """An agent's HTTP client. Every call returns the response; `made` and `got` insist on success and give the JSON."""

    def __init__(self, url: str, key: str | None) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, verify=_NO_TLS)
        self.key = key

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(path, params=params or None)

    def post(self, path: str, json: Any = None, **params: Any) -> httpx.Response:
        return self.http.post(path, json=json, params=params or None)

    def patch(self, path: str, json: Any = None, **params: Any) -> httpx.Response:
        return self.http.patch(path, json=json, params=params or None)

    def delete(self, path: str, **params: Any) -> httpx.Response:
        return self.http.delete(path, params=params or None)

    def got(self, path: str, **params: Any) -> Any:
        return _json(self.get(path, **params), 200)

    def made(self, path: str, **body: Any) -> Any:
        return _json(self.post(path, body), 201)

    def changed(self, path: str, body: Any, **params: Any) -> Any:
        return _json(self.patch(path, body, **params), 200)

    def deleted(self, path: str, **params: Any) -> None:
        response = self.delete(path, **params)
        assert response.status_code == 204, response.text


class Calendar:
    """One calendar of an agent, with the paths below it."""

    def __init__(self, api: Api, created: dict[str, Any]) -> None:
        self.api = api
        self.created = created
        self.id: str = created["calendar_id"]
        self.path = f"/calendars/{self.id}"

    def add(self, **event: Any) -> Any:
        return self.api.made(f"{self.path}/events", **event)

    def refused(self, **event: Any) -> Any:
        """The error object of an event that must be refused."""
        response = self.api.post(f"{self.path}/events", event)
        assert 400 <= response.status_code < 500, response.text
        return response.json()

    def event(self, event_id: str) -> Any:
        return self.api.got(f"{self.path}/events/{event_id}")

    def change(self, event_id: str, mode: str | None = None, **fields: Any) -> Any:
        params = {} if mode is None else {"mode": mode}
        return self.api.changed(f"{self.path}/events/{event_id}", fields, **params)

    def remove(self, event_id: str, mode: str | None = None) -> None:
        self.api.deleted(f"{self.path}/events/{event_id}", **({} if mode is None else {"mode": mode}))

    def list(self, **params: Any) -> Events:
        found: Events = self.api.got(f"{self.path}/events", **params)["events"]
        return found

    def starts(self, **params: Any) -> Starts:
        return [event["start"] for event in self.list(**params)]

    def upcoming(self, **params: Any) -> Any:
        return self.api.got(f"{self.path}/upcoming", **params)

    def changes(self, since: int = 0) -> Events:
        found: Events = self.api.got(f"{self.path}/changes", since=since, limit=500)["changes"]
        return found

    def feed(self) -> str:
        response = self.api.http.get(self.created["ical_feed_url"])
        assert response.status_code == 200, response.text
        return response.text


def _json(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    return response.json()

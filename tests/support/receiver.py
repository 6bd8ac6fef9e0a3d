"""A receiver of webhooks on loopback: a real HTTP server that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Mapping[str, str]]


@dataclass(frozen=True)
class Call:
    """One request, as it came."""

    at: float
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.json["type"])

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`answer` is asked for each call, in a thread of its connection; it may take its time."""

    url: str
    answer: Callable[[Call], Answer] = lambda _: (200, {})
    calls: list[Call] = field(default_factory=list)
    _came: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, within: float = 10.0) -> list[Call]:
        """The calls, once there are so many. Fails when there are not in time."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.calls) >= count, within), [call.type for call in self.calls]
            return list(self.calls)

    def stays_at(self, count: int, seconds: float = 0.3) -> bool:
        """Whether no more calls come for a while."""
        time.sleep(seconds)
        return len(self.calls) == count

    def take(self, call: Call) -> Answer:
        with self._came:
            self.calls.append(call)
            self._came.notify_all()
        return self.answer(call)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    receiver: Receiver

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that goes before it is answered is no fault."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        call = Call(time.time(), self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        status, headers = self.server.receiver.take(call)
        self.send_response(status)
        for name, value in {"Content-Length": "2", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *arguments: Any) -> None:
        return


@contextmanager
def receiving(answer: Callable[[Call], Answer] | None = None) -> Iterator[Receiver]:
    server = _Server(("127.0.0.1", 0), _Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    if answer is not None:
        receiver.answer = answer
    server.receiver = receiver
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()

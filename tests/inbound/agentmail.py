"""AgentMail's API as far as attachments go: a real HTTP server on loopback that asks for the key, and must never see it
where the bytes are downloaded."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

KEY = "am_test_key"
_PATH = re.compile(r"/v0/inboxes/([^/]+)/messages/([^/]+)/attachments/([^/]+)")


@dataclass
class AgentMailStub:
    """`attachments` by id: `content_b64`, and at will `meta_status`, `download_status`, `download_url`, `delay`."""

    url: str
    attachments: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    def holds(self, attachments: Mapping[str, Mapping[str, Any]]) -> None:
        self.attachments.update(attachments)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        stub = self.server.stub
        if self.path.startswith("/download/"):
            self._download(stub, self.path.removeprefix("/download/"))
            return
        found = _PATH.fullmatch(self.path)
        if found is None:
            self._answer(404, b"{}")
            return
        inbox, message, id_ = (unquote(part) for part in found.groups())
        stub.asked.append((inbox, message, id_))
        held = stub.attachments.get(id_)
        if self.headers.get("authorization") != f"Bearer {KEY}":
            self._answer(401, b'{"error": "the key is wrong"}')
        elif held is None:
            self._answer(404, b"{}")
        elif held.get("meta_status", 200) != 200:
            self._answer(held["meta_status"], f'{{"error": "not with {KEY}"}}'.encode())
        else:
            place = held.get("download_url") or f"{stub.url}/download/{id_}"
            self._answer(200, json.dumps({"attachment_id": id_, "download_url": place, "size": 1}).encode())

    def _download(self, stub: AgentMailStub, id_: str) -> None:
        stub.downloads.append(id_)
        if "authorization" in self.headers or KEY in str(self.headers):
            stub.leaks.append(id_)
        held = stub.attachments[id_]
        time.sleep(held.get("delay", 0))
        status = held.get("download_status", 200)
        self._answer(status, base64.b64decode(held["content_b64"]) if status == 200 else b"sorry")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stub: AgentMailStub


@contextmanager
def agentmail() -> Iterator[AgentMailStub]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.stub = AgentMailStub(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True).start()
    try:
        yield server.stub
    finally:
        server.shutdown()
        server.server_close()
        assert server.stub.leaks == [], "the key was shown where attachments are downloaded"

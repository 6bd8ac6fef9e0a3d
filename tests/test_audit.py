"""./scripts/audit, asking an index on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "_audit.py"
BAD = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fixed_in": ["9.9"], "summary": "It leaks.", "withdrawn": None}
WITHDRAWN = BAD | {"id": "PYSEC-2026-2", "withdrawn": "2026-02-01T00:00:00Z"}


class _Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.split("/")[2]
        told = {"urllib3": [BAD, WITHDRAWN], "litestar": []}.get(name)
        body = json.dumps({"vulnerabilities": told}).encode()
        self.send_response(404 if told is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Index)
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple/"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("package", "code", "said"),
    [
        ("litestar", 0, "Of 1 packages 1 were told of, with 0 advisories."),
        ("urllib3", 1, "PYSEC-2026-1, CVE-2026-1; fixed in 9.9; It leaks."),
        ("idna", 2, "told nothing of 1: idna"),
    ],
)
def test_the_index_is_asked_about_what_is_locked(index: str, package: str, code: int, said: str) -> None:
    environment = {"PIP_INDEX_URL": index, "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, SCRIPT, package], env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert said in done.stdout + done.stderr
    assert done.returncode == code
    assert "PYSEC-2026-2" not in done.stdout

"""The load generator: one process, some kept-alive connections, one request under way on each.

A protocol of a few lines on uvloop rather than an HTTP client, which would cost more processor time than the server.
`python -m tests.bench.load` reads a `Job` as JSON, prints a line when it begins to measure, and then its `Load`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle
from time import perf_counter_ns, process_time
from typing import Final, cast

import msgspec
import uvloop

from tests.bench.histogram import Histogram

MEASURING: Final = "measuring"  # the line printed when the warm-up is over
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length:"


class Job(msgspec.Struct, frozen=True):
    """`requests` are whole HTTP requests: a list for each connection, which sends them in turn, again and again."""

    host: str
    port: int
    seconds: float
    warm_up: float
    requests: list[list[bytes]]


class Load(msgspec.Struct, frozen=True):
    """What came back after the warm-up. `errors` are answers of 400 and above, and connections lost."""

    requests: int
    seconds: float
    errors: int
    first_error: str
    latencies: dict[int, int]
    cpu_seconds: float


class _Tally:
    def __init__(self) -> None:
        self.nanoseconds: list[int] = []
        self.errors = 0
        self.first_error = ""
        self.is_over = False

    def fault(self, what: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or what


class _Connection(asyncio.Protocol):
    def __init__(self, tally: _Tally, requests: Sequence[bytes]) -> None:
        self._tally = tally
        self._requests: Iterator[bytes] = cycle(requests)
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._missing = 0
        self._sent_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(_HEAD_END)
            if end < 0:
                return
            self._missing = content_length(self._head[:end]) - (len(self._head) - end - len(_HEAD_END))
            if self._head[9:10] >= b"4":
                self._tally.fault(self._head.decode(errors="replace"))
            self._head = b""
        if self._missing <= 0:
            self._missing = 0
            self._tally.nanoseconds.append(perf_counter_ns() - self._sent_at)
            if self._transport is not None and not self._tally.is_over:
                self._send(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._tally.is_over:
            self._tally.fault(f"The connection was lost: {exc or 'closed by the server'}.")

    def _send(self, transport: asyncio.Transport) -> None:
        self._sent_at = perf_counter_ns()
        transport.write(next(self._requests))


def content_length(head: bytes) -> int:
    """Bytes of body that follow; none where the head does not say (204, 304)."""
    at = head.lower().find(_LENGTH)
    return int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def http_request(method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> bytes:
    """A whole request, ready to be sent."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


async def run(job: Job) -> Load:
    """Keep every connection busy for the warm-up and then `job.seconds`."""
    loop = asyncio.get_running_loop()
    tally = _Tally()
    transports = []
    for requests in job.requests:
        transport, _ = await loop.create_connection(lambda r=requests: _Connection(tally, r), job.host, job.port)  # type: ignore[misc]
        transports.append(transport)
    await asyncio.sleep(job.warm_up)
    print(MEASURING, flush=True)
    tally.nanoseconds.clear()
    began, cpu = perf_counter_ns(), process_time()
    await asyncio.sleep(job.seconds)
    elapsed, cpu = (perf_counter_ns() - began) / 1e9, process_time() - cpu
    tally.is_over = True
    latencies = Histogram.of(tally.nanoseconds)
    for transport in transports:
        transport.close()
    return Load(latencies.total, elapsed, tally.errors, tally.first_error, dict(latencies.counts), cpu)


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    print(msgspec.json.encode(uvloop.run(run(job))).decode(), flush=True)


if __name__ == "__main__":
    main()

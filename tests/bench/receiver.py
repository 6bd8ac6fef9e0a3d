"""Where webhooks of the bench arrive: a process of its own that answers 204 to everything and writes down what came.

A protocol of a few lines on uvloop, since whatever it costs is taken from Kalends and Postgres. What came is looked
into afterwards. `python -m tests.bench.receiver` reads `Wish`es from its standard input, a line each, and prints its
ports and then an answer to each of them.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from time import time
from typing import IO, Final, cast

import msgspec
import uvloop

from tests.bench.load import content_length

ANSWER: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
_HEAD_END: Final = b"\r\n\r\n"
_ID: Final = b"\r\nwebhook-id: "
BACKLOG: Final = 4096  # connections that may wait to be accepted


class Wish(msgspec.Struct, frozen=True):
    """What has come since the last wish, once that is `count` messages or `seconds` have passed."""

    count: int
    seconds: float


class Arrival(msgspec.Struct, frozen=True):
    """A message as it came: `at` in Unix seconds, its `webhook-id`, where it went, and what its body says."""

    at: float
    id: str
    path: str
    type: str
    fires_at: datetime | None = None
    seq: int | None = None


class _Body(msgspec.Struct, frozen=True):
    type: str
    fires_at: datetime | None = None
    seq: int | None = None


class _Ports(msgspec.Struct, frozen=True):
    answering: list[int]
    silent: list[int]


class Record:
    """Everything that came, as bytes."""

    def __init__(self) -> None:
        self._came: list[tuple[float, bytes]] = []
        self._ids: set[bytes] = set()
        self._changed = asyncio.Event()

    def add(self, at: float, message: bytes) -> None:
        self._came.append((at, message))
        self._ids.add(_id_of(message))
        self._changed.set()

    async def take(self, wish: Wish) -> list[Arrival]:
        try:
            async with asyncio.timeout(wish.seconds):
                while len(self._ids) < wish.count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        came, self._came, self._ids = self._came, [], set()
        return [arrival_of(at, message) for at, message in came]


class Receiving(asyncio.Protocol):
    """A connection: requests one after the other, each answered when its last byte is there."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._transport: asyncio.Transport | None = None
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(_HEAD_END)
        if end < 0 or len(self._data) < (length := end + len(_HEAD_END) + content_length(self._data[:end])):
            return
        message, self._data = self._data[:length], self._data[length:]
        self._record.add(time(), message)
        if self._transport is not None:
            self._transport.write(ANSWER)


def arrival_of(at: float, message: bytes) -> Arrival:
    """What a message says."""
    head, _, body = message.partition(_HEAD_END)
    said = msgspec.json.decode(body, type=_Body)
    return Arrival(at, _id_of(message).decode(), head.split(b" ", 2)[1].decode(), said.type, said.fires_at, said.seq)


def _id_of(message: bytes) -> bytes:
    return message.partition(_ID)[2].partition(b"\r\n")[0]


class Receiver:
    """The process as the bench holds it. A connection to one of the `silent` ports is accepted and never answered."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._wishes: IO[bytes] = process.stdin
        self._answers: IO[bytes] = process.stdout
        self.pid = process.pid
        ports = msgspec.json.decode(self._answers.readline(), type=_Ports)
        self.ports, self.silent = ports.answering, ports.silent

    def wish(self, count: int, seconds: float) -> None:
        """Ask for what comes from now on, to be had by `granted`."""
        self._wishes.write(msgspec.json.encode(Wish(count, seconds)) + b"\n")
        self._wishes.flush()

    def granted(self) -> list[Arrival]:
        """In the order in which it came; waits until all is there, or time is up."""
        return msgspec.json.decode(self._answers.readline(), type=list[Arrival])

    def take(self, count: int, seconds: float) -> list[Arrival]:
        self.wish(count, seconds)
        return self.granted()


@contextmanager
def receiver(ports: int, silent: int) -> Iterator[Receiver]:
    """A receiver on so many ports, until the block is left."""
    command = [sys.executable, "-m", "tests.bench.receiver", str(ports), str(silent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Receiver(process)
        finally:
            process.terminate()


async def run(ports: int, silent: int) -> None:
    loop = asyncio.get_running_loop()
    record = Record()
    answering = [
        await loop.create_server(lambda: Receiving(record), "127.0.0.1", 0, backlog=BACKLOG) for _ in range(ports)
    ]
    hanging = [await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, backlog=BACKLOG) for _ in range(silent)]
    found = [[server.sockets[0].getsockname()[1] for server in servers] for servers in (answering, hanging)]
    wishes = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(wishes), sys.stdin)
    print(msgspec.json.encode(_Ports(*found)).decode(), flush=True)
    while line := await wishes.readline():
        arrivals = await record.take(msgspec.json.decode(line, type=Wish))
        print(msgspec.json.encode(arrivals).decode(), flush=True)


if __name__ == "__main__":
    gc.disable()  # nothing here is a cycle, and a pause of the receiver would be told as one of Kalends
    uvloop.run(run(int(sys.argv[1]), int(sys.argv[2])))

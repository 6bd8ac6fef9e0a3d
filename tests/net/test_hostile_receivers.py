"""What a receiver may do on purpose: each costs no more than the limit, and is an error and no exception."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.net.answer import AnswerReader
from app.net.client import HttpClient
from app.net.guard import Guard
from app.net.reply import NOTHING_SENT, ExchangeFailed, Reply
from tests.net.servers import OK, Behaviour, Receiver, answering, endlessly, run, run_plainly, serving

LIMIT: Final = 0.25  # seconds given to each request
SLACK: Final = 0.3  # seconds that a busy machine may add
OTHERS_WAIT_AT_MOST: Final = 0.1  # seconds that the event loop stands still for anybody else

_HEAD: Final = b"HTTP/1.1 200 OK\r\n"
_CHUNKED: Final = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def _hang_up(connection: socket.socket, receiver: Receiver) -> None:
    pass


def _wait(connection: socket.socket, receiver: Receiver) -> None:
    receiver.stopping.wait(5)


HOSTILE: Final[dict[str, tuple[Behaviour, str]]] = {
    "says nothing": (endlessly(b"", b"", 0.05), "timeout"),
    "drips its head": (endlessly(b"", b"H", 0.05), "timeout or protocol"),
    "drips headers": (endlessly(_HEAD, b"a: b\r\n", 0.05), "timeout"),
    "drips its body": (endlessly(_HEAD + b"Content-Length: 99\r\n\r\n", b"x", 0.05), "timeout"),
    "drips chunks": (endlessly(_CHUNKED, b"1\r\nx\r\n", 0.05), "timeout"),
    "drips a body without end": (endlessly(_HEAD + b"\r\n", b"x", 0.05), "timeout"),
    "sends headers without end": (endlessly(_HEAD, b"a: b\r\n" * 9000), "protocol"),
    "sends a header without end": (endlessly(_HEAD + b"a: ", b"b" * 60_000), "protocol"),
    "sends a header name without end": (endlessly(_HEAD, b"b" * 60_000), "protocol"),
    "sends a reason without end": (endlessly(b"HTTP/1.1 200 ", b"b" * 60_000), "protocol"),
    "sends blank lines without end": (endlessly(b"", b"\r\n" * 30_000), "protocol"),
    "sends interim answers without end": (endlessly(b"", b"HTTP/1.1 103 Early\r\n\r\n" * 3000), "protocol"),
    "drips interim answers": (endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02), "protocol"),
    "sends a chunk extension without end": (endlessly(_CHUNKED + b"1;", b"x" * 60_000), "protocol"),
    "sends a trailer without end": (endlessly(_CHUNKED + b"0\r\na: ", b"x" * 60_000), "protocol"),
    "sends trailers without end": (endlessly(_CHUNKED + b"0\r\n", b"a: b\r\n" * 9000), "protocol"),
    "changes the protocol": (answering(b"HTTP/1.1 101 Up\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), "protocol"),
    "changes the protocol without saying to what": (answering(b"HTTP/1.1 101 Up\r\n\r\n"), "protocol"),
    "is no web server": (answering(b"220 mail.example ESMTP ready\r\n"), "protocol"),
    "has a status of another world": (answering(b"HTTP/1.1 999 Huh\r\nContent-Length: 0\r\n\r\n"), "protocol"),
    "has a status of two digits": (answering(b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"), "protocol"),
    "speaks HTTP/2": (answering(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64"), "protocol"),
    "has a length that is no number": (answering(_HEAD + b"Content-Length: x\r\n\r\n"), "protocol"),
    "has a negative length": (answering(_HEAD + b"Content-Length: -1\r\n\r\n"), "protocol"),
    "has a length of 5,000 digits": (answering(_HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"), "protocol"),
    "has two lengths": (answering(_HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"), "protocol"),
    "has chunks that are none": (answering(_CHUNKED + b"zz\r\nok\r\n"), "protocol"),
    "has a chunk of an endless size": (answering(_CHUNKED + b"f" * 40 + b"\r\nok\r\n"), "protocol"),
    "sends less than it says": (answering(_HEAD + b"Content-Length: 9\r\n\r\nok", close=True), "disconnected"),
    "breaks off amid its chunks": (answering(_CHUNKED + b"5\r\nok", close=True), "disconnected"),
    "breaks off amid its head": (answering(_HEAD, close=True), "disconnected"),
    "hangs up on the request": (answering(b"", close=True), "disconnected"),
    "hangs up at once": (_hang_up, "disconnected"),
    "does not read": (_wait, "timeout"),
}  # fmt: skip


async def _watched(url: str, body: bytes) -> tuple[Reply, float]:
    """The reply, and the longest time that the event loop stood still meanwhile."""
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - before - 0.005)

    watching = asyncio.create_task(watch())
    async with HttpClient(Guard.trusting(), user_agent="Kalends/1") as client:
        await asyncio.sleep(0.01)
        reply = await client.request("POST", url, body=body, timeout=LIMIT)
        await asyncio.sleep(0.01)
    watching.cancel()
    return reply, worst


@pytest.mark.parametrize(
    ("behaviour", "loop"),
    [(behaviour, run) for behaviour in HOSTILE]
    + [(behaviour, run_plainly) for behaviour, (_, error) in HOSTILE.items() if error != "timeout"],  # slow ones once
)
def test_a_receiver_that(behaviour: str, loop: Any) -> None:
    behave, error = HOSTILE[behaviour]
    body = b"x" * 8_000_000 if behaviour == "does not read" else b"{}"
    for _ in range(3):
        with serving(behave) as receiver:
            reply, stood_still = loop(_watched(receiver.url, body))
        assert reply.status is None
        assert reply.error in error.split(" or ")
        assert (reply.detail or "").endswith(".")
        if reply.seconds < LIMIT + SLACK and stood_still < OTHERS_WAIT_AT_MOST:
            return
    raise AssertionError(f"it took {reply.seconds:.2f} s, and others waited {stood_still:.2f} s")


def test_a_flood_into_an_idle_connection_ends_it() -> None:
    async def scene() -> tuple[Reply, Reply]:
        async with HttpClient(Guard.trusting(), user_agent="Kalends/1") as client:
            first = await client.request("POST", receiver.url)
            await asyncio.sleep(0.5)
            return first, await client.request("POST", receiver.url)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(endlessly(OK, OK * 1000, 0.001)) as receiver:
        first, second = run(scene())
    assert (first.status, second.status) == (200, 200)
    assert receiver.connections == 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KB


def test_a_handshake_that_does_not_end_is_an_error_of_the_connection() -> None:
    with serving(_wait) as receiver:
        reply, _ = run(_watched(receiver.url.replace("http:", "https:"), b"{}"))
    assert (reply.error, reply.detail) == ("connect", "No connection was made within 0.25 seconds.")
    assert reply.seconds < LIMIT + 3 * SLACK


def test_a_body_that_floods_is_cut_off() -> None:
    with serving(endlessly(_HEAD + b"\r\n", b"x" * 60_000)) as receiver:
        reply, stood_still = run(_watched(receiver.url, b"{}"))
    assert (reply.status, reply.whole, len(reply.body)) == (200, False, 2048)
    assert reply.seconds < LIMIT
    assert stood_still < OTHERS_WAIT_AT_MOST


def test_slow_receivers_take_their_own_places_and_leave_others_theirs() -> None:
    async def scene() -> tuple[set[str | None], Reply]:
        async with HttpClient(Guard.trusting(), user_agent="Kalends/1") as client:
            crowd = [asyncio.create_task(client.request("POST", slow.url, timeout=LIMIT)) for _ in range(300)]
            await asyncio.sleep(0.05)
            quick = await client.request("POST", good.url, timeout=LIMIT)
            return {(await reply).error for reply in crowd}, quick

    with serving(endlessly(b"", b"", 0.05)) as slow, serving(answering(OK)) as good:
        errors, quick = run(scene())
    assert {"timeout", "busy"} <= errors <= NOTHING_SENT | {"timeout"}
    assert quick.status == 200


_PIECES: Final = st.lists(
    st.sampled_from(
        [_HEAD, b"\r\n", b"Content-Length: 2\r\n", b"Transfer-Encoding: chunked\r\n", b"ok", b"2\r\n", b"0\r\n"]
    )
    | st.sampled_from(
        [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n", OK, b"Connection: close\r\n", b"a: b\r\n"]
    )
    | st.binary(max_size=20),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(_PIECES)
def test_whatever_comes_is_an_answer_or_an_error_however_it_is_split(pieces: list[bytes]) -> None:
    def read(chunks: list[bytes]) -> tuple[Any, ...]:
        reader = AnswerReader(1000, 1000, must_be_whole=True)
        try:
            for chunk in chunks:
                reader.feed(chunk)
                if reader.is_complete:
                    break
            else:
                reader.end(broken=False)
        except ExchangeFailed as failure:
            return (failure.code,)
        return reader.status, bytes(reader.body), dict(reader.headers)

    stream = b"".join(pieces)
    assert read([stream]) == read([stream[n : n + 1] for n in range(len(stream))])

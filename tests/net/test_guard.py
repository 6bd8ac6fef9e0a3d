"""Sockets go to checked addresses and nowhere else: a canary on loopback sees nothing of what is refused."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final

import pytest

from app.net.client import HttpClient
from app.net.guard import AddressRefused, Guard, Reach
from app.net.lookup import LookupFailed, SystemLookup
from app.net.reply import Reply
from app.settings import Settings
from tests.net.servers import OK, Receiver, answering, knowing, run, serving

DEPLOYED: Final = Settings(host="0.0.0.0")


@pytest.fixture(scope="module")
def canary() -> Iterator[Receiver]:
    """Reachable at every address of this machine."""
    with serving(answering(OK), host="::") as receiver:
        yield receiver


def _request(guard: Guard, url: str) -> Reply:
    async def request() -> Reply:
        async with HttpClient(guard, user_agent="kalends") as client:
            return await client.request("POST", url, body=b"{}", timeout=3)

    return run(request())


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "127.0.0.2", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "0.0.0.0", "0"),
        *(
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:0.0.0.0]",
            "localhost",
            "LOCALHOST.",
            "localhost.localdomain",
        ),
    ],
)
def test_no_spelling_of_this_machine_reaches_the_canary(canary: Receiver, host: str) -> None:
    reply = _request(Guard.of(DEPLOYED), f"http://{host}:{canary.port}/x")
    assert reply.status is None
    assert reply.error in ("refused_address", "dns")  # not every machine knows localhost.localdomain
    assert canary.connections == 0


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["0.0.0.0"],
        ["::"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["2606:4700:4700::1111", "::1"],
        ["127.0.0.1", "10.0.0.1"],
    ],
)
def test_no_name_of_this_machine_reaches_the_canary(canary: Receiver, answers: list[str]) -> None:
    reply = _request(Guard.of(DEPLOYED, lookup=knowing(hooks=answers)), f"http://hooks.example:{canary.port}/x")
    assert reply.error == "refused_address"
    assert reply.detail == "hooks.example is at a private or reserved address, which is not called from here."
    assert canary.connections == 0


def test_the_canary_can_be_reached(canary: Receiver) -> None:
    with serving(answering(OK), host="::") as other:  # its own, so that the canary stays untouched
        for host in ("127.0.0.1", "[::1]", "0.0.0.0"):
            assert _request(Guard.trusting(), f"http://{host}:{other.port}/x").status == 200
    assert canary.connections == 0


def test_a_name_is_resolved_once_for_a_connection_and_judged_again_for_the_next() -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"]])
    asked = []

    async def rebinding(host: str) -> list[str]:
        asked.append(host)
        return next(answers)

    async def three() -> list[Reply]:
        guard = Guard(Reach.PUBLIC_AND_LOOPBACK, lookup=rebinding)
        async with HttpClient(guard, user_agent="kalends") as client:
            url = f"http://hooks.example:{receiver.port}/x"
            return [await client.request("POST", url, timeout=3) for _ in range(3)]

    with serving(answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")) as receiver:
        replies = run(three())
    assert [(reply.status, reply.error) for reply in replies] == [
        (200, None),
        (None, "connect"),  # nobody listens at the second address, and the first is not remembered
        (None, "refused_address"),
    ]
    assert asked == ["hooks.example"] * 3
    assert receiver.connections == 1


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async def peer() -> tuple[str, bool]:
        guard = Guard.trusting(lookup=knowing(mail=["127.0.0.3", "::1", "127.0.0.1"]))
        with await guard.connect("mail.example", receiver.port, 3) as connection:
            return connection.getpeername()[0], connection.getblocking()

    with serving(answering(OK)) as receiver:
        assert run(peer()) == ("127.0.0.1", False)


def test_a_socket_for_another_protocol_is_guarded_too(canary: Receiver) -> None:
    async def connect(guard: Guard) -> socket.socket:
        return await guard.connect("mail.example", canary.port, 3)

    with pytest.raises(AddressRefused):
        run(connect(Guard.of(DEPLOYED, lookup=knowing(mail=["127.0.0.1"]))))
    assert canary.connections == 0


def test_a_slow_name_does_not_keep_others_waiting() -> None:
    released = threading.Event()
    asked: list[str] = []

    def ask(host: str) -> list[str]:
        asked.append(host)
        if host.startswith("slow"):
            released.wait(10)
        return ["8.8.8.8"]

    async def scene() -> float:
        guard = Guard(Reach.PUBLIC, lookup=SystemLookup(ask))
        crowd = [asyncio.create_task(guard.resolve(f"slow{n % 8}.example", 80)) for n in range(400)]
        await asyncio.sleep(0.05)
        begun = time.perf_counter()
        await asyncio.gather(*(guard.resolve(f"quick{n}.example", 80) for n in range(20)))
        passed = time.perf_counter() - begun
        released.set()
        await asyncio.gather(*crowd)
        return passed

    assert min(run(scene()) for _ in range(2)) < 0.25
    assert sorted(asked)[:2] == ["quick0.example", "quick0.example"]
    assert len(asked) == 2 * (8 + 20)


def test_a_name_is_asked_for_again_only_after_a_while() -> None:
    asked: list[str] = []

    def ask(host: str) -> list[str]:
        asked.append(host)
        return ["8.8.8.8"]

    async def scene() -> None:
        lookup = SystemLookup(ask)
        assert [await lookup("hooks.example") for _ in range(3)] == [["8.8.8.8"]] * 3

    run(scene())
    assert asked == ["hooks.example"]


def test_a_name_that_failed_slowly_is_not_asked_for_again_for_a_while() -> None:
    asked: list[str] = []
    released = threading.Event()

    def ask(host: str) -> list[str]:
        asked.append(host)
        released.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    async def scene() -> None:
        lookup = SystemLookup(ask, patience=0.05)
        for _ in range(2):
            with pytest.raises(LookupFailed, match=r"^No addresses of slow\.example came within 0\.05 seconds\.$"):
                await lookup("slow.example")
        released.set()
        await asyncio.sleep(0.05)
        with pytest.raises(LookupFailed, match=r"^The name server of slow\.example is too slow\.$"):
            await lookup("slow.example")

    run(scene())
    assert asked == ["slow.example"]


def test_what_the_system_cannot_resolve_is_a_sentence() -> None:
    def ask(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def scene() -> None:
        lookup = SystemLookup(ask)
        for _ in range(2):
            with pytest.raises(LookupFailed, match=r"^The name gone\.example has no address\.$"):
                await lookup("gone.example")

    run(scene())

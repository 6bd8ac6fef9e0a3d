"""Servers on loopback that say what a test wants them to say, in threads and with plain sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import uvloop

T = TypeVar("T")
Behaviour = Callable[[socket.socket, "Receiver"], None]

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


def run(work: Coroutine[Any, Any, T]) -> T:
    """On the event loop that the service runs on."""
    return uvloop.run(work)


def run_plainly(work: Coroutine[Any, Any, T]) -> T:
    """On Python's own event loop."""
    return asyncio.run(work)


@dataclass
class Receiver:
    """What a server has seen: connections, and the requests that came whole."""

    host: str
    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/hook"

    def read_request(self, connection: socket.socket) -> bool:
        """Whether another one came, rather than an end."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += (more := connection.recv(65536))
            if not more:
                return False
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0)
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return True


def answering(*answers: bytes, close: bool = False) -> Behaviour:
    """One answer for each request of a connection, the last one again and again; `close` ends it after the first."""

    def behave(connection: socket.socket, receiver: Receiver) -> None:
        turn = 0
        while receiver.read_request(connection):
            connection.sendall(answers[min(turn, len(answers) - 1)])
            turn += 1
            if close:
                return

    return behave


def endlessly(start: bytes, again: bytes, pause: float = 0.0) -> Behaviour:
    def behave(connection: socket.socket, receiver: Receiver) -> None:
        receiver.read_request(connection)
        connection.sendall(start)
        while not receiver.stopping.wait(pause) if pause else not receiver.stopping.is_set():
            connection.sendall(again)

    return behave


@contextmanager
def serving(behave: Behaviour, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, dualstack_ipv6=host == "::") as listener:
        receiver = Receiver(host, listener.getsockname()[1])

        def talk(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                spoken = tls.wrap_socket(connection, server_side=True) if tls else connection
                with spoken:
                    behave(spoken, receiver)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    if receiver.stopping.is_set():
                        return connection.close()
                    receiver.connections += 1
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield receiver
        finally:
            receiver.stopping.set()
            with suppress(OSError):
                socket.create_connection(("::1" if family == socket.AF_INET6 else "127.0.0.1", receiver.port)).close()
            acceptor.join(5)


def knowing(**names: list[str]) -> Callable[[str], Coroutine[Any, Any, list[str]]]:
    """A look-up for `<name>.example`."""

    async def look_up(host: str) -> list[str]:
        return names[host.removesuffix(".example")]

    return look_up

"""The web process, and the supervisor that keeps several of them alive.

One process serves by itself. Several are children of a supervisor that owns the listening socket and serves
nothing: they accept from one queue, so that a connection waiting in it is not lost with the process that
dies, as it would be with a queue of each one's own (SO_REUSEPORT).
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final

import uvicorn

from app.logs import take_library_logs
from app.metrics.sharing import Place
from app.refusal import Refusal
from app.settings import BACKLOG, GRACE, HEADER_LIMIT, KEEP_ALIVE, Settings
from app.signals import ctrl_c_withheld, undisturbed

KILL_AFTER: Final = GRACE + 1.5  # seconds from the wish to stop until a web process is stopped by force
FIRST_PAUSE: Final = 0.1  # seconds before a web process that died is started anew, doubled at each early death
LONGEST_PAUSE: Final = 10.0  # seconds: so a database outage at start does not keep a processor busy
STEADY_AFTER: Final = 30.0  # seconds: a process that lived this long starts anew without a pause

OnReady = Callable[[], None]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; `port` 0 takes a free one. Raises a `Refusal` where the address cannot be had."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Refusal(
            f"KALENDS_HOST {host!r} cannot be listened on ({error.strerror}): for example 127.0.0.1.",
            exit_code=2,
        ) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Refusal(
            f"Port {port} on {host} cannot be listened on ({error.strerror}): stop what listens there, or "
            "choose another with KALENDS_PORT, for example KALENDS_PORT=8001 (0 takes a free one).",
            exit_code=2,
        ) from None
    return listener


def run(settings: Settings, dsn: str, listener: socket.socket, on_ready: OnReady) -> None:
    """Serve until SIGINT or SIGTERM, which end this call with KeyboardInterrupt, as their handlers raise it.

    `on_ready` is called once, when the first request can be answered.
    """
    if settings.workers == 1:
        serve_here(settings, dsn, listener, on_ready)
    else:
        _Supervisor(settings, dsn, listener, on_ready).run()


def serve_here(
    settings: Settings, dsn: str, listener: socket.socket, on_ready: OnReady, place: Place | None = None
) -> None:
    """Serve in this process. Requests under way at a stop get `GRACE` seconds to end."""
    from app.main import create_app  # only in a process that serves: it loads the web framework

    take_library_logs()
    app = create_app(settings, dsn, place=place)
    config = uvicorn.Config(
        app,
        lifespan="on",
        ws="none",
        proxy_headers=False,  # whose word about the client's address counts is for the application to say
        access_log=False,
        server_header=False,
        log_config=None,
        log_level="warning",
        backlog=BACKLOG,
        h11_max_incomplete_event_size=HEADER_LIMIT,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config, on_ready, on_stop=app.begin_stop)
    server.run(sockets=[listener])
    if not server.started:
        raise Refusal("The web server did not start; the lines above say why.")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: OnReady, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()  # who waits is answered now, and nothing new is sent, instead of holding the stop up
        await super().shutdown(sockets)


@dataclass(slots=True)
class _Child:
    process: SpawnProcess
    readiness: Connection
    since: float
    early_deaths: int
    number: int


class _Supervisor:
    def __init__(self, settings: Settings, dsn: str, listener: socket.socket, on_ready: OnReady) -> None:
        self._settings = settings
        self._dsn = dsn
        self._listener = listener
        self._on_ready = on_ready
        self._children: list[_Child] = []
        self._due: list[tuple[float, int, int]] = []  # when to start a child anew, its number, its early deaths so far
        self._numbers = Path(tempfile.mkdtemp(prefix="kalends-metrics-"))
        self._ready = 0

    def run(self) -> None:
        try:
            for number in range(1, self._settings.workers + 1):
                self._start(number, early_deaths=0)
            while True:
                self._look()
        finally:
            with undisturbed():
                self._stop()

    def _start(self, number: int, early_deaths: int) -> None:
        # Spawned, not forked: a fork would copy locks and threads in whatever state they are.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        place = Place(f"web-{number}", self._numbers)
        process = context.Process(
            target=_child, args=(self._settings, self._dsn, self._listener, theirs, place), name="kalends-web"
        )
        with ctrl_c_withheld():  # it is for the supervisor, which tells its children
            process.start()
        theirs.close()
        self._children.append(_Child(process, ours, time.monotonic(), early_deaths, number))

    def _look(self) -> None:
        """Wait until something happens to a child or a restart is due, and act on it."""
        watched: list[Connection | int] = [child.process.sentinel for child in self._children]
        watched += [child.readiness for child in self._children if not child.readiness.closed]
        pause = max(0.0, min(due for due, _, _ in self._due) - time.monotonic()) if self._due else None
        wait(watched, timeout=pause)
        for child in list(self._children):
            self._note_readiness(child)
            if not child.process.is_alive():
                self._bury(child)
        now = time.monotonic()
        for due, number, early_deaths in [entry for entry in self._due if entry[0] <= now]:
            self._due.remove((due, number, early_deaths))
            self._start(number, early_deaths)

    def _note_readiness(self, child: _Child) -> None:
        if child.readiness.closed or not child.readiness.poll():
            return
        try:
            child.readiness.recv_bytes()
        except EOFError:  # it ended before it was ready
            child.readiness.close()
            return
        child.readiness.close()
        self._ready += 1
        if self._ready == self._settings.workers:
            self._on_ready()

    def _bury(self, child: _Child) -> None:
        self._children.remove(child)
        child.process.join()
        if self._ready < self._settings.workers:
            raise Refusal("A web process ended before it was ready; the lines above say why.")
        steady = time.monotonic() - child.since > STEADY_AFTER
        deaths = 0 if steady else child.early_deaths + 1
        delay = 0.0 if steady else min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(deaths - 1, 10))
        self._due.append((time.monotonic() + delay, child.number, deaths))

    def _stop(self) -> None:
        deadline = time.monotonic() + KILL_AFTER
        for child in self._children:
            child.process.terminate()
        for child in self._children:
            child.process.join(max(0.0, deadline - time.monotonic()))
            if child.process.is_alive():
                child.process.kill()
                child.process.join()
        shutil.rmtree(self._numbers, ignore_errors=True)


def _child(settings: Settings, dsn: str, listener: socket.socket, readiness: Connection, place: Place) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal is the supervisor's concern, too
    try:
        serve_here(settings, dsn, listener, lambda: readiness.send_bytes(b"ready"), place)
    except Refusal as refusal:
        raise SystemExit(str(refusal)) from None


def _end_with_parent() -> None:
    """Stop this process when its supervisor is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(KILL_AFTER)
    os._exit(1)

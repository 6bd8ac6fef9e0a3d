"""`kalends` as its users start it: in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Final, Self

ROOT: Final = Path(__file__).parents[2]
READY_WITHIN: Final = 30.0  # seconds on a busy machine; alone it takes about one
STOP_WITHIN: Final = 10.0  # seconds: the promise


class Command:
    """A running `kalends` command that goes on until it is told to stop. Not to be left running: `stop` it, or use it
    in a with-block.
    """

    name: ClassVar[str]
    last_word: ClassVar[str]  # of the greeting that says it is ready

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed with the block of this object)
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", self.name],
            cwd=ROOT,
            env=environment(**{"KALENDS_DATA_DIR": str(data_dir), "KALENDS_PORT": "0", **environ}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )
        self.greeting = self._read_greeting()
        self.seconds_to_ready = time.monotonic() - began
        assert self.last_word in self.greeting, f"{self.greeting}\n{self.complaints()}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def complaints(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Its exit code, after the signal."""
        self.process.send_signal(how)
        return self.process.wait(timeout=STOP_WITHIN)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=STOP_WITHIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.process.poll() is None:
            self.stop()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()

    def _read_greeting(self) -> str:
        assert self.process.stdout is not None
        too_late = threading.Timer(READY_WITHIN, self.process.kill)
        too_late.start()
        try:
            lines = []
            for line in self.process.stdout:
                lines.append(line)
                if self.last_word in line:
                    break
            return "".join(lines)
        finally:
            too_late.cancel()


class Serve(Command):
    """`kalends serve`, on a free port unless KALENDS_PORT names one."""

    name = "serve"
    last_word = "curl"

    def __init__(self, data_dir: Path, **environ: str) -> None:
        super().__init__(data_dir, **environ)
        found = re.search(r"listens on (\S+)", self.greeting)
        assert found, f"{self.greeting}\n{self.complaints()}"
        self.url = found[1]


class Worker(Command):
    """`kalends worker`, which sends what is owed and serves nothing."""

    name = "worker"
    last_word = "sends what is owed"


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`kalends` with these arguments, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env=environment(**environ),
        capture_output=True,
        text=True,
        timeout=READY_WITHIN,
        check=False,
    )


def environment(**ours: str) -> Mapping[str, str]:
    """The environment without the settings of whoever runs the tests, and with these."""
    unwanted = ("KALENDS_", "DATABASE_", "PYTHONDONTWRITEBYTECODE")  # the last makes every start a slow one
    theirs = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return theirs | ours


def children(pid: int) -> dict[int, str]:
    """The processes that the process started and that still run, with their command lines."""
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found[int(entry.name)] = command
    return found


def runs(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(happened: Callable[[], bool], within: float = STOP_WITHIN) -> bool:
    """Whether it happens before the time (in seconds) is over."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.02)
    return happened()

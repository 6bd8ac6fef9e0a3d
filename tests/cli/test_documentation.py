"""What help and docs/command-line.md say, against what is understood."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.run import COMMANDS, EXIT_CODES, GROUPS, parser
from app.cli.transfer import IMPORT_MOST
from app.doctor import clock, keys, mail, outbox, settings, zones
from app.doctor.examine import CHECK_WITHIN
from app.settings import CLIENT_SETTINGS, SETTINGS
from tests.cli.conftest import Kalends

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
TYPED = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines() if line]
EXAMPLES = [example for command in COMMANDS for example in command.examples]


def arguments(line: str) -> list[str]:
    """What the shell would hand over."""
    name, *words = shlex.split(re.split(r" [|<>] ", line)[0])
    assert name == "kalends"
    return words


def options(command: str) -> Iterator[str]:
    """The long options of a command."""
    found: argparse.ArgumentParser = parser()
    for word in command.split():
        (words,) = [action for action in found._actions if isinstance(action, argparse._SubParsersAction)]
        found = words.choices[word]
    yield from (name for action in found._actions for name in action.option_strings if name.startswith("--"))


@pytest.mark.parametrize("line", [*TYPED, *EXAMPLES])
def test_every_example_is_understood(line: str) -> None:
    assert parser().parse_args(arguments(line)).command in COMMANDS


def test_every_command_and_option_is_on_the_page() -> None:
    for command in COMMANDS:
        assert f"kalends {command.name}" in PAGE, command.name
        lacking = [name for name in options(command.name) if name != "--help" and not re.search(rf"{name}\b", PAGE)]
        assert lacking == [], command.name


def test_every_option_on_the_page_is_one() -> None:
    known = {name for command in COMMANDS for name in options(command.name)} | {"--version"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", PAGE)) <= known


def test_settings_exit_codes_checks_and_limits_are_on_the_page() -> None:
    assert [setting.name for setting in CLIENT_SETTINGS if f"`{setting.name}`" not in PAGE] == []
    assert [code for code in EXIT_CODES if f"| {code} |" not in PAGE] == []
    checks = {module.CHECK for module in (clock, keys, mail, outbox, settings, zones)}
    checks |= {"data directory", "port", "database", "schema", "connections"}
    doctor = PAGE.partition("### doctor")[2].partition("## Talking")[0]
    assert set(re.findall(r"^\| `(.+?)` \|", doctor, re.MULTILINE)) == checks
    assert f"time limit of {CHECK_WITHIN:g} seconds" in PAGE
    assert f"up to {IMPORT_MOST // 1024**2} MB" in PAGE


def test_help_lists_commands_settings_and_exit_codes(kalends: Kalends) -> None:
    shown = kalends("--help").out
    listed = [
        *(command.name.split()[0] for command in COMMANDS),
        *(each.name for each in (*SETTINGS, *CLIENT_SETTINGS)),
    ]
    assert [word for word in listed if word not in shown] == []
    assert [code for code, meaning in EXIT_CODES.items() if f"{code:<4} {meaning}" not in shown] == []


def test_each_command_has_help_of_its_own(kalends: Kalends) -> None:
    for command in COMMANDS:
        shown = kalends(*command.name.split(), "--help")
        assert shown.code == 0
        assert command.help.split()[-1] in shown.out
        assert [example for example in command.examples if example not in shown.out] == []
    for group, help_text in GROUPS.items():
        assert help_text[1:] in kalends(group, "--help").out


def test_the_version_is_that_of_the_project(kalends: Kalends) -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"', project, re.MULTILINE)
    assert version
    assert kalends("--version").out == f"kalends {version[1]}\n"

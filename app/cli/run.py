"""From what was typed to an exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from app.cli import agents, backups, calendars, diagnosis, events, serving, tools, transfer
from app.cli.command import Command
from app.cli.terminal import one_line, paint, say
from app.net.deployment import Declined, Unreachable
from app.refusal import Refusal
from app.settings import CLIENT_SETTINGS, SETTINGS, warnings
from app.signals import interrupt_on_stop

COMMANDS: Final[tuple[Command, ...]] = (  # in the order of the help; each family ends with its own
    *serving.COMMANDS,
    *backups.COMMANDS,
    *diagnosis.COMMANDS,
    *agents.COMMANDS,
    *calendars.COMMANDS,
    *events.COMMANDS,
    *transfer.COMMANDS,
    *tools.COMMANDS,
)
GROUPS: Final = {
    "agent": "make agents",
    "calendar": "make, list and show calendars",
    "event": "write and list events",
}
FAILED: Final = 1
USAGE: Final = 2
BROKEN_OFF: Final = 130  # as shells have it for Ctrl-C
EXIT_CODES: Final = {
    0: "done",
    FAILED: "it failed: the machine, the database or the deployment said why; doctor found a fault",
    USAGE: "something given must be changed first: the command line, a setting, the key",
    BROKEN_OFF: "broken off, by Ctrl-C or a signal",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code, one of `EXIT_CODES`."""
    chosen = parser().parse_args(arguments)
    command: Command = chosen.command
    if command not in diagnosis.COMMANDS:  # which reports them itself
        for warning in warnings(os.environ):
            say(warning)
    interrupt_on_stop()
    try:
        code = command.run(chosen) or 0
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 0 if command.ends_when_told else BROKEN_OFF
    except Refusal as refusal:
        say(str(refusal))
        return refusal.exit_code
    except Unreachable as unreachable:
        say(f"{unreachable} Check --url or KALENDS_URL, and that Kalends runs there.")
        return FAILED
    except Declined as declined:
        _tell(declined, as_json=chosen.json)
        return FAILED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def parser() -> argparse.ArgumentParser:
    """The parser of everything, with the `Command` that was chosen as `command`."""
    top = argparse.ArgumentParser(
        prog="kalends",
        description="Calendars for AI agents, over plain HTTP: runs a deployment, and talks to one.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version and end")
    words = top.add_subparsers(required=True, metavar="command")
    groups: dict[str, Any] = {}
    for command in COMMANDS:
        group, _, name = command.name.rpartition(" ")
        if group and group not in groups:
            grouped = words.add_parser(group, help=GROUPS[group], description=f"{_sentence(GROUPS[group])}")
            groups[group] = grouped.add_subparsers(required=True, metavar="command")
        _add(groups.get(group, words), name, command)
    return top


def _add(words: Any, name: str, command: Command) -> None:
    own: argparse.ArgumentParser = words.add_parser(
        name,
        help=command.help,
        description=f"{_sentence(command.help)} {command.more}".strip(),
        epilog="\n".join(["examples:", *(f"  {example}" for example in command.examples)])
        if command.examples
        else None,
        formatter_class=_Help,
        allow_abbrev=False,  # or a new option would change what an old script means
    )
    command.arguments(own)
    own.set_defaults(command=command)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Examples as they stand, descriptions in lines that fit."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from app.pages.release import release  # it takes as long as all the rest

        print(f"kalends {release()}")
        parser.exit()


def _tell(declined: Declined, *, as_json: bool) -> None:
    """What the deployment said: its JSON for programs; for people its sentence, what to do next, and the field."""
    answer = declined.answer
    if as_json:
        say(json.dumps(answer))
        return
    say(f"{paint('error:', 'red', sys.stderr)} {one_line(answer['error'])}")
    for name in ("hint", "field", *(("request_id",) if declined.status >= 500 else ())):
        if answer.get(name):
            say(f"{paint(f'{name}:', 'dim', sys.stderr)} {one_line(answer[name])}")


def _sentence(help_text: str) -> str:
    return f"{help_text[0].upper()}{help_text[1:]}."


def _epilog() -> str:
    listed = (*SETTINGS, *CLIENT_SETTINGS)
    width = max(len(setting.name) for setting in listed)

    def lines(settings: Sequence[Any]) -> str:
        return "\n".join(f"  {each.name:{width}}  {each.meaning} (default: {each.default})" for each in settings)

    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())
    return (
        "`kalends COMMAND --help` has the details and examples of each.\n\n"
        f"settings of a deployment, from the environment:\n{lines(SETTINGS)}\n\n"
        f"settings of the commands that talk to one:\n{lines(CLIENT_SETTINGS)}\n"
        f"  {'NO_COLOR':{width}}  anything: print without colours, as is done wherever the output is no terminal\n\n"
        f"exit codes:\n{codes}"
    )

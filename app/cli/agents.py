"""`kalends agent …`"""

from __future__ import annotations

import argparse
from typing import Any, Final

from app.cli import credentials
from app.cli.command import Command
from app.cli.talking import deployment_arguments, stranger, url_of
from app.cli.terminal import print_fields, print_json, say
from app.refusal import Refusal


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="what to call it")
    parser.add_argument("--description", help="what it is for")
    parser.add_argument("--save", action="store_true", help="keep the key for later commands instead of printing it")
    parser.add_argument("--force", action="store_true", help="with --save: let go of the key saved before")
    deployment_arguments(parser)


def create(chosen: argparse.Namespace) -> int | None:
    """Make an agent. Where its key cannot be saved after all, it is printed: nobody could get it again."""
    url = url_of(chosen)
    if chosen.save:
        if url in credentials.load() and not chosen.force:
            raise Refusal(
                f"A key for {url} is saved in {credentials.path()} already, and it may be the only copy: "
                "leave --save out, or give --force to replace it.",
                exit_code=2,
            )
        credentials.prepare()
    given = {"name": chosen.name, "description": chosen.description}
    made: dict[str, Any] = stranger(chosen).post("/agents", {name: text for name, text in given.items() if text})
    saved = chosen.save and _save(url, made)
    _show(chosen, made, saved=saved)
    return 1 if chosen.save and not saved else None


def _save(url: str, made: dict[str, Any]) -> bool:
    try:
        credentials.save(url, made["agent_id"], made["api_key"])
    except OSError as error:
        say(f"The key could not be saved ({error.strerror}); keep it yourself.")
        return False
    return True


def _show(chosen: argparse.Namespace, made: dict[str, Any], *, saved: bool) -> None:
    if chosen.json:
        print_json({name: value for name, value in made.items() if not (saved and name == "api_key")})
        return
    key = None if saved else made["api_key"]
    print_fields([("agent", made["agent_id"]), ("name", made.get("name")), ("key", key)])
    if saved:
        say(f"Its key is saved in {credentials.path()}.")
    else:
        say("The key is shown this once. Commands take it from KALENDS_API_KEY.")


COMMANDS: Final = (
    Command(
        "agent create",
        "make an agent, which owns calendars, and the key that opens them",
        create,
        _create_arguments,
        "The key is shown once. With --save it is kept in ~/.config/kalends/credentials.json, for its owner's eyes "
        "alone, and later commands to the same deployment find it there.",
        ("kalends agent create --save", 'kalends agent create --name "Assistant" --url https://calendars.example.com'),
    ),
)

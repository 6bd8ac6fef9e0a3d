"""`kalends backup` and `kalends restore`: a whole deployment's database as one file."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Final

from app.cli.command import Command
from app.cli.serving import database
from app.cli.terminal import bytes_in_words, say
from app.settings import Settings


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the backup")


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    _file(parser)
    parser.add_argument(
        "--send", action="store_true", help="send what waited when the backup was made, though it may have been sent"
    )


def backup(chosen: argparse.Namespace) -> None:
    from app.db.backup import back_up

    settings = Settings.from_env(os.environ)
    with database(settings) as (dsn, called):
        size = back_up(settings.database_direct_url or dsn, chosen.file)
    print(f"{called[0].upper()}{called[1:]} is in {chosen.file} ({bytes_in_words(size)}).")
    say("Keep the secret key as well, elsewhere: without it the secrets in the backup do not open.")


def restore(chosen: argparse.Namespace) -> int | None:
    """Exit code 1 where the secret key given is not the one of the backup: all is restored, and that can be mended."""
    from app.db.backup import restore as fill
    from app.db.inspect import inspecting
    from app.db.migrate import migrate
    from app.doctor.keys import check_sealed

    settings = Settings.from_env(os.environ).with_secret_keys()
    with database(settings) as (dsn, called):
        dsn = settings.database_direct_url or dsn
        fill(dsn, chosen.file)
        migrate(dsn, say=say)
        print(f"{called[0].upper()}{called[1:]} is as it was when {chosen.file} was made.")
        if not chosen.send:
            print(_held(asyncio.run(_hold_back(dsn))))
        with inspecting(dsn) as at:
            findings = [each for each in check_sealed(settings.secret_keys)(at) if each.state == "fault"]
    for finding in findings:
        say(f"{finding.message} {finding.mend}")
    return 1 if findings else None


async def _hold_back(dsn: str) -> int:
    from app.clock import SystemClock
    from app.db.database import Database
    from app.db.pool import open_pool
    from app.outbox.restoring import hold_back

    async with open_pool(dsn, min_size=1, max_size=1) as pool:
        return await hold_back(Database(pool), SystemClock().now())


def _held(count: int) -> str:
    if not count:
        return "Nothing was waiting to be sent; reminders whose moment has passed since are not sent."
    messages = "message was" if count == 1 else "messages were"
    return (
        f"{count:,} {messages} waiting to be sent, and may have been since: the logs of their calendars have them as "
        "failed (restored), to be sent by hand. Reminders whose moment has passed since are not sent."
    )


COMMANDS: Final = (
    Command(
        "backup",
        "write the whole database into a file, while everything runs",
        backup,
        _file,
        examples=("kalends backup kalends.backup",),
    ),
    Command(
        "restore",
        "fill an empty database from a backup",
        restore,
        _restore_arguments,
        examples=("kalends restore kalends.backup", "kalends restore kalends.backup --send"),
    ),
)

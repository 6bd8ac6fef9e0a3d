"""`kalends`: one small function for each command. Progress goes to standard error, answers to standard
output.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from app.refusal import Refusal
from app.settings import SETTINGS, Settings, warnings
from app.signals import interrupt_on_stop, undisturbed

DATABASE_NAME: Final = "kalends"


@dataclass(frozen=True, slots=True)
class Command:
    """A command's one-line help and what it does."""

    help: str
    run: Callable[[Settings], None]


def say(sentence: str) -> None:
    """Tell whoever watches what takes so long, or what to know."""
    print(sentence, file=sys.stderr, flush=True)


@contextmanager
def database(settings: Settings) -> Iterator[tuple[str, str]]:
    """The address of the database, and what to call it; an embedded one is let go at the end."""
    if settings.database_url:
        yield settings.database_url, "the Postgres that DATABASE_URL names"
        return
    from app.db.embedded import EmbeddedPostgres  # not needed, and perhaps not installed, where one is given
    from app.db.keeping import kept_running

    server = EmbeddedPostgres(settings.data_dir / "postgres", say=say)
    try:
        server.start()
        dsn = server.ensure_database(DATABASE_NAME)
        with kept_running(server):
            yield dsn, f"an embedded Postgres in {settings.data_dir / 'postgres'}"
    finally:
        with undisturbed():
            server.release()


def prepare(settings: Settings, dsn: str) -> int:
    """Bring the database to the shape this version expects; returns how many steps that took."""
    from app.db.migrate import migrate
    from app.db.pooler import prepare_pooler

    steps = migrate(settings.database_direct_url or dsn, say=say)
    if settings.is_pooled:
        prepare_pooler(dsn)
    return steps


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    from app.serve import listen, run

    with listen(settings.host, settings.port) as listener:
        settings = replace(settings, port=listener.getsockname()[1]).with_secret_keys()
        with database(settings) as (dsn, called):
            prepare(settings, dsn)
            run(settings, dsn, listener, on_ready=lambda: _greet(settings, called))


def worker(settings: Settings) -> None:
    """Send webhooks and mail until told to stop."""
    from app.worker import work

    settings = settings.with_secret_keys()
    with database(settings) as (dsn, called):
        prepare(settings, dsn)
        work(settings, dsn, on_ready=lambda: print(f"Kalends sends what is owed, with {called}.", flush=True))


def migrate_only(settings: Settings) -> None:
    """Bring the database to the shape this version expects."""
    with database(settings) as (dsn, called):
        steps = prepare(settings, dsn)
    print(f"{called[0].upper()}{called[1:]} {'is up to date.' if steps == 0 else 'was brought up to date.'}")


def reseal(settings: Settings) -> None:
    """Seal stored secrets anew with the first of the keys, so that the others can be taken out."""
    from app.calendars.service import reseal_secrets
    from app.db.database import Database
    from app.db.pool import open_pool
    from app.mail.agent_smtp import reseal_passwords
    from app.outbox.endpoints import reseal_endpoints
    from app.seal import Sealer

    settings = settings.with_secret_keys()

    async def run(dsn: str) -> tuple[int, int, int]:
        async with open_pool(
            dsn, min_size=1, max_size=1, is_pooler=settings.is_pooled, prepares=settings.prepares
        ) as pool:
            db, sealer = Database(pool), Sealer(settings.secret_keys)
            return (
                await reseal_secrets(db, sealer),
                await reseal_endpoints(db, sealer),
                await reseal_passwords(db, sealer),
            )

    with database(settings) as (dsn, _):
        prepare(settings, dsn)
        calendars, endpoints, servers = asyncio.run(run(dsn))
    print(
        f"Sealed the secrets of {calendars} calendars, {endpoints} endpoints and {servers} mail servers anew. "
        "Answers kept for Idempotency-Keys still need the old key for a day; then take it out of KALENDS_SECRET_KEY."
    )


def mcp(_: Settings) -> None:
    """Speak MCP over standard input and output until the client hangs up."""
    from app.mcp.stdio import serve_stdio

    serve_stdio(os.environ)


COMMANDS: Final = {
    "serve": Command("serve HTTP, with an embedded Postgres unless DATABASE_URL names one", serve),
    "worker": Command("send webhooks and mail, serve nothing; beside web processes with KALENDS_DISPATCH=off", worker),
    "migrate": Command("bring the database up to date and end; serve does so by itself", migrate_only),
    "mcp": Command("speak MCP over stdio, for the deployment at KALENDS_URL with KALENDS_API_KEY", mcp),
    "reseal": Command("after a new KALENDS_SECRET_KEY, seal stored secrets with it", reseal),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 where the machine failed, 2 where a setting must be
    changed.
    """
    chosen = _parser().parse_args(arguments)
    for warning in warnings(os.environ):
        say(warning)
    interrupt_on_stop()
    try:
        COMMANDS[chosen.command].run(Settings.from_env(os.environ))
    except KeyboardInterrupt:
        return 0  # being told to stop is how a server ends
    except Refusal as refusal:
        say(str(refusal))
        return refusal.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    width = max(len(setting.name) for setting in SETTINGS)
    listed = "\n".join(
        f"  {setting.name:{width}}  {setting.meaning} (default: {setting.default})" for setting in SETTINGS
    )
    parser = argparse.ArgumentParser(
        prog="kalends",
        description="Calendars for AI agents, over plain HTTP.",
        epilog=f"settings, from the environment:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help, description=command.help[0].upper() + command.help[1:] + ".")
    return parser


def _greet(settings: Settings, called: str) -> None:
    print(
        f"Kalends listens on {settings.served_url}\n"
        f"with {called}. Ctrl-C stops it.\n\n"
        f"Make your first agent:\n\n    curl -X POST {settings.served_url}/agents\n",
        flush=True,
    )

"""The commands that are a deployment, or work on its database."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from app.cli.command import Command
from app.cli.terminal import say
from app.settings import Settings
from app.signals import undisturbed

DATABASE_NAME: Final = "kalends"


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


def serve(_: argparse.Namespace) -> None:
    """Serve until told to stop."""
    from app.serve import listen, run

    settings = Settings.from_env(os.environ)
    with listen(settings.host, settings.port) as listener:
        settings = replace(settings, port=listener.getsockname()[1]).with_secret_keys()
        with database(settings) as (dsn, called):
            prepare(settings, dsn)
            run(settings, dsn, listener, on_ready=lambda: _greet(settings, called))


def worker(_: argparse.Namespace) -> None:
    """Send webhooks and mail until told to stop."""
    from app.worker import work

    settings = Settings.from_env(os.environ).with_secret_keys()
    with database(settings) as (dsn, called):
        prepare(settings, dsn)
        work(settings, dsn, on_ready=lambda: print(f"Kalends sends what is owed, with {called}.", flush=True))


def migrate_only(_: argparse.Namespace) -> None:
    """Bring the database to the shape this version expects."""
    settings = Settings.from_env(os.environ)
    with database(settings) as (dsn, called):
        steps = prepare(settings, dsn)
    print(f"{called[0].upper()}{called[1:]} {'is up to date.' if steps == 0 else 'was brought up to date.'}")


def reseal(_chosen: argparse.Namespace) -> None:
    """Seal stored secrets anew with the first of the keys, so that the others can be taken out."""
    from app.calendars.service import reseal_secrets
    from app.db.database import Database
    from app.db.pool import open_pool
    from app.mail.agent_smtp import reseal_passwords
    from app.outbox.endpoints import reseal_endpoints
    from app.seal import Sealer

    settings = Settings.from_env(os.environ).with_secret_keys()

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


def _greet(settings: Settings, called: str) -> None:
    print(
        f"Kalends listens on {settings.served_url}\n"
        f"with {called}. Ctrl-C stops it.\n\n"
        f"Make your first agent:\n\n    curl -X POST {settings.served_url}/agents\n",
        flush=True,
    )


COMMANDS: Final = (
    Command("serve", "serve HTTP, with an embedded Postgres unless DATABASE_URL names one", serve, ends_when_told=True),
    Command(
        "worker",
        "send webhooks and mail, serve nothing; beside web processes with KALENDS_DISPATCH=off",
        worker,
        ends_when_told=True,
    ),
    Command("migrate", "bring the database up to date and end; serve does so by itself", migrate_only),
    Command("reseal", "after a new KALENDS_SECRET_KEY, seal stored secrets with it", reseal),
)

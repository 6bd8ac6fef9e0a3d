"""Notifications from Postgres, over a connection of their own that is made again when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from psycopg import AsyncConnection, OperationalError, sql

from app.logs import log
from app.settings import CONNECT_TIMEOUT

PAUSE: Final = 1.0  # seconds before a broken connection is tried again


async def listen(dsn: str, channel: str) -> AsyncIterator[str]:
    """The payloads of `channel` as they come, for ever. What is sent while the connection is away is lost."""
    while True:
        try:
            async with await AsyncConnection.connect(
                dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT, application_name="kalends listen"
            ) as connection:
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                async for notification in connection.notifies():
                    yield notification.payload
        except OperationalError as error:
            log("listen.lost", channel=channel, error=str(error))
        await asyncio.sleep(PAUSE)

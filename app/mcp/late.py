"""Where MCP comes in. What speaks it is loaded when somebody first does: a process that nobody asks for tools starts in
half the time, and holds a fifth less memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from litestar.types import ASGIApp, HTTPScope, Receive, Send

if TYPE_CHECKING:
    from app.mcp.transport import Transport


class LateTransport:
    """`app` is the whole application, edge included; `url` what clients know this deployment by."""

    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app, self._url = app, url
        self._is_wanted, self._is_over = asyncio.Event(), asyncio.Event()
        self._transport: asyncio.Future[Transport] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What is loaded meanwhile runs until the block is left."""
        self._transport = asyncio.get_running_loop().create_future()
        holding = asyncio.create_task(self._hold(self._transport))
        try:
            yield
        finally:
            self._is_over.set()
            self._is_wanted.set()
            await holding

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        assert self._transport is not None
        self._is_wanted.set()
        transport = await asyncio.shield(self._transport)
        await transport(scope, receive, send)

    async def _hold(self, found: asyncio.Future[Transport]) -> None:
        """The library wants to be begun and ended by one task."""
        await self._is_wanted.wait()
        if self._is_over.is_set():
            return
        try:
            transport = await asyncio.to_thread(self._load)
        except BaseException as fault:
            found.set_exception(fault)
            raise
        async with transport.running():
            found.set_result(transport)
            await self._is_over.wait()

    def _load(self) -> Transport:
        from app.mcp.transport import Transport  # half a second of imports, which nobody else should wait for

        return Transport(self._app, self._url)

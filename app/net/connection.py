"""One HTTP/1.1 connection: a request out, an answer in."""

from __future__ import annotations

import asyncio
import select
from typing import cast

from app.net.answer import AnswerReader
from app.net.reply import ExchangeFailed


class Connection(asyncio.Protocol):
    """After `exchange` has returned, `is_reusable` says whether another one may follow. Each has a reader of its own,
    so nothing of one answer can reach the next, and a connection on which anything comes unasked is dropped."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._poll: select.poll | None = None
        self._reader: AnswerReader | None = None
        self._done: asyncio.Future[None] | None = None  # of the exchange under way
        self._keeps_alive = True

    async def exchange(self, request: bytes, reader: AnswerReader) -> None:
        """Sends `request` and feeds `reader` until it is complete. Raises `ExchangeFailed`; sets no time limit.
        Whatever ends it early, the connection is aborted."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ExchangeFailed("disconnected", "The connection was closed before the request could be sent.")
        self._reader = reader
        self._done = asyncio.get_running_loop().create_future()
        try:
            transport.write(request)
            await self._done
            self._keeps_alive = self._keeps_alive and reader.keeps_alive
        except BaseException:
            self.abort()
            raise
        finally:
            self._done = None
            self._reader = None
            reader.release()

    @property
    def is_reusable(self) -> bool:
        """Whether another exchange may begin. Where bytes or an end have come that the event loop has not seen yet,
        it may not; so a connection that the peer closed while it was idle is not mistaken for a living one."""
        transport = self._transport
        if not self._keeps_alive or self._poll is None or transport is None or transport.is_closing():
            return False
        return not transport.get_write_buffer_size() and not self._poll.poll(0)

    def abort(self) -> None:
        self._keeps_alive = False
        if self._transport is not None:
            self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._reader is None or self._done is None or self._done.done():
            self.abort()
            return
        try:
            self._reader.feed(data)
        except ExchangeFailed as failure:
            self._done.set_exception(failure)
        else:
            if self._reader.is_complete:
                self._done.set_result(None)

    def eof_received(self) -> None:
        self._ended(broken=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended(broken=exc is not None)
        self._transport = None

    def _ended(self, *, broken: bool) -> None:
        self._keeps_alive = False
        if self._reader is None or self._done is None or self._done.done():
            return
        try:
            self._reader.end(broken=broken)
        except ExchangeFailed as failure:
            self._done.set_exception(failure)
        else:
            self._done.set_result(None)

"""The HTTP client of all rooms: to guarded addresses, within limits, and without surprises.

It speaks HTTP/1.1 to the host that the URL names, and to nobody else: no redirect is followed, no proxy or .netrc of
the environment is used, no cookie is kept, nothing is decompressed. Whatever a server does costs one time limit and a
bounded number of bytes, and comes back as a `Reply`.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Final, Literal, Self

from app.net.answer import AnswerReader
from app.net.connection import Connection
from app.net.guard import AddressRefused, Guard
from app.net.lookup import LookupFailed
from app.net.pool import Pool
from app.net.reply import ErrorCode, ExchangeFailed, Reply
from app.net.urls import Target, read_url

TIMEOUT: Final = 15.0  # seconds for everything, from waiting for a connection to the last byte of the answer
READ_MOST: Final = 64 * 1024  # bytes of a body whose text hardly matters: whoever sends more is cut off
KEEP_MOST: Final = 2 * 1024  # bytes of it that are kept for the delivery log
WHOLE_MOST: Final = 1024 * 1024  # bytes of an answer that is needed whole, such as JSON
LARGE: Final = 2 * 1024 * 1024  # bytes above which an answer is a download
DOWNLOADS_MOST: Final = 2  # at a time: twice 35 MB, and as much again while the body is handed over

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade"})
_STAGES: Final[Mapping[str, tuple[ErrorCode, str]]] = {
    "waiting": ("busy", "No connection became free within {limit:g} seconds."),
    "connecting": ("connect", "No connection was made within {limit:g} seconds."),
    "answering": ("timeout", "No complete answer came within {limit:g} seconds."),
}


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    limit: float  # seconds
    repeatable: bool | None

    @property
    def may_repeat(self) -> bool:
        return self.method == "GET" if self.repeatable is None else self.repeatable


@dataclass(slots=True)
class _Progress:
    stage: Literal["waiting", "connecting", "answering"] = "waiting"


@cache
def _system_authorities() -> ssl.SSLContext:
    """One for all clients: reading the certificates takes longer than all else that makes one."""
    return ssl.create_default_context()


class HttpClient:
    """Belongs to one event loop; `async with` it, so that its connections are closed."""

    def __init__(self, guard: Guard, *, user_agent: str, tls: ssl.SSLContext | None = None) -> None:
        """`tls` replaces the system's certificate authorities, for a receiver with one of its own."""
        self._guard = guard
        self._common = f"User-Agent: {user_agent}\r\nAccept-Encoding: identity\r\n"
        self._tls = tls or _system_authorities()
        self._pool = Pool()
        self._downloads = asyncio.Semaphore(DOWNLOADS_MOST)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - the caller's limit becomes a word in the reply
        read_most: int = READ_MOST,
        keep_most: int = KEEP_MOST,
        repeatable: bool | None = None,
    ) -> Reply:
        """For receivers whose status matters. After `read_most` bytes of body the connection is dropped, which is no
        error, and the first `keep_most` are kept.

        A kept connection may be closed by the receiver just as a request goes out on it, and nobody can tell whether
        the receiver acted on that. So it is sent once more, on a new connection and only where nothing of an answer
        came, if it is `repeatable`: GET is, and what carries an id that the receiver recognises may be called so.
        Nothing else is ever sent twice. Raises nothing but cancellation.
        """
        reader = AnswerReader(read_most, keep_most, must_be_whole=False)
        return await self._attempt(_Call(method, url, headers or {}, body, timeout, repeatable), reader)

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - the caller's limit becomes a word in the reply
        most: int = WHOLE_MOST,
        repeatable: bool | None = None,
    ) -> Reply:
        """For answers that are needed whole: JSON, or a download of up to `most` bytes. A larger one is the error
        `too_large`, a compressed one `protocol`. Otherwise as `request`. Downloads wait for each other, and their
        time begins when it is their turn."""
        call = _Call(method, url, headers or {}, body, timeout, repeatable)
        reader = AnswerReader(most, most, must_be_whole=True)
        if most <= LARGE:
            reply = await self._attempt(call, reader)
        else:
            async with self._downloads:
                reply = await self._attempt(call, reader)
        if reply.headers.get("content-encoding", "identity") == "identity":
            return reply
        return Reply(None, reply.seconds, whole=False, error="protocol", detail="The answer is compressed, unasked.")

    async def _attempt(self, call: _Call, reader: AnswerReader) -> Reply:
        begun = time.perf_counter()
        progress = _Progress()
        try:
            target, message = self._message(call)
            async with asyncio.timeout(call.limit):
                answer = await self._exchange(target, message, reader, progress, repeatable=call.may_repeat)
        except TimeoutError:
            code, sentence = _STAGES[progress.stage]
            return _failed(begun, code, sentence.format(limit=call.limit))
        except ExchangeFailed as failure:
            return _failed(begun, failure.code, failure.detail)
        return Reply(answer.status, time.perf_counter() - begun, answer.headers, bytes(answer.body), whole=answer.whole)

    async def _exchange(
        self, target: Target, message: bytes, reader: AnswerReader, progress: _Progress, *, repeatable: bool
    ) -> AnswerReader:
        """The reader of the answer that came; `progress` notes how far it got."""
        async with self._pool.place(target.origin):
            kept = self._pool.take(target.origin)
            if kept is not None:
                progress.stage = "answering"
                try:
                    await kept.exchange(message, reader)
                except ExchangeFailed as failure:
                    if failure.code != "disconnected" or reader.has_begun or not repeatable:
                        raise
                    reader = reader.anew()
                else:
                    self._pool.give(target.origin, kept)
                    return reader
            else:
                progress.stage = "connecting"
            connection = await self._connect(target)
            progress.stage = "answering"
            await connection.exchange(message, reader)
            self._pool.give(target.origin, connection)
            return reader

    async def _connect(self, target: Target) -> Connection:
        try:
            made = await self._guard.connect(target.host, target.port, TIMEOUT)
        except AddressRefused as refusal:
            raise ExchangeFailed("refused_address", str(refusal)) from None
        except LookupFailed as failure:
            raise ExchangeFailed("dns", str(failure)) from None
        except TimeoutError:
            raise ExchangeFailed("connect", f"No connection was made within {TIMEOUT:g} seconds.") from None
        except OSError as error:
            raise ExchangeFailed("connect", f"No connection could be made: {_reason(error)}.") from None
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                Connection,
                sock=made,
                ssl=self._tls if target.tls else None,
                server_hostname=target.host if target.tls else None,
            )
        except ssl.SSLCertVerificationError as error:
            made.close()
            raise ExchangeFailed("tls", f"The certificate is not accepted: {error.verify_message}.") from None
        except OSError as error:  # ssl.SSLError is one
            made.close()
            raise ExchangeFailed("tls", f"TLS could not be begun: {_reason(error)}.") from None
        except BaseException:
            made.close()
            raise
        return connection

    def _message(self, call: _Call) -> tuple[Target, bytes]:
        """Raises `ExchangeFailed` for what would not be HTTP."""
        try:
            target = read_url(call.url)
        except ValueError as why:
            raise ExchangeFailed("invalid_request", f"The URL {why}.") from None
        if call.method not in _METHODS:
            raise ExchangeFailed("invalid_request", "The method is not one that is used here.")
        for name, value in call.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or name.lower() in _OURS:
                raise ExchangeFailed("invalid_request", "A header holds what HTTP does not allow.")
        lines = "".join([f"{name}: {value}\r\n" for name, value in call.headers.items()])
        length = "" if call.method == "GET" and not call.body else f"Content-Length: {len(call.body)}\r\n"
        head = f"{call.method} {target.path} HTTP/1.1\r\nHost: {target.authority}\r\n{self._common}{lines}{length}\r\n"
        return target, head.encode("latin-1") + call.body


def _failed(begun: float, code: ErrorCode, detail: str) -> Reply:
    return Reply(None, time.perf_counter() - begun, whole=False, error=code, detail=detail)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "an error of the other side").lower().replace("_", " ")
    return os.strerror(error.errno).lower() if error.errno else "the other side gave up"

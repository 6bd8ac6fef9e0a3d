"""Handing a mail to Postmark's HTTP API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from app.net.sending import Failed, Sent, said

SEND_WITHIN: Final = 30.0  # seconds for the whole request
READ_MOST: Final = 64 * 1024  # bytes of an answer that are read: real ones have some hundred

_CONFIGURATION_CODES: Final = frozenset({10, 400, 401, 405, 412, 413})
"""ErrorCodes about the account: token, sender signature, credits, approval. They pass when somebody sees to it."""
_TEMPORARY_CODES: Final = frozenset({100, 429})  # maintenance, too many requests


class Reply(Protocol):
    """An answer, or with `status` None the reason why there was none."""

    @property
    def status(self) -> int | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def error(self) -> str | None: ...
    @property
    def detail(self) -> str | None: ...


class Requests(Protocol):
    """The guarded HTTP client."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,  # noqa: ASYNC109 - the client's
        read_most: int,
        keep_most: int,
    ) -> Reply: ...


class _Answer(msgspec.Struct):
    error_code: int = msgspec.field(name="ErrorCode", default=0)
    message: str = msgspec.field(name="Message", default="")
    message_id: str = msgspec.field(name="MessageID", default="")


async def send(
    url: str, token: str, body: bytes, *, client: Requests, time_limit: float = SEND_WITHIN
) -> Sent | Failed:
    """Posts `body`, a mail as Postmark's JSON, to `<url>/email` in one attempt. Never raises but for cancellation.

    Refusals of the mail or its recipient are permanent; those of the token, the sender or the account are the
    configuration's, and like rate limits, faults of Postmark's and of the network temporary.
    """
    reply = await client.request(
        "POST",
        f"{url}/email",
        headers={
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Postmark-Server-Token": token,
        },
        body=body,
        timeout=time_limit,
        read_most=READ_MOST,
        keep_most=READ_MOST,
    )
    if reply.status is None:
        reason = said(reply.detail or reply.error or "no answer", token).rstrip(".")
        return Failed(False, None, f"Postmark cannot be reached: {reason}.")
    answer = _read(reply.body)
    if 200 <= reply.status < 300 and answer.error_code == 0:
        return Sent(said(answer.message_id))
    return _failed(reply.status, answer, token)


def _read(body: bytes) -> _Answer:
    """Of an answer that cannot be read the status alone counts."""
    try:
        return msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError:
        return _Answer()


def _failed(status: int, answer: _Answer, token: str) -> Failed:
    code = answer.error_code
    words = said(answer.message, token).rstrip(".")
    told = f" with error {code}" if code else ""
    message = f"Postmark answered {status}{told}{f': {words}' if words else ''}."
    if status in (401, 403, 404) or code in _CONFIGURATION_CODES or 300 <= status < 400:
        return Failed(False, status, message, configuration=True)
    is_temporary = status in (408, 429) or status >= 500 or code in _TEMPORARY_CODES
    return Failed(not is_temporary, status, message)

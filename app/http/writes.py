"""The door of every write: one transaction, safe to retry under an Idempotency-Key.

    return await write(request, lambda tx: service.create_event(at, tx, …), status=201)

Without the header it is the transaction alone. With it, the answer is stored by the same commit that stores the write:
the same key and body give the first answer again for a day, also when the process died between commit and answer. Only
answers that succeeded are kept; what was refused changed nothing, and may be sent again corrected under its key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from litestar import Response

from app.db.database import Database, Transaction
from app.db.queries import load
from app.errors import Problem
from app.http.answers import json_text
from app.http.context import Context, context
from app.http.requests import AnyRequest, bearer
from app.settings import LOCK_TIMEOUT

sql: Final = load(__file__)
KEPT: Final = timedelta(hours=24)  # contract: Transport, Idempotency-Key
WAIT_MILLISECONDS: Final = 1_500  # for an equal request under way; then it is told of instead, within two seconds
_KEY: Final = re.compile(r"^[!-~]{1,255}$")
_ETAG: Final = re.compile(r'"etag":"([^"]*)"')
FORGET_BITE: Final = 2_000  # rows deleted in one statement


@dataclass(frozen=True, slots=True)
class Answer:
    """What a use case answers with: JSON text, and a status where it is not the usual one."""

    text: str
    status: int | None = None
    replayed: bool = False


UseCase = Callable[[Transaction], Awaitable[str | Answer]]


@dataclass(frozen=True, slots=True)
class _Claim:
    key_hash: bytes
    request_hash: bytes
    body_hash: bytes

    @property
    def place(self) -> str:
        return f"idempotency/{self.request_hash.hex()}"


async def write(
    request: AnyRequest,
    use_case: UseCase,
    *,
    status: int = 200,
    is_secret: bool = False,
    is_preview: bool = False,
    has_etag: bool = True,
) -> Response[bytes]:
    """Run `use_case` in a transaction and answer with its text. `is_secret` seals a kept answer; `has_etag` says that
    the text is the representation of one thing, whose tag becomes a header.

    With `is_preview` the same use case runs in the same transaction, which is undone then: the answer is 200 with
    `"preview": true`, an Idempotency-Key is neither read nor kept, and nobody is woken.

    Raises, besides what it raises: `invalid_field` for a malformed Idempotency-Key, `idempotency_mismatch` for one
    that was used with another body, `idempotency_in_progress` while the first request runs on and on.
    """
    at = context(request)
    claim = None if is_preview else await _claim_of(request)
    now = at.clock.now()
    async with at.db.transaction(now, is_preview=is_preview) as tx:
        if claim is not None:
            kept = await _claimed(at, tx, claim, now)
            if kept is not None:
                return _response(kept, status, has_etag)
        result = await use_case(tx)
        answer = result if isinstance(result, Answer) else Answer(result)
        if claim is not None:
            _keep(at, tx, claim, answer, answer.status or status, is_secret)
    if is_preview:
        answer = replace(answer, text=f'{answer.text[:-1]},"preview":true}}', status=200)
    return _response(answer, status, has_etag)


async def forget_answers(db: Database, now: datetime) -> None:
    """Remove answers whose day is over."""
    while await db.run(sql.forget_answers, {"expired": now - KEPT, "limit": FORGET_BITE}) == FORGET_BITE:
        pass


def etag_of(text: str) -> str | None:
    """The entity tag of a representation: its own `etag` member, quoted. It is the last of that name."""
    at = text.rfind('"etag":"')
    match = _ETAG.match(text, at) if at >= 0 else None
    return f'"{match[1]}"' if match else None


async def _claim_of(request: AnyRequest) -> _Claim | None:
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    if request.method != "POST":
        return None
    if not _KEY.match(given):
        raise Problem(
            "invalid_field",
            "Idempotency-Key must be 1 to 255 visible ASCII characters.",
            hint="A random UUID for each request you make serves well.",
            field="Idempotency-Key",
        )
    identity = "\0".join((request.method, request.url.path, given))
    body = await request.body()
    return _Claim(bearer(request), hashlib.sha256(identity.encode()).digest(), hashlib.sha256(body).digest())


async def _claimed(at: Context, tx: Transaction, claim: _Claim, now: datetime) -> Answer | None:
    """None when the claim is ours to fulfil, else the answer that the first request got."""
    keys = {"key_hash": claim.key_hash, "request_hash": claim.request_hash}
    tx.later(sql.wait_so_long, {"milliseconds": str(WAIT_MILLISECONDS)})
    try:
        ours = await tx.one(
            sql.claim_request, {**keys, "body_hash": claim.body_hash, "now": now, "expired": now - KEPT}
        )
    except Exception as error:
        if getattr(error, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise Problem(
            "idempotency_in_progress",
            "The first request with this Idempotency-Key is still running.",
            hint="Send it again in a moment, unchanged.",
            field="Idempotency-Key",
            headers={"Retry-After": "2"},
        ) from None
    if ours is not None:
        tx.later(sql.wait_so_long, {"milliseconds": str(round(LOCK_TIMEOUT * 1000))})
        return None
    row = await tx.one(sql.read_claim, keys)
    assert row is not None
    body_hash, status, kept, is_sealed = row
    if bytes(body_hash) != claim.body_hash:
        raise Problem(
            "idempotency_mismatch",
            "This Idempotency-Key was used with another body.",
            hint="Use a new key for a new request; the same key repeats the same request.",
            field="Idempotency-Key",
        )
    text = at.sealer.open(kept, claim.place) if is_sealed else bytes(kept).decode()
    return Answer(text, status, replayed=True)


def _keep(at: Context, tx: Transaction, claim: _Claim, answer: Answer, status: int, is_secret: bool) -> None:
    kept = at.sealer.seal(answer.text, claim.place) if is_secret else answer.text.encode()
    tx.later(
        sql.keep_answer,
        {
            "key_hash": claim.key_hash,
            "request_hash": claim.request_hash,
            "status": status,
            "answer": kept,
            "sealed": is_secret,
        },
    )


LOCK_NOT_AVAILABLE: Final = "55P03"  # SQLSTATE: lock_timeout ran out


def _response(answer: Answer, status: int, has_etag: bool) -> Response[bytes]:
    headers = {}
    if has_etag and (etag := etag_of(answer.text)) is not None:
        headers["ETag"] = etag
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return json_text(answer.text, answer.status or status, headers)

"""Who may hand mail in, and how much of it at once."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
from datetime import datetime
from hashlib import sha256
from typing import Final

from app.errors import Problem
from app.http.requests import AnyRequest
from app.inbound.mail import Provider
from app.outbox.signing import signing_key
from app.settings import RETRY_AFTER, Settings

STALE_AFTER: Final = 300.0  # seconds between a signature and its arrival, either way, as Standard Webhooks has it
LARGE: Final = 1024 * 1024  # bytes of a body above which few are read at a time
LARGE_AT_ONCE: Final = 2  # bodies: each may take 35 MB, and as much again while it is read
RETRIES_AT_ONCE: Final = 3  # on demand: each keeps a connection while AgentMail is asked
READ_WITHIN: Final = 60.0  # seconds for a large body, so that a slow one does not hold the place of others for long
_BASIC: Final = re.compile(r"basic +([A-Za-z0-9+/=]{1,400})", re.IGNORECASE)
_SVIX: Final = ("svix-id", "svix-timestamp", "svix-signature")


class Door:
    """One of a process: it knows how many large bodies are being read, and how many mails are interpreted again on
    demand (`retries`, to be held from before the transaction on)."""

    def __init__(self) -> None:
        self.retries: Final = asyncio.Semaphore(RETRIES_AT_ONCE)
        self._places = asyncio.Semaphore(LARGE_AT_ONCE)

    async def body(self, request: AnyRequest) -> bytes:
        """The request's body. Raises `unavailable` where it does not come within a minute."""
        length = request.headers.get("content-length", "")
        if length.isdigit() and len(length) <= 9 and int(length) <= LARGE:
            return await request.body()
        try:
            async with asyncio.timeout(READ_WITHIN), self._places:
                return await request.body()
        except TimeoutError:
            raise Problem(
                "unavailable",
                "The body did not arrive in time.",
                hint="Deliver the mail again.",
                headers={"Retry-After": str(RETRY_AFTER), "Connection": "close"},
            ) from None


def door_of(request: AnyRequest) -> Door:
    found: Door = request.app.state.door
    return found


def check_head(request: AnyRequest, settings: Settings, *, needs_check: bool) -> None:
    """Refuses, before its body is read, what could not be admitted whatever the body says. With `needs_check` one of
    the providers' proofs is asked for. Raises `unauthorized`."""
    has_basic = _is_postmark(request, settings)
    has_signature = settings.agentmail_webhook_secret is not None and all(n in request.headers for n in _SVIX)
    if has_basic or has_signature:
        return
    everybody_proves = settings.inbound_basic_auth is not None and settings.agentmail_webhook_secret is not None
    if needs_check or everybody_proves:
        raise _refused()


def check_provider(
    request: AnyRequest, settings: Settings, provider: Provider, body: bytes, now: datetime, *, needs_check: bool
) -> None:
    """Raises `unauthorized` unless the request proves to be the provider's, where the deployment has a proof of that
    provider's set, or with `needs_check`."""
    if provider == "postmark":
        if settings.inbound_basic_auth is None and not needs_check:
            return
        proven = _is_postmark(request, settings)
    else:
        if settings.agentmail_webhook_secret is None and not needs_check:
            return
        proven = _is_agentmail(request, settings, body, now)
    if not proven:
        raise _refused()


def _is_postmark(request: AnyRequest, settings: Settings) -> bool:
    expected = settings.inbound_basic_auth
    found = _BASIC.fullmatch(request.headers.get("authorization", "").strip())
    if expected is None or found is None:
        return False
    try:
        presented = base64.b64decode(found[1])
    except binascii.Error:
        return False
    return hmac.compare_digest(presented, expected.encode())


def _is_agentmail(request: AnyRequest, settings: Settings, body: bytes, now: datetime) -> bool:
    """Svix' signature, the scheme of Standard Webhooks: `v1,` and the base64 HMAC-SHA256 of id, timestamp and body."""
    secret = settings.agentmail_webhook_secret
    id_, stamp, signatures = (request.headers.get(name, "") for name in _SVIX)
    if secret is None or not id_.isascii() or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    if abs(now.timestamp() - int(stamp)) > STALE_AFTER:
        return False
    signed = b".".join((id_.encode(), stamp.encode(), body))
    expected = b"v1," + base64.b64encode(hmac.digest(signing_key(secret), signed, sha256))
    return any(hmac.compare_digest(each.encode("latin-1", "replace"), expected) for each in signatures.split()[:20])


def _refused() -> Problem:
    return Problem(
        "unauthorized",
        "This does not prove to come from a mail provider of this deployment.",
        hint="Postmark's webhook URL carries user:password@ as KALENDS_INBOUND_BASIC_AUTH has it; AgentMail signs with "
        "the secret in KALENDS_AGENTMAIL_WEBHOOK_SECRET.",
        headers={"WWW-Authenticate": 'Basic realm="inbound"'},
    )

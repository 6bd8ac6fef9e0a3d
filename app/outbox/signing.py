"""How messages are signed: Standard Webhooks, and CalDave's header beside it.

A secret that starts with `whsec_` is base64 to Standard Webhooks, any other its own bytes. CalDave's header always uses
the bytes of the secret as it is written.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from app.errors import Problem

PREFIX: Final = "whsec_"


def signing_key(secret: str) -> bytes:
    """The key a secret stands for. Raises `invalid_field` for one that starts with `whsec_` and is not base64."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise Problem(
            "invalid_field",
            f"A secret that starts with {PREFIX} must be base64 behind it.",
            hint="Leave it out, and one is made; or give one that starts otherwise, whose bytes are taken as they are.",
            field="webhook_secret",
        )
    return key


def headers_for(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that authenticate `body`. The first of `secrets` is the present one; each of the others, still good
    after a rotation, adds a signature."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_base64(_mac(signing_key(secret), signed))}" for secret in secrets),
        "X-CalDave-Signature": _mac(secrets[0].encode(), body).hex(),
    }
    for earlier in secrets[1:]:
        headers["X-CalDave-Signature-Previous"] = _mac(earlier.encode(), body).hex()
    return headers


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, sha256)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()

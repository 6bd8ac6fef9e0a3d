"""What became of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

ErrorCode = Literal[
    "invalid_request",  # the URL or a header is none that HTTP allows; nothing was sent
    "refused_address",  # the host is, or resolves to, an address that is not called; nothing was sent
    "dns",  # the name has no address, or its server does not say; nothing was sent
    "connect",  # no connection was made; nothing was sent
    "tls",  # the certificate is not the host's, or TLS failed otherwise; nothing was sent
    "busy",  # no connection became free within the time limit; nothing was sent
    "timeout",  # the time limit passed before the answer was complete
    "disconnected",  # the connection ended before the answer was complete
    "protocol",  # what came back is not HTTP, or more header than anybody needs
    "too_large",  # the answer is larger than the caller takes
]
ERROR_CODES: Final[tuple[str, ...]] = get_args(ErrorCode)
NOTHING_SENT: Final[frozenset[str]] = frozenset(
    {"invalid_request", "refused_address", "dns", "connect", "tls", "busy"}
)  # after any other error the receiver may have acted on the request


class ExchangeFailed(Exception):
    """Within `net`: an error code and its sentence."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.code: ErrorCode = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or why there is none: exactly one of `status` and `error` is set.

    `headers` have lower-case names, and values of one name joined by ", ". `body` is as much as was asked for, and
    `whole` says whether that is all of it. `detail` is a sentence about `error` for a person, without secrets.
    """

    status: int | None
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    whole: bool = True
    error: ErrorCode | None = None
    detail: str | None = None

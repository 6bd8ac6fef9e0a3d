"""Who may read the numbers: whoever has the token; without one, nobody but this machine."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from app.errors import Problem
from app.settings import Settings, is_loopback_host

Headers = Iterable[tuple[bytes, bytes]]
_SCHEME: Final = "bearer "
_FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")  # somebody stands between


def check_reader(settings: Settings, headers: Headers) -> None:
    """Raises `unauthorized` for a wrong token. Without a token set raises `not_found` unless the service is one that
    only this machine can reach: bound to loopback, with no public address, and no proxy in between."""
    token = settings.metrics_token
    if token is None:
        if not (_is_local(settings) and _comes_straight_here(headers)):
            raise Problem(
                "not_found",
                "There is nothing at this path.",
                hint="Operators: set KALENDS_METRICS_TOKEN and send it as a bearer.",
            )
        return
    given = next((value for name, value in headers if name == b"authorization"), b"")
    is_bearer = given[: len(_SCHEME)].lower() == _SCHEME.encode()
    if not (is_bearer and hmac.compare_digest(given[len(_SCHEME) :].strip(), token.encode())):
        raise Problem(
            "unauthorized", "Metrics need their token.", hint="Send KALENDS_METRICS_TOKEN as 'Authorization: Bearer …'."
        )


def _comes_straight_here(headers: Headers) -> bool:
    """Through no proxy that says so, and not from a page that made its own name point to this machine."""
    host = next((value for name, value in headers if name == b"host"), b"localhost").decode("latin-1")
    return is_loopback_host(urlsplit(f"//{host}").hostname or "") and not any(name in _FORWARDED for name, _ in headers)


def _is_local(settings: Settings) -> bool:
    public = settings.public_url
    return settings.is_loopback and (public is None or is_loopback_host(urlsplit(public).hostname or ""))

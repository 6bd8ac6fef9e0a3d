"""What may be stored as an address to call. Names are checked again at the socket, when they are called."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from app.errors import Problem
from app.settings import Settings

URL_MOST: Final = 2048  # characters; longer ones are cut by proxies on the way


def check_webhook_url(url: str, settings: Settings) -> None:
    """Raises `invalid_field` unless `url` is http(s) with a host and without credentials or a fragment, and not a
    literal address that this deployment does not call: private ones need KALENDS_ALLOW_PRIVATE_HOSTS=1, and a
    start bound to loopback may call loopback."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("cannot be read as a URL") from None
    if len(url) > URL_MOST or not url.isascii() or any(character <= " " for character in url):
        raise _refused(f"must be at most {URL_MOST} ASCII characters without blanks")
    if parts.scheme not in ("http", "https") or not host:
        raise _refused("must begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("must not carry a user name, a password or a fragment")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    if settings.allow_private_hosts or address.is_global:
        return
    if address.is_loopback and settings.is_loopback and settings.allow_private_hosts is None:
        return
    raise _refused("names a private or reserved address, which this deployment does not call")


def _refused(why: str) -> Problem:
    return Problem(
        "invalid_field",
        f"webhook_url {why}.",
        hint="Give a public address such as https://example.com/hooks/kalends.",
        field="webhook_url",
    )

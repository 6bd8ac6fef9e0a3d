"""URLs that may be called: how they are read, and which may be stored. Names are judged again at the socket."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from app.errors import Problem
from app.net.addresses import HOST_NAME, literal_address
from app.net.guard import permits, reach_of
from app.settings import Settings

URL_MOST: Final = 2048  # characters; longer ones are cut by proxies on the way
LONGEST: Final = 16_384  # characters of a URL that a service gives us: signed links to attachments are long
TARGETS_KEPT: Final = 1_024  # URLs whose reading is remembered, none above URL_MOST: at most some 5 MB

_PORTS: Final = {"http": 80, "https": 443}
_BLANK_OR_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL as it is called. `host` is without brackets and a final dot, an address in its usual spelling; `path`
    has the query with it."""

    tls: bool
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[bool, str, int]:
        """What connections can be shared by."""
        return self.tls, self.host, self.port

    @property
    def authority(self) -> str:
        """The value of the Host header (RFC 9110 7.2): without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"


def read_url(url: str, longest: int = LONGEST) -> Target:
    """Raises `ValueError`, whose text goes on after the URL's name, unless `url` is http(s) with a host that can exist
    and without credentials or a fragment."""
    if len(url) > longest:
        raise ValueError(f"must be at most {longest} characters long")
    return _read_and_kept(url) if len(url) <= URL_MOST else _read(url)


def check_webhook_url(url: str, settings: Settings) -> None:
    """Raises `invalid_field` unless `url` is http(s) with a host and without credentials or a fragment, and not a
    literal address, however it is spelt, that this deployment does not call: private ones need
    KALENDS_ALLOW_PRIVATE_HOSTS=1, and a start bound to loopback may call loopback."""
    try:
        target = read_url(url, URL_MOST)
    except ValueError as why:
        raise _refused(str(why)) from None
    address = literal_address(target.host)
    if address is not None and not permits(reach_of(settings), address):
        raise _refused("names a private or reserved address, which this deployment does not call")


def _read(url: str) -> Target:
    if not url.isascii() or _BLANK_OR_CONTROL.search(url):
        raise ValueError("must consist of ASCII characters without blanks")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("cannot be read as a URL") from None
    if parts.scheme not in _PORTS or not host:
        raise ValueError("must begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise ValueError("must not carry a user name, a password or a fragment")
    known = _known_host(host, bracketed="[" in parts.netloc)
    if known is None or port == 0:
        raise ValueError("names a host or a port that cannot exist")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", known, port or _PORTS[parts.scheme], path)


_read_and_kept: Final = lru_cache(maxsize=TARGETS_KEPT)(_read)


def _known_host(host: str, *, bracketed: bool) -> str | None:
    """`host` as it is called; None where there can be no such host. A zone (RFC 6874) is none of a URL's business."""
    if bracketed:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return None
        if "%" in host:
            return None
    address = literal_address(host)
    if address is not None:
        return str(address)
    return host.removesuffix(".") if HOST_NAME.fullmatch(host) else None


def _refused(why: str) -> Problem:
    return Problem(
        "invalid_field",
        f"webhook_url {why}.",
        hint="Give a public address such as https://example.com/hooks/kalends.",
        field="webhook_url",
    )

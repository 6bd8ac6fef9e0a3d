"""A mail server to hand mail to (RFC 6409), and the URL that names the deployment's."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

Security = Literal["tls", "starttls", "none"]
"""TLS from the first octet on (RFC 8314), STARTTLS required (RFC 3207), or the clear text."""

TLS_PORT: Final = 465
SUBMISSION_PORT: Final = 587

_HOST_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_EXAMPLE: Final = "for example smtps://user:password@smtp.example.com:465."


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `host` is a name or an address without brackets; a username has a password."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security: Security = "starttls"


def security_for(host: str, port: int, *, secure: bool = False) -> Security:
    """TLS on port 465 or where `secure` asks for it; else STARTTLS, but to this machine itself the clear text.

    STARTTLS is then required, since an attacker on the way need only hide the offer to read password and mail.
    """
    if secure or port == TLS_PORT:
        return "tls"
    return "none" if _is_loopback(host) else "starttls"


def parse_smtp_url(text: str) -> SmtpServer:
    """`smtps://user:password@host:465`, or `smtp://user:password@host:587`, where `?starttls=never` and
    `?starttls=required` overrule `security_for`. What a URL cannot hold is percent-encoded.

    Raises ValueError with the rest of a sentence that begins with the variable's name. It never repeats the URL,
    which carries a password.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"cannot be read as a URL; in the password write @ as %40, / as %2F: {_EXAMPLE}") from None
    if parts.scheme not in ("smtp", "smtps"):
        raise ValueError(f"does not begin with smtp:// or smtps://: {_EXAMPLE}")
    if not (_is_address(host) or _HOST_NAME.fullmatch(host)):
        raise ValueError(f"names no host; in the password write / as %2F, # as %23, ? as %3F: {_EXAMPLE}")
    if port == 0:
        raise ValueError(f"names port 0, which nothing listens on: {_EXAMPLE}")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"has more than user, password, host and port: {_EXAMPLE}")
    username, password = _credentials(parts)
    port = port or (TLS_PORT if parts.scheme == "smtps" else SUBMISSION_PORT)
    return SmtpServer(host, port, username, password, _security(parts, host, port))


def has_control_character(text: str) -> bool:
    """Such text is no user name or password: the protocol ends a line or an argument at it."""
    return _CONTROL.search(text) is not None


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(username) != bool(password):
        raise ValueError(f"has a user name without a password, or a password without a user name: {_EXAMPLE}")
    if has_control_character(username + password):
        raise ValueError(f"has a control character in its user name or password: {_EXAMPLE}")
    return username or None, password or None


def _security(parts: SplitResult, host: str, port: int) -> Security:
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    usual = security_for(host, port, secure=parts.scheme == "smtps")
    if not asked:
        return usual
    if usual == "tls" or asked.keys() != {"starttls"} or asked["starttls"] not in ("required", "never"):
        raise ValueError(
            "has an option other than ?starttls=required and ?starttls=never, which only smtp:// takes, on other "
            f"ports than {TLS_PORT}: for example smtp://user:password@smtp.example.com:587?starttls=required."
        )
    return "starttls" if asked["starttls"] == "required" else "none"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

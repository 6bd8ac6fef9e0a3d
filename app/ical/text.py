"""Content lines: escaping TEXT and parameters, writing URIs, folding (RFC 5545 3.1, 3.2, 3.3.3, 3.3.11, 3.3.13)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from app.core.mailbox import ascii_address

LINE_OCTETS: Final = 75
"""Longest line in octets, its CRLF not counted (RFC 5545 3.1)."""

# The last three are line breaks to Unicode, and so to readers that split text in Unicode's way.
_BREAKS: Final = ("\r\n", "\r", "\n", "\x85", "\u2028", "\u2029")
_ESCAPES: Final = {"\\": "\\\\", ";": "\\;", ",": "\\,"} | dict.fromkeys(_BREAKS, "\\n")
_PARAMETER_ESCAPES: Final = {"^": "^^", '"': "^'"} | dict.fromkeys(_BREAKS, "^n")
_CONTROLS: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
"""What no content line may hold (HTAB is allowed); lone surrogates have no UTF-8 form at all."""

_SPECIAL: Final = re.compile(rf"\r\n|[\\;,\r\n\x85\u2028\u2029{_CONTROLS}]")
_SPECIAL_IN_PARAMETER: Final = re.compile(rf"\r\n|[\^\"\r\n\x85\u2028\u2029{_CONTROLS}]")
_UNPRINTABLE: Final = re.compile(rf"[\r\n\u2028\u2029{_CONTROLS}]")
_WEB_ADDRESS: Final = re.compile(rf"(https?://[^\s/?#\\<>\"{_CONTROLS}]+)([^\s{_CONTROLS}]*)", re.IGNORECASE)
_PLAIN_ADDRESS: Final = re.compile(r"[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]*")
_URI_SAFE: Final = "-._~:/?#@!$&'()*+,;=%"


def escape(text: str) -> str:
    """`text` as a TEXT value: any line break as `\\n`, control characters and lone surrogates dropped."""
    if text.isascii() and (plain := text.replace("\r\n", "\n")).replace("\n", "").isprintable():  # no controls
        return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], ""), text)


def parameter(text: str) -> str:
    """`text` as a parameter's quoted value, whatever it holds (RFC 5545 3.2, RFC 6868)."""
    return f'"{_SPECIAL_IN_PARAMETER.sub(lambda found: _PARAMETER_ESCAPES.get(found[0], ""), text)}"'


def printable(line: str) -> str:
    """`line` without anything that could end it early: for values that are written unescaped."""
    return _UNPRINTABLE.sub("", line)


def web_address(location: str) -> str | None:
    """The URI value when the whole of `location` is one http(s) address, else None.

    What RFC 3986 does not allow is percent-encoded as UTF-8; an escape already there is left alone.
    """
    found = _WEB_ADDRESS.fullmatch(location.strip())
    if found is None:
        return None
    if _PLAIN_ADDRESS.fullmatch(found[0]) is not None:
        return found[0]
    return quote(found[1], safe=_URI_SAFE + "[]") + quote(found[2], safe=_URI_SAFE)


def mail_uri(address: str) -> str:
    """`address` as a CAL-ADDRESS (RFC 5545 3.3.3), its domain in ASCII.

    What RFC 3986 does not allow is percent-encoded, as in `web_address`; otherwise it stays letter by letter, since
    calendars compare these texts to find out who answers.
    """
    return "mailto:" + quote(printable(ascii_address(address)), safe=_URI_SAFE)


def fold(line: str) -> str:
    """The content line with its CRLF, broken so that no line exceeds 75 octets and no character is split."""
    if len(line) <= LINE_OCTETS and line.isascii():
        return line + "\r\n"
    octets = line.encode()
    pieces: list[bytes] = []
    begin, room = 0, LINE_OCTETS
    while len(octets) - begin > room:
        end = begin + room
        while octets[end] & 0xC0 == 0x80:  # a continuation octet: the character began before it
            end -= 1
        pieces.append(octets[begin:end])
        begin, room = end, LINE_OCTETS - 1  # the space that marks a continuation takes one
    pieces.append(octets[begin:])
    return b"\r\n ".join(pieces).decode() + "\r\n"

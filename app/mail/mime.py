"""A mail as the octets that SMTP carries (RFC 5322, 2045-2047, 6047).

Written out here and not by `EmailMessage`, whose folding drops the quotes of long display names (CPython issue 121284)
and turns long Message-IDs into encoded words. All parts are in seven bits, and every line is shorter than the 998
octets that mail systems may cut.
"""

from __future__ import annotations

import re
from base64 import encodebytes
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from quopri import encodestring
from typing import Final

from app.core.mailbox import Mailbox, ascii_address
from app.mail.message import ATTACHMENT, Mail
from app.mail.words import NAME_MOST, one_line

_LINE: Final = 76  # octets: as long as a line with an encoded word may be (RFC 2047 2)
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_PRINTABLE: Final = re.compile(r"[ -~]*")
_BOUNDARY: Final = "=_kalends_"  # no line of quoted-printable or base64 begins so


def mime(mail: Mail, sender: Mailbox, date: datetime) -> bytes:
    """The whole mail, from `sender`, whose name is the calendar's where it has none of its own.

    The same mail, sender and date give the same octets. They are ASCII unless a local part of an address is not,
    which SMTP carries only with SMTPUTF8 (RFC 6531). Raises ValueError for a sender that is no address.
    """
    headers = [
        ("From", _mailbox("From", mail.sent_from(sender))),
        ("To", _mailbox("To", mail.recipient)),
        ("Reply-To", _mailbox("Reply-To", mail.calendar)),
        ("Subject", _unstructured("Subject", mail.subject)),
        ("Date", format_datetime(date.astimezone(UTC))),
        ("Message-ID", mail.message_id),
        *((name, mail.answered_id) for name in ("In-Reply-To", "References") if mail.answered_id),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (head + _body(mail)).encode()


def plain(sender: Mailbox, recipient: Mailbox, subject: str, text: str, message_id: str, date: datetime) -> bytes:
    """A mail of text alone."""
    headers = [
        ("From", _mailbox("From", sender)),
        ("To", _mailbox("To", recipient)),
        ("Subject", _unstructured("Subject", subject)),
        ("Date", format_datetime(date.astimezone(UTC))),
        ("Message-ID", message_id),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (head + _part("text/plain; charset=UTF-8", "quoted-printable", encodestring(text.encode()))).encode()


def _body(mail: Mail) -> str:
    calendar = encodebytes(mail.ics.encode())
    alternatives = _multipart(
        "alternative",
        _part("text/plain; charset=UTF-8", "quoted-printable", encodestring(mail.text.encode())),
        _part(f"text/calendar; method={mail.method}; charset=UTF-8", "base64", calendar),
    )
    disposition = f"Content-Disposition: attachment; filename={ATTACHMENT}\r\n"
    return _multipart(
        "mixed", alternatives, disposition + _part(f"application/ics; name={ATTACHMENT}", "base64", calendar)
    )


def _multipart(subtype: str, *parts: str) -> str:
    boundary = _BOUNDARY + subtype
    inside = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n{inside}--{boundary}--\r\n'


def _part(content_type: str, encoding: str, content: bytes) -> str:
    lines = content.decode().replace("\n", "\r\n")
    return f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{lines}"


def _mailbox(header: str, mailbox: Mailbox) -> str:
    address = f"<{ascii_address(mailbox.address)}>"
    name = one_line(mailbox.name, NAME_MOST)
    if not name:
        return address
    phrase = _phrase(header, name)
    fits = len(header) + 2 + len(phrase) + 1 + len(address) <= _LINE and "\r" not in phrase
    return f"{phrase} {address}" if fits else f"{phrase}\r\n {address}"


def _phrase(header: str, name: str) -> str:
    if not _PRINTABLE.fullmatch(name) or "=?" in name or len(header) + 2 + len(name) > _LINE:
        return _encoded(header, name)
    if _ATOMS.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unstructured(header: str, text: str) -> str:
    line = one_line(text, len(text))
    is_plain = _PRINTABLE.fullmatch(line) and "=?" not in line and len(header) + 2 + len(line) <= _LINE
    return line if is_plain else _encoded(header, line)


def _encoded(header: str, text: str) -> str:
    """`text` as encoded words (RFC 2047)."""
    return Header(text, "utf-8", maxlinelen=_LINE, header_name=header).encode(linesep="\r\n")

"""A mail as it is kept: reduced to what interpreting it may need, whoever delivered it."""

from __future__ import annotations

import binascii
import re
import zlib
from typing import Final, Literal

import msgspec

from app.workers import in_thread

Provider = Literal["postmark", "agentmail"]

PART_MOST: Final = 2_000_000  # bytes of one calendar: the reader takes a million characters, in UTF-16 twice as many
PARTS_MOST: Final = 20  # calendars of one mail; clients attach one, or the same one twice
PARTS_BYTES_MOST: Final = 4_000_000  # bytes of all calendars of one mail together
ATTACHMENTS_MOST: Final = 100  # named in what is kept of a mail
TEXT_MOST: Final = 64 * 1024  # characters of the text body that are kept
SUBJECT_MOST: Final = 998  # characters: a line of a mail (RFC 5322 2.1.1)
ADDRESS_MOST: Final = 320  # characters of an address that are kept
NAME_MOST: Final = 255  # characters of a file's name, or a person's
MESSAGE_ID_MOST: Final = 998  # characters
LARGE: Final = 128 * 1024  # bytes and characters of a mail, from which on it is packed off the event loop
HEADER_MOST: Final = 2_000  # characters of one header that are kept
HEADERS_EACH: Final = 3  # headers of one name that are kept, the topmost: those that the last servers put there

_KEPT_HEADERS: Final = re.compile(
    r"(message-id|in-reply-to|references|date|reply-to|authentication-results|received-spf|x-spam-[a-z-]{1,40})",
    re.IGNORECASE,
)
_CALENDAR_TYPES: Final = frozenset(
    {"text/calendar", "application/ics", "text/ics", "text/x-vcalendar", "application/calendar", "text/x-calendar"}
)
_BEGIN: Final = re.compile(r"BEGIN[ \t]*:[ \t]*VCALENDAR", re.IGNORECASE)
_BEGIN_SEEN: Final = 4_096  # characters at the start of an attachment in which a bare calendar would begin
_PARAMETER: Final = re.compile(r""";\s*(charset|method)\s*=\s*(?:"([^"]{0,40})"|([^\s;"]{0,40}))""", re.IGNORECASE)
_PARAMETERS_MOST: Final = 300  # characters of a Content-Type that are looked at
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")  # from base64's other alphabet


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A calendar that came along, and what its Content-Type said."""

    data: bytes
    name: str = ""
    charset: str | None = None
    method: str | None = None


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attachment that is not kept, by name, type and size in bytes. `fetch` is the provider's id of one that is a
    calendar and has yet to be fetched."""

    name: str = ""
    type: str = ""
    size: int | None = None
    fetch: str | None = None


class Mail(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`message_id` is the provider's name for the delivery. `headers` are names in lower case with their values.
    `inbox_id` and `key` are AgentMail's. `refused` are calendars that were not kept: a code and a sentence."""

    provider: Provider
    message_id: str
    sender: str = ""
    sender_name: str = ""
    subject: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    parts: tuple[Part, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    inbox_id: str = ""

    def header(self, name: str) -> str | None:
        return next((value for found, value in self.headers if found == name), None)

    @property
    def rfc_message_id(self) -> str | None:
        """The Message-ID that answers refer to."""
        own = self.message_id if self.provider == "agentmail" and "@" in self.message_id else None
        return self.header("message-id") or own

    @property
    def to_fetch(self) -> tuple[Attachment, ...]:
        return tuple(each for each in self.attachments if each.fetch is not None)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Mail).decode


async def packed(mail: Mail) -> bytes:
    """A mail as it is stored: MessagePack, deflated here, since Postgres takes several times as long to compress it."""
    is_large = sum(len(part.data) for part in mail.parts) + len(mail.text) > LARGE
    return await in_thread(_pack, mail) if is_large else _pack(mail)


def unpacked(content: bytes) -> Mail:
    return _decode(zlib.decompress(content))


def _pack(mail: Mail) -> bytes:
    return zlib.compress(_encode(mail), 1)


def is_calendar(content_type: str, name: str) -> bool:
    """Whether an attachment is to be read as a calendar: by its type, in any case and with any parameters, or by the
    name of its file, since forwarding turns types into application/octet-stream."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in _CALENDAR_TYPES or name.strip().lower().endswith((".ics", ".ical", ".icalendar"))


def part_of(data: bytes, name: str, content_type: str) -> Part:
    charset, method = _parameters(content_type)
    return Part(data, name[:NAME_MOST], charset, method)


def _parameters(content_type: str) -> tuple[str | None, str | None]:
    found = {
        name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(content_type[:_PARAMETERS_MOST])
    }
    return found.get("charset"), found.get("method")


def calendar_in_text(text: str) -> str | None:
    """The calendar that somebody pasted into a mail's text, to the text's end."""
    begin = _BEGIN.search(text)
    return None if begin is None else text[begin.start() :]


def from_base64(text: str) -> bytes:
    """The bytes of an attachment: base64 in lines, without its padding, in either alphabet, or cut short; or a calendar
    that is not encoded at all."""
    if _BEGIN.search(text[:_BEGIN_SEEN]):
        return text.encode()
    octets = text.encode("ascii", "ignore").translate(_STANDARD, b" \t\r\n=")
    if len(octets) % 4 == 1:
        octets = octets[:-1]
    try:
        return binascii.a2b_base64(octets + b"==")
    except binascii.Error:
        return b""


def kept_headers(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    kept: list[tuple[str, str]] = []
    seen: dict[str, int] = {}
    for name, value in pairs:
        key = name.lower()
        if not _KEPT_HEADERS.fullmatch(key) or seen.get(key, 0) >= HEADERS_EACH:
            continue
        seen[key] = seen.get(key, 0) + 1
        kept.append((key, value[:HEADER_MOST]))
    return tuple(kept)


class PartsKept:
    """Calendars of one mail as they are gathered, within the limits."""

    def __init__(self, parts: tuple[Part, ...] = (), refused: tuple[tuple[str, str], ...] = ()) -> None:
        self.parts: list[Part] = list(parts)
        self.refused: list[tuple[str, str]] = list(refused)
        self._bytes = sum(len(part.data) for part in parts)

    def add(self, part: Part) -> None:
        if any(part.data == known.data for known in self.parts):
            return
        if len(part.data) > PART_MOST:
            self.refuse_size()
        elif len(self.parts) >= PARTS_MOST or self._bytes + len(part.data) > PARTS_BYTES_MOST:
            self.refuse("too_many_parts", f"A mail may carry {PARTS_MOST} calendars, of 4 MB together.")
        else:
            self.parts.append(part)
            self._bytes += len(part.data)

    def refuse_size(self) -> None:
        self.refuse("too_large", "A calendar in it is larger than 1 MB.")

    def refuse(self, code: str, sentence: str) -> None:
        if (code, sentence) not in self.refused:
            self.refused.append((code, sentence))

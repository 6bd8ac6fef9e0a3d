"""Bytes of a calendar → unfolded text without anything that a database or an XML reader cannot hold."""

from __future__ import annotations

import codecs
import re
from typing import Final

_FOLD: Final = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_FOLD_BYTES: Final = re.compile(rb"(?:\r\n|\n|\r)[ \t]")
_BEGIN: Final = re.compile(r"BEGIN[ \t]*:[ \t]*VCALENDAR", re.IGNORECASE)
_BEGIN_BYTES: Final = re.compile(rb"BEGIN[ \t]*:[ \t]*VCALENDAR", re.IGNORECASE)
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters and lone surrogates; TAB and line ends are not among them."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE: Final = 64  # bytes that show whether every other one is zero, as in UTF-16 without a mark
_CHARSET: Final = re.compile(
    r"(utf-?(8|16|32)|iso-?8859-|windows-?12|cp\d|koi8|shift.?jis|euc|gb|big5|iso-?2022-|mac|us-?ascii|latin|tis)"
)
"""Charsets that mail is written in. Python knows codecs that are none, and some of those are slow."""
_LATIN: Final = frozenset({"iso8859-1", "latin-1", "ascii"})  # declared so, and meant as windows-1252 (WHATWG)
_FALLBACK: Final = "cp1252"


def text_of(source: bytes | str, charset: str | None) -> str:
    """The calendar's text from BEGIN:VCALENDAR on, unfolded, line ends as LF; "" where there is no such line.

    `charset` is what the mail declares. A byte order mark goes before it, and so does valid UTF-8 (RFC 5545's default)
    before a declared eight-bit charset. Bytes are unfolded before they are decoded, since some senders fold in the
    middle of a character. Never raises; linear in the length of `source`.
    """
    text = _FOLD.sub("", source) if isinstance(source, str) else _decoded(source, charset)
    begin = _BEGIN.search(text)
    if begin is None:
        return ""
    text = text[begin.start() :]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return clean(text)


def clean(text: str) -> str:
    """Without control characters and lone surrogates."""
    return _UNSTORABLE.sub("", text)


def from_begin(source: bytes | str) -> bytes | str:
    """What follows the first BEGIN:VCALENDAR: a whole mail's text may stand before a short calendar."""
    if isinstance(source, str):
        begin = _BEGIN.search(source)
    else:
        if source.startswith(tuple(mark for mark, _ in _MARKS)):
            return source
        begin = _BEGIN_BYTES.search(source)  # type: ignore[assignment]
    return source if begin is None else source[begin.start() :]


def _decoded(source: bytes, charset: str | None) -> str:
    for mark, name in _MARKS:
        if source.startswith(mark):
            return _as(name, source[len(mark) :])
    if (wide := _wide(source[:_SAMPLE])) is not None:
        return _as(wide, source)
    declared = _known(charset)
    if declared is not None and declared.startswith(("utf-16", "utf-32")):
        return _as(declared, source)
    octets = _unfolded(source)
    eight_bit = declared is None or declared in _LATIN or declared.startswith(("iso8859", "cp125"))
    for codec in ("utf-8", declared) if eight_bit else (declared, "utf-8"):
        if codec is not None and codec not in _LATIN:
            try:
                return octets.decode(codec)
            except UnicodeDecodeError:
                continue
    return octets.decode(_FALLBACK, "replace")


def _wide(sample: bytes) -> str | None:
    """Latin letters in UTF-16 have a zero byte each, behind or before."""
    for name, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if zeros and zeros.count(0) * 4 > len(zeros) * 3:
            return name
    return None


def _as(name: str, source: bytes) -> str:
    """Decoded leniently, then unfolded, for charsets whose line ends are not single bytes."""
    if name == "utf-8":
        return _unfolded(source).decode(name, "replace")
    return _FOLD.sub("", source.decode(name, "replace"))


def _unfolded(source: bytes) -> bytes:
    """Without folds. Where every line ends in CRLF and none is empty, taking them out one kind after the other cannot
    make new ones, and takes a tenth of the time."""
    ends = source.count(b"\r\n")
    if source.count(b"\r") == ends == source.count(b"\n") and b"\r\n\r\n" not in source:
        return source.replace(b"\r\n ", b"").replace(b"\r\n\t", b"")
    return _FOLD_BYTES.sub(b"", source)


def _known(charset: str | None) -> str | None:
    if not charset:
        return None
    name = charset.strip().strip("\"'").lower()
    if len(name) > 40 or _CHARSET.match(name) is None:
        return None
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None

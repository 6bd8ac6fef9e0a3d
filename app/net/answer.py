"""Reading one HTTP/1.1 answer, held to limits while it comes. The parsing is llhttp's (httptools)."""

from __future__ import annotations

from typing import Final

import httptools

from app.net.reply import ErrorCode, ExchangeFailed

HEAD_MOST: Final = 64 * 1024  # bytes of an answer's headers, and of anything that comes without a byte of body
HEADERS_MOST: Final = 128  # header fields of an answer; busy sites send some 40
INTERIM_MOST: Final = 8  # 1xx answers before the final one; 100 and 103 make two


class _Enough(Exception):
    """Stops the parser: the rest is of no interest."""


class AnswerReader:
    """What has come of an answer so far. Of the body at most `keep_most` bytes are kept; past `read_most` it is cut
    off, or with `must_be_whole` an error. `keeps_alive` says whether another answer may follow on the connection."""

    def __init__(self, read_most: int, keep_most: int, *, must_be_whole: bool) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.has_begun = False
        self.is_complete = False
        self.keeps_alive = False
        self._read_most = read_most
        self._keep_most = keep_most
        self._must_be_whole = must_be_whole
        self._read = 0
        self._silent = 0
        self._fields = 0
        self._head_bytes = 0
        self._interim = 0
        self._in_body = False
        self._fault: ExchangeFailed | None = None
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    @property
    def whole(self) -> bool:
        """Whether `body` is all of the body."""
        return self.is_complete and self._read == len(self.body)

    def feed(self, data: bytes) -> None:
        """Raises `ExchangeFailed` where the answer cannot be complete any more."""
        if self._parser is None:
            return
        self.has_begun = True
        read = self._read
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise ExchangeFailed("protocol", "The receiver changed to another protocol.") from None
        except httptools.HttpParserError:
            self.keeps_alive = False
            if self._fault is not None:
                raise self._fault from None
            if not self.is_complete:
                raise ExchangeFailed("protocol", "What the receiver sent is not an HTTP answer.") from None
        if self.is_complete:
            return
        # What the parser gathers without telling is bounded by this: an endless header, chunk extension or trailer.
        self._silent = self._silent + len(data) if self._read == read else 0
        if self._silent > HEAD_MOST:
            raise ExchangeFailed("protocol", "The receiver sent too much besides the body of its answer.")

    def end(self, *, broken: bool) -> None:
        """The connection has ended, without an error or `broken`. Raises `ExchangeFailed` unless the answer is
        complete, which one of unstated length is now (RFC 9112 6.3)."""
        self.keeps_alive = False
        stated = "content-length" in self.headers or "transfer-encoding" in self.headers
        if self._in_body and not stated and not broken:
            self.is_complete = True
        if not self.is_complete:
            when = "amid" if self._in_body else "before"
            raise ExchangeFailed("disconnected", f"The receiver closed the connection {when} its answer.")

    def anew(self) -> AnswerReader:
        """One for another try, with the same limits."""
        return AnswerReader(self._read_most, self._keep_most, must_be_whole=self._must_be_whole)

    def release(self) -> None:
        """Let go of the parser, which refers back to this object, so that the memory is free at once."""
        self._parser = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.is_complete:  # a second answer to one request
            raise _Enough

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._head_bytes += len(name) + len(value)
        if self._fields > HEADERS_MOST or self._head_bytes > HEAD_MOST:
            self._stop("protocol", "The receiver's answer has too many headers.")
        if self._in_body:  # a trailer
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        if self.status == 101:
            self._stop("protocol", "The receiver changed to another protocol.")
        if not 100 <= self.status <= 599:
            self._stop("protocol", "The receiver's answer has no valid status.")
        if self.status < 200:
            return
        self._in_body = True
        length = self.headers.get("content-length", "")
        if self._must_be_whole and length.isdecimal() and int(length) > self._read_most:
            self._too_large()

    def on_body(self, data: bytes) -> None:
        room = self._keep_most - len(self.body)
        if room > 0:
            self.body += data[:room]
        self._read += len(data)
        if self._read > self._read_most:
            if self._must_be_whole:
                self._too_large()
            self.is_complete = True
            raise _Enough

    def on_message_complete(self) -> None:
        assert self._parser is not None
        if self._in_body:
            self.is_complete = True
            self.keeps_alive = self._parser.should_keep_alive()
            return
        self._interim += 1
        self.headers.clear()
        if self._interim > INTERIM_MOST:
            self._stop("protocol", "The receiver sends interim answers without end.")

    def _too_large(self) -> None:
        self._stop("too_large", f"The answer has more than {self._read_most:,} bytes.")

    def _stop(self, code: ErrorCode, detail: str) -> None:
        self._fault = ExchangeFailed(code, detail)
        raise _Enough

"""Talking to a deployment of Kalends from outside, as the command line does: one request after the other, over HTTP.

The standard library's client, since it loads in a third of the time that any other takes, and a command's user waits
for that each time. Proxies of the environment are used, but not to this machine itself; no redirect is followed, since
the key would follow it.
"""

from __future__ import annotations

import ipaddress
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from io import BytesIO
from typing import IO, Any, Final
from urllib.parse import urlencode, urlsplit

TIME_LIMIT: Final = 30.0  # seconds without a byte: a deployment answers in fewer, or says that it cannot
FILE_TIME_LIMIT: Final = 300.0  # seconds without a byte where a whole calendar is read or written meanwhile
BLOCK: Final = 64 * 1024  # bytes that are sent, or received, between two words about progress
ERROR_MOST: Final = 64 * 1024  # bytes of an error that are read: ours have some hundred

Params = Mapping[str, str | int]
Told = Callable[[int], None]
"""Hears how many bytes have gone so far."""


class Unreachable(Exception):
    """There was no answer, or none that Kalends gives. The text is a sentence."""


class Declined(Exception):
    """The deployment answered with an error; `answer` is its JSON: `error`, `code`, `hint`, `field`, `request_id`."""

    def __init__(self, status: int, answer: Mapping[str, Any]) -> None:
        super().__init__(str(answer.get("error", "")))
        self.status = status
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Download:
    """An answer on its way. `size` is None where the deployment does not tell it."""

    size: int | None
    blocks: Iterator[bytes]


class Deployment:
    """`url` is scheme, host and port. Without a key only what is open to all can be asked.

    Every call raises `Unreachable` or `Declined`.
    """

    def __init__(self, url: str, key: str | None, *, user_agent: str, time_limit: float = TIME_LIMIT) -> None:
        self.url = url
        self._key = key
        self._user_agent = user_agent
        self._time_limit = time_limit
        proxies = [urllib.request.ProxyHandler({})] if _is_loopback(url) else []
        self._opener = urllib.request.build_opener(_NoRedirect, *proxies)

    def get(self, path: str, params: Params | None = None) -> Any:
        """The answer's JSON."""
        with self._answer("GET", path, params) as answer:
            return self._json(self._read(answer))

    def text(self, path: str, params: Params | None = None) -> str:
        with self._answer("GET", path, params) as answer:
            return self._read(answer).decode("utf-8", "replace")

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer's JSON."""
        with self._answer("POST", path, None, json.dumps(body).encode(), "application/json") as answer:
            return self._json(self._read(answer))

    def upload(self, path: str, data: bytes, media_type: str, told: Told) -> Any:
        """Posts `data`; the answer's JSON."""
        with self._answer("POST", path, None, data, media_type, told) as answer:
            return self._json(self._read(answer))

    @contextmanager
    def download(self, path: str, told: Told) -> Iterator[Download]:
        """The answer block by block. The last block raises `Unreachable` where the answer broke off."""
        with self._answer("GET", path, None) as answer:
            yield Download(answer.length, self._blocks(answer, told))

    @contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        params: Params | None,
        data: bytes | None = None,
        media_type: str = "",
        told: Told | None = None,
    ) -> Iterator[HTTPResponse]:
        query = f"?{urlencode(params)}" if params else ""
        request = urllib.request.Request(f"{self.url}{path}{query}", method=method)  # noqa: S310 - http or https
        request.add_header("User-Agent", self._user_agent)
        if self._key is not None:
            request.add_unredirected_header("Authorization", f"Bearer {self._key}")
        if data is not None:
            request.data = _Told(data, told)
            request.add_header("Content-Type", media_type)
            request.add_header("Content-Length", str(len(data)))
        try:
            answer = self._opener.open(request, timeout=self._time_limit)
        except urllib.error.HTTPError as error:
            with error:
                raise _declined(self.url, error) from None
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from None
        with answer:
            yield answer

    def _blocks(self, answer: HTTPResponse, told: Told) -> Iterator[bytes]:
        expected, received = answer.length, 0
        while block := self._read(answer, BLOCK):
            received += len(block)
            told(received)
            yield block
        if expected is not None and received != expected:
            raise Unreachable(f"The answer broke off after {received:,} of {expected:,} bytes.")

    def _read(self, answer: HTTPResponse, most: int | None = None) -> bytes:
        try:
            return answer.read(most)
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from None

    def _json(self, body: bytes) -> Any:
        try:
            return json.loads(body) if body else None
        except ValueError:
            raise Unreachable(f"{self.url} answers what is not JSON: is it the right address?") from None

    def _unreachable(self, error: Exception) -> Unreachable:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, TimeoutError):
            return Unreachable(f"{self.url} did not answer within {self._time_limit:g} seconds.")
        return Unreachable(f"{self.url} cannot be reached: {_reason(cause) or type(cause).__name__}.")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None leaves the answer as it is: an error."""
        return


class _Told(BytesIO):
    """What is sent, telling at each read how much of it has gone."""

    def __init__(self, data: bytes, told: Told | None) -> None:
        super().__init__(data)
        self._told = told

    def read(self, size: int | None = -1, /) -> bytes:
        if self._told is not None:
            self._told(self.tell())
        return super().read(BLOCK if self._told is not None else size)


def _declined(url: str, error: urllib.error.HTTPError) -> Exception:
    try:
        answer = json.loads(error.read(ERROR_MOST))
    except (OSError, ValueError, HTTPException):
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        return Declined(error.code, answer)
    elsewhere = urlsplit(error.headers.get("Location") or "")
    if elsewhere.netloc and (elsewhere.scheme + elsewhere.netloc).isprintable():
        return Unreachable(
            f"{url} points to {elsewhere.scheme}://{elsewhere.netloc}, where the key is not sent unasked."
        )
    return Unreachable(f"{url} answered {error.code} in words that are not of Kalends: is it the right address?")


def _reason(cause: BaseException | str) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid, {cause.verify_message}"
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) and (cause.errno or 0) > 0:
        return os.strerror(cause.errno or 0)
    return str(cause)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Paths, methods, sizes and hosts: what is settled before a room is entered."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from app.http.edge import BODY_LIMIT
from app.main import create_app
from app.settings import Settings
from tests.support.service import Api, Calendar, Service


def raw(service: Service, request: bytes) -> bytes:
    """What comes back for these very bytes, until the server closes or falls silent."""
    parts = urlsplit(service.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=1) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while b"\r\n\r\n" not in answer and (chunk := connection.recv(65_536)):
                answer += chunk
        except TimeoutError:
            pass
        return answer


def post_head(service: Service, api: Api) -> bytes:
    """The beginning of a POST /calendars, without the empty line that ends it."""
    host = urlsplit(service.url).netloc
    return f"POST /calendars HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {api.key}\r\n".encode()


def test_every_answer_carries_its_own_request_id(api: Api) -> None:
    answers = [api.get("/agents/me"), api.get("/nowhere"), api.get("/health"), api.http.put("/calendars")]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == len(answers)
    assert all(request_id.startswith("req_") for request_id in ids)


@pytest.mark.parametrize(
    "path",
    [
        "/pages",
        "/assets/x/y",
        "/nowhere",
        "/Calendars",
        "/calendars/{c}/nowhere",
        "/calendars/{c}/events/{c}/nowhere",
        "/calendars/{c}%2Fevents",
        "/calendars/{c}%2fevents",
        "/calendars/{c}%00",
        "/calendars/%00",
        "/calendars/{c}/events/%00",
        "/calendars/{c}/events/evt_%0a",
        "/agents/keys/%00",
        "/feeds/%00.ics?token=x",
        "/feeds/{c}",
        "/calendars/..%2f..%2fetc%2fpasswd",
        "/calendars/%ff",
        "/calendars/%F0%9F%98%80",
        "/calendars/' or 1=1 --",
        "/calendars/{c}/events/evt_AAAAAAAAAAAA_20260301_20260301",
        "/calendars/{c}/events/evt_AAAAAAAAAAAA_99999999",
        "/calendars/{c}/events/_20260301",
        "/calendars/{c}/events/{c}",
        "/calendars/" + "a" * 500,
        "/calendars/" + "a" * 30_000,
        "/calendars/{c}/events/" + "_20260301" * 100,
        "/" + "/".join("a" * 400),
    ],
)
def test_an_unknown_path_or_id_is_404(calendar: Calendar, path: str) -> None:
    answer = calendar.api.http.get(path.replace("{c}", calendar.id))
    assert answer.status_code == 404, answer.text
    assert answer.json()["code"] == "not_found"
    assert answer.json()["hint"]
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert len(answer.content) < 1000


def test_a_trailing_slash_makes_no_difference(calendar: Calendar) -> None:
    for path in ("/calendars", calendar.path, f"{calendar.path}/events", "/agents/me"):
        assert calendar.api.get(f"{path}/").json() == calendar.api.got(path)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/calendars", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/calendars", "GET, HEAD, OPTIONS, POST"),
        ("PROPFIND", "/calendars", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/calendars/{c}", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("TRACE", "/health", "GET, HEAD, OPTIONS"),
        ("HEAD", "/agents", "OPTIONS, PATCH, POST"),
        ("POST", "/feeds/{c}.ics", "GET, HEAD, OPTIONS"),
        ("GET", "/calendars/{c}/rotate", "OPTIONS, POST"),
    ],
)
def test_a_method_that_is_not_served_is_405_and_told_which_are(
    calendar: Calendar, method: str, path: str, allow: str
) -> None:
    answer = calendar.api.http.request(method, path.replace("{c}", calendar.id))
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allow
    if method != "HEAD":
        assert answer.json()["code"] == "method_not_allowed"


def test_options_names_all_methods_of_a_path_and_needs_no_key(service: Service) -> None:
    anyone = Api(service.url, None).http
    answer = anyone.options("/calendars/cal_x/events/evt_x")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    assert anyone.options("/nowhere").status_code == 404


def test_head_answers_like_get_without_the_body(calendar: Calendar) -> None:
    feed = calendar.created["ical_feed_url"]
    for path in ("/health", "/calendars", calendar.path, f"{calendar.path}/events", f"{calendar.path}/view", feed):
        got, head = calendar.api.http.get(path), calendar.api.http.head(path)
        assert (head.status_code, head.content) == (200, b""), path
        for name in ("Content-Type", "Content-Length", "ETag"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)
    assert calendar.api.http.head("/calendars/cal_AAAAAAAAAAAA").status_code == 404


def _chunks(size: int) -> Iterator[bytes]:
    yield b'{"name":"'
    for _ in range(size // 1000):
        yield b"x" * 1000
    yield b'"}'


@pytest.mark.parametrize("size", [BODY_LIMIT + 1, 8 * BODY_LIMIT])
def test_a_body_beyond_the_limit_is_413_declared_or_in_chunks(api: Api, size: int) -> None:
    for content in (b" " * size, _chunks(size + 2000)):
        refused = api.http.post("/calendars", content=content)
        assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
        assert "512 KB" in refused.json()["error"]
    assert api.got("/calendars") == {"calendars": []}


def test_a_body_of_just_the_limit_is_read(api: Api) -> None:
    content = b'{"name":"x"}'.ljust(BODY_LIMIT)
    assert api.http.post("/calendars", content=content).status_code == 201
    assert api.http.post("/calendars", content=iter([content[:-100], content[-100:]])).status_code == 201


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 99999999999999999999999999\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: abc\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"X-Broken\r\n\r\n",
    ],
)
def test_bytes_that_are_no_http_are_400_and_the_server_goes_on(service: Service, api: Api, rest: bytes) -> None:
    head = post_head(service, api)
    assert raw(service, head + rest).split(b" ")[1] in (b"400", b"413")
    assert api.got("/calendars") == {"calendars": []}


def test_a_client_that_leaves_half_way_does_no_harm(
    service: Service, api: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    head = post_head(service, api)
    parts = urlsplit(service.url)
    for _ in range(5):
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            connection.sendall(head + b'Content-Length: 100\r\n\r\n{"name":')
    time.sleep(0.1)
    assert api.got("/calendars") == {"calendars": []}
    assert "request.fault" not in capfd.readouterr().err


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "localhost:1", "[::1]:8000"])
def test_a_start_on_loopback_answers_to_its_own_names(service: Service, host: str) -> None:
    assert Api(service.url, None).http.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "10.0.0.1", "::1", "localhost."]
)
def test_a_start_on_loopback_is_not_reached_under_a_strangers_name(service: Service, host: str) -> None:
    """A page in a browser could otherwise rebind its own name to this machine."""
    refused = Api(service.url, None).http.get("/health", headers={"Host": host})
    assert (refused.status_code, refused.json()["code"]) == (421, "misdirected_request")
    assert refused.headers["X-Request-Id"] == refused.json()["request_id"]


def test_a_request_without_a_host_is_not_answered_on_loopback(service: Service) -> None:
    assert raw(service, b"GET /health HTTP/1.0\r\n\r\n").split(b" ")[1] == b"421"


async def _status(settings: Settings, dsn: str, host: str) -> int:
    app = create_app(replace(settings, secret_keys=("k" * 32,)), dsn)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return (await client.get("/health", headers={"Host": host})).status_code


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        (Settings(public_url="https://cal.example.com"), "cal.example.com", 200),
        (Settings(public_url="http://[2001:db8::1]:8000"), "[2001:db8::1]:8000", 200),
        (Settings(public_url="https://cal.example.com"), "other.example.com", 421),
        (Settings(host="::1"), "[::1]:8000", 200),
        (Settings(host="0.0.0.0"), "whatever.example.com", 200),
    ],
)
def test_who_may_be_asked_for_follows_from_the_settings(
    database: str, settings: Settings, host: str, status: int
) -> None:
    assert asyncio.run(_status(settings, database, host)) == status

"""The client against well-behaved receivers."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import time
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.net.client import HttpClient
from app.net.guard import Guard
from app.net.pool import PER_ORIGIN_MOST
from app.net.reply import NOTHING_SENT, Reply
from app.settings import Settings
from tests.net.certificates import self_signed
from tests.net.servers import OK, Receiver, answering, knowing, run, run_plainly, serving

CONTEXT: Final = ssl.create_default_context()
HOOKS: Final = knowing(hooks=["127.0.0.1"])


async def _post(url: str, *, tls: ssl.SSLContext | None = None, times: int = 1, **options: Any) -> list[Reply]:
    async with HttpClient(Guard.trusting(lookup=HOOKS), user_agent="Kalends/1", tls=tls) as client:
        return [await client.request("POST", url, **({"timeout": 5} | options)) for _ in range(times)]


async def _fetch(url: str, **options: Any) -> Reply:
    async with HttpClient(Guard.trusting(), user_agent="Kalends/1") as client:
        return await client.fetch("GET", url, **({"timeout": 5} | options))


def test_a_request_is_sent_as_it_is_meant() -> None:
    headers = {"Content-Type": "application/json", "webhook-id": "msg_1"}
    with serving(answering(OK)) as receiver:
        url = f"http://HOOKS.example:{receiver.port}/a%2Fb/../c?x=1&y=%20"
        (reply,) = run(_post(url, headers=headers, body=b'{"a":1}'))
    assert (reply.status, reply.body, reply.whole, reply.error) == (200, b"ok", True, None)
    assert dict(reply.headers) == {"content-type": "text/plain", "content-length": "2"}
    assert 0 < reply.seconds < 5
    assert receiver.requests == [
        b"POST /a%2Fb/../c?x=1&y=%20 HTTP/1.1\r\n"
        b"Host: hooks.example:" + str(receiver.port).encode() + b"\r\n"
        b"User-Agent: Kalends/1\r\nAccept-Encoding: identity\r\n"
        b"Content-Type: application/json\r\nwebhook-id: msg_1\r\n"
        b'Content-Length: 7\r\n\r\n{"a":1}'
    ]


@pytest.mark.parametrize("loop", [run, run_plainly])
def test_a_connection_is_kept_for_the_next_request(loop: Any) -> None:
    with serving(answering(OK)) as receiver:
        replies = loop(_post(receiver.url, times=5, body=b"x" * 300_000))
    assert [reply.status for reply in replies] == [200] * 5
    assert (receiver.connections, len(receiver.requests)) == (1, 5)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + OK,
        OK + b"x",
    ],
)
def test_a_connection_is_not_kept_where_another_answer_could_be_mistaken_for_its_own(answer: bytes) -> None:
    with serving(answering(answer)) as receiver:
        replies = run(_post(receiver.url, times=2))
    assert [(reply.status, reply.body) for reply in replies] == [(200, b"ok")] * 2
    assert receiver.connections == 2


def test_a_connection_that_was_closed_while_idle_is_not_used() -> None:
    async def twice() -> list[Reply]:
        async with HttpClient(Guard.trusting(), user_agent="Kalends/1") as client:
            first = await client.request("POST", receiver.url)
            time.sleep(0.1)  # noqa: ASYNC251 - the loop must not see the end of the connection before the next request
            return [first, await client.request("POST", receiver.url)]

    with serving(answering(OK, close=True)) as receiver:
        assert [reply.status for reply in run(twice())] == [200, 200]
    assert (receiver.connections, len(receiver.requests)) == (2, 2)


def _answer_once(connection: socket.socket, receiver: Receiver) -> None:
    """And read another request before hanging up, as where a connection is closed just when it is used again."""
    receiver.read_request(connection)
    connection.sendall(OK)
    receiver.read_request(connection)


def test_a_request_that_may_have_been_acted_on_is_not_sent_again() -> None:
    with serving(_answer_once) as receiver:
        first, second = run(_post(receiver.url, times=2))
    assert (first.status, second.status, second.error) == (200, None, "disconnected")
    assert second.error not in NOTHING_SENT
    assert (receiver.connections, len(receiver.requests)) == (1, 2)


def test_a_request_that_may_be_repeated_is_sent_again_where_a_kept_connection_was_closed() -> None:
    with serving(_answer_once) as receiver:
        replies = run(_post(receiver.url, times=3, repeatable=True))
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert (receiver.connections, len(receiver.requests)) == (3, 5)


def test_nothing_is_repeated_where_a_new_connection_was_closed_or_an_answer_had_begun() -> None:
    def begin_twice(connection: socket.socket, receiver: Receiver) -> None:
        receiver.read_request(connection)
        connection.sendall(OK)
        receiver.read_request(connection)
        connection.sendall(b"HTTP/1.1 2")

    with serving(answering(b"", close=True)) as receiver:
        assert [reply.error for reply in run(_post(receiver.url, repeatable=True))] == ["disconnected"]
    assert len(receiver.requests) == 1
    with serving(begin_twice) as receiver:
        replies = run(_post(receiver.url, times=2, repeatable=True))
    assert [reply.error for reply in replies] == [None, "disconnected"]
    assert len(receiver.requests) == 2


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with serving(answering(OK)) as canary:
        moved = b"HTTP/1.1 307 Moved\r\nLocation: " + canary.url.encode() + b"\r\nContent-Length: 0\r\n\r\n"
        with serving(answering(moved)) as receiver:
            (reply,) = run(_post(receiver.url))
    assert (reply.status, reply.headers["location"]) == (307, canary.url)
    assert canary.connections == 0


def test_proxies_and_passwords_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login us password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serving(answering(OK)) as proxy, serving(answering(OK)) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert run(_post(receiver.url))[0].status == 200
    assert (proxy.connections, receiver.connections) == (0, 1)
    assert b"authorization" not in receiver.requests[0].lower()


def test_no_cookie_is_kept() -> None:
    answer = b"HTTP/1.1 204 No Content\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"
    with serving(answering(answer)) as receiver:
        replies = run(_post(receiver.url, times=2))
    assert [(reply.status, reply.headers["set-cookie"]) for reply in replies] == [(204, "a=1, b=2")] * 2
    assert b"cookie" not in receiver.requests[1].lower()


def test_an_address_of_ipv6_is_called_and_named_in_brackets() -> None:
    with serving(answering(OK), host="::1") as receiver:
        assert run(_post(receiver.url))[0].status == 200
    assert f"\r\nHost: [::1]:{receiver.port}\r\n".encode() in receiver.requests[0]


@pytest.mark.parametrize("loop", [run, run_plainly])
def test_tls_is_begun_and_checked_with_the_name_while_the_socket_goes_to_the_checked_address(
    loop: Any, tmp_path: Path
) -> None:
    server, client = self_signed(tmp_path, "hooks.example")
    named: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: named.append(name)
    with serving(answering(OK), tls=server) as receiver:
        url = f"https://hooks.example:{receiver.port}/x"
        replies = loop(_post(url, tls=client, times=3))
    assert [(reply.status, reply.error) for reply in replies] == [(200, None)] * 3
    assert named == ["hooks.example"]
    assert receiver.connections == 1
    assert f"\r\nHost: hooks.example:{receiver.port}\r\n".encode() in receiver.requests[0]


def test_an_address_with_a_certificate_may_be_called_by_https(tmp_path: Path) -> None:
    server, client = self_signed(tmp_path, "127.0.0.1")
    with serving(answering(OK), tls=server) as receiver:
        assert run(_post(f"https://2130706433:{receiver.port}/x", tls=client))[0].status == 200


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server, _ = self_signed(tmp_path, "hooks.example")
    with serving(answering(OK), tls=server) as receiver:
        (reply,) = run(_post(f"https://hooks.example:{receiver.port}/x"))
    assert (reply.status, reply.error) == (None, "tls")
    assert (reply.detail or "").startswith("The certificate is not accepted: self")
    assert receiver.requests == []


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    server, client = self_signed(tmp_path, "other.example")
    with serving(answering(OK), tls=server) as receiver:
        (reply,) = run(_post(f"https://hooks.example:{receiver.port}/x", tls=client))
    assert (reply.error, receiver.requests) == ("tls", [])
    assert "hooks.example" in (reply.detail or "")


def test_https_to_a_receiver_that_speaks_http_is_an_error_of_tls() -> None:
    def bad_request(connection: socket.socket, receiver: Receiver) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with serving(bad_request) as receiver:
        (reply,) = run(_post(f"https://127.0.0.1:{receiver.port}/x"))
    assert reply.error == "tls"
    assert (reply.detail or "").startswith("TLS could not be begun: ")


def test_nobody_at_home_is_an_error_of_the_connection() -> None:
    with serving(answering(OK)) as receiver:
        pass
    (reply,) = run(_post(receiver.url))
    assert (reply.error, reply.detail) == ("connect", "No connection could be made: connection refused.")


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://127.0.0.1/x", {}),
        ("http://user:password@127.0.0.1/x", {}),
        ("http://127.0.0.1/x\r\nX-Injected: 1", {}),
        ("http:///x", {}),
        ("http://[::1", {}),
        ("http://127.0.0.1/" + "x" * 20_000, {}),
        ("http://127.0.0.1/x", {"Authorization": "Bearer am_1\r\nX-Injected: 1"}),
        ("http://127.0.0.1/x", {"Authorization": "Bearer ключ"}),
        ("http://127.0.0.1/x", {"A b": "c"}),
        ("http://127.0.0.1/x", {"Host": "other.example"}),
        ("http://127.0.0.1/x", {"Transfer-Encoding": "chunked"}),
    ],
)
def test_what_is_no_http_is_not_sent(url: str, headers: dict[str, str]) -> None:
    (reply,) = run(_post(url, headers=headers))
    assert (reply.status, reply.error) == (None, "invalid_request")
    assert "password" not in repr(reply).replace("a password or", "")
    assert "am_1" not in repr(reply)


def test_a_reply_keeps_as_much_of_the_body_as_was_asked_for() -> None:
    answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 50000\r\n\r\n" + b"x" * 50_000
    with serving(answering(answer)) as receiver:
        replies = run(_post(receiver.url, times=2, keep_most=100))
    assert [(reply.status, reply.body, reply.whole) for reply in replies] == [(500, b"x" * 100, False)] * 2
    assert receiver.connections == 1


def test_a_body_beyond_what_is_read_is_cut_off_with_the_connection() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 200_000
    with serving(answering(answer)) as receiver:
        replies = run(_post(receiver.url, times=2, read_most=1000, keep_most=1000))
    assert [(reply.status, reply.body, reply.whole) for reply in replies] == [(200, b"x" * 1000, False)] * 2
    assert receiver.connections == 2


def test_a_download_arrives_whole() -> None:
    body = bytes(range(256)) * 80_000  # 20 MB
    with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) as receiver:
        reply = run(_fetch(receiver.url, most=35_000_000))
    assert (reply.status, reply.whole, len(reply.body)) == (200, True, len(body))
    assert reply.body == body
    assert b"Content-Length" not in receiver.requests[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"64\r\n"
        + b"x" * 100
        + b"\r\n3e8\r\n"
        + b"x" * 1000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
    ],
)
def test_what_is_needed_whole_and_is_too_large_is_an_error(answer: bytes) -> None:
    with serving(answering(answer)) as receiver:
        reply = run(_fetch(receiver.url, most=1000))
    assert (reply.status, reply.error, reply.detail) == (None, "too_large", "The answer has more than 1,000 bytes.")


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\nTrailer: x\r\n\r\n',
        b'HTTP/1.1 200 OK\r\n\r\n{"a":1}',
        b'HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}',
        b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{"a":1}',
    ],
)
def test_every_framing_of_a_body_is_read(answer: bytes) -> None:
    with serving(answering(answer, close=True)) as receiver:
        reply = run(_fetch(receiver.url))
    assert (reply.status, reply.body, reply.whole) == (200, b'{"a":1}', True)
    assert not {"trailer", "link"} & set(reply.headers)


def test_what_comes_compressed_is_not_opened() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with serving(answering(head + bomb)) as receiver:
        assert run(_fetch(receiver.url)).error == "protocol"
        (reply,) = run(_post(receiver.url))
    assert (reply.status, reply.body) == (200, bomb[:2048])


def test_many_requests_at_a_time_share_few_connections() -> None:
    async def many() -> list[Reply]:
        async with HttpClient(Guard.trusting(), user_agent="Kalends/1") as client:
            return list(await asyncio.gather(*(client.request("POST", receiver.url) for _ in range(500))))

    with serving(answering(OK)) as receiver:
        assert {reply.status for reply in run(many())} == {200}
    assert receiver.connections <= PER_ORIGIN_MOST
    assert len(receiver.requests) == 500


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"https?://[^/]{1,30}(:[0-9]{0,6})?/.{0,20}", fullmatch=True))
def test_no_url_raises(url: str) -> None:
    async def nothing(host: str) -> list[str]:
        return []

    async def request() -> Reply:
        async with HttpClient(
            Guard.of(Settings(host="0.0.0.0", allow_private_hosts=False), lookup=nothing), user_agent="k", tls=CONTEXT
        ) as client:
            return await client.request("POST", url, timeout=0.05)

    assert asyncio.run(request()).error in ("invalid_request", "dns", "refused_address", "connect")

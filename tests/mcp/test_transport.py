"""What goes over the wire at /mcp: who is let in, what is refused, and that nothing of it is a fault."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.clock import FrozenClock
from app.http.edge import BODY_LIMIT
from tests.conftest import NOON, SETTINGS
from tests.mcp.talking import MODERN, Line, text_of
from tests.support.service import Api, Service, serving

EXAMPLES: Final = 25
CALL: Final = {"name": "list_calendars", "arguments": {}}
INITIALIZE: Final = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
MESSAGES: Final = {
    "call": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": CALL},
    "call without its id": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_event"}},
    "unknown tool": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "nothing"}},
    "list": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
    "initialize": {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE},
    "notification": {"jsonrpc": "2.0", "method": "notifications/initialized"},
    "nonsense": ["nothing"],
}


@pytest.mark.parametrize("key", [None, "sk_live_mistyped"])
@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_without_a_living_key_nothing_is_served(service: Service, key: str | None, message: Any) -> None:
    response = Line(Api(service.url, key)).post(message)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == "unauthorized"
    assert response.json()["request_id"] == response.headers["X-Request-Id"]


def test_a_revoked_key_is_out_at_once(service: Service, line: Line) -> None:
    made = line.api.made("/agents/keys", scope="read")
    reader = Line(Api(service.url, made["api_key"]))
    assert reader.done("list_calendars") == {"calendars": []}
    assert reader.refused("create_calendar", name="Work")["scope_needed"] == "full"
    line.api.deleted(f"/agents/keys/{made['key_id']}")
    assert reader.ask("tools/call", CALL).status_code == 401


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
def test_there_is_no_stream_to_open_and_no_session_to_end(line: Line, method: str) -> None:
    response = line.api.http.request(method, "/mcp", headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert response.json()["code"] == "method_not_allowed"


def test_the_path_is_one_whatever_its_slashes_and_nothing_lies_below_it(line: Line) -> None:
    assert line.api.http.post("/mcp/", json=MESSAGES["call"]).status_code == 200
    assert line.api.http.post("/mcp/tools", json=MESSAGES["call"]).status_code == 404


def test_options_names_what_is_served_and_head_has_no_body(line: Line) -> None:
    options = line.api.http.options("/mcp")
    assert (options.status_code, options.headers["Allow"]) == (204, "POST")
    assert line.api.http.head("/mcp").status_code == 405


def test_a_web_page_of_elsewhere_is_not_served_whatever_key_it_has(service: Service, line: Line) -> None:
    for origin in ("https://evil.example", "null", "http://localhost:1", "http://[", "://"):
        assert line.ask("tools/call", CALL, Origin=origin).status_code == 403
    assert line.ask("tools/call", CALL, Origin=service.url).status_code == 200


def test_the_host_is_checked_as_everywhere(line: Line) -> None:
    port = str(line.api.http.base_url.port)
    assert line.ask("tools/call", CALL, Host="evil.example").status_code == 421
    assert line.ask("tools/call", CALL, Host=f"localhost:{port}").status_code == 200
    assert line.ask("initialize", INITIALIZE, Host=f"localhost:{port}").status_code == 200


def test_a_client_of_the_handshake_is_greeted_without_a_session(line: Line) -> None:
    response = line.ask("initialize", INITIALIZE)
    result = response.json()["result"]
    assert result["protocolVersion"] == "2025-06-18"
    assert result["serverInfo"]["name"] == "kalends"
    assert {"tools", "resources", "prompts"} <= set(result["capabilities"])
    assert "Mcp-Session-Id" not in response.headers
    accepted = line.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (accepted.status_code, accepted.content) == (202, b"")
    assert line.ask("ping").json()["result"] == {}


def test_a_client_without_handshake_is_answered_as_its_era_asks(line: Line) -> None:
    found = line.ask_modern("server/discover").json()["result"]
    assert found["supportedVersions"] == [MODERN]
    result = line.ask_modern("tools/call", name="list_calendars", arguments={}).json()["result"]
    assert (result["resultType"], result["structuredContent"]) == ("complete", {"calendars": []})
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "kalends"
    contradiction = line.ask("tools/call", CALL, **{"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"})
    assert (contradiction.status_code, contradiction.json()["id"]) == (400, 7)
    unknown = line.ask("tools/call", CALL, **{"MCP-Protocol-Version": "2031-01-01"})
    assert unknown.status_code == 400


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (json.dumps([MESSAGES["call"], MESSAGES["list"]]).encode(), 400),
        (b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}', 400),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}', 200),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}', 400),
        (b'{"jsonrpc":"2.0","id":1,"method":"nothing/here"}', 200),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_agent","arguments":[1]}}', 200),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_agent","x":"\xff"}}', 400),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400),
    ],
)
def test_what_is_no_message_is_refused_as_json_rpc_has_it(line: Line, content: bytes, status: int) -> None:
    response = line.post(content=content)
    assert response.status_code == status, response.text
    assert response.json()["error"]["code"] < 0
    assert "Traceback" not in response.text


def test_what_the_library_says_is_a_line_of_our_log(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    assert line.ask("ping").status_code == 200
    logging.getLogger("mcp.server").warning("Key %s is odd.", f"sk_live_{'x' * 32}")
    logged = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (logged["event"], logged["level"], logged["message"]) == ("mcp.library", "warning", "Key sk_live_… is odd.")


def test_a_body_beyond_the_limit_is_refused_unread(line: Line) -> None:
    response = line.post(content=b" " * (BODY_LIMIT + 1))
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_only_json_is_taken_and_given(line: Line) -> None:
    assert line.ask("tools/call", CALL, **{"Content-Type": "text/plain"}).status_code == 400
    assert line.ask("tools/call", CALL, Accept="text/event-stream").status_code == 406
    del line.api.http.headers["Accept"]
    assert line.api.http.post("/mcp", json=MESSAGES["call"]).status_code == 200
    assert line.api.http.post("/mcp", json=MESSAGES["initialize"]).status_code == 200


_text = st.text(st.characters(codec=None), max_size=12)
_scalar = st.none() | st.booleans() | st.integers() | st.floats() | _text
_anything = st.recursive(_scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3))
_arguments = st.dictionaries(
    st.sampled_from(["calendar_id", "event_id", "title", "start", "limit", "wait", "if_match", "idempotency_key", "x"]),
    _anything,
    max_size=5,
)
_tool = st.sampled_from(["create_event", "list_events", "update_event", "get_event", "create_webhook", "nothing"])
_call: st.SearchStrategy[Any] = st.builds(dict, name=_tool, arguments=_arguments)
_message = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | _scalar, "method": st.sampled_from(["tools/call", "tools/list", "ping"]) | _text},
    optional={"id": st.integers(0, 9) | _anything, "params": _call | _anything},
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=_message, modern=st.booleans())
def test_no_message_is_a_fault(line: Line, message: Any, modern: bool) -> None:
    headers = {"MCP-Protocol-Version": MODERN} if modern else {}
    response = line.post(content=json.dumps(message).encode(), headers=headers)
    assert response.status_code in (200, 202, 400, 404), response.text
    if response.status_code != 202:
        answer = response.json()
        assert answer["jsonrpc"] == "2.0"
        assert answer.get("result", {}).get("structuredContent", {}).get("code") != "internal"
        assert answer.get("error", {}).get("code") != -32603


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tool=_tool, arguments=_arguments)
def test_no_arguments_are_a_fault(line: Line, tool: str, arguments: Any) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    answer = line.post(content=json.dumps(message).encode()).json()
    assert answer.get("result", {}).get("structuredContent", {}).get("code") != "internal"
    assert answer.get("error", {}).get("code") != -32603


@pytest.fixture
def limited(database: str, tmp_path: Path) -> Iterator[Service]:
    chosen = replace(SETTINGS, data_dir=tmp_path, rate_limits=True, rate_limit_per_key=20)
    with serving(chosen, database, FrozenClock(NOON)) as service:
        yield service


def test_a_call_counts_once_and_so_does_every_other_message(limited: Service) -> None:
    line = Line(Api(limited.url, Api(limited.url, None).made("/agents")["api_key"]))
    for _ in range(12):
        line.done("list_calendars")
    for method in ("ping", "tools/list", "prompts/list"):
        assert line.ask(method).status_code == 200
    assert line.api.get("/agents/me").headers["RateLimit"] == '"default";r=4;t=60'
    for _ in range(4):
        line.done("get_agent")
    refused = line.call("get_agent")
    assert refused["structuredContent"]["code"] == "too_many_requests"
    assert "Wait 60 seconds" in text_of(refused)
    listing = line.ask("prompts/list")
    assert (listing.status_code, listing.headers["Retry-After"]) == (429, "60")

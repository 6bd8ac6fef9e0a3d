"""Talking MCP: with the official client, and with bare messages where what goes over the wire matters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.service import Api

ACCEPT: Final = {"Accept": "application/json, text/event-stream"}
MODERN: Final = "2026-07-28"
MODES: Final = ("legacy", "auto", MODERN)
_META: Final = "io.modelcontextprotocol/"


@asynccontextmanager
async def connected(url: str, key: str, mode: str = "auto") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, verify=False) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


class Line:
    """Bare messages of one agent."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def post(
        self, message: Any = None, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        kind = {"Content-Type": "application/json"} if content is not None else {}
        return self.api.http.post("/mcp", json=message, content=content, headers={**ACCEPT, **kind, **(headers or {})})

    def ask(self, method: str, params: Any = None, **headers: str) -> httpx.Response:
        message = {"jsonrpc": "2.0", "id": 7, "method": method}
        return self.post(message if params is None else {**message, "params": params}, None, headers)

    def ask_modern(self, method: str, **params: Any) -> httpx.Response:
        """In the era in which each request stands alone."""
        meta = {f"{_META}protocolVersion": MODERN, f"{_META}clientCapabilities": {}}
        named = {"Mcp-Name": params["name"]} if "name" in params else {}
        headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, **named}
        return self.ask(method, {**params, "_meta": meta}, **headers)

    def call(self, tool: str, **arguments: Any) -> Any:
        """The result, error or not."""
        response = self.ask("tools/call", {"name": tool, "arguments": arguments})
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["id"] == 7, answer
        return answer["result"]

    def done(self, tool: str, **arguments: Any) -> Any:
        """The structured content of a call that succeeds; its text where that is all."""
        result = self.call(tool, **arguments)
        assert not result["isError"], result
        return result["structuredContent"] if "structuredContent" in result else text_of(result)

    def refused(self, tool: str, **arguments: Any) -> Any:
        """The error object of a call that is refused."""
        result = self.call(tool, **arguments)
        assert result["isError"], result
        return result["structuredContent"]

    def tools(self) -> dict[str, Any]:
        found = self.ask("tools/list").json()["result"]["tools"]
        return {tool["name"]: tool for tool in found}


def text_of(result: Any) -> str:
    (part,) = result["content"]
    assert part["type"] == "text"
    return str(part["text"])

"""Tools over MCP, each beside the same operation over plain HTTP: the share that is left is what the protocol costs."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.bench.scene import Scene
from tests.bench.works import Aim, Request, Work

READ: Final = Aim(1000)  # calls a second on two cores, load generator and Postgres included
_HEADERS: Final = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


def tool_works(scene: Scene) -> list[Work]:
    calendar = f"/calendars/{scene.calendar_id}"
    here = {"calendar_id": scene.calendar_id}

    def tool(name: str, **arguments: Any) -> Request:
        params = {"name": name, "arguments": {**here, **arguments}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return Request("POST", "/mcp", scene.headers | _HEADERS, json.dumps(message).encode())

    def plain(method: str, path: str, body: dict[str, Any] | None = None) -> Request:
        return Request(method, f"{calendar}{path}", scene.headers, None if body is None else json.dumps(body).encode())

    event = scene.single(700)
    pairs = (
        ("mcp", "get_upcoming", READ, tool("get_upcoming"), plain("GET", "/upcoming")),
        ("mcp_list", "list_events, limit 50", READ, tool("list_events", limit=50), plain("GET", "/events?limit=50")),
        (
            "mcp_create",
            "create_event, one calendar",
            Aim(),
            tool("create_event", **event),
            plain("POST", "/events", event),
        ),
    )
    return [
        Work(name, f"MCP {title} (floor: over HTTP)", aim, [call], has_floor=False, beside=[same])
        for name, title, aim, call, same in pairs
    ]

"""JSON-RPC messages that are answered without the library's transport: a call of a tool, and the list of tools.

They are nearly all that clients ever send, and both eras of the protocol say the same with them: one object in, one
object out. What is out of the ordinary in any way is not understood here, and left to the library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from mcp.server.lowlevel.server import Server
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request, find_duplicated_routing_header
from mcp.types.methods import serialize_server_result
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION

from app.http.answers import encode
from app.mcp.results import Result
from app.mcp.server import SAME_FOR, listed_tools

Headers = Sequence[tuple[bytes, bytes]]
_PROTOCOL_VERSION: Final = b"mcp-protocol-version"
_SERVER_INFO: Final = "io.modelcontextprotocol/serverInfo"
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Message:
    """A request: `name` and `arguments` of a call, or None and nothing for the list. `is_modern` says whether it is of
    the era in which each request stands alone (2026-07-28)."""

    id: int | str
    name: str | None
    arguments: Mapping[str, Any]
    is_modern: bool


def read(body: bytes, headers: Headers) -> Message | None:
    """The message, or None where it is for the library to understand or to refuse."""
    try:
        message = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not _is_id(message.get("id")):
        return None
    is_modern = _is_modern(message, headers)
    if is_modern is None:
        return None
    params = message.get("params", {})
    if not isinstance(params, dict):
        return None
    if message.get("method") == "tools/list" and not params.get("cursor"):
        return Message(message["id"], None, {}, is_modern)
    name, arguments = params.get("name"), params.get("arguments")
    if message.get("method") != "tools/call" or not isinstance(name, str) or not isinstance(arguments or {}, dict):
        return None
    return Message(message["id"], name, arguments or {}, is_modern)


class Writer:
    """Writes answers; what is the same in all of them is written once."""

    def __init__(self, server: Server[Any]) -> None:
        self._server_info = server.server_info_stamp
        self._ends = {era: self._end(era, {}) for era in (False, True)}
        self._tools = {era: encode(self._list(era)) for era in (False, True)}

    def tools(self, message: Message) -> bytes:
        return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (encode(message.id), self._tools[message.is_modern])

    def result(self, message: Message, result: Result) -> bytes:
        structured = b"" if result.structured is None else b',"structuredContent":' + result.structured
        end = self._end(message.is_modern, result.meta) if result.meta else self._ends[message.is_modern]
        return b'{"jsonrpc":"2.0","id":%b,"result":{"content":[{"type":"text","text":%b}]%b,"isError":%b%b}}' % (
            encode(message.id),
            encode(result.text),
            structured,
            b"true" if result.is_error else b"false",
            end,
        )

    def _end(self, is_modern: bool, meta: Mapping[str, Any]) -> bytes:
        members: dict[str, Any] = {}
        if is_modern:
            members["resultType"] = "complete"
            meta = {**meta, _SERVER_INFO: self._server_info}
        if meta:
            members["_meta"] = meta
        return b"," + encode(members)[1:-1] if members else b""

    def _list(self, is_modern: bool) -> dict[str, Any]:
        whole = listed_tools().model_copy(update={"ttl_ms": SAME_FOR, "cache_scope": "public"})
        dumped = whole.model_dump(by_alias=True, mode="json", exclude_none=True)
        version = LATEST_MODERN_VERSION if is_modern else LATEST_HANDSHAKE_VERSION
        result = serialize_server_result("tools/list", version, dumped)
        return {**result, "_meta": {_SERVER_INFO: self._server_info}} if is_modern else result


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_modern(message: dict[str, Any], headers: Headers) -> bool | None:
    """Which era a request is of; None where it contradicts itself, for the library to say how."""
    version = next((value for name, value in headers if name == _PROTOCOL_VERSION), None)
    if version is None or version.decode("latin-1") in HANDSHAKE_PROTOCOL_VERSIONS:
        return False
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    if find_duplicated_routing_header(pairs) is not None:
        return None
    route = classify_inbound_request(message, headers=dict(pairs))
    return True if isinstance(route, InboundModernRoute) else None

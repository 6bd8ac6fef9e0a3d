"""The server of the protocol: tools, the guide and prompts behind the official library's types."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Final

import msgspec
from mcp import types
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from app.logs import log
from app.mcp import guide
from app.mcp.calling import Caller
from app.mcp.results import Result, call
from app.mcp.schemas import input_schema, output_schema
from app.mcp.table import TOOLS
from app.mcp.tool import Tool
from app.pages.catalogue.words import TITLE
from app.pages.release import release

SAME_FOR: Final = 300_000  # milliseconds a client may keep lists: until a new release is noticed
Context = ServerRequestContext[Any, Any]
CallerOf = Callable[[Context], Caller]
_SAME: Final = CacheHint(ttl_ms=SAME_FOR, scope="public")


def make_server(caller_of: CallerOf) -> Server[Any]:
    """`caller_of` gives who performs the requests of a message."""

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, unknown(params.name))
        return _call_result(await call(tool, params.arguments or {}, caller_of(context)))

    _have_log(logging.getLogger("mcp"))
    server: Server[Any] = Server(
        "kalends",
        version=release(),
        title=TITLE,
        description="Calendars for AI agents.",
        instructions=guide.INSTRUCTIONS,
        cache_hints={
            "tools/list": _SAME,
            "prompts/list": _SAME,
            "resources/list": _SAME,
            "resources/templates/list": _SAME,
            "resources/read": _SAME,
            "server/discover": _SAME,
        },
        on_list_tools=_always(listed_tools()),
        on_call_tool=call_tool,
        on_list_resources=_always(types.ListResourcesResult(resources=[_guide()])),
        on_list_resource_templates=_always(types.ListResourceTemplatesResult(resource_templates=[])),
        on_read_resource=_read_resource,
        on_list_prompts=_always(types.ListPromptsResult(prompts=[_prompt(each) for each in guide.PROMPTS.values()])),
        on_get_prompt=_get_prompt,
    )
    server.middleware.clear()  # tracing that nobody here collects
    return server


@cache
def listed_tools() -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_tool(tool) for tool in TOOLS.values()])


def unknown(name: str) -> str:
    near = difflib.get_close_matches(name[:64], TOOLS, n=1)
    meant = f"did you mean {near[0]}?" if near else "tools/list names them all."
    return f"There is no tool of that name; {meant}"


def _always(result: Any) -> Callable[[Context, Any], Awaitable[Any]]:
    async def handler(_context: Context, _params: Any) -> Any:
        return result

    return handler


def _tool(tool: Tool) -> types.Tool:
    return types.Tool.model_validate(
        {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": input_schema(tool),
            "outputSchema": output_schema(tool),
            "annotations": {"title": tool.title, **tool.annotations},
        }
    )


def _call_result(result: Result) -> types.CallToolResult:
    structured = None if result.structured is None else msgspec.json.decode(result.structured)
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=result.text)],
        structured_content=structured,
        is_error=result.is_error,
        _meta=result.meta or None,
    )


def _guide() -> types.Resource:
    return types.Resource(
        uri=guide.GUIDE_URI,
        name="guide",
        title=guide.GUIDE_TITLE,
        description=guide.GUIDE_DESCRIPTION,
        mime_type="text/markdown",
    )


async def _read_resource(_: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    if str(params.uri) != guide.GUIDE_URI:
        raise MCPError(types.INVALID_PARAMS, f"There is no such resource; there is {guide.GUIDE_URI}.")
    contents = types.TextResourceContents(uri=guide.GUIDE_URI, mime_type="text/markdown", text=guide.GUIDE)
    return types.ReadResourceResult(contents=[contents])


def _prompt(prompt: guide.Prompt) -> types.Prompt:
    arguments = [
        types.PromptArgument(name=each.name, description=each.description, required=each.required)
        for each in prompt.arguments
    ]
    return types.Prompt(name=prompt.name, title=prompt.title, description=prompt.description, arguments=arguments)


async def _get_prompt(_: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    prompt = guide.PROMPTS.get(params.name)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, f"There is no such prompt; there are {', '.join(guide.PROMPTS)}.")
    given = params.arguments or {}
    missing = [each.name for each in prompt.arguments if each.required and not given.get(each.name)]
    if missing:
        raise MCPError(types.INVALID_PARAMS, f"The prompt {prompt.name} needs {', '.join(missing)}.")
    content = types.TextContent(type="text", text=prompt.write(given))
    return types.GetPromptResult(
        description=prompt.description, messages=[types.PromptMessage(role="user", content=content)]
    )


class _Logged(logging.Handler):
    """Writes what the library says as one line among ours."""

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        log("mcp.library", level=record.levelname.lower(), message=record.getMessage(), trace=trace)


def _have_log(library: logging.Logger) -> None:
    """Nothing below a warning: that is what clients do, not what is wrong here."""
    if not any(isinstance(handler, _Logged) for handler in library.handlers):
        library.addHandler(_Logged(logging.WARNING))
    library.propagate = False

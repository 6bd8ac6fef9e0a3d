"""What the manual tells of the tools."""

from __future__ import annotations

from functools import cache

from app.mcp.schemas import argument_names
from app.mcp.table import TOOLS
from app.pages.manual.tools import Tool, Tools


@cache
def told() -> Tools:
    return tuple(Tool(tool.name, tool.description, argument_names(tool)) for tool in TOOLS.values())

"""The place of MCP among the routes."""

from __future__ import annotations

from litestar import asgi
from litestar.types import Receive, Scope, Send

from app.http.edge import MCP_PATH


@asgi(MCP_PATH, copy_scope=False)
async def mcp(scope: Scope, receive: Receive, send: Send) -> None:
    """Every method, since the transport answers them all itself."""
    await scope["litestar_app"].state.mcp(scope, receive, send)

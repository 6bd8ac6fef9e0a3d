"""`kalends mcp`"""

from __future__ import annotations

import argparse
import os
from typing import Final

from app.cli import credentials
from app.cli.command import Command
from app.cli.talking import url_of


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(url=None)


def mcp(chosen: argparse.Namespace) -> None:
    """With the saved key where the environment has none."""
    from app.mcp.stdio import serve_stdio

    environ = dict(os.environ)
    if not environ.get("KALENDS_API_KEY", "").strip() and (saved := credentials.load().get(url_of(chosen))):
        environ["KALENDS_API_KEY"] = saved["api_key"]
    serve_stdio(environ)


COMMANDS: Final = (
    Command(
        "mcp",
        "speak MCP over stdio, for the deployment at KALENDS_URL",
        mcp,
        _arguments,
        more="Programs that use tools start it themselves; standard output carries the protocol alone.",
        ends_when_told=True,
    ),
)

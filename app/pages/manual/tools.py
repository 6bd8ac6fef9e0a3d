"""The tools of MCP as the manual tells of them. The room that serves them lies above this one, so it is handed in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its name, when to use it in a sentence or two, and the names of its arguments."""

    name: str
    description: str
    arguments: tuple[str, ...] = ()


Tools = tuple[Tool, ...]

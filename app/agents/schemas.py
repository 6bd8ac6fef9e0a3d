"""What the wire may carry about agents and keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.http.requests import Body

Name = Annotated[str, Field(max_length=255)]
Description = Annotated[str, Field(max_length=1024)]
Scope = Literal["read", "book", "full"]


class AgentFields(Body):
    """POST /agents, and PATCH /agents, where null clears."""

    name: Name | None = None
    description: Description | None = None


class KeyCreate(Body):
    name: Name | None = None
    scope: Scope
    expires_at: str | None = None

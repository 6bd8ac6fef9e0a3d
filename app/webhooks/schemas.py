"""What the wire may carry about webhooks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.http.requests import Body

Type = Literal[
    "event.upcoming",
    "event.created",
    "event.updated",
    "event.deleted",
    "event.responded",
    "invite.received",
    "invite.updated",
    "invite.cancelled",
    "attendee.replied",
]
Types = Annotated[list[Type], Field(min_length=1, max_length=20)]
Calendars = Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=1000)]
Secret = Annotated[str, Field(min_length=1, max_length=255)]


class EndpointCreate(Body):
    url: str
    types: Types | None = None
    calendars: Calendars | None = None
    secret: Secret | None = None


class EndpointUpdate(Body):
    url: str | None = None
    types: Types | None = None
    calendars: Calendars | None = None
    active: bool | None = None
    secret: Secret | None = None


class Replay(Body):
    since: Annotated[int, Field(ge=0)]

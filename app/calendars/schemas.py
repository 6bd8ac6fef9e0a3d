"""What the wire may carry about calendars."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.http.requests import Body

Name = Annotated[str, Field(min_length=1, max_length=255)]
Secret = Annotated[str, Field(min_length=1, max_length=255)]
Offsets = Annotated[list[str], Field(max_length=20)]  # contract: Webhooks


class CalendarCreate(Body):
    name: Name
    timezone: str = "UTC"
    agentmail_api_key: Secret | None = None
    webhook_url: str | None = None
    webhook_secret: Secret | None = None
    webhook_offsets: Offsets | None = None
    welcome_event: bool = False
    """Taken for the sake of CalDave's clients; a new calendar is empty either way."""


class CalendarUpdate(Body):
    name: Name | None = None
    timezone: str | None = None
    webhook_url: str | None = None
    webhook_secret: Secret | None = None
    webhook_offsets: Offsets | None = None
    agentmail_api_key: Secret | None = None


class Rotate(Body):
    what: Annotated[list[Literal["feed", "inbound", "webhook_secret"]], Field(min_length=1, max_length=3)]

"""What the wire may carry about calendars."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from app.core.times import load_zone
from app.errors import Problem
from app.http.requests import Body


def _zone(value: Any) -> str:
    """Null and other types get the same answer as an unknown name: what a zone is, and which are near."""
    try:
        return load_zone(value).key
    except Problem as problem:
        raise problem.at("timezone") from None


Name = Annotated[str, Field(min_length=1, max_length=255)]
Secret = Annotated[str, Field(min_length=1, max_length=255)]
Zone = Annotated[str, BeforeValidator(_zone)]
Offsets = Annotated[list[str], Field(max_length=20)]  # contract: Webhooks


class CalendarCreate(Body):
    name: Name
    timezone: Zone = "UTC"
    agentmail_api_key: Secret | None = None
    webhook_url: str | None = None
    webhook_secret: Secret | None = None
    webhook_offsets: Offsets | None = None
    welcome_event: bool = False
    """Taken for the sake of CalDave's clients; a new calendar is empty either way."""


class CalendarUpdate(Body):
    name: Name | None = None
    timezone: Zone = ""  # never null: absent is the only way to keep it
    webhook_url: str | None = None
    webhook_secret: Secret | None = None
    webhook_offsets: Offsets | None = None
    agentmail_api_key: Secret | None = None


class Rotate(Body):
    what: Annotated[list[Literal["feed", "inbound", "webhook_secret"]], Field(min_length=1, max_length=3)]

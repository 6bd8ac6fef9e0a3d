"""What an agent has, at a glance: what the manual says of whoever asks with a key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from app.agents.access import Caller, admitted
from app.db.queries import load
from app.failures.service import KEPT
from app.http.context import Context
from app.pages.curl import KEY

CALENDARS_MOST: Final = 20  # told of one by one; the others are counted
DATES_MOST: Final = 25  # of each calendar, looked at for invitations that wait
FAILURES_MOST: Final = 5
sql: Final = load(Path(__file__).parents[1])


@dataclass(frozen=True, slots=True)
class NextDate:
    event_id: str
    title: str
    start: str
    is_untrusted: bool


@dataclass(frozen=True, slots=True)
class CalendarGlance:
    id: str
    name: str
    timezone: str
    events: int
    next: NextDate | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An event that came by mail and was not answered; `start` is that of its next date."""

    calendar_id: str
    event_id: str
    start: str
    title: str
    organiser: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    method: str
    path: str
    status: int
    code: str
    error: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class AgentContext:
    caller: Caller
    name: str | None
    calendar_count: int
    event_count: int
    webhook_count: int
    calendars: tuple[CalendarGlance, ...]
    invitations: tuple[Invitation, ...]
    failures: tuple[Failed, ...]


async def read_context(at: Context, key_hash: bytes) -> AgentContext:
    """Raises `unauthorized` for a dead key."""
    await at.failures.flush_for_reader()
    now = at.clock.now()
    row = await at.db.one(
        sql.agents_context,
        {
            "key_hash": key_hash,
            "now": now,
            "after": now - KEPT,
            "calendars": CALENDARS_MOST,
            "dates": DATES_MOST,
            "failures": FAILURES_MOST,
        },
    )
    caller = admitted(row)
    assert row is not None
    name, calendars, events, webhooks, found, waiting, failed = row[3:]
    return AgentContext(
        caller=caller,
        name=name,
        calendar_count=calendars,
        event_count=int(events),
        webhook_count=webhooks,
        calendars=tuple(_calendar(*columns) for columns in _rows(found)),
        invitations=tuple(_invitation(*columns) for columns in _rows(waiting)),
        failures=tuple(Failed(*columns) for columns in _rows(failed)),
    )


def context_json(context: AgentContext) -> dict[str, Any]:
    """As the wire has it. Words of strangers are marked, and the key is a variable's name, never itself."""
    return {
        "agent": {"agent_id": context.caller.agent_id, "name": context.name},
        "key": {"scope": context.caller.scope, "variable": KEY},
        "calendars": [_calendar_json(calendar) for calendar in context.calendars],
        "calendar_count": context.calendar_count,
        "event_count": context.event_count,
        "webhook_count": context.webhook_count,
        "pending_invitations": [_invitation_json(invitation) for invitation in context.invitations],
        "recent_errors": [_failed_json(failed) for failed in context.failures],
    }


def _rows(text: str | None) -> list[Any]:
    found: list[Any] = msgspec.json.decode(text) if text else []
    return found


def _own(text: str) -> dict[str, str]:
    found: dict[str, str] = msgspec.json.decode("{" + text + "}")
    return found


def _calendar(
    calendar_id: str,
    name: str,
    timezone: str,
    events: int,
    own_json: str | None,
    title: str,
    is_untrusted: bool,
) -> CalendarGlance:
    following: NextDate | None = None
    if own_json is not None:
        own = _own(own_json)
        following = NextDate(own["id"], title, own.get("start_local", own["start"]), is_untrusted)
    return CalendarGlance(calendar_id, name, timezone, events, following)


def _invitation(calendar_id: str, event_id: str, own_json: str, title: str, organiser: str | None) -> Invitation:
    own = _own(own_json)
    return Invitation(calendar_id, event_id, own.get("start_local", own["start"]), title, organiser)


def _calendar_json(calendar: CalendarGlance) -> dict[str, Any]:
    following = calendar.next
    told: dict[str, Any] | None = None
    if following is not None:
        told = {"id": following.event_id, "title": following.title, "start": following.start}
        if following.is_untrusted:
            told["untrusted"] = True
    return {
        "calendar_id": calendar.id,
        "name": calendar.name,
        "timezone": calendar.timezone,
        "events": calendar.events,
        "next_event": told,
    }


def _invitation_json(invitation: Invitation) -> dict[str, Any]:
    return {
        "calendar_id": invitation.calendar_id,
        "event_id": invitation.event_id,
        "start": invitation.start,
        "title": invitation.title,
        "organiser_email": invitation.organiser,
        "untrusted": True,
    }


def _failed_json(failed: Failed) -> dict[str, Any]:
    told = {
        "method": failed.method,
        "path": failed.path,
        "status": failed.status,
        "code": failed.code,
        "error": failed.error,
    }
    return told if failed.hint is None else {**told, "hint": failed.hint}

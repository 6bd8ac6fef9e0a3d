"""Request bodies: their schemas from the models that check them, and what each field means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.agents.schemas import AgentFields, KeyCreate
from app.calendars.schemas import CalendarCreate, CalendarUpdate, Rotate
from app.calendars.service import DEFAULT_OFFSETS
from app.events.schemas import (
    ATTENDEES_MOST,
    DESCRIPTION_MOST,
    METADATA_DEPTH,
    METADATA_MOST,
    EventBatch,
    EventCreate,
    EventUpdate,
    Expect,
    Explain,
    Respond,
)
from app.http.requests import Body
from app.mail.schemas import SmtpSettings, SmtpTest
from app.net.urls import URL_MOST
from app.pages.catalogue.members import ref
from app.pages.catalogue.shape import Schema
from app.pages.manual.schemas import ManualQuestion
from app.webhooks.schemas import EndpointCreate, EndpointUpdate, Replay

_CLEARS: Final = "null clears it."
_TIME: Final = (
    "`2026-03-01T09:00:00` is read in `timezone`, else in the calendar's; with an offset or `Z` it is an instant; "
    "`2026-03-01` makes an all-day event"
)
_HOOK: Final[Mapping[str, str]] = {
    "webhook_url": f"The address to call when an event is due: http or https, up to {URL_MOST} characters. {_CLEARS}",
    "webhook_secret": "What webhooks are signed with. Where none is given, one is made and shown once.",
    "webhook_offsets": "When to call, before (`-5m`) or after (`+10m`) each start, in s, m, h or d within 30 days; "
    f"`0` at the start. Left out or null: {DEFAULT_OFFSETS[0]}.",
    "agentmail_api_key": f"The key with which mail is fetched from AgentMail; sealed, never shown. {_CLEARS}",
}
_ENDPOINT: Final[Mapping[str, str]] = {
    "url": f"The address to call: http or https, up to {URL_MOST} characters.",
    "types": "What it is called for; all types if left out or null.",
    "calendars": "The calendars whose events it hears of; all the agent has, later ones too, if left out or null.",
    "secret": "What messages are signed with. Where none is given, one is made and shown once.",
}
_EVENT: Final[Mapping[str, str]] = {
    "title": "What happens.",
    "start": f"{_TIME}.",
    "end": "As start; of an all-day event the last date, which is included. Required, unless `duration` is given.",
    "duration": "ISO 8601 instead of `end`: `PT30M`, `P1D`.",
    "timezone": "The IANA zone the event is written in; a series recurs on its wall time. The calendar's if left out.",
    "all_day": "Follows from `start`; give it to be sure.",
    "recurrence": "An RRULE of RFC 5545, HOURLY or slower: `FREQ=WEEKLY;BYDAY=MO,WE`. It makes the event a series.",
    "rrule": "CalDave's name for recurrence; give one of the two.",
    "rdates": "Dates beside the rule, each as `start` is written.",
    "exdates": "Dates to leave out, each as `start` is written; a bare date means that local date's occurrence.",
    "description": f"Up to {DESCRIPTION_MOST // 1024} KB. {_CLEARS}",
    "location": f"A place in words, or an address beginning with https://. {_CLEARS}",
    "metadata": f"Anything of the agent's own: an object of up to {METADATA_MOST // 1024} KB of JSON and "
    f"{METADATA_DEPTH} levels. {_CLEARS}",
    "status": "confirmed if left out; of a series, the status of its dates.",
    "transparency": "opaque if left out: whether it takes up time.",
    "expect": "What you hold to be true of the start, of a series of its first date: where it is not, nothing is "
    "written and the answer is 409 with what is true.",
    "attendees": f"Mail addresses, up to {ATTENDEES_MOST}; kept in lower case, each once. They are "
    "invited by mail, and told of what changes.",
}

FIELDS: Final[Mapping[type[Body], Mapping[str, str]]] = {
    AgentFields: {
        "name": f"What the agent is called. {_CLEARS}",
        "description": f"What it is for. {_CLEARS}",
    },
    KeyCreate: {
        "name": "What the key is for.",
        "scope": "`read` reads, without secret addresses; `book` also answers invitations; `full` does all.",
        "expires_at": "An instant with an offset, after which the key is dead: `2027-01-31T12:00:00Z`.",
    },
    CalendarCreate: {
        "name": "What it is called; subscribers see it.",
        "timezone": "The IANA time zone in which times without offset are read.",
        "welcome_event": "Taken for the sake of CalDave's clients; a new calendar is empty either way.",
        **_HOOK,
    },
    CalendarUpdate: {
        "name": "What it is called.",
        "timezone": "For what is written afterwards: stored events keep their instants, all-day ones their dates.",
        **_HOOK,
    },
    Rotate: {"what": "What to make anew."},
    EventCreate: {
        **_EVENT,
        "client_id": "Your own name for the event, unique in its calendar: the same again returns the first.",
    },
    EventUpdate: _EVENT,
    EventBatch: {
        "events": "Each as POST /calendars/{calendar_id}/events takes it; what is wrong with one is told of that one.",
        "atomic": "true makes all of them or, where one cannot be made, none: the error then names its place.",
    },
    Explain: {
        "start": f"When it begins. {_TIME}.",
        "recurrence": "An RRULE of RFC 5545, HOURLY or slower: `FREQ=WEEKLY;BYDAY=MO,WE`.",
        "timezone": "The IANA zone on whose wall time it recurs; UTC if left out.",
        "end": "When the first date ends; this or `duration`, or neither.",
        **{name: _EVENT[name] for name in ("duration", "all_day", "exdates", "rdates")},
        "limit": "How many dates are told from the start on, and from now on.",
    },
    EndpointCreate: _ENDPOINT,
    EndpointUpdate: {
        **_ENDPOINT,
        "active": "false switches it off, and gives up what waits; true switches it on again.",
    },
    Replay: {"since": "The last number of the log that need not be sent again; 0 for all that is kept."},
    SmtpSettings: {
        "host": "The server: a name, or a public address.",
        "port": "Its port: 465 for TLS from the start, 587 for STARTTLS.",
        "username": "Who the agent is there.",
        "password": "Sealed, and never shown again.",
        "from": "The address that mails come from. Answers to them still go to the calendar.",
        "secure": "TLS from the start on another port than 465.",
    },
    SmtpTest: {"to": "Whom to send it to; the server's own `from` if left out."},
    ManualQuestion: {
        "topic": "Only what belongs to this topic, with its prose; `topics` of the answer lists them all.",
        "guide": "Prose instead of endpoints.",
    },
    Respond: {"response": "The answer: confirmed, cancelled and tentative are the statuses that follow."},
}


INNER: Final[Mapping[type[Body], Mapping[str, str]]] = {
    Expect: {
        "weekday": "The weekday, in the event's zone, in any case.",
        "utc_offset": "The offset from UTC that clocks there have then, such as `-07:00`; `Z` is `+00:00`. Not for "
        "all-day events.",
    },
}
"""What bodies consist of."""
_ITEMS: Final = {"events": ref("EventCreate")}  # of lists whose members are checked one by one


def body_schema(model: type[Body]) -> Schema:
    """The JSON Schema (2020-12) of a request body, every field described, in the order of `FIELDS`."""
    schema = model.model_json_schema()
    meant = {**FIELDS, **INNER}[model]
    properties = {name: _tidy(schema["properties"][name]) | {"description": text} for name, text in meant.items()}
    for name in properties.keys() & _ITEMS.keys():
        properties[name]["items"] = _ITEMS[name]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": schema["required"]} if "required" in schema else {}),
        "properties": properties,
    }


def _tidy(schema: Mapping[str, Any]) -> Schema:
    """Without titles, without defaults that only stand for absence, and null as a second type where that is enough."""
    kept = {name: value for name, value in schema.items() if name != "title"}
    if kept.get("default") in (None, ""):
        kept.pop("default", None)
    options = kept.get("anyOf")
    if options is not None and "$ref" in options[0]:
        return {**kept, "anyOf": [ref(options[0]["$ref"].rsplit("/", 1)[1]), *options[1:]]}
    if options is not None and len(options) == 2 and options[1] == {"type": "null"} and "enum" not in options[0]:
        del kept["anyOf"]
        return {**kept, **options[0], "type": [options[0]["type"], "null"]}
    return kept

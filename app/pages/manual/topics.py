"""The topics of the manual: for each a document of `docs/`, what tables follow from the code, and the operations that
belong to it. What no topic claims belongs to the last one, so nothing can be left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from app.errors import Problem
from app.http.requests import nearest, shown
from app.pages.catalogue import (
    OPERATIONS,
    agents,
    calendars,
    deployment,
    events,
    failures,
    inbound,
    safety,
    transfer,
    webhooks,
)
from app.pages.catalogue.shape import Operation
from app.pages.manual import tables
from app.pages.manual.tools import Tools
from app.shipped import shipped_root

_LINK: Final = re.compile(r"\]\((?:docs/)?([a-z-]+)\.md(#[^)\s]*)?\)")


@dataclass(frozen=True, slots=True)
class Topic:
    """`sections` of the catalogue and single `operations` are what it tells about; `table` makes a list for its end.
    Its prose is `docs/<name>.md`, where there is one."""

    name: str
    title: str
    summary: str
    sections: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    table: tables.Table | None = None


_NAMED: Final = (
    Topic("agents", "Agents and keys", "What a key may do, and how to lend one.", (agents.SECTION,)),
    Topic("events", "Events", "Events, series, dates and their ids.", (calendars.SECTION, events.SECTION)),
    Topic(
        "recurrence",
        "Recurrence",
        "Rules, exceptions, and how far ahead dates are stored.",
        operations=("create_event", "update_event", "delete_event"),
    ),
    Topic(
        "time",
        "Time",
        "Zones, offsets, whole days, and what happens when clocks change.",
        operations=("create_event", "list_events", "get_upcoming"),
    ),
    Topic(
        "changes",
        "Waiting, retrying, sharing",
        "Being told instead of polling, sending again safely, and not overwriting others.",
        operations=("list_changes",),
    ),
    Topic("webhooks", "Webhooks", "Being called when an event is due or changes.", (webhooks.SECTION,)),
    Topic("mail", "Mail", "Invitations that come in, invitations and answers that go out.", (inbound.SECTION,)),
    Topic("feeds", "Feeds", "What people subscribe to.", (calendars.WATCHING,)),
    Topic("import-export", "Import and export", "A whole calendar as a file, out and in again.", (transfer.SECTION,)),
    Topic("errors", "Errors", "Every code, and how to look up what failed.", (failures.SECTION,)),
    Topic("limits", "Limits", "How much, how large, how often, and the headers that tell.", table=tables.limits),
    Topic(
        "safety",
        "Safety",
        "Trying a write without its effect, expecting a weekday, explaining a rule, writing many at once.",
        (safety.SECTION,),
    ),
    Topic("trust", "Whom to trust", "Words of strangers, things that cannot be undone, and secrets."),
    Topic("mcp", "MCP", "The same as tools for a language model.", table=tables.tools),
    Topic("settings", "Settings", "For whoever runs this service.", (deployment.SECTION,), table=tables.settings),
)
_REST: Final = Topic(
    "manual",
    "This manual, and the rest",
    "Where to read on, and what belongs to no other topic.",
    tuple({o.section: None for o in OPERATIONS if not any(o.section in topic.sections for topic in _NAMED)}),
)
TOPICS: Final[Mapping[str, Topic]] = {topic.name: topic for topic in (*_NAMED, _REST)}


def operations_of(topic: Topic) -> tuple[Operation, ...]:
    return tuple(o for o in OPERATIONS if o.section in topic.sections or o.id in topic.operations)


def find_topic(name: str) -> Topic:
    """Raises `invalid_field`, naming all topics and the nearest."""
    topic = TOPICS.get(name)
    if topic is None:
        close = nearest(name, TOPICS)
        raise Problem(
            "invalid_field",
            f"“{shown(name)}” is not a topic of the manual.",
            hint=(f"Did you mean {close}? " if close else "") + f"The topics are {', '.join(TOPICS)}.",
            field="topic",
        )
    return topic


@cache
def text_of(topic: Topic, tools: Tools) -> str:
    """The topic as Markdown that begins with its title; links lead to pages of this service."""
    path = shipped_root() / "docs" / f"{topic.name}.md"
    prose = path.read_text(encoding="utf-8") if path.exists() else f"# {topic.title}\n\n{topic.summary}"
    parts = [linked(prose.strip())]
    if topic.table is not None:
        parts.append(topic.table(tools))
    return "\n\n".join(parts) + "\n"


@cache
def changelog() -> str:
    """The changelog as Markdown; links lead to pages of this service."""
    return linked((shipped_root() / "CHANGELOG.md").read_text(encoding="utf-8"))


def linked(text: str) -> str:
    """`text` with links to documents as links to topics."""
    return _LINK.sub(lambda found: f"](/docs/{found[1]}{found[2] or ''})" if found[1] in TOPICS else found[0], text)

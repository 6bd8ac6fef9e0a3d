"""GET /man: the manual as one JSON object, fitted to whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from app.http.answers import encode
from app.http.context import Context
from app.pages.catalogue import OPERATIONS
from app.pages.catalogue.words import INTRODUCTION, TITLE
from app.pages.manual.context import AgentContext, context_json, read_context
from app.pages.manual.endpoints import endpoint
from app.pages.manual.steps import next_step
from app.pages.manual.tools import Tools
from app.pages.manual.topics import TOPICS, Topic, find_topic, operations_of, text_of
from app.pages.release import release

_KEPT: Final = 32  # answers to nobody in particular, kept ready: a few for each topic asked for
_NOTHING: Final[Mapping[str, str]] = {}


async def answer(at: Context, key_hash: bytes | None, tools: Tools, topic_name: str | None, *, is_guide: bool) -> bytes:
    """The manual as JSON. With a topic only what belongs to it; as a guide, prose instead of endpoints. Raises
    `invalid_field` for an unknown topic and `unauthorized` for a dead key."""
    topic = None if topic_name is None else find_topic(topic_name)
    now = at.clock.now()
    if key_hash is None:
        return _for_anybody(at.public_url, tools, topic, is_guide)
    return encode(_manual(at.public_url, tools, topic, await read_context(at, key_hash), now, is_guide=is_guide))


@lru_cache(_KEPT)
def _for_anybody(url: str, tools: Tools, topic: Topic | None, is_guide: bool) -> bytes:
    return encode(_manual(url, tools, topic, None, None, is_guide=is_guide))


def guide_text() -> str:
    """How to think about all this, as Markdown."""
    return f"# {TITLE}\n\n" + "\n\n".join(f"## {head}\n\n{text}" for head, text in INTRODUCTION.items()) + "\n"


def _manual(
    url: str,
    tools: Tools,
    topic: Topic | None,
    context: AgentContext | None,
    now: datetime | None,
    *,
    is_guide: bool,
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": TITLE, "version": release(), "base_url": url}
    if topic is not None:
        found["topic"] = topic.name
    if is_guide or topic is not None:
        found["guide"] = guide_text() if topic is None else text_of(topic, tools)
    if not is_guide:
        values = _values_of(context)
        told = OPERATIONS if topic is None else operations_of(topic)
        found["endpoints"] = [endpoint(operation, url, values) for operation in told]
    found["topics"] = [
        {"name": each.name, "title": each.title, "summary": each.summary, "url": f"{url}/docs/{each.name}"}
        for each in TOPICS.values()
    ]
    found["your_context"] = None if context is None else context_json(context)
    found["recommended_next_step"] = next_step(context, now).as_json(url)
    return found


def _values_of(context: AgentContext | None) -> Mapping[str, str]:
    """What is known of the variables of examples: the first calendar, and an event in it."""
    if context is None or not context.calendars:
        return _NOTHING
    first = context.calendars[0]
    return {"CALENDAR": first.id} | ({"EVENT": first.next.event_id} if first.next is not None else {})

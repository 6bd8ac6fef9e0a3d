"""What is answered: one object for the mail, and one for each UID where it holds several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from app.core.itip.absorb import VerdictStatus
from app.http.answers import json_of

_RANK: Final[dict[VerdictStatus, int]] = {"created": 0, "updated": 1, "cancelled": 2, "ignored": 3}


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of one UID, or of a whole mail that says nothing about one. `code` is the word for `reason`, which is
    a sentence: docs/mail.md has the table."""

    ical_uid: str | None = None
    calendar_id: str | None = None
    status: VerdictStatus
    event_id: str | None = None
    reason: str | None = None
    code: str | None = None
    recurrence: str | None = None
    instances_created: int | None = None
    notices: tuple[str, ...] = ()


def ignored(code: str, reason: str, ical_uid: str | None = None) -> Outcome:
    return Outcome(status="ignored", reason=reason, code=code, ical_uid=ical_uid)


def answer_of(outcomes: Sequence[Outcome]) -> str:
    """The answer as JSON text: the outcome that did most, the first of such, and all of them in `events` where there
    are several."""
    lead = min(outcomes, key=lambda outcome: _RANK[outcome.status])
    found: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(lead, ical_uid=None, calendar_id=None))
    if len(outcomes) > 1:
        found["events"] = outcomes
    return json_of(found)


class _Answer(Outcome, frozen=True, omit_defaults=True, kw_only=True):
    events: tuple[Outcome, ...] = ()


_decode = msgspec.json.Decoder(_Answer).decode


def together(answers: Iterable[tuple[str, str]]) -> str:
    """One answer for a mail to several calendars, from (calendar id, answer) each."""
    outcomes: list[Outcome] = []
    for calendar_id, text in answers:
        answer = _decode(text)
        parts: Sequence[Outcome] = answer.events or (answer,)
        outcomes += [_named(part, calendar_id) for part in parts]
    return answer_of(outcomes)


def _named(part: Outcome, calendar_id: str) -> Outcome:
    return Outcome(**{name: getattr(part, name) for name in Outcome.__struct_fields__} | {"calendar_id": calendar_id})

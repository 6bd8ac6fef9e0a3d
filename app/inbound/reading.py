"""The calendars in a mail → one message per UID, each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.core.itip import Message, by_uid
from app.ical.limits import MAX_EVENTS
from app.ical.read import Unread, read_calendar
from app.inbound.mail import Mail
from app.workers import in_thread

LARGE: Final = 64 * 1024  # bytes of calendars above which they are read off the event loop: a millisecond of text,
MANY: Final = 8  # or of events


@dataclass(frozen=True, slots=True)
class Contents:
    """`by_uid` holds what is said of each UID, in the order of the mail. `unread` says what was not taken: a code, a
    sentence, and the UID where it is known."""

    by_uid: dict[str, list[Message]]
    unread: tuple[tuple[str, str, str | None], ...]


async def contents_of(mail: Mail, floating_zone: str) -> Contents:
    """All that the mail's calendars say; the same calendar twice says it once."""
    if sum(len(part.data) for part in mail.parts) > LARGE or sum(_events(part.data) for part in mail.parts) > MANY:
        return await in_thread(_contents, mail, floating_zone)
    return _contents(mail, floating_zone)


def _events(data: bytes) -> int:
    """How many events there may be, by their first and last lines; in UTF-16 whatever that is."""
    return MANY + 1 if b"\0" in data else data.upper().count(b"VEVENT") // 2


def _contents(mail: Mail, floating_zone: str) -> Contents:
    unread = [(code, sentence, None) for code, sentence in mail.refused] or []
    messages: list[Message] = []
    missed: list[Unread] = []
    for part in mail.parts:
        reading = read_calendar(part.data, floating_zone=floating_zone, charset=part.charset, method=part.method)
        messages += [message for message in reading.messages if message not in messages]
        missed += [each for each in reading.unread if each not in missed]
    count = sum(len(message.components) for message in messages)
    if count > MAX_EVENTS:
        sentence = f"The mail's calendars have {count:,} events together, and may have {MAX_EVENTS:,}."
        return Contents({}, (*unread, ("too_many_events", sentence, None)))
    found: dict[str, list[Message]] = {}
    for message in messages:
        for uid, single in by_uid(message).items():
            said = found.setdefault(uid, [])
            if single not in said:
                said.append(single)
    return Contents(found, (*unread, *((each.reason, each.sentence, each.uid) for each in missed)))

"""The sentences of a mail: when, where and who, as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final

from app.core.check import check
from app.core.mailbox import ADDRESS_MOST, Mailbox
from app.core.rule import parse_rule
from app.core.series import Series
from app.core.times import Length, end_of, instant_of, load_zone
from app.core.wording import full_date
from app.core.words import say_all_day, say_series, say_single
from app.errors import Problem
from app.ical.itip_write import Attendee, Invited
from app.ical.write import VEvent

TITLE_MOST: Final = 200  # characters in a subject: more is cut off by every list of mails
NAME_MOST: Final = 100  # characters of a display name
LOCATION_MOST: Final = 500  # characters, as many as the API takes
DESCRIPTION_MOST: Final = 5000  # characters that stand in the mail; the attachment has them all
LISTED_ATTENDEES: Final = 20  # names; a longer list hides what the mail says

_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\xa0\u2028\u2029]+")
_LINE_BREAK: Final = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def one_line(text: str | None, most: int) -> str:
    """`text` in one line of at most `most` characters, without control characters; "" for nothing."""
    line = _BLANK.sub(" ", _SURROGATE.sub("", text or "")).strip()
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def title(event: VEvent) -> str:
    return one_line(event.summary, TITLE_MOST) or "(no title)"


def shown(mailbox: Mailbox) -> str:
    """`Ada Lovelace <ada@example.com>`, or the address alone."""
    name = one_line(mailbox.name, NAME_MOST)
    address = one_line(mailbox.address, ADDRESS_MOST)
    return f"{name} <{address}>" if name else address


def details(invited: Sequence[Invited], organiser: Mailbox) -> str:
    """The lines When, Where and Who, and the description. Who is what the calendar text shows, and nothing more."""
    event = invited[0].event
    lines = [f"When: {when([each.event for each in invited])}"]
    if where := one_line(event.location, LOCATION_MOST):
        lines.append(f"Where: {where}")
    lines.append(f"Who: {_who(organiser, [attendee for each in invited for attendee in each.attendees])}")
    description = _CONTROL.sub("", _LINE_BREAK.sub("\n", event.description or "")).strip()
    if len(description) > DESCRIPTION_MOST:
        description = f"{description[:DESCRIPTION_MOST].rstrip()}…"
    return "\n".join(lines) + (f"\n\n{description}" if description else "")


def when(events: Sequence[VEvent]) -> str:
    """The times of a message's events in their own zones: of a series in one sentence, of single dates one each."""
    event = events[0]
    if event.rrule is not None or event.rdates:
        return _series(event, edited=len(events) - 1)
    return " ".join(map(_single, events))


def _single(event: VEvent) -> str:
    if not isinstance(event.start, datetime):
        return say_all_day(event.start, _days(event, event.start))
    assert event.zone is not None, "a wall time has its zone beside it"
    start = instant_of(event.start, event.zone)
    return say_single(start, end_of(start, event.zone, _length(event, start)), event.zone)


def _series(event: VEvent, edited: int) -> str:
    all_day = not isinstance(event.start, datetime)
    zone = event.zone or load_zone("UTC")
    start = event.start if isinstance(event.start, datetime) else datetime.combine(event.start, datetime.min.time())
    try:
        series = Series(
            start=start,
            zone=zone,
            length=Length(_days(event, start), 0) if all_day else _length(event, instant_of(start, zone)),
            rule=None if event.rrule is None else parse_rule(event.rrule),
            all_day=all_day,
            rdates=tuple(event.rdates),
        )
        return say_series(check(series), cancelled=len(event.exdates), edited=edited)
    except Problem:  # somebody else's rule, which we may not serve
        return f"By a recurrence rule, from {full_date(start)} on."


def _days(event: VEvent, start: date) -> int:
    if isinstance(event.end, Length):
        return event.end.days
    return event.end.toordinal() - start.toordinal()


def _length(event: VEvent, start: datetime) -> Length:
    if isinstance(event.end, Length):
        return event.end
    assert isinstance(event.end, datetime), "an event with times ends at an instant"
    return Length.between(start, event.end.astimezone(UTC))


def _who(organiser: Mailbox, attendees: Iterable[Attendee]) -> str:
    unique = {attendee.address.casefold(): attendee for attendee in attendees}
    unique.pop(organiser.address.casefold(), None)
    names = [shown(Mailbox(attendee.address, attendee.name)) for attendee in unique.values()]
    more = len(names) - LISTED_ATTENDEES
    listed = [f"{shown(organiser)} (organiser)", *names[:LISTED_ATTENDEES]]
    return ", ".join(listed) + (f" and {more} more" if more > 0 else "")

"""What a caller holds to be true of a start, against what is: a wrong weekday or offset fails before it is written."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from app.core.offsets import transitions_between
from app.core.times import format_instant, load_zone
from app.core.wording import WEEKDAYS, full_date
from app.errors import Problem
from app.events.schemas import Expect

_NEAR: Final = 366 * 86_400  # seconds either side of a start in which the offset expected is looked for


class _Shown(msgspec.Struct):
    """What is read of an event's text."""

    start_local: str
    timezone: str


_shown: Final = msgspec.json.Decoder(_Shown).decode


def check_expected(expect: Expect | None, text: str) -> None:
    """Hold `expect` against the start that an event's text tells: of a series its first date, of one date that date.

    Raises `expectation_failed`, with what is true, or `invalid_field` for an offset expected of whole days.
    """
    if expect is not None:
        shown = _shown(text)
        check_start(expect, shown.start_local, shown.timezone)


def check_start(expect: Expect | None, start_local: str, zone: str) -> None:
    """`check_expected`, for a start as `start_local` has it and the name of the zone it is in."""
    if expect is None:
        return
    start = datetime.fromisoformat(start_local)
    offset = None if len(start_local) == len("2026-03-01") else start_local[19:]
    weekday = WEEKDAYS[start.weekday()]
    if expect.utc_offset is not None and offset is None:
        raise Problem(
            "invalid_field",
            "An all-day event has a weekday, and no offset from UTC.",
            hint="Leave expect.utc_offset out, or give start a time.",
            field="expect.utc_offset",
        )
    true: dict[str, Any] = {"start_local": start_local, "timezone": zone, "weekday": weekday.lower()}
    if offset is not None:
        true["utc_offset"] = offset
    day = full_date(start.date()).removeprefix(f"{weekday[:3]} ")
    if expect.weekday is not None and expect.weekday != weekday.lower():
        raise Problem(
            "expectation_failed",
            f"{start.date()} is a {weekday}, not a {expect.weekday.capitalize()}.",
            hint=f"The event would begin at {start_local} in {zone}. {_nearest_days(start.date(), expect.weekday)}",
            field="expect.weekday",
            extra={"actual": true},
        )
    if expect.utc_offset is not None and offset is not None and expect.utc_offset != offset:
        raise Problem(
            "expectation_failed",
            f"On {day} at {start_local[11:16]} clocks in {zone} are at {offset}, not at {expect.utc_offset}.",
            hint=_where_offset(start, expect.utc_offset, zone),
            field="expect.utc_offset",
            extra={"actual": true},
        )


def _nearest_days(day: date, weekday: str) -> str:
    ahead = ([name.lower() for name in WEEKDAYS].index(weekday) - day.weekday()) % 7
    later = day + timedelta(ahead)
    return f"The nearest {weekday.capitalize()}s are {later - timedelta(7)} and {later}."


def _where_offset(start: datetime, offset: str, zone: str) -> str:
    """When clocks there are, or were, at that offset, as near to `start` as that is."""
    place, at = load_zone(zone), int(start.timestamp())
    wanted = _seconds(offset)
    changes = transitions_between(at - _NEAR, at + _NEAR, place)
    begins = [change.at for change in changes if change.at > at and change.after == wanted]
    ends = [change.at for change in changes if change.at <= at and change.before == wanted]
    found = []
    if ends:
        found.append(f"were until {datetime.fromtimestamp(ends[-1], place).date()}")
    if begins:
        found.append(f"are from {datetime.fromtimestamp(begins[0], place).date()} on")
    if found:
        return f"They {' and '.join(found)} at {offset}. Correct what you expect, or the start."
    return f"They are never at {offset} about that time; the start is {format_instant(start)}. Check timezone."


def _seconds(offset: str) -> int:
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    seconds = int(offset[7:9] or 0)
    return (-1 if offset[0] == "-" else 1) * (hours * 3600 + minutes * 60 + seconds)

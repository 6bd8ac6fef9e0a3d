"""A recurrence rule as a value: read from RFC 5545 §3.3.10 text, refused with a reason, written canonically.

What dates a rule makes depends on a start and a zone; that is `app.core.series`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from functools import partial
from typing import Final, NamedTuple, NoReturn

from app.errors import Problem

MAX_RULE_LENGTH: Final = 2_000  # characters; every part of RFC 5545 with ten values each needs under 500
MAX_INTERVAL: Final = 1_000_000  # eleven days of seconds; more periods than that between two dates is a mistake
MAX_COUNT_DIGITS: Final = 9  # keeps COUNT an ordinary number; how many dates are served is the series' concern

WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_SHOWN_LENGTH: Final = 60  # characters of a caller's text that an error repeats


class Freq(IntEnum):
    """Ordered from coarse to fine, so that `freq > Freq.DAILY` reads "several times a day"."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5
    SECONDLY = 6


class WeekdayNum(NamedTuple):
    """A BYDAY entry: `weekday` 0 is Monday; `ordinal` 0 is every one, 2 the second, -1 the last of the
    period.
    """

    weekday: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class Rule:
    """An RRULE. BY parts are sorted and without repetition; an absent one is empty.

    `until` is kept as it was written: a date, a naive datetime (local to the series), or one in UTC.
    `wkst` 0 is Monday.
    """

    freq: Freq
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    wkst: int = 0
    bysecond: tuple[int, ...] = ()
    byminute: tuple[int, ...] = ()
    byhour: tuple[int, ...] = ()
    byday: tuple[WeekdayNum, ...] = ()
    bymonthday: tuple[int, ...] = ()
    byyearday: tuple[int, ...] = ()
    byweekno: tuple[int, ...] = ()
    bymonth: tuple[int, ...] = ()
    bysetpos: tuple[int, ...] = ()

    @property
    def is_sub_daily(self) -> bool:
        """HOURLY, MINUTELY or SECONDLY: steps of exact elapsed time rather than of dates."""
        return self.freq > Freq.DAILY

    @property
    def is_finer_than_hourly(self) -> bool:
        """MINUTELY or SECONDLY."""
        return self.freq > Freq.HOURLY

    @property
    def names_times(self) -> bool:
        """Whether times of day are the rule's own and not all its start's."""
        return bool(self.byhour or self.byminute or self.bysecond)

    @property
    def several_a_day(self) -> bool:
        """Whether the rule by itself can make more than one date on one local date."""
        combinations = max(len(self.byhour), 1) * max(len(self.byminute), 1) * max(len(self.bysecond), 1)
        return self.is_sub_daily or combinations > 1


# -------------------------------------------------------------------------------------------------------- parsing

_EXAMPLE: Final = "Write a rule such as FREQ=WEEKLY;BYDAY=MO,WE or FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=12."


def _refuse(message: str, hint: str = _EXAMPLE) -> NoReturn:
    raise Problem("invalid_recurrence", message, hint, "recurrence")


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"


_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}")
_BYDAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z)?)?")

_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "BYSECOND": (0, 60),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
_MAX_ORDINAL: Final = 53  # weeks in a year


def _numbers(name: str, value: str) -> tuple[int, ...]:
    low, high = _RANGES[name]
    found = set()
    for item in value.split(","):
        number = int(item) if _NUMBER.fullmatch(item) else None
        if number is None or not low <= number <= high or (low < 0 and number == 0):
            span = f"{low} to {high}" + (", without 0" if low < 0 else "")
            _refuse(f"{name} has “{_shown(item)}”, which is not a whole number from {span}.")
        found.add(number)
    return tuple(sorted(found))


def _positive(name: str, value: str, most: int) -> int:
    number = int(value) if _NUMBER.fullmatch(value) else 0
    if not 1 <= number <= most:
        _refuse(
            f"{name}={_shown(value)} is not a whole number from 1 to {most:,}.",
            f"Give it such a number, or leave {name} out.",
        )
    return number


def _days(value: str) -> tuple[WeekdayNum, ...]:
    found = set()
    for item in value.split(","):
        match = _BYDAY.fullmatch(item)
        if match is None:
            _refuse(
                f"BYDAY has “{_shown(item)}”, which is not a weekday.",
                f"Use {', '.join(WEEKDAYS)}, or 1MO, -1FR.",
            )
        ordinal = int(match[1] or 0)
        if match[1] and not 1 <= abs(ordinal) <= _MAX_ORDINAL:
            _refuse(
                f"BYDAY has “{item}”, and no period has that many weeks.",
                "Count from 1 to 53, or from -1 to -53.",
            )
        found.add(WeekdayNum(WEEKDAYS.index(match[2]), ordinal))
    return tuple(sorted(found))


def _until(value: str) -> date | datetime:
    match = _UNTIL.fullmatch(value)
    try:
        if match is None:
            raise ValueError
        year, month, day = int(match[1]), int(match[2]), int(match[3])
        if match[4] is None:
            return date(year, month, day)
        clock = int(match[4]), int(match[5]), int(match[6])
        return datetime(year, month, day, *clock, tzinfo=UTC if match[7] else None)
    except ValueError:
        _refuse(
            f"UNTIL={_shown(value)} is not a date or a time.",
            "Write UNTIL=20261231 or UNTIL=20261231T235959Z.",
        )


def _weekday(value: str) -> int:
    if value not in WEEKDAYS:
        _refuse(f"WKST={_shown(value)} is not a weekday.", f"Use one of {', '.join(WEEKDAYS)}.")
    return WEEKDAYS.index(value)


def _freq(value: str) -> Freq:
    if value not in Freq.__members__:
        _refuse(f"FREQ={_shown(value)} is not a frequency.", f"Use one of {', '.join(Freq.__members__)}.")
    return Freq[value]


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "FREQ": _freq,
    "INTERVAL": lambda value: _positive("INTERVAL", value, MAX_INTERVAL),
    "COUNT": lambda value: _positive("COUNT", value, 10**MAX_COUNT_DIGITS - 1),
    "UNTIL": _until,
    "WKST": _weekday,
    "BYDAY": _days,
    **{name: partial(_numbers, name) for name in _RANGES},
}


def _split_parts(text: str) -> dict[str, str]:
    if not isinstance(text, str):
        _refuse("A recurrence rule is given as text.")
    text = text.strip()
    if len(text) > MAX_RULE_LENGTH:
        _refuse(f"The recurrence rule is longer than {MAX_RULE_LENGTH:,} characters.")
    if "\n" in text or "\r" in text:
        _refuse(
            "The recurrence is one rule on one line.",
            "Leave out dates with the field exdates and add dates with rdates, not with EXDATE and RDATE lines.",
        )
    if not text.isascii():
        _refuse("The recurrence rule has characters other than plain ASCII.")
    parts: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").removesuffix(";").split(";"):
        name, equals, value = part.strip().partition("=")
        if not equals or not value:
            _refuse(f"“{_shown(part)}” is not a part of the form NAME=VALUE.")
        if name in parts:
            _refuse(f"{_shown(name)} is given twice.", "Join its values with commas: BYDAY=MO,WE.")
        parts[name] = value
    return parts


def _drop_calendar_scale(parts: dict[str, str]) -> None:
    """RFC 7529: the Gregorian scale that leaves out impossible dates is what RFC 5545 means anyway."""
    if (scale := parts.pop("RSCALE", "GREGORIAN")) != "GREGORIAN":
        _refuse(f"RSCALE={_shown(scale)} is not served.", "Only the Gregorian calendar is; leave RSCALE out.")
    if (skip := parts.pop("SKIP", "OMIT")) != "OMIT":
        _refuse(
            f"SKIP={_shown(skip)} is not served.",
            "Dates that a month lacks are left out; BYMONTHDAY=-1 is the last day of every month.",
        )


def _check_combination(rule: Rule) -> None:
    freq, name = rule.freq, rule.freq.name
    if rule.count is not None and rule.until is not None:
        _refuse("COUNT and UNTIL exclude each other.", "Keep the one you mean.")
    if any(day.ordinal for day in rule.byday):
        if freq not in (Freq.MONTHLY, Freq.YEARLY):
            _refuse(
                f"BYDAY with a number, such as 2MO, has no meaning under FREQ={name}.",
                "Use FREQ=MONTHLY for “the second Monday of the month”, or leave the number out.",
            )
        if rule.byweekno:
            _refuse("BYDAY with a number cannot be used with BYWEEKNO.", "Leave the number out of BYDAY.")
    if rule.bymonthday and freq is Freq.WEEKLY:
        _refuse("BYMONTHDAY cannot be used under FREQ=WEEKLY.", "Use FREQ=MONTHLY, or BYDAY.")
    if rule.byyearday and freq in (Freq.DAILY, Freq.WEEKLY, Freq.MONTHLY):
        _refuse(f"BYYEARDAY cannot be used under FREQ={name}.", "Use FREQ=YEARLY.")
    if rule.byweekno and freq is not Freq.YEARLY:
        _refuse(f"BYWEEKNO cannot be used under FREQ={name}.", "Use FREQ=YEARLY.")
    others = (rule.bysecond, rule.byminute, rule.byhour, rule.byday, rule.bymonthday)
    if rule.bysetpos and not any((*others, rule.byyearday, rule.byweekno, rule.bymonth)):
        _refuse(
            "BYSETPOS picks from what another BY part makes, and there is none.",
            "Add one, as in FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1 for the last weekday.",
        )


def parse_rule(text: str) -> Rule:
    """Reads an RRULE value, with or without `RRULE:` before it, in either case.

    Raises `Problem("invalid_recurrence", field="recurrence")` with the reason for all that RFC 5545 §3.3.10
    forbids, and for calendars other than the Gregorian.
    """
    parts = _split_parts(text)
    _drop_calendar_scale(parts)
    if "FREQ" not in parts:
        _refuse("The recurrence rule has no FREQ.", "Start it with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.")
    for name in parts:
        if name not in _READERS:
            _refuse(
                f"“{_shown(name)}” is not a part of a recurrence rule.",
                "Dates to leave out or to add go into the fields exdates and rdates."
                if name.startswith(("EXDATE", "RDATE", "DTSTART"))
                else f"The parts are {', '.join(_READERS)}.",
            )
    rule = Rule(**{name.lower(): _READERS[name](value) for name, value in parts.items()})  # type: ignore[arg-type]
    _check_combination(rule)
    return rule


# -------------------------------------------------------------------------------------------------------- writing


def _written_until(until: date | datetime) -> str:
    text = f"{until.year:04}{until.month:02}{until.day:02}"
    if isinstance(until, datetime):
        text += f"T{until.hour:02}{until.minute:02}{until.second:02}" + ("Z" if until.tzinfo else "")
    return text


def _listed(rule: Rule, names: Sequence[str]) -> list[str]:
    given = ((name, getattr(rule, name.lower())) for name in names)
    return [f"{name}={','.join(map(str, numbers))}" for name, numbers in given if numbers]


def format_rule(rule: Rule) -> str:
    """The rule's canonical text, without `RRULE:`; `parse_rule` reads it back as an equal rule."""
    parts = [f"FREQ={rule.freq.name}"]
    if rule.interval != 1:
        parts.append(f"INTERVAL={rule.interval}")
    parts += _listed(rule, ("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"))
    if rule.byday:
        parts.append("BYDAY=" + ",".join(f"{day.ordinal or ''}{WEEKDAYS[day.weekday]}" for day in rule.byday))
    parts += _listed(rule, ("BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"))
    if rule.wkst:
        parts.append(f"WKST={WEEKDAYS[rule.wkst]}")
    if rule.count is not None:
        parts.append(f"COUNT={rule.count}")
    if rule.until is not None:
        parts.append(f"UNTIL={_written_until(rule.until)}")
    return ";".join(parts)

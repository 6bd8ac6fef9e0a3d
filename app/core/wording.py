"""English for what a sentence about time is made of: lists, ordinals, dates, clock times, lengths, places."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from app.core.times import Length

DAY: Final = 86_400  # seconds

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

_COUNTED: Final = ("first", "second", "third", "fourth", "fifth")
_UNITS: Final = ((3600, "hour"), (60, "minute"), (1, "second"))


# ------------------------------------------------------------------------------------------------ lists and numbers


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def numbered(number: int, noun: str) -> str:
    """`1 date`, `2 dates`, `2,500 dates`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def every(interval: int, unit: str) -> str:
    """`Every day`, `Every 3 days`."""
    return f"Every {unit}" if interval == 1 else f"Every {interval:,} {unit}s"


def ordinal(number: int) -> str:
    """`1st`, `22nd`, `13th`."""
    ending = "th" if 11 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def position(number: int) -> str:
    """`first`, `12th`; from the end `last`, `second-to-last`, `12th-to-last`."""
    if number == -1:
        return "last"
    size = abs(number)
    counted = _COUNTED[size - 1] if size <= len(_COUNTED) else ordinal(size)
    return counted if number > 0 else f"{counted}-to-last"


def runs(numbers: Sequence[int], names: Sequence[str]) -> list[str]:
    """The names at the given ascending indexes, three and more in a row drawn together: `March–May`."""
    found: list[str] = []
    begin = 0
    for index, number in enumerate(numbers):
        if index + 1 < len(numbers) and numbers[index + 1] == number + 1:
            continue
        if index - begin >= 2:
            found.append(f"{names[numbers[begin]]}–{names[number]}")
        else:
            found += [names[each] for each in numbers[begin : index + 1]]
        begin = index + 1
    return found


# ------------------------------------------------------------------------------------------------- dates and clocks


def short_date(day: date) -> str:
    """`Mon 2 Mar`."""
    return f"{WEEKDAYS[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1][:3]}"


def full_date(day: date) -> str:
    """`Mon 2 Mar 2026`."""
    return f"{short_date(day)} {day.year}"


def long_date(day: date) -> str:
    """`Monday 2 March 2026`."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def dates(days: Sequence[date]) -> str:
    """`Mon 2 Mar and Wed 4 Mar 2026`: the year stands behind the last date of it."""
    shown = [
        short_date(day) if index + 1 < len(days) and days[index + 1].year == day.year else full_date(day)
        for index, day in enumerate(days)
    ]
    return listed(shown)


def clock(second: int) -> str:
    """`09:00`, of a second of the day; the seconds are said where there are any. The end of a day is `24:00`."""
    hour, rest = divmod(second, 3600)
    shown = f"{hour:02}:{rest // 60:02}"
    return f"{shown}:{rest % 60:02}" if rest % 60 else shown


def length_words(size: Length) -> str:
    """`3 days`, `1 day and 2 hours`, `72 hours`: nominal days are days, exact time is hours and less."""
    parts = [numbered(size.days, "day")] if size.days else []
    rest = size.seconds
    for unit, name in _UNITS:
        if rest >= unit:
            parts.append(numbered(rest // unit, name))
            rest %= unit
    return listed(parts) or "no time"


# ------------------------------------------------------------------------------------------------------------ places

_UTC: Final = {"UTC", "UCT", "Zulu", "Universal"}
_CITIES_BEYOND: Final = {
    "America/Argentina/Buenos_Aires", "America/Indiana/Indianapolis", "America/Kentucky/Louisville",
    "Atlantic/Reykjavik",
    "Atlantic/Stanley", "Australia/Adelaide", "Australia/Brisbane", "Australia/Canberra", "Australia/Darwin",
    "Australia/Hobart", "Australia/Melbourne", "Australia/Perth", "Australia/Sydney", "Indian/Antananarivo",
    "Pacific/Apia", "Pacific/Auckland", "Pacific/Honolulu", "Pacific/Noumea", "Pacific/Pago_Pago",
    "Pacific/Port_Moresby",
}  # fmt: skip
"""Cities of the regions whose zones mostly bear the names of islands, states and stations."""

_UNCLEAR: Final = {
    "America/Atka", "America/Cordoba", "America/Knox_IN", "America/Merida", "America/Santa_Isabel", "America/Shiprock",
    "America/St_Johns", "America/Virgin", "Europe/Isle_of_Man",
}  # fmt: skip
"""Names whose last part is no place one is "in", or is better known as one with another time."""


@lru_cache(maxsize=1024)  # every zone there is
def place(zone: str) -> str:
    """Where clocks show a time: `in New York`, `UTC`, or the IANA name where its city would not be clear."""
    region, slash, city = zone.rpartition("/")
    if city in _UTC and region in ("", "Etc"):
        return "UTC"
    is_city = region in ("Africa", "America", "Asia", "Europe") and zone not in _UNCLEAR
    return f"in {city.replace('_', ' ')}" if slash and (is_city or zone in _CITIES_BEYOND) else f"in {zone}"

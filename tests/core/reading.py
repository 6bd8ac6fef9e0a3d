"""Reads a sentence about a series back into the days it promises, knowing nothing of how the sentence was made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
KINDS = {"weekday": range(5), "weekend day": range(5, 7), "day": range(7)}
POSITIONS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
DATE = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{1,2} [A-Z][a-z]{2})(?: (\d{4}))?")

Test = Callable[[date], bool]


def dates_in(text: str) -> list[date]:
    """Every date named, in order; one without a year has that of the next one."""
    found: list[date] = []
    year = ""
    for day, own in reversed(DATE.findall(text)):
        year = own or year
        found.append(datetime.strptime(f"{day} {year}", "%d %b %Y").date())
    return found[::-1]


def weekdays(text: str) -> set[int]:
    if text in KINDS:
        return set(KINDS[text])
    if text.startswith("day except "):
        return set(range(7)) - {WEEKDAYS.index(text.removeprefix("day except "))}
    return {WEEKDAYS.index(name) for name in re.split(r", | and | or ", text)}


def months(text: str) -> set[int]:
    found: set[int] = set()
    for part in re.split(r", | and ", text):
        begin, _, end = part.partition("–")
        found.update(range(MONTHS.index(begin) + 1, MONTHS.index(end or begin) + 2))
    return found


def number(text: str) -> int:
    name, from_end, _ = text.partition("-to-last")
    size = POSITIONS.get(name) or int(re.sub(r"\D", "", name) or 1)
    return -size if from_end or text == "last" else size


@lru_cache(maxsize=1000)
def in_span(text: str, span: tuple[date, ...]) -> set[date]:
    """The days of a month or a year that are meant by `the first Monday and the last day`, or `every Friday that …`."""
    if match := re.fullmatch(r"every (.+?)(?: that falls on (.+))?", text):
        allowed = in_span(match[2], span) if match[2] else set(span)
        return {day for day in allowed if day.weekday() in weekdays(match[1])}
    found: set[date] = set()
    for group in re.split(r"(?:, | and | or |^)(?=the |day \d)", text):
        if match := re.fullmatch(r"day (\d+)", group):
            found.add(span[int(match[1]) - 1])
        elif match := re.fullmatch(r"the (.+?) ((?:[A-Z]|weekday|weekend|day).*)", group):
            among = [day for day in span if day.weekday() in weekdays(match[2])]
            wanted = [number(each) for each in re.split(r", | and ", match[1])]
            found.update(among[n - 1 if n > 0 else n] for n in wanted if abs(n) <= len(among))
        elif group:
            for part in re.split(r", | and | or ", group.removeprefix("the ")):
                low, _, high = part.partition("–")
                found.update(day for day in span if number(low) <= day.day <= number(high or low))
    return found


@lru_cache(maxsize=100)
def _month(year: int, month: int) -> tuple[date, ...]:
    first = date(year, month, 1)
    return tuple(each for n in range(31) if (each := first + timedelta(n)).month == month)


def month_of(day: date) -> tuple[date, ...]:
    return _month(day.year, day.month)


@lru_cache(maxsize=20)
def _year(year: int) -> tuple[date, ...]:
    return tuple(each for n in range(366) if (each := date(year, 1, 1) + timedelta(n)).year == year)


def year_of(day: date) -> tuple[date, ...]:
    return _year(day.year)


def _in_month(text: str) -> Test:
    return lambda day: day in in_span(text, month_of(day))


def _in_months(text: str | None) -> Test:
    wanted = months(text) if text else set(range(1, 13))
    return lambda day: day.month in wanted


def _all(*tests: Test) -> Test:
    return lambda day: all(test(day) for test in tests)


def _on_days_of_year(text: str) -> Test:
    if match := re.fullmatch(r"(.+) of ISO weeks? (.+)", text):
        numbers = {int(each) for each in re.split(r", | and ", match[2])}
        named = weekdays(match[1].removeprefix("every "))
        return lambda day: day.weekday() in named and day.isocalendar().week in numbers
    if text.endswith(" of the year"):
        return lambda day: day in in_span(text.removesuffix(" of the year"), year_of(day))
    if match := re.fullmatch(r"(.+) of every month", text):
        return _in_month(match[1])
    if match := re.fullmatch(r"(.+) of ([A-Z].+)", text):
        return _all(_in_month(match[1]), _in_months(match[2]))
    if match := re.fullmatch(r"every (.+?)(?: in (.+))?", text):
        named = weekdays(match[1])
        return _all(lambda day: day.weekday() in named, _in_months(match[2]))
    named_days = {(MONTHS.index(each.split()[1]) + 1, int(each.split()[0])) for each in re.split(r", | and ", text)}
    return lambda day: (day.month, day.day) in named_days


def promised(phrase: str, first: date) -> Test:
    """Whether the phrase of days, counted from the first date, means a day."""
    text = re.sub(r", where the month has that day| that has one| \(leap years only\)", "", phrase)
    if match := re.fullmatch(r"(.+), only in ([^,]+(?:, [^,]+)* and .+|\S+)", text):
        return _all(promised(match[1], first), _in_months(match[2]))
    counted = r"Every (?:([\d,]+) )?(day|week|month|year)s?(?:(?: on|, only on) (.+))?(?: in (.+))?"
    if (match := re.fullmatch(counted, text)) and (match[1] or match[3]):
        return _stepped(match[2], int((match[1] or "1").replace(",", "")), match[3], first)
    if match := re.fullmatch(r"On (.+?) of (?:every|the) month", text):
        return _in_month(match[1])
    return _on_days_of_year(text[0].lower() + text[1:])


def _stepped(unit: str, step: int, on: str | None, first: date) -> Test:
    if unit == "day":
        named = weekdays(on) if on else set(range(7))
        return lambda day: (day - first).days % step == 0 and day.weekday() in named
    assert on is not None
    if unit == "week":
        match = re.fullmatch(r"(.+?)(?: \(weeks begin on (.+)\))?", on)
        assert match is not None
        begin = WEEKDAYS.index(match[2]) if match[2] else 0
        origin = first - timedelta((first.weekday() - begin) % 7)
        named = weekdays(match[1])
        return lambda day: (day - origin).days // 7 % step == 0 and day.weekday() in named
    if unit == "month":
        in_month = _in_month(on.removesuffix(" of the month"))
        return lambda day: (day.year * 12 + day.month - first.year * 12 - first.month) % step == 0 and in_month(day)
    in_year = _on_days_of_year(on)
    return lambda day: (day.year - first.year) % step == 0 and in_year(day)


def days_between(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(n) for n in range((last - first).days + 1))

"""Which days a rule names, in words, where words say it exactly.

A rule is said in the plainest form that has the same dates: `FREQ=DAILY;BYDAY=MO` is a weekly rule,
`FREQ=YEARLY;BYMONTHDAY=1` a monthly one. What no phrase covers exactly is None, never nearly right. Where a phrase
counts in steps ("Every 2 weeks"), it needs the first date beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from app.core.rule import Freq, Rule, WeekdayNum
from app.core.setpos import picked
from app.core.wording import MONTHS, WEEKDAYS, every, listed, ordinal, position, runs

MAX_PHRASE: Final = 120  # characters; a longer list of days is harder to read than the rule itself

_ALL_WEEK: Final = (0, 1, 2, 3, 4, 5, 6)
_WORKING: Final = (0, 1, 2, 3, 4)
_WEEKEND: Final = (5, 6)
_MONTH_NAMES: Final = ("", *MONTHS)
_DAY_NAMES: Final = ("", *(ordinal(day) for day in range(1, 32)))
_SHORTEST: Final = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of each month in a common year
_LISTED_DATES: Final = 3  # "3 March and 3 September"; more read better as "the 3rd of …"


def day_phrase(rule: Rule, start: date, times: int = 1) -> str | None:
    """`Every Monday and Wednesday`, `On the last day of every month`; None where there is no exact phrase.

    `start` is where the series starts: a rule takes its missing weekday, day and month from it. `times` is how many
    times of day the rule has, among which BYSETPOS would choose. COUNT, UNTIL and the times are not said. For
    HOURLY only where BY parts name days, or none at all.
    """
    if rule.is_finer_than_hourly or (rule.bysetpos and times > 1):
        return None
    phrase = _PHRASES[rule.freq](rule, start)
    return phrase if phrase is None or len(phrase) <= MAX_PHRASE else None


def weekdays_of(rule: Rule, start: date) -> Sequence[int]:
    """The weekdays that the rule's dates can fall on, perhaps among others."""
    if rule.byday:
        return sorted({entry.weekday for entry in rule.byday})
    return (start.weekday(),) if rule.freq is Freq.WEEKLY else _ALL_WEEK


# ------------------------------------------------------------------------------------------------------ small pieces


def _names(weekdays: Sequence[int], last: str = "and") -> str:
    return listed([WEEKDAYS[each] for each in weekdays], last)


def _each_of(weekdays: Sequence[int]) -> str:
    """`every Monday and Friday`; "every weekday" means Monday to Friday and nothing else."""
    if len(weekdays) == 7:
        return "every day"
    if len(weekdays) == 6:
        return f"every day except {WEEKDAYS[21 - sum(weekdays)]}"
    return "every weekday" if tuple(weekdays) == _WORKING else f"every {_names(weekdays)}"


def _months(months: Sequence[int]) -> str:
    return listed(runs(months, _MONTH_NAMES))


def _in_months(months: Sequence[int]) -> str:
    return f" in {_months(months)}" if 0 < len(months) < 12 else ""


def _only_in_months(months: Sequence[int]) -> str:
    return f", only in {_months(months)}" if 0 < len(months) < 12 else ""


def _capital(phrase: str) -> str:
    return phrase[0].upper() + phrase[1:]


def _is_idle(bysetpos: Sequence[int]) -> bool:
    """Whether BYSETPOS lets pass the only thing of a period, or is absent."""
    return not bysetpos or 1 in bysetpos or -1 in bysetpos


def _has_ordinals(byday: Sequence[WeekdayNum]) -> bool:
    return any(entry.ordinal for entry in byday)


def _plain(byday: Sequence[WeekdayNum]) -> list[int]:
    return [entry.weekday for entry in byday]


# ---------------------------------------------------------------------------------------------- hours, days and weeks


def _hourly(rule: Rule, _: date) -> str | None:
    if rule.byhour or rule.bysecond or rule.byyearday or rule.bymonthday or not _is_idle(rule.bysetpos):
        return None
    phrase = every(rule.interval, "hour")
    if rule.byminute:
        if rule.interval > 1 or rule.bysetpos:
            return None
        phrase += f" at {listed([f':{minute:02}' for minute in rule.byminute])}"
    if rule.byday and len(rule.byday) < 7:
        phrase += f" on {_each_of(_plain(rule.byday))}"
    return phrase + _in_months(rule.bymonth)


def _daily(rule: Rule, _: date) -> str | None:
    if not _is_idle(rule.bysetpos):
        return None
    weekdays = _plain(rule.byday) or _ALL_WEEK
    if rule.interval == 1:
        if not rule.bymonthday:
            return _capital(_each_of(weekdays)) + _in_months(rule.bymonth)
        return _of_months(_within_month(rule.bymonthday, rule.byday, (), rule.bymonth), rule.bymonth, 1)
    if rule.bymonthday:
        return None
    phrase = every(rule.interval, "day")
    if len(weekdays) < 7:
        phrase += f", only on {_names(weekdays, 'or')}"
    return phrase + _only_in_months(rule.bymonth)


def _weekly(rule: Rule, start: date) -> str | None:
    weekdays = sorted(_plain(rule.byday) or [start.weekday()], key=lambda day: (day - rule.wkst) % 7)
    if rule.bysetpos:
        if rule.bymonth and len(weekdays) > 1:
            return None  # a week at the border of a month has fewer days to choose from
        if not (weekdays := picked(weekdays, rule.bysetpos)):
            return None
    if rule.interval == 1:
        return _capital(_each_of(sorted(weekdays))) + _in_months(rule.bymonth)
    phrase = f"{every(rule.interval, 'week')} on {_names(sorted(weekdays))}"
    if _week_start_matters(weekdays, rule.wkst):
        phrase += f" (weeks begin on {WEEKDAYS[rule.wkst]})"
    return phrase + _only_in_months(rule.bymonth)


def _week_start_matters(weekdays: Sequence[int], wkst: int) -> bool:
    """Whether readers whose weeks begin on Sunday or on Monday could take the same words for other dates."""
    orders = {tuple(sorted(weekdays, key=lambda day: (day - begin) % 7)) for begin in (wkst, 0, 6)}
    return len(orders) > 1


# ------------------------------------------------------------------------------------------------- within one month


class _Days(NamedTuple):
    """Days of a month in words; `%s` stands where the month is named."""

    text: str
    may_lack: bool = False
    of_each: str = " of every month"


def _within_month(
    monthdays: Sequence[int], byday: Sequence[WeekdayNum], bysetpos: Sequence[int], months: Sequence[int]
) -> _Days | None:
    """The days that these BY parts name in a month, at least one of the first two being given."""
    if bysetpos:
        if byday and not monthdays:
            return _chosen(byday, bysetpos)
        # A widespread way to write the last day of the month.
        return _Days("the last day%s") if (*monthdays, *bysetpos) == (28, 29, 30, 31, -1) and not byday else None
    if monthdays and byday:
        if _has_ordinals(byday):
            return None
        days = _monthdays(monthdays, months, "or")
        return days and _Days(f"every {_names(_plain(byday), 'or')} that falls on {days.text}", of_each=" of the month")
    return _monthdays(monthdays, months) if monthdays else _nth_weekdays(byday)


def _monthdays(monthdays: Sequence[int], months: Sequence[int], last: str = "and") -> _Days | None:
    """`the 1st and 15th`, `the 15th and the last day`."""
    if min(monthdays) < -28:
        return None
    lengths = [_SHORTEST[month] for month in months or range(1, 13)]
    latest = max(monthdays)
    if latest > max(29 if length == 28 else length for length in lengths):
        return None
    counted = runs([day for day in monthdays if day > 0], _DAY_NAMES)
    from_end = [f"the {position(day)} day" for day in reversed(monthdays) if day < 0]
    text = listed([f"the {listed(counted, last)}", *from_end] if counted else from_end, last)
    return _Days(f"{text}%s", latest > min(lengths))


def _nth_weekdays(byday: Sequence[WeekdayNum]) -> _Days | None:
    """`the first and third Monday`, `every Monday`."""
    if not _has_ordinals(byday):
        weekdays = _plain(byday)
        return _Days(f"{_each_of(weekdays)}%s", of_each=" of the month")
    if any(not 1 <= abs(entry.ordinal) <= 5 for entry in byday):
        return None
    return _Days(f"{_ordinals(byday)}%s", any(abs(entry.ordinal) == 5 for entry in byday))


def _ordinals(byday: Sequence[WeekdayNum]) -> str:
    return listed(
        [
            f"the {listed([position(n) for n in _in_order([entry.ordinal for entry in entries])])} {WEEKDAYS[weekday]}"
            for weekday, entries in groupby(byday, key=lambda entry: entry.weekday)
        ]
    )


def _in_order(numbers: Sequence[int]) -> list[int]:
    """Positions as they are read: those from the front, then those from the end."""
    return sorted(numbers, key=lambda number: (number < 0, number))


def _chosen(byday: Sequence[WeekdayNum], bysetpos: Sequence[int], weeks: int = 4) -> _Days | None:
    """BYSETPOS among weekdays of a span that has at least `weeks` of each."""
    if _has_ordinals(byday):
        return None
    weekdays = _plain(byday)
    if len(weekdays) == 1 and weeks == 4:
        return _nth_weekdays(sorted(WeekdayNum(weekdays[0], number) for number in bysetpos))
    if max(map(abs, bysetpos)) > weeks * len(weekdays):
        return None
    kind = {_WORKING: "weekday", _WEEKEND: "weekend day", _ALL_WEEK: "day"}.get(tuple(weekdays))
    positions = listed([position(number) for number in _in_order(bysetpos)])
    return _Days(f"the {positions} {kind or _names(weekdays, 'or')}%s")


# -------------------------------------------------------------------------------------------------- months and years


def _monthly(rule: Rule, start: date) -> str | None:
    if rule.bymonth and rule.interval > 1:
        return None
    if (
        rule.byday
        and not rule.bymonthday
        and not rule.bysetpos
        and not _has_ordinals(rule.byday)
        and rule.interval == 1
    ):
        return _capital(_each_of(_plain(rule.byday))) + _in_months(rule.bymonth)
    monthdays, bysetpos = rule.bymonthday, rule.bysetpos
    if not (monthdays or rule.byday):
        if not _is_idle(bysetpos):
            return None
        monthdays, bysetpos = (start.day,), ()
    days = _within_month(monthdays, rule.byday, bysetpos, rule.bymonth)
    if rule.interval == 1:
        return _of_months(days, rule.bymonth, 1)
    if days is None:
        return None
    of_month = days.of_each if days.of_each == " of the month" else ""
    return f"{every(rule.interval, 'month')} on {days.text % of_month}{_where_it_exists(days)}"


def _of_months(days: _Days | None, months: Sequence[int], years: int) -> str | None:
    """Those days in each of the months, in every so many years."""
    if days is None:
        return None
    if 0 < len(months) < 12:
        return f"{every(years, 'year')} on {days.text % f' of {_months(months)}'}{_where_it_exists(days)}"
    if years > 1:
        return f"{every(years, 'year')} on {days.text % ' of every month'}{_where_it_exists(days)}"
    is_one = days.may_lack and " and " not in days.text
    lack = " that has one" if is_one else _where_it_exists(days)
    return f"On {days.text % days.of_each}{lack}"


def _where_it_exists(days: _Days) -> str:
    return ", where the month has that day" if days.may_lack else ""


def _yearly(rule: Rule, start: date) -> str | None:
    numbered_days = bool(rule.byyearday), bool(rule.byweekno)
    if any(numbered_days):
        if all(numbered_days) or rule.bymonth or rule.bymonthday or rule.bysetpos:
            return None
        return _by_weekno(rule, start) if rule.byweekno else _by_yearday(rule)
    if not (rule.bymonthday or rule.byday):
        months = rule.bymonth or (start.month,)
        if rule.bysetpos and (len(months) > 1 or not _is_idle(rule.bysetpos)):
            return None
        return _dates_of_year((start.day,), months, rule.interval)
    if rule.byday and not rule.bymonth:
        return _by_weekday_of_year(rule)
    if rule.bysetpos and len(rule.bymonth) != 1:
        return None
    if rule.byday and not rule.bymonthday and not rule.bysetpos and not _has_ordinals(rule.byday):
        weekdays = _each_of(_plain(rule.byday)) + _in_months(rule.bymonth)
        return _capital(weekdays) if rule.interval == 1 else f"{every(rule.interval, 'year')} on {weekdays}"
    if rule.bymonth and rule.bymonthday and not rule.byday and not rule.bysetpos:
        return _dates_of_year(rule.bymonthday, rule.bymonth, rule.interval)
    days = _within_month(rule.bymonthday, rule.byday, rule.bysetpos, rule.bymonth)
    return _of_months(days, rule.bymonth, rule.interval)


def _dates_of_year(monthdays: Sequence[int], months: Sequence[int], years: int) -> str | None:
    """`Every year on 3 March and 3 September`."""
    if len(monthdays) > 1 or monthdays[0] < 0 or len(months) > _LISTED_DATES:
        return _of_months(_within_month(monthdays, (), (), months), months, years)
    day = monthdays[0]
    existing = [month for month in months if day <= _SHORTEST[month] or (month, day) == (2, 29)]
    if not existing:
        return None
    if (day, existing[0]) == (29, 2) and existing[1:]:
        return _of_months(_within_month(monthdays, (), (), existing), existing, years)
    phrase = f"{every(years, 'year')} on {listed([f'{day} {_MONTH_NAMES[month]}' for month in existing])}"
    return f"{phrase} (leap years only)" if (day, existing) == (29, [2]) else phrase


def _by_weekday_of_year(rule: Rule) -> str | None:
    """BYDAY that counts within the year."""
    prefix = every(rule.interval, "year")
    if _has_ordinals(rule.byday):
        if rule.bymonthday or rule.bysetpos or any(not 1 <= abs(entry.ordinal) <= 52 for entry in rule.byday):
            return None
        return f"{prefix} on {_ordinals(rule.byday)} of the year"
    if rule.bysetpos:
        days = None if rule.bymonthday else _chosen(rule.byday, rule.bysetpos, weeks=52)
        return days and f"{prefix} on {days.text % ' of the year'}"
    if rule.bymonthday:
        return _of_months(_within_month(rule.bymonthday, rule.byday, (), ()), (), 1) if rule.interval == 1 else None
    each = _each_of(_plain(rule.byday))
    return _capital(each) if rule.interval == 1 else f"{prefix} on {each}"


def _by_yearday(rule: Rule) -> str | None:
    if rule.byday or max(map(abs, rule.byyearday)) > 365:
        return None
    days = [f"the {position(day)} day" if day < 0 else f"day {day}" for day in _in_order(rule.byyearday)]
    return f"{every(rule.interval, 'year')} on {listed(days)} of the year"


def _by_weekno(rule: Rule, start: date) -> str | None:
    """Weeks as ISO 8601 numbers them; those at either end of a year reach into its neighbour."""
    inner = (2, 51) if rule.interval > 1 else (1, 52)
    if rule.wkst or _has_ordinals(rule.byday) or not all(inner[0] <= week <= inner[1] for week in rule.byweekno):
        return None
    weekdays = _plain(rule.byday) or [start.weekday()]
    days = "every day" if len(weekdays) == 7 else _names(weekdays)
    weeks = f"week{'s' if rule.byweekno[1:] else ''} {listed([str(week) for week in rule.byweekno])}"
    return f"{every(rule.interval, 'year')} on {days} of ISO {weeks}"


_PHRASES: Final[Mapping[Freq, Callable[[Rule, date], str | None]]] = {
    Freq.YEARLY: _yearly,
    Freq.MONTHLY: _monthly,
    Freq.WEEKLY: _weekly,
    Freq.DAILY: _daily,
    Freq.HOURLY: _hourly,
}

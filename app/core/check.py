"""What a series must stand up to before it is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NoReturn

from app.core.budget import Budget, too_costly
from app.core.dates import with_rdates
from app.core.expand import (
    ENDLESS,
    Cut,
    instant_of_wall,
    rule_dates,
    times_of_day,
    too_dense,
    until_of,
    wall_of_dated,
)
from app.core.offsets import DAY, Dated, Offsets
from app.core.rule import Rule
from app.core.shape import MAX_COUNT, MAX_DATES_PER_WINDOW, MAX_RDATES, WINDOW_DAYS, Series
from app.errors import Problem

_WINDOW: Final = WINDOW_DAYS * DAY
_DENSITY_SPAN: Final = 400 * DAY  # how far a rule is followed to see how dense it is: its busiest season is within


def check(series: Series, *, budget: Budget | None = None) -> Series:
    """The series as it is to be stored: its start on the first date, `last` known where the rule ends.

    The start is moved only without `start_counts`; compare it to tell the caller. Raises `Problem`:
    `recurrence_without_dates` when there is none, `recurrence_too_costly` for more than
    `MAX_DATES_PER_WINDOW` dates in 90 days, a COUNT above `MAX_COUNT` or a rule whose dates cannot be found
    within the budget, `invalid_recurrence` for an all-day series in hours, `invalid_field` for more than
    `MAX_RDATES` rdates.
    """
    budget = budget or Budget()
    if len(series.rdates) > MAX_RDATES:
        raise Problem(
            "invalid_field",
            f"There are {len(series.rdates):,} rdates, and a series takes {MAX_RDATES:,}.",
            "Say regular dates with the rule, or make several series.",
            "rdates",
        )
    series = replace(series, last=None)
    rule = series.rule
    if rule is None:
        return series
    if rule.count is not None and rule.count > MAX_COUNT:
        too_costly(
            f"COUNT={rule.count} is more than the {MAX_COUNT:,} dates that are counted.",
            "End the series with UNTIL, or leave both out for one without end.",
        )
    offsets = Offsets(series.zone)
    start = instant_of_wall(series.start, offsets)
    dates = rule_dates(series, start, ENDLESS, rule.count or 1, offsets, budget)
    if dates and rule.count is None and _may_be_dense(series, rule):
        until = dates[0][0] + _DENSITY_SPAN
        dates = rule_dates(series, dates[0][0], until, 2 * MAX_DATES_PER_WINDOW, offsets, budget)
    if any(
        later[0] - earlier[0] < _WINDOW for earlier, later in zip(dates, dates[MAX_DATES_PER_WINDOW:], strict=False)
    ):
        too_dense()
    if not dates:
        if not series.start_counts and not series.rdates:
            _without_dates(rule)
        return replace(series, last=series.start) if series.start_counts else series
    if rule.count is not None:
        series = replace(series, last=wall_of_dated(dates[-1]))
    elif until_of(series, rule, offsets) != Cut():
        series = replace(series, last=wall_of_dated(_final(series, rule, dates[0], offsets, budget)))
    if series.start_counts:
        return series
    return with_rdates(replace(series, start=wall_of_dated(dates[0])), series.rdates, series, offsets)


def _may_be_dense(series: Series, rule: Rule) -> bool:
    if not rule.is_sub_daily:
        return len(times_of_day(series)) * (WINDOW_DAYS + 1) > MAX_DATES_PER_WINDOW
    return rule.is_finer_than_hourly or bool(rule.byminute or rule.bysecond)


def _without_dates(rule: Rule) -> NoReturn:
    raise Problem(
        "recurrence_without_dates",
        "The recurrence rule produces no date at all.",
        "UNTIL lies before the first date; move it, or the start."
        if rule.until is not None
        else "No date from the start on fits all its BY parts; 30 February is such a one.",
        "recurrence",
    )


def _final(series: Series, rule: Rule, first: Dated, offsets: Offsets, budget: Budget) -> Dated:
    """The last date up to UNTIL: looked for backwards from there, in windows that double."""
    cut = until_of(series, rule, offsets)
    high = min(cut.instant, offsets.instant((cut.day + 1) * DAY) + DAY) + 1
    span = DAY
    while high > first[0]:
        if dates := rule_dates(series, high - span, high, None, offsets, budget):
            return dates[-1]
        high, span = high - span, span * 2
    return first

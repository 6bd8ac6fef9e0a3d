"""This and future: one series becomes two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from app.core.budget import Budget
from app.core.dates import between, rdate_dates, with_rdates
from app.core.days import FIRST_DAY
from app.core.expand import ENDLESS, instant_of_wall, rule_dates, wall_of_dated
from app.core.offsets import DAY, Offsets
from app.core.questions import at, epoch
from app.core.rule import Rule
from app.core.shape import Occurrence, Series
from app.errors import Problem


def split(series: Series, key: str, *, budget: Budget | None = None) -> tuple[Series | None, Series]:
    """The series before the occurrence `key` names, and from it on: this-and-future.

    Together they have the dates of the whole, no date twice; `head` is None when nothing comes before. COUNT
    is shared out; otherwise the head ends by an UNTIL just before. The tail starts at the occurrence's
    original wall time, or, where that is an RDATE, keeps it as one and starts at the rule's next date. Raises
    `Problem("not_a_date_of_the_series")` when there is no such occurrence.
    """
    budget = budget or Budget()
    occurrence = at(series, key, budget=budget)
    if occurrence is None:
        raise Problem(
            "not_a_date_of_the_series",
            f"“{key[:20]}” is not a date of this series.",
            "List its occurrences first.",
        )
    offsets = Offsets(series.zone)
    border = epoch(occurrence.start)
    before, from_on = _rdates_by_side(series, border, offsets)
    has_head = bool(between(series, FIRST_DAY * DAY, border, 1, budget, offsets))
    start = instant_of_wall(series.start, offsets)
    rule = series.rule
    if border <= start and (rule is None or series.start_counts):
        tail = replace(series, rdates=from_on)
        # What comes before is RDATEs only.
        return (_dates_only(series, before, offsets) if has_head else None), tail
    if rule is None:
        return replace(series, rdates=before), _dates_only(series, from_on, offsets)

    following = rule_dates(series, border, ENDLESS, 1, offsets, budget)
    rest = rule
    head: Series | None = None
    if has_head:
        # Where the rule has nothing left, its own end stands: an UNTIL at a later RDATE would prolong it.
        ended = _ended(series, rule, occurrence) if following else rule
        head = replace(series, rule=ended, rdates=before, last=None)
    if rule.count is not None:
        passed = rule_dates(series, start, border, None, offsets, budget)
        is_extra = series.start_counts and (not passed or passed[0][0] != start)
        count = len(passed) + is_extra
        rest = replace(rule, count=max(rule.count - count, 1))
        if head is not None and count:
            last = wall_of_dated(passed[-1]) if passed else series.start
            head = replace(head, rule=replace(rule, count=count), last=last)
    if not following:
        return head, _dates_only(series, from_on, offsets)
    tail = replace(series, start=wall_of_dated(following[0]), rule=rest)
    return head, with_rdates(tail, from_on, series, offsets)


def _ended(series: Series, rule: Rule, occurrence: Occurrence) -> Rule:
    """The rule with an UNTIL just before the occurrence: the day before, or the second before in UTC."""
    if series.all_day:
        return replace(rule, count=None, until=occurrence.original.date() - timedelta(days=1))
    return replace(rule, count=None, until=occurrence.start - timedelta(seconds=1))


def _rdates_by_side(
    series: Series, border: int, offsets: Offsets
) -> tuple[tuple[date | datetime, ...], tuple[date | datetime, ...]]:
    sides: tuple[list[date | datetime], list[date | datetime]] = ([], [])
    for rdate, (dated, _) in zip(series.rdates, rdate_dates(series, offsets), strict=True):
        sides[dated[0] >= border].append(rdate)
    return tuple(sides[0]), tuple(sides[1])


def _dates_only(series: Series, rdates: Sequence[date | datetime], offsets: Offsets) -> Series:
    """A series of single dates: the first is its start, the others stay RDATEs."""
    resolved = [dated for dated, _ in rdate_dates(replace(series, rdates=tuple(rdates)), offsets)]
    first = min(range(len(rdates)), key=lambda index: resolved[index])
    others = [rdate for index, rdate in enumerate(rdates) if index != first]
    single = replace(series, start=wall_of_dated(resolved[first]), rule=None, last=None)
    return with_rdates(single, others, series, offsets)

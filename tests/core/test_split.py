from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.core.rule import format_rule
from app.core.series import Series, check, occurrences, split
from app.errors import Problem
from tests.core.making import FOR_EVER, all_day, keys, series, starts


def rule_of(side: Series | None) -> str | None:
    return None if side is None or side.rule is None else format_rule(side.rule)


def dates(side: Series | None) -> list[str]:
    return [] if side is None else keys(occurrences(side, *FOR_EVER))


def test_a_count_is_shared_out() -> None:
    head, tail = split(check(series("FREQ=DAILY;COUNT=10")), "20260305")
    assert (rule_of(head), rule_of(tail)) == ("FREQ=DAILY;COUNT=3", "FREQ=DAILY;COUNT=7")
    assert tail.start == datetime(2026, 3, 5, 9)


def test_a_series_without_count_ends_just_before_in_utc() -> None:
    head, tail = split(series("FREQ=DAILY"), "20260305")
    assert head is not None
    assert head.rule is not None
    assert head.rule.until == datetime(2026, 3, 5, 15, 59, 59, tzinfo=UTC)
    assert rule_of(tail) == "FREQ=DAILY"


def test_an_all_day_series_ends_on_the_day_before() -> None:
    head, _ = split(all_day("FREQ=WEEKLY"), "20260316")
    assert head is not None
    assert head.rule is not None
    assert head.rule.until == date(2026, 3, 15)


def test_a_series_split_at_its_first_date_has_no_head() -> None:
    whole = series("FREQ=DAILY;COUNT=4")
    head, tail = split(whole, "20260302")
    assert head is None
    assert occurrences(tail, *FOR_EVER) == occurrences(whole, *FOR_EVER)


def test_a_tail_that_begins_in_a_gap_keeps_the_time_of_the_others() -> None:
    _, tail = split(series("FREQ=DAILY", "2026-03-01T02:30"), "20260308")
    assert tail.start == datetime(2026, 3, 8, 2, 30)
    assert starts(occurrences(tail, *FOR_EVER, limit=2)) == ["2026-03-08T09:30Z", "2026-03-09T08:30Z"]


def test_rdates_go_to_their_side() -> None:
    head, tail = split(series("FREQ=WEEKLY", rdates=["2026-03-04", "2026-03-11T17:00"]), "20260309")
    assert head is not None
    assert head.rdates == (date(2026, 3, 4),)
    assert tail.rdates == (datetime(2026, 3, 11, 17),)


def test_a_split_at_an_rdate_keeps_it_and_the_rhythm_of_the_rule() -> None:
    head, tail = split(series("FREQ=WEEKLY;INTERVAL=2;COUNT=3", rdates=["2026-03-12T17:00"]), "20260312T1700")
    assert dates(head) == ["20260302"]
    assert dates(tail) == ["20260312T1700", "20260316", "20260330"]


def test_single_dates_can_be_split_too() -> None:
    head, tail = split(series(None, rdates=["2026-03-04T10:00", "2026-03-06T11:00"]), "20260304T1000")
    assert dates(head) == ["20260302"]
    assert starts(occurrences(tail, *FOR_EVER)) == ["2026-03-04T17:00Z", "2026-03-06T18:00Z"]


def test_a_start_by_mail_counts_on_the_heads_side() -> None:
    whole = series("FREQ=WEEKLY;BYDAY=MO;COUNT=4", "2026-03-07T09:00", start_counts=True)
    head, tail = split(whole, "20260316")
    assert dates(head) == ["20260307", "20260309"]
    assert dates(tail) == ["20260316", "20260323"]


def test_what_is_no_date_of_the_series_cannot_split_it() -> None:
    with pytest.raises(Problem) as refused:
        split(series("FREQ=WEEKLY"), "20260303")
    assert refused.value.code == "not_a_date_of_the_series"


def test_two_times_a_day_can_be_split_within_the_day() -> None:
    head, tail = split(series("FREQ=DAILY;BYHOUR=9,17;COUNT=5"), "20260303T1700")
    assert dates(head) == ["20260302T0900", "20260302T1700", "20260303T0900"]
    assert dates(tail) == ["20260303T1700", "20260304T0900"]

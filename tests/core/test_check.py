from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from app.core.series import MAX_COUNT, MAX_RDATES, check, first_from, occurrences
from app.errors import Problem
from tests.core.making import FOR_EVER, all_day, keys, series, utc


def test_a_start_is_moved_to_the_first_date_the_rule_makes() -> None:
    checked = check(series("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-03-07T09:00"))
    assert checked.start == datetime(2026, 3, 16, 9)


def test_a_start_that_counts_stays() -> None:
    given = series("FREQ=WEEKLY;BYDAY=MO", "2026-03-07T09:00", start_counts=True)
    assert check(given) == given


@pytest.mark.parametrize(
    ("rule", "last"),
    [
        ("FREQ=DAILY;COUNT=3", datetime(2026, 3, 4, 9)),
        ("FREQ=DAILY;UNTIL=20260304", datetime(2026, 3, 4, 9)),
        ("FREQ=YEARLY;UNTIL=29000101", datetime(2899, 3, 2, 9)),
        ("FREQ=HOURLY;COUNT=10000", datetime(2027, 4, 23, 1)),
        ("FREQ=DAILY", None),
        ("FREQ=DAILY;UNTIL=99991231T235959Z", None),
    ],
)
def test_the_last_date_is_remembered_where_there_is_one(rule: str, last: datetime | None) -> None:
    assert check(series(rule)).last == last


def test_a_count_with_its_last_date_known_has_the_same_dates_as_without() -> None:
    for rule in ("FREQ=DAILY;COUNT=400", "FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9,10;COUNT=301", "FREQ=HOURLY;COUNT=50"):
        given = series(rule, "2026-03-01T08:00")
        checked = check(given)
        assert checked.last is not None
        assert occurrences(checked, *FOR_EVER) == occurrences(given, *FOR_EVER)


def test_a_stale_last_date_is_computed_anew() -> None:
    stale = replace(series("FREQ=DAILY;COUNT=3"), last=datetime(2020, 1, 1))
    assert check(stale).last == datetime(2026, 3, 4, 9)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;UNTIL=20260101",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=DAILY;BYHOUR=9;BYSETPOS=2",
    ],
)
def test_a_rule_without_any_date_is_refused(rule: str) -> None:
    with pytest.raises(Problem) as refused:
        check(series(rule))
    assert refused.value.code == "recurrence_without_dates"
    assert refused.value.field == "recurrence"


def test_a_rule_without_any_date_is_taken_where_other_dates_are() -> None:
    assert keys(occurrences(check(series("FREQ=DAILY;UNTIL=20260101", start_counts=True)), *FOR_EVER)) == ["20260302"]
    added = check(series("FREQ=DAILY;UNTIL=20260101", rdates=["2026-03-05"]))
    assert keys(occurrences(added, *FOR_EVER)) == ["20260305"]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MINUTELY",
        "FREQ=SECONDLY;INTERVAL=600",
        "FREQ=HOURLY;BYMINUTE=0,30",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=0,30",
        "FREQ=MINUTELY;BYMONTH=6",
        f"FREQ=DAILY;COUNT={MAX_COUNT + 1}",
    ],
)
def test_more_than_2500_dates_in_90_days_are_too_costly(rule: str) -> None:
    with pytest.raises(Problem) as refused:
        check(series(rule))
    assert refused.value.code == "recurrence_too_costly"
    assert refused.value.hint


@pytest.mark.parametrize("rule", ["FREQ=HOURLY", "FREQ=MINUTELY;INTERVAL=60", f"FREQ=DAILY;COUNT={MAX_COUNT}"])
def test_one_date_an_hour_is_served(rule: str) -> None:
    assert first_from(check(series(rule)), utc("2027-01-01")) is not None


def test_an_all_day_event_cannot_be_made_hourly() -> None:
    with pytest.raises(Problem) as refused:
        check(all_day("FREQ=HOURLY"))
    assert refused.value.code == "invalid_recurrence"


def test_fifty_thousand_rdates_are_refused_by_their_field() -> None:
    with pytest.raises(Problem) as refused:
        check(replace(series(None), rdates=(datetime(2026, 3, 2, 9),) * 50_000))
    assert (refused.value.code, refused.value.field) == ("invalid_field", "rdates")
    assert check(replace(series(None), rdates=(datetime(2026, 3, 2, 9),) * MAX_RDATES))


def test_a_single_event_passes_as_it_is() -> None:
    assert check(series(None)) == series(None)

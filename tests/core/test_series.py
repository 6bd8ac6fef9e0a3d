from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from app.core.series import at, first_from, key_of, occurrences
from app.core.times import Length, load_zone
from app.errors import Problem
from tests.core.making import FOR_EVER, all_day, keys, series, starts, utc, year_of

# --------------------------------------------------------------------------------------------- wall time and zones


def test_nine_in_the_morning_stays_nine_over_the_clock_change() -> None:
    found = occurrences(series("FREQ=DAILY", "2026-03-07T09:00"), utc("2026-03-07"), utc("2026-03-10"))
    assert starts(found) == ["2026-03-07T16:00Z", "2026-03-08T15:00Z", "2026-03-09T15:00Z"]
    assert {occurrence.original.hour for occurrence in found} == {9}


def test_a_time_in_the_gap_moves_on_by_the_gap_and_keeps_its_original() -> None:
    found = occurrences(series("FREQ=DAILY", "2026-03-07T02:30"), utc("2026-03-07"), utc("2026-03-10"))
    assert starts(found) == ["2026-03-07T09:30Z", "2026-03-08T09:30Z", "2026-03-09T08:30Z"]
    assert found[1].original == datetime(2026, 3, 8, 2, 30)
    assert found[1].key == "20260308"


def test_an_hour_that_happens_twice_means_its_first_pass() -> None:
    found = occurrences(series("FREQ=DAILY", "2026-10-31T01:30"), utc("2026-10-31"), utc("2026-11-03"))
    assert starts(found) == ["2026-10-31T07:30Z", "2026-11-01T07:30Z", "2026-11-02T08:30Z"]


def test_a_start_on_the_second_pass_keeps_to_it() -> None:
    begun = replace(series("FREQ=DAILY;BYHOUR=1,3", "2026-11-01T01:30"), start=datetime(2026, 11, 1, 1, 30, fold=1))
    found = occurrences(begun, *year_of("2026-10-30"), limit=3)
    assert found[0].start == utc("2026-11-01T08:30")
    assert found[0].original.fold == 1
    assert keys(found) == ["20261101T0130b", "20261101T0330", "20261102T0130"]
    assert at(begun, "20261101T0130b") == found[0]
    assert at(begun, "20261101T0130") is None


def test_two_times_that_a_gap_makes_one_happen_once_and_the_real_one_stands() -> None:
    found = occurrences(
        series("FREQ=DAILY;BYHOUR=2,3;BYMINUTE=30", "2026-03-08T01:00"), utc("2026-03-08"), utc("2026-03-09")
    )
    assert keys(found) == ["20260308T0330"]
    assert at(series("FREQ=DAILY;BYHOUR=2,3;BYMINUTE=30", "2026-03-08T01:00"), "20260308T0230") is None


def test_lord_howe_shifts_by_half_an_hour_only() -> None:
    found = occurrences(
        series("FREQ=DAILY", "2026-10-03T02:15", "Australia/Lord_Howe"), utc("2026-10-02"), utc("2026-10-06")
    )
    assert starts(found) == ["2026-10-02T15:45Z", "2026-10-03T15:45Z", "2026-10-04T15:15Z", "2026-10-05T15:15Z"]


def test_dublin_where_winter_is_the_exception_keeps_nine_too() -> None:
    found = occurrences(series("FREQ=MONTHLY", "2026-01-15T09:00", "Europe/Dublin"), *year_of("2026-01-01"), limit=4)
    assert starts(found) == ["2026-01-15T09:00Z", "2026-02-15T09:00Z", "2026-03-15T09:00Z", "2026-04-15T08:00Z"]


def test_casablanca_in_ramadan_keeps_nine_too() -> None:
    found = occurrences(
        series("FREQ=WEEKLY", "2026-02-01T09:00", "Africa/Casablanca"), utc("2026-02-01"), utc("2026-03-30")
    )
    hours = [occurrence.start.hour for occurrence in found]
    assert hours == [8, 8, 9, 9, 9, 9, 9, 8, 8]


def test_the_day_that_apia_left_out_falls_onto_the_next_and_happens_once() -> None:
    found = occurrences(series("FREQ=DAILY", "2011-12-28T09:00", "Pacific/Apia"), utc("2011-12-28"), utc("2012-01-02"))
    assert keys(found) == ["20111228", "20111229", "20111231", "20120101", "20120102"]
    assert {later.start - earlier.start for earlier, later in pairwise(found)} == {timedelta(days=1)}
    assert at(series("FREQ=DAILY", "2011-12-28T09:00", "Pacific/Apia"), "20111230") is None


@pytest.mark.parametrize(
    ("zone", "day", "first_hour"), [("America/Sao_Paulo", "2018-11-04", 3), ("Africa/Cairo", "2026-04-24", 22)]
)
def test_an_all_day_date_whose_midnight_is_in_a_gap_begins_where_the_gap_ends(
    zone: str, day: str, first_hour: int
) -> None:
    begun = all_day("FREQ=DAILY", (date.fromisoformat(day) - timedelta(days=2)).isoformat(), zone)
    found = occurrences(begun, *year_of("2018-01-01" if day < "2020" else "2026-01-01"), limit=4)
    before, shifted, after = found[1], found[2], found[3]
    assert shifted.key == day.replace("-", "")
    assert shifted.start.hour == first_hour
    assert (before.end, shifted.end) == (shifted.start, after.start)
    assert shifted.end - shifted.start == timedelta(hours=23)


def test_an_all_day_date_runs_from_midnight_to_midnight_on_25_hour_days_too() -> None:
    found = occurrences(all_day("FREQ=DAILY", "2026-10-31"), utc("2026-10-31"), utc("2026-11-03"))
    assert [(occurrence.end - occurrence.start) // timedelta(hours=1) for occurrence in found] == [24, 25, 24]
    assert keys(found) == ["20261031", "20261101", "20261102"]


def test_a_nominal_day_ends_at_the_same_clock_time_and_an_exact_one_does_not() -> None:
    nominal = first_from(series("FREQ=DAILY", "2026-03-07T12:00", length=Length(1, 0)), utc("2026-03-07"))
    exact = first_from(series("FREQ=DAILY", "2026-03-07T12:00", length=Length(0, 86_400)), utc("2026-03-07"))
    assert nominal is not None
    assert exact is not None
    assert nominal.end == utc("2026-03-08T18:00")
    assert exact.end == utc("2026-03-08T19:00")


# ---------------------------------------------------------------------------------------------- hours are exact


def test_hourly_over_a_gap_and_a_fold_has_every_instant_once() -> None:
    hourly = series("FREQ=HOURLY", "2026-03-07T00:00")
    for low in ("2026-03-08", "2026-11-01"):
        found = occurrences(hourly, utc(low), utc(low) + timedelta(days=1))
        assert [later.start - earlier.start for earlier, later in pairwise(found)] == [timedelta(hours=1)] * 23


def test_the_second_pass_of_an_hour_has_a_key_of_its_own() -> None:
    found = occurrences(series("FREQ=HOURLY", "2026-10-31T00:00"), utc("2026-11-01T06:00"), utc("2026-11-01T10:00"))
    assert keys(found) == ["20261101T0000", "20261101T0100", "20261101T0100b", "20261101T0200"]
    assert [at(series("FREQ=HOURLY", "2026-10-31T00:00"), key) for key in keys(found)] == found


def test_every_six_hours_goes_by_elapsed_time() -> None:
    found = occurrences(series("FREQ=HOURLY;INTERVAL=6", "2026-03-07T18:00"), utc("2026-03-08"), utc("2026-03-09"))
    assert starts(found) == ["2026-03-08T01:00Z", "2026-03-08T07:00Z", "2026-03-08T13:00Z", "2026-03-08T19:00Z"]
    assert found[1].key == "20260308T0000"
    assert found[2].key == "20260308T0700"


def test_hour_filters_read_the_clock_on_the_wall() -> None:
    found = occurrences(series("FREQ=HOURLY;BYHOUR=9", "2026-03-06T00:00"), utc("2026-03-06"), utc("2026-03-10"))
    assert starts(found) == ["2026-03-06T16:00Z", "2026-03-07T16:00Z", "2026-03-08T15:00Z", "2026-03-09T15:00Z"]


def test_minutes_within_hours_read_the_clock_where_it_shifts_by_half_an_hour() -> None:
    found = occurrences(
        series("FREQ=HOURLY;BYMINUTE=0,45", "2026-10-03T00:00", "Australia/Lord_Howe"),
        utc("2026-10-03T14:00"),
        utc("2026-10-03T18:00"),
    )
    assert [f"{occurrence.original:%H:%M}" for occurrence in found] == [
        "00:45", "01:00", "01:45", "02:45", "03:00", "03:45", "04:00", "04:45",
    ]  # fmt: skip


def test_hours_that_cross_midnight_backwards_are_not_lost_to_a_day_filter() -> None:
    # St John's put its clocks back at 00:01: the last 59 minutes of 28 October 2006 came twice.
    half_hours = series("FREQ=MINUTELY;INTERVAL=30;BYDAY=SA", "2006-10-28T00:00", "America/St_Johns")
    found = occurrences(half_hours, utc("2006-10-29T01:30"), utc("2006-10-29T06:00"))
    assert keys(found) == ["20061028T2300", "20061028T2330", "20061028T2330b"]


# --------------------------------------------------------------------------------------------------------- until


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20260305", "20260305"),  # that whole local day
        ("20260305T090000", "20260305"),  # in the series' zone
        ("20260305T085959", "20260304"),
        ("20260305T160000Z", "20260305"),
        ("20260305T155959Z", "20260304"),
    ],
)
def test_until_is_inclusive_in_each_of_its_forms(until: str, last: str) -> None:
    found = occurrences(series(f"FREQ=DAILY;UNTIL={until}"), *FOR_EVER)
    assert found[-1].key == last


@pytest.mark.parametrize("until", ["20260305", "20260305T120000", "20260306T065959Z"])
def test_until_of_an_all_day_series_is_compared_by_local_date(until: str) -> None:
    assert keys(occurrences(all_day(f"FREQ=DAILY;UNTIL={until}"), *FOR_EVER))[-1] == "20260305"


@pytest.mark.parametrize("until", ["99991231", "99991231T235959", "99991231T235959Z"])
def test_the_end_of_time_is_no_end_and_does_not_overflow(until: str) -> None:
    found = first_from(series(f"FREQ=DAILY;UNTIL={until}"), utc("2990-01-01"))
    assert found is not None
    assert found.key == "29900101"


@pytest.mark.parametrize("until", ["00010101", "20200101T000000Z", "20260301"])
def test_until_before_the_start_leaves_no_date(until: str) -> None:
    assert occurrences(series(f"FREQ=DAILY;UNTIL={until}"), *FOR_EVER) == []


# ------------------------------------------------------------------------------------------------- the RFC's corners


def dates_of(rule: str, start: str, limit: int) -> list[str]:
    return keys(occurrences(series(rule, start), utc("1990-01-01"), utc("2900-01-01"), limit))


def test_months_without_a_31st_are_left_out() -> None:
    assert dates_of("FREQ=MONTHLY", "2026-01-31T09:00", 4) == ["20260131", "20260331", "20260531", "20260731"]


def test_a_birthday_on_29_february_comes_in_leap_years_only() -> None:
    assert dates_of("FREQ=YEARLY", "2096-02-29T09:00", 2) == ["20960229", "21040229"]


def test_a_29_february_that_is_a_monday_is_found_decades_away() -> None:
    for freq in ("YEARLY", "DAILY", "MINUTELY;BYHOUR=9;BYMINUTE=0"):
        found = dates_of(f"FREQ={freq};BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "2026-03-01T09:00", 2)
        assert [key[:8] for key in found] == ["20440229", "20720229"]


def test_the_week_start_decides_which_weeks_every_other_week_means() -> None:
    rule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU"
    assert dates_of(rule, "1997-08-05T09:00", 4) == ["19970805", "19970810", "19970819", "19970824"]
    assert dates_of(f"{rule};WKST=SU", "1997-08-05T09:00", 4) == ["19970805", "19970817", "19970819", "19970831"]


def test_days_counted_from_the_end_of_month_and_year() -> None:
    assert dates_of("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-01T09:00", 3) == ["20260131", "20260228", "20260331"]
    assert dates_of("FREQ=YEARLY;BYYEARDAY=-306", "2026-01-01T09:00", 3) == ["20260301", "20270301", "20280301"]
    assert dates_of("FREQ=YEARLY;BYYEARDAY=366", "2026-01-01T09:00", 2) == ["20281231", "20321231"]


def test_week_53_comes_only_in_long_years() -> None:
    assert dates_of("FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH", "2026-01-01T09:00", 3) == ["20261231", "20321230", "20371231"]


def test_a_week_number_alone_means_the_weekday_of_the_start() -> None:
    assert dates_of("FREQ=YEARLY;BYWEEKNO=20", "2026-01-06T09:00", 2) == ["20260512", "20270518"]


def test_a_set_position_counts_the_whole_week_even_before_the_start() -> None:
    # Thursday is the second of MO,TH,FR,SU in its week, also when the series starts on it.
    rule = "FREQ=WEEKLY;BYDAY=MO,TH,FR,SU;BYSETPOS=2"
    assert dates_of(rule, "2026-09-24T09:00", 2) == ["20260924", "20261001"]


def test_set_positions_count_times_of_day_too() -> None:
    found = occurrences(
        series("FREQ=MONTHLY;BYDAY=MO,TU;BYHOUR=9,17;BYSETPOS=-1,2"), utc("2026-03-01"), utc("2026-05-01")
    )
    assert keys(found) == ["20260302T1700", "20260331T1700", "20260406T1700", "20260428T1700"]


def test_the_60th_second_is_the_59th() -> None:
    assert dates_of("FREQ=DAILY;BYSECOND=59,60", "2026-03-02T09:00", 2) == ["20260302T090059", "20260303T090059"]


def test_times_of_day_in_an_all_day_rule_are_ignored() -> None:
    assert keys(occurrences(all_day("FREQ=DAILY;BYHOUR=9,17;COUNT=2"), *FOR_EVER)) == ["20260302", "20260303"]


def test_an_all_day_event_cannot_repeat_hourly() -> None:
    with pytest.raises(Problem) as refused:
        occurrences(all_day("FREQ=HOURLY"), *year_of("2026-03-01"))
    assert refused.value.code == "invalid_recurrence"


# ----------------------------------------------------------------------------------------- start, count and RDATEs


def test_a_start_the_rule_does_not_make_is_no_date_through_the_api_and_one_from_mail() -> None:
    weekdays = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=3"
    saturday = "2026-03-07T09:00"
    assert keys(occurrences(series(weekdays, saturday), *FOR_EVER)) == ["20260309", "20260310", "20260311"]
    by_mail = series(weekdays, saturday, start_counts=True)
    assert keys(occurrences(by_mail, *FOR_EVER)) == ["20260307", "20260309", "20260310"]


def test_a_start_that_shares_its_day_with_a_date_of_the_rule_is_named_by_its_time() -> None:
    begun = series("FREQ=DAILY;BYHOUR=10;COUNT=3", "2026-03-02T09:00", start_counts=True)
    found = occurrences(begun, *FOR_EVER)
    assert keys(found) == ["20260302T0900", "20260302", "20260303"]
    assert [at(begun, key) for key in keys(found)] == found


def test_rdates_are_added_and_a_bare_date_takes_the_time_of_the_series() -> None:
    found = occurrences(
        series("FREQ=WEEKLY;COUNT=2", rdates=["2026-03-04", "2026-03-05T17:30", "2026-02-27"]), *FOR_EVER
    )
    assert keys(found) == ["20260227", "20260302", "20260304", "20260305T1730", "20260309"]
    assert found[2].original == datetime(2026, 3, 4, 9)
    bare = occurrences(series("FREQ=DAILY;BYHOUR=10;COUNT=1", rdates=["2026-03-02", "2026-03-04"]), *FOR_EVER)
    assert [(o.key, o.original.hour) for o in bare] == [("20260302", 10), ("20260304", 10)]


def test_an_rdate_upon_a_date_of_the_rule_is_that_date() -> None:
    found = occurrences(series("FREQ=DAILY;COUNT=2", rdates=["2026-03-03T09:00", "2026-03-02"]), *FOR_EVER)
    assert keys(found) == ["20260302", "20260303"]


def test_one_date_never_happens_twice_however_often_it_is_given() -> None:
    found = occurrences(series(None, rdates=["2026-03-05T17:30", "2026-03-05T17:30", "2026-03-02T09:00"]), *FOR_EVER)
    assert keys(found) == ["20260302", "20260305T1730"]


def test_a_single_event_has_its_start_as_its_only_date() -> None:
    found = occurrences(series(None), *FOR_EVER)
    assert keys(found) == ["20260302"]
    assert found[0].end - found[0].start == timedelta(hours=1)
    assert first_from(series(None), utc("2026-03-03")) is None


# ---------------------------------------------------------------------------------------------- windows and keys


def test_a_window_includes_its_first_instant_and_not_its_last() -> None:
    daily = series("FREQ=DAILY")
    assert starts(occurrences(daily, utc("2026-03-02T16:00"), utc("2026-03-03T16:00"))) == ["2026-03-02T16:00Z"]
    assert first_from(daily, utc("2026-03-02T16:00:01")) == at(daily, "20260303")
    assert occurrences(daily, utc("2026-03-05"), utc("2026-03-05")) == []
    assert occurrences(daily, utc("2026-03-06"), utc("2026-03-05")) == []


def test_a_limit_gives_the_first_ones() -> None:
    assert keys(occurrences(series("FREQ=DAILY"), *FOR_EVER, limit=2)) == ["20260302", "20260303"]
    assert occurrences(series("FREQ=DAILY"), *FOR_EVER, limit=0) == []


@pytest.mark.parametrize(
    "key",
    ["", "2026", "20260230", "99999999", "00000000", "20260302T", "20260302T0900", "20260302T090000", "20260302b",
     "20260301", "２0260302", "20260302 ", "20260302\n", "x" * 10_000],
)  # fmt: skip
def test_a_key_that_names_nothing_finds_nothing(key: str) -> None:
    assert at(series("FREQ=DAILY"), key) is None


def test_a_bare_date_means_the_first_of_several_a_day() -> None:
    twice = series("FREQ=DAILY;BYHOUR=17,9")
    found = at(twice, "20260305")
    assert found is not None
    assert found.key == "20260305T0900"


def test_seconds_are_in_a_key_only_where_there_are_some() -> None:
    found = occurrences(series("FREQ=DAILY;BYSECOND=0,30"), utc("2026-03-02"), utc("2026-03-03"))
    assert keys(found) == ["20260302T0900", "20260302T090030"]


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (date(2026, 3, 5), "20260305"),
        (date(2026, 2, 5), None),
        (datetime(2026, 3, 5, 9), "20260305"),
        (datetime(2026, 3, 5, 10), None),
        (utc("2026-03-05T16:00"), "20260305"),
        (datetime(2026, 3, 5, 17, tzinfo=load_zone("Europe/Berlin")), "20260305"),
        (datetime(2026, 3, 8, 9), "20260308"),
        (datetime(1, 1, 1), None),
        (utc("9999-12-31T23:00"), None),
    ],
)
def test_an_exdate_names_a_date_by_day_by_wall_time_or_by_instant(given: date, key: str | None) -> None:
    assert key_of(series("FREQ=DAILY"), given) == key


def test_an_exdate_of_an_all_day_series_may_carry_a_time() -> None:
    daily = all_day("FREQ=DAILY")
    assert key_of(daily, utc("2026-03-05T00:00")) == "20260305"  # midnight Z is the date as it is written
    assert key_of(daily, utc("2026-03-06T03:00")) == "20260305"  # still the 5th in Denver
    assert key_of(daily, datetime(2026, 3, 5, 14)) == "20260305"


def test_an_exdate_in_the_gap_names_the_moved_date_by_either_time() -> None:
    daily = series("FREQ=DAILY", "2026-03-01T02:30")
    assert key_of(daily, datetime(2026, 3, 8, 2, 30)) == "20260308"
    assert key_of(daily, datetime(2026, 3, 8, 3, 30)) == "20260308"


def test_a_bare_exdate_prefers_the_date_that_the_rule_makes() -> None:
    early = series("FREQ=DAILY", rdates=["2026-03-05T07:00"])
    assert key_of(early, date(2026, 3, 5)) == "20260305"
    assert key_of(early, datetime(2026, 3, 5, 7)) == "20260305T0700"

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.times import (
    Length,
    Moment,
    end_of,
    format_instant,
    format_length,
    format_local,
    format_wait,
    instant_of,
    load_zone,
    midnight_of,
    parse_duration,
    parse_offset,
    parse_time,
    place,
    wall_of,
)
from app.errors import Problem
from tests.core.making import refusal, utc

DENVER = load_zone("America/Denver")
BERLIN = load_zone("Europe/Berlin")
SOME_ZONES = [
    load_zone(name)
    for name in (
        "UTC", "America/Denver", "Europe/Dublin", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia",
        "America/Sao_Paulo", "Africa/Cairo", "Asia/Kathmandu", "America/St_Johns",
    )
]  # fmt: skip


# ------------------------------------------------------------------------------------------------ reading times


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026-03-01T09:00", datetime(2026, 3, 1, 9)),
        ("2026-03-01T09:00:30", datetime(2026, 3, 1, 9, 0, 30)),
        ("2026-03-01 09:00:30", datetime(2026, 3, 1, 9, 0, 30)),
        ("2026-03-01t09:00:30.999z", datetime(2026, 3, 1, 9, 0, 30, tzinfo=UTC)),
        ("2026-03-01T09:00:00-07:00", datetime(2026, 3, 1, 16, tzinfo=UTC)),
        ("2026-03-01T09:00:00+0530", datetime(2026, 3, 1, 3, 30, tzinfo=UTC)),
        ("2028-02-29", date(2028, 2, 29)),
    ],
)
def test_dates_and_times_are_read_as_they_are_written(text: str, read: date | datetime) -> None:
    assert parse_time(text) == read
    assert isinstance(parse_time(text), datetime) == isinstance(read, datetime)


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-3-1", "20260301", "2026-02-29", "2026-13-01", "2026-03-01T24:00:00", "2026-03-01T09:60",
        "2026-03-01T09:00:60", "2026-03-01T9:00", "1899-12-31", "3000-01-01", "2026-03-01T09:00:00+24:00",
        "2026-03-01T09:00:00 Z", "2026-03-01T09:00:00[Europe/Berlin]", "２０２６-03-01", "2026-03-01T", "2026-03-01Z",
        "2026-03-01T09:00\n", "2026-03-01T09:00:00." + "9" * 10_000, "0000-01-01",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_time(text)
    assert refused.value.code == "invalid_time"
    assert "2026-03-01T09:00:00" in (refused.value.hint or "")
    assert len(refused.value.message) < 200


def test_z_and_a_zero_offset_are_the_same_instant_and_yet_told_apart() -> None:
    z, zero, unknown = (parse_time(f"2026-07-01T09:00:00{offset}") for offset in ("Z", "+00:00", "-00:00"))
    assert z == zero == unknown
    assert isinstance(z, datetime)
    assert isinstance(zero, datetime)
    assert isinstance(unknown, datetime)
    assert z.tzinfo is UTC
    assert unknown.tzinfo is UTC
    assert zero.tzinfo is not UTC


@given(st.text(max_size=40))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    refused = refusal(lambda: parse_time(text))
    assert refused == "invalid_time" or (refused is None and 1900 <= parse_time(text).year <= 2999)


# -------------------------------------------------------------------------------------------------------- placing


def placed(text: str, *, explicit: bool = True) -> Moment:
    parsed = parse_time(text)
    assert isinstance(parsed, datetime)
    return place(parsed, DENVER, zone_is_explicit=explicit)


def test_a_time_without_offset_is_read_in_the_zone() -> None:
    assert placed("2026-07-01T09:00").instant == utc("2026-07-01T15:00")


def test_a_time_with_offset_is_that_instant_seen_from_the_zone() -> None:
    moment = placed("2026-07-01T09:00:00+02:00", explicit=False)
    assert moment.wall == datetime(2026, 7, 1, 1)
    assert moment.instant == utc("2026-07-01T07:00")


def test_an_offset_that_contradicts_the_named_zone_is_refused_with_both_readings() -> None:
    with pytest.raises(Problem) as refused:
        placed("2026-07-01T09:00:00-07:00")
    assert refused.value.code == "offset_mismatch"
    assert "-06:00" in refused.value.message
    for reading in ("2026-07-01T16:00:00.000Z", "2026-07-01T15:00:00.000Z", "10:00:00-06:00", "09:00:00-06:00"):
        assert reading in (refused.value.hint or "")


def test_z_never_contradicts_a_named_zone_but_a_written_zero_does() -> None:
    assert placed("2026-07-01T15:00:00Z").wall == datetime(2026, 7, 1, 9)
    with pytest.raises(Problem):
        placed("2026-07-01T15:00:00+00:00")


def test_an_offset_tells_the_two_passes_of_a_fold_apart() -> None:
    first, second = placed("2026-11-01T01:30:00-06:00"), placed("2026-11-01T01:30:00-07:00")
    assert (first.wall.fold, second.wall.fold) == (0, 1)
    assert second.instant - first.instant == timedelta(hours=1)


def test_a_time_in_a_gap_agrees_with_the_offset_before_it() -> None:
    assert placed("2026-03-08T02:30:00-07:00").instant == placed("2026-03-08T02:30").instant


# -------------------------------------------------------------------------------------------------- gaps and folds


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("America/Denver", "2026-03-08T02:30", "2026-03-08T09:30"),  # shown as 03:30
        ("America/Denver", "2026-11-01T01:30", "2026-11-01T07:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45"),  # half an hour only
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00"),
        ("Africa/Cairo", "2026-04-24T00:15", "2026-04-23T22:15"),
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00"),  # a day that was left out
        ("Europe/Dublin", "2026-03-29T01:30", "2026-03-29T01:30"),  # winter is the exception there
        ("Europe/Dublin", "2026-10-25T01:30", "2026-10-25T00:30"),
    ],
)
def test_a_gap_is_read_by_the_offset_before_it_and_a_fold_as_its_first_pass(zone: str, wall: str, instant: str) -> None:
    assert instant_of(datetime.fromisoformat(wall), load_zone(zone)) == utc(instant)


def test_fold_1_means_the_second_pass_and_nothing_in_a_gap() -> None:
    assert instant_of(datetime(2026, 11, 1, 1, 30, fold=1), DENVER) == utc("2026-11-01T08:30")
    assert instant_of(datetime(2026, 3, 8, 2, 30, fold=1), DENVER) == utc("2026-03-08T09:30")


def test_a_day_begins_where_the_gap_over_its_midnight_ends() -> None:
    zone = load_zone("America/Sao_Paulo")
    assert format_local(midnight_of(date(2018, 11, 4), zone), zone) == "2018-11-04T01:00:00-02:00"


@given(
    st.datetimes(datetime(1902, 1, 1), datetime(2990, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)),
    st.sampled_from(SOME_ZONES),
)
def test_every_instant_survives_the_way_over_its_wall_time(instant: datetime, zone: ZoneInfo) -> None:
    assert instant_of(wall_of(instant, zone), zone) == instant


# ---------------------------------------------------------------------------------------------------- durations


@pytest.mark.parametrize(
    ("text", "length", "canonical"),
    [
        ("P1D", Length(1, 0), "P1D"),
        ("P2W", Length(14, 0), "P14D"),
        ("P1DT2H", Length(1, 7200), "P1DT2H"),
        ("PT36H", Length(0, 129_600), "PT36H"),
        ("pt1h30m5s", Length(0, 5405), "PT1H30M5S"),
        ("+PT90M", Length(0, 5400), "PT1H30M"),
        ("PT0S", Length(0, 0), "PT0S"),
    ],
)
def test_durations_are_nominal_days_and_exact_seconds(text: str, length: Length, canonical: str) -> None:
    assert parse_duration(text) == length
    assert format_length(length) == canonical
    assert parse_duration(canonical) == length


@pytest.mark.parametrize(
    "text", ["P", "PT", "P1DT", "-PT5M", "P1Y", "P1M", "1H", "", "PT1.5H", "P40000D", "PT99999999999S", "PT٣H"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_duration(text)
    assert refused.value.code == "invalid_time"


@given(st.integers(0, 30_000), st.integers(0, 86_400 * 300))
def test_lengths_survive_being_written(days: int, seconds: int) -> None:
    assert parse_duration(format_length(Length(days, seconds))) == Length(days, seconds)


def test_a_nominal_day_over_a_clock_change_is_not_24_hours_long_and_24_hours_are() -> None:
    start = utc("2026-03-07T19:00")  # noon in Denver, the day before clocks go forward
    assert end_of(start, DENVER, Length(1, 0)) - start == timedelta(hours=23)
    assert end_of(start, DENVER, Length(0, 86_400)) - start == timedelta(hours=24)
    assert end_of(start, DENVER, Length(1, 3600)) - start == timedelta(hours=24)


def test_the_length_between_two_instants_is_exact() -> None:
    assert Length.between(utc("2026-03-07T19:00"), utc("2026-03-08T18:00")) == Length(0, 23 * 3600)


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        (timedelta(minutes=14, seconds=30), "PT14M30S"),
        (timedelta(hours=49), "PT49H"),
        (timedelta(0), "PT0S"),
        (timedelta(seconds=-5), "PT0S"),
        (timedelta(seconds=1, microseconds=999), "PT1S"),
    ],
)
def test_a_wait_is_told_in_hours_and_never_in_days(wait: timedelta, text: str) -> None:
    assert format_wait(wait) == text


# -------------------------------------------------------------------------------------------------------- offsets


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("-5m", -300), ("-1h", -3600), ("-2d", -172_800), ("+10m", 600), ("-90s", -90), ("-30d", -2_592_000)],
)
def test_offsets_are_read(text: str, seconds: int) -> None:
    assert parse_offset(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["5m", "-5", "-5M", "- 5m", "-31d", "+99999999d", "", "-1w", "-5m ", "−5m", "00"])
def test_what_is_no_offset_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_offset(text)
    assert refused.value.code == "invalid_field"
    assert "-" in (refused.value.hint or "")


# ------------------------------------------------------------------------------------------------------- the wire


def test_instants_are_written_in_utc_with_milliseconds() -> None:
    assert format_instant(utc("2026-03-01T16:00")) == "2026-03-01T16:00:00.000Z"
    assert format_instant(datetime(2026, 3, 1, 9, tzinfo=DENVER)) == "2026-03-01T16:00:00.000Z"


def test_local_times_carry_their_offset_with_seconds_only_where_it_has_some() -> None:
    assert format_local(utc("2026-03-01T16:00"), DENVER) == "2026-03-01T09:00:00-07:00"
    assert format_local(utc("1960-01-01T12:00"), load_zone("Africa/Monrovia")) == "1960-01-01T11:15:30-00:44:30"

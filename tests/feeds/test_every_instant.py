"""Two years of many series, instant by instant: what a subscriber's calendar shows is what the list shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from tests.events.state import NOW, assert_same, every, instant, stamp
from tests.ical.oracle import Seen, seen
from tests.support.service import Calendar

UNTIL: Final = NOW + timedelta(days=729)
MORNING: Final = ("2026-03-03T09:00:00", "PT1H")
SMALL_HOURS: Final = ("2026-03-03T02:15:00", "PT45M")
SPANNING: Final = ("2026-03-07T20:00:00", "PT10H")

# zone, (start, duration), rule; then what is added, left out and moved
SERIES: Final[list[tuple[str, tuple[str, str], str]]] = [
    ("America/New_York", MORNING, "FREQ=DAILY"),
    ("America/New_York", MORNING, "FREQ=DAILY;INTERVAL=3;BYDAY=MO,TU,WE,TH,FR"),
    ("America/New_York", SPANNING, "FREQ=DAILY;INTERVAL=7"),
    ("America/New_York", ("2026-03-03T09:00:00", "P1D"), "FREQ=WEEKLY"),
    ("America/New_York", ("2026-03-03T23:00:00", "P1DT3H"), "FREQ=WEEKLY;BYDAY=SA,SU"),
    ("America/New_York", ("2026-03-03T00:00:00", "PT20M"), "FREQ=HOURLY;INTERVAL=5"),
    ("America/New_York", ("2026-03-03T08:20:00", "PT20M"), "FREQ=HOURLY;BYMINUTE=20,50;COUNT=900"),
    ("America/New_York", MORNING, "FREQ=DAILY;BYHOUR=9,13,17;BYMINUTE=30"),
    ("America/New_York", MORNING, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1"),
    ("America/New_York", MORNING, "FREQ=YEARLY;BYWEEKNO=1,20;BYDAY=MO"),
    ("America/New_York", MORNING, "FREQ=YEARLY;BYMONTH=3,11;BYDAY=2SU,1SU"),
    ("America/New_York", MORNING, "FREQ=MONTHLY;BYMONTHDAY=31,-1"),
    ("America/New_York", MORNING, "FREQ=YEARLY;BYYEARDAY=-1,100,366"),
    ("America/New_York", MORNING, "FREQ=MONTHLY;INTERVAL=2;BYDAY=FR;BYMONTHDAY=13,14,15"),
    ("America/New_York", MORNING, "FREQ=DAILY;UNTIL=20261102"),
    ("America/New_York", MORNING, "FREQ=DAILY;UNTIL=20261102T140000Z"),
    ("America/New_York", MORNING, "FREQ=WEEKLY;WKST=SU;INTERVAL=2;BYDAY=SU,MO;COUNT=41"),
    ("America/Denver", ("2026-03-02T19:00:00", "PT2H"), "FREQ=WEEKLY;BYDAY=MO"),
    ("Europe/Dublin", MORNING, "FREQ=DAILY"),
    ("Europe/Dublin", ("2026-03-03T00:30:00", "PT5H"), "FREQ=WEEKLY;BYDAY=SU"),
    ("Europe/Dublin", MORNING, "FREQ=MONTHLY;BYDAY=-1SU"),
    ("Australia/Lord_Howe", MORNING, "FREQ=DAILY"),
    ("Australia/Lord_Howe", ("2026-03-03T23:30:00", "PT8H"), "FREQ=WEEKLY;BYDAY=SA"),
    ("Australia/Lord_Howe", ("2026-03-03T00:00:00", "PT20M"), "FREQ=HOURLY;INTERVAL=11"),
    ("Africa/Casablanca", MORNING, "FREQ=WEEKLY;BYDAY=SU,WE"),
    ("Pacific/Apia", MORNING, "FREQ=WEEKLY;BYDAY=FR"),
    ("Pacific/Chatham", MORNING, "FREQ=DAILY"),
    ("Pacific/Chatham", SMALL_HOURS, "FREQ=MONTHLY;BYDAY=1MO"),
    ("Asia/Kathmandu", MORNING, "FREQ=MONTHLY;BYDAY=3TH"),
    ("Asia/Tokyo", ("2026-03-03T00:00:00", "PT24H"), "FREQ=WEEKLY;INTERVAL=3"),
    ("UTC", MORNING, "FREQ=DAILY;BYSETPOS=1;BYHOUR=6,12"),
    ("UTC", ("2026-03-03T00:00:00", "PT0S"), "FREQ=HOURLY;INTERVAL=9;COUNT=300"),
]
ALL_DAY: Final[list[tuple[str, tuple[str, str], str]]] = [
    ("Asia/Tokyo", ("2026-03-03", "P1D"), "FREQ=WEEKLY;BYDAY=TU,TH"),
    ("Pacific/Honolulu", ("2026-03-03", "P3D"), "FREQ=MONTHLY;BYDAY=1TU"),
    ("America/New_York", ("2026-03-06", "P2D"), "FREQ=WEEKLY;UNTIL=20261107T043000Z"),
    ("Europe/Dublin", ("2026-03-31", "P1D"), "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=20"),
    ("UTC", ("2026-03-03", "P1D"), "FREQ=YEARLY;BYWEEKNO=10;BYDAY=TU,WE"),
]


def agree(calendar: Calendar) -> list[Any]:
    """The list of two years, after asserting that the feed shows the same starts and ends."""
    listed = every(calendar, start=stamp(NOW), end=stamp(UNTIL), limit=200)
    fed = seen(calendar.feed(), NOW.date(), UNTIL.date() + timedelta(days=1))
    assert_same(_until_then(fed), [event for event in listed if event["status"] != "cancelled"])
    return listed


def _until_then(found: list[Seen]) -> list[Seen]:
    return [each for each in found if stamp_of(each.start) <= stamp(UNTIL)]


def stamp_of(value: Any) -> str:
    return f"{value}T00:00:00Z" if len(str(value)) == 10 else stamp(value)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Dublin", "Australia/Lord_Howe"])
def test_an_exact_length_stays_exact_over_both_clock_changes(utc_calendar: Calendar, zone: str) -> None:
    utc_calendar.add(
        title="x", start="2026-03-03T20:00:00", duration="PT10H", timezone=zone, recurrence="FREQ=WEEKLY;BYDAY=SA"
    )
    listed = agree(utc_calendar)
    lengths = [instant(event["end"]) - instant(event["start"]) for event in listed]
    assert set(lengths) == {timedelta(hours=10)}
    assert len({event["end_local"][11:16] for event in listed}) == 3  # as ever, an hour later, an hour earlier


@pytest.mark.parametrize(("zone", "timing", "rule"), [*SERIES, *ALL_DAY])
def test_a_subscriber_sees_each_instant_of_two_years(
    utc_calendar: Calendar, zone: str, timing: tuple[str, str], rule: str
) -> None:
    start, duration = timing
    utc_calendar.add(title="x", start=start, duration=duration, timezone=zone, recurrence=rule)
    assert len(agree(utc_calendar)) > 3


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Tokyo"])
def test_added_left_out_and_moved_dates_are_seen_alike(utc_calendar: Calendar, zone: str) -> None:
    series = utc_calendar.add(
        title="x", start="2026-03-03T09:00:00", duration="PT1H", timezone=zone, recurrence="FREQ=WEEKLY",
        rdates=["2026-03-05", "2026-04-05T02:15:00", "2026-11-01T01:45:00", "2027-01-01T23:30:00"],
        exdates=["2026-03-10", "2026-03-17T09:00:00", "2026-04-05T02:15:00"],
    )  # fmt: skip
    utc_calendar.change(f"{series['id']}_20260324", start="2026-04-08T07:00:00")  # behind two others
    utc_calendar.change(f"{series['id']}_20260407", start="2026-03-31T09:00:00")  # onto another
    utc_calendar.change(f"{series['id']}_20260414", timezone="Asia/Kathmandu", start="2026-04-14T18:00:00")
    utc_calendar.change(f"{series['id']}_20260421", start="2026-04-21", duration="P2D", all_day=True)
    utc_calendar.change(f"{series['id']}_20270518", duration="PT3H")  # not stored yet
    utc_calendar.remove(f"{series['id']}_20270525")
    listed = agree(utc_calendar)
    assert sum(event.get("is_exception", False) for event in listed) == 5
    assert sum(event["status"] == "cancelled" for event in listed) == 4


def test_added_left_out_and_moved_days_are_seen_alike(utc_calendar: Calendar) -> None:
    series = utc_calendar.add(
        title="x", start="2026-03-03", end="2026-03-04", recurrence="FREQ=WEEKLY;COUNT=60",
        rdates=["2026-03-06"], exdates=["2026-03-10"], timezone="Asia/Tokyo",
    )  # fmt: skip
    utc_calendar.change(f"{series['id']}_20260317", start="2026-03-25", end="2026-03-25")
    utc_calendar.change(f"{series['id']}_20260324", start="2026-03-24T10:00:00", duration="PT1H", all_day=False)
    utc_calendar.remove(f"{series['id']}_20260331")
    listed = agree(utc_calendar)
    assert len(listed) == 61


def test_several_times_a_day_with_edits_are_seen_alike(utc_calendar: Calendar) -> None:
    series = utc_calendar.add(
        title="x", start="2026-03-03T17:00:00", duration="PT1H", timezone="America/New_York",
        recurrence="FREQ=DAILY;BYHOUR=9,17;COUNT=80", rdates=["2026-05-01"],
    )  # fmt: skip
    utc_calendar.change(f"{series['id']}_20260304T0900", start="2026-03-04T12:00:00")
    utc_calendar.remove(f"{series['id']}_20260305")  # its first
    assert series["instances_created"] == 81
    listed = agree(utc_calendar)
    assert [event["id"][-5:] for event in listed if event["status"] == "cancelled"] == ["T0900"]


def test_both_passes_of_an_hour_are_seen_alike(utc_calendar: Calendar) -> None:
    series = utc_calendar.add(
        title="x", start="2026-10-31T22:00:00", duration="PT15M", timezone="America/New_York",
        recurrence="FREQ=HOURLY;COUNT=9",
    )  # fmt: skip
    utc_calendar.change(f"{series['id']}_20261101T0100b", title="second")
    utc_calendar.remove(f"{series['id']}_20261101T0100")
    listed = agree(utc_calendar)
    assert [event["start"] for event in listed if event["title"] == "second"] == ["2026-11-01T06:00:00.000Z"]


def test_an_added_time_in_the_second_pass_of_an_hour_is_that_instant(utc_calendar: Calendar) -> None:
    series = utc_calendar.add(
        title="x", start="2026-10-25T09:00:00", duration="PT15M", timezone="America/New_York",
        recurrence="FREQ=WEEKLY;COUNT=2", rdates=["2026-11-01T01:30:00-05:00", "2026-11-01T01:30:00-04:00"],
    )  # fmt: skip
    assert [event["id"].removeprefix(series["id"]) for event in agree(utc_calendar)] == [
        "_20261025", "_20261101T0130", "_20261101T0130b", "_20261101",
    ]  # fmt: skip


def test_a_day_added_to_steps_of_hours_has_the_series_time_in_the_feed_too(utc_calendar: Calendar) -> None:
    series = utc_calendar.add(
        title="x", start="2026-04-14T02:30:00", duration="P1D", timezone="Australia/Lord_Howe",
        recurrence="FREQ=HOURLY;INTERVAL=7;COUNT=40",
    )  # fmt: skip
    late = utc_calendar.change(f"{series['id']}_20260414T1630", mode="future", start="2026-04-15T23:30:00")
    utc_calendar.change(f"{late['id']}_20260415T2330", mode="future", rdates=["2026-04-21", "2026-04-15"])
    added = [event for event in agree(utc_calendar) if event["id"] == f"{late['id']}_20260421T2330"]
    assert [(event["start"], event["end"]) for event in added] == [
        ("2026-04-21T13:00:00.000Z", "2026-04-22T13:00:00.000Z")
    ]


def test_a_day_and_an_earlier_time_on_it_can_both_be_added(utc_calendar: Calendar) -> None:
    series = utc_calendar.add(
        title="x", start="2026-04-14T09:00:00", duration="PT1H", timezone="America/New_York",
        recurrence="FREQ=DAILY;BYHOUR=9,17;COUNT=4", rdates=["2026-05-01", "2026-05-01T07:00:00"],
    )  # fmt: skip
    assert [event["id"].removeprefix(series["id"]) for event in agree(utc_calendar)][-2:] == [
        "_20260501T0700", "_20260501T0900",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "start", "rule", "first"),
    [
        ("America/New_York", "2026-11-01T01:30:00-05:00", "FREQ=YEARLY;BYMONTH=11;BYDAY=1SU", "20261101"),
        ("America/New_York", "2026-11-01T01:30:00-05:00", "FREQ=DAILY;BYHOUR=1,9", "20261101T0130b"),
        ("Europe/Dublin", "2026-10-25T01:30:00+00:00", "FREQ=DAILY", "20261025"),
    ],
)
def test_a_series_that_starts_on_the_second_pass_can_do_without_that_date(
    utc_calendar: Calendar, zone: str, start: str, rule: str, first: str
) -> None:
    series = utc_calendar.add(title="x", start=start, duration="PT15M", timezone=zone, recurrence=rule)
    utc_calendar.remove(f"{series['id']}_{first}", mode="single")
    assert agree(utc_calendar)[0]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("zone", "start", "rule", "later"),
    [
        # An hour that comes twice again, and one that does not come at all.
        ("America/New_York", "2026-11-01T01:30:00-05:00", "FREQ=YEARLY;BYMONTH=11;BYDAY=1SU", "20271107"),
        ("Europe/Dublin", "2026-10-25T01:30:00+00:00", "FREQ=DAILY", "20270328"),
    ],
)
def test_what_differs_later_in_a_series_from_the_second_pass_is_seen_alike(
    utc_calendar: Calendar, zone: str, start: str, rule: str, later: str
) -> None:
    series = utc_calendar.add(title="x", start=start, duration="PT15M", timezone=zone, recurrence=rule)
    first = start[:10].replace("-", "")
    utc_calendar.change(f"{series['id']}_{first}", start="2026-12-24T09:00:00")
    utc_calendar.remove(f"{series['id']}_{later}", mode="single")
    agree(utc_calendar)


@pytest.mark.parametrize("start", ["2026-04-25", "2026-04-25T09:00:00"])
def test_the_start_of_a_rule_that_makes_no_date_is_not_seen(utc_calendar: Calendar, start: str) -> None:
    series = utc_calendar.add(
        title="x", start=start, duration="P3D", recurrence="FREQ=WEEKLY;BYDAY=MO;UNTIL=20260426",
        rdates=["2026-03-28", "2026-04-28"],
    )  # fmt: skip
    assert [event["id"].removeprefix(series["id"]) for event in agree(utc_calendar)] == ["_20260328", "_20260428"]
    utc_calendar.change(series["id"], rdates=["2026-03-28", "2026-04-25"])
    assert [event["id"].removeprefix(series["id"]) for event in agree(utc_calendar)] == ["_20260328", "_20260425"]


TURNS = [
    ("America/New_York", "2026-03-08T02:30:00"),  # does not come
    ("Australia/Lord_Howe", "2026-10-04T02:15:00"),
    ("America/New_York", "2026-11-01T01:30:00"),  # comes twice
    ("America/New_York", "2026-11-01T01:30:00-05:00"),
    ("Australia/Lord_Howe", "2026-04-05T01:45:00+10:30"),
]


@pytest.mark.parametrize(("zone", "added"), TURNS)
def test_an_added_time_that_the_rule_makes_too_is_seen_once_where_the_clocks_turn(
    utc_calendar: Calendar, zone: str, added: str
) -> None:
    clock = added[10:19]
    series = utc_calendar.add(
        title="x", start=f"2026-03-03{clock}", duration="PT10M", timezone=zone, recurrence="FREQ=DAILY", rdates=[added]
    )
    agree(utc_calendar)
    utc_calendar.remove(f"{series['id']}_{added[:10].replace('-', '')}", mode="single")
    agree(utc_calendar)


@pytest.mark.parametrize("duration", ["PT10M", "P1D", "P1DT2H"])
@pytest.mark.parametrize(("zone", "start"), TURNS)
def test_single_dates_that_begin_where_the_clocks_turn_are_seen_alike(
    utc_calendar: Calendar, zone: str, start: str, duration: str
) -> None:
    series = utc_calendar.add(
        title="x", start=start, duration=duration, timezone=zone, rdates=[start, "2026-12-01T10:00:00", "2027-03-13"]
    )
    first = agree(utc_calendar)[0]
    assert first["id"].startswith(series["id"])
    utc_calendar.change(first["id"], title="y", start="2026-11-20T10:00:00")
    agree(utc_calendar)
    utc_calendar.remove(first["id"], mode="single")
    agree(utc_calendar)


def test_a_series_that_ends_on_the_second_pass_keeps_its_last_date(utc_calendar: Calendar) -> None:
    series = utc_calendar.add(
        title="x", start="2026-10-31T23:00:00", duration="PT15M", timezone="America/New_York",
        recurrence="FREQ=HOURLY;COUNT=4",
    )  # fmt: skip
    utc_calendar.change(series["id"], duration="PT20M")  # computed anew from what was stored
    assert [event["id"][-5:] for event in agree(utc_calendar)] == ["T2300", "T0000", "T0100", "0100b"]

"""What subscribers see of a VEVENT, read by libraries that did not write it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.times import Length, end_of, instant_of
from app.core.zones import load_zone
from app.ical.write import VEvent, busy_vevent, calendar_text, vevent
from app.ical.zones import vtimezone
from tests.ical.oracle import Seen, read, seen

DENVER = load_zone("America/Denver")
BERLIN = load_zone("Europe/Berlin")
TOKYO = load_zone("Asia/Tokyo")
HONOLULU = load_zone("Pacific/Honolulu")
KOLKATA = load_zone("Asia/Kolkata")
LORD_HOWE = load_zone("Australia/Lord_Howe")
ZULU = load_zone("UTC")

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SPRING_FORWARD = date(2026, 3, 8)  # in Denver 02:00 becomes 03:00
FALL_BACK = date(2026, 11, 1)  # in Denver 02:00 becomes 01:00

MEETING = VEvent(
    uid="evt_aB3dE5fG7hJ9@kalends.example",
    sequence=3,
    summary="Review",
    created=datetime(2026, 1, 5, 10, 0, tzinfo=UTC),
    modified=datetime(2026, 2, 1, 11, 30, 15, 999_999, tzinfo=UTC),
    start=datetime(2026, 2, 2, 9, 0),
    zone=DENVER,
    end=datetime(2026, 2, 2, 17, 0, tzinfo=UTC),
)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def feed(*events: VEvent) -> str:
    zones = {zone.key: zone for event in events for zone in (event.zone, event.recurrence_zone) if zone}
    vtimezones = [vtimezone(name, date(2026, 1, 1)) for name in sorted(zones)]
    return calendar_text("Work", "America/Denver", vtimezones, [vevent(event) for event in events])


def shown(*events: VEvent, since: date = date(2026, 1, 1), until: date = date(2028, 1, 1)) -> list[Seen]:
    return seen(feed(*events), since, until)


def starts(*events: VEvent, since: date = date(2026, 1, 1), until: date = date(2028, 1, 1)) -> list[object]:
    return [each.start for each in shown(*events, since=since, until=until)]


def nine_in_denver(first: date, days: int, *, step: int = 1, hour: int = 9) -> list[datetime]:
    """The instants of 09:00 on every `step`-th day."""
    walls = [datetime(first.year, first.month, first.day, hour) + n * DAY for n in range(0, days, step)]
    return [wall.replace(tzinfo=DENVER).astimezone(UTC) for wall in walls]


# --------------------------------------------------------------------------------------------------- the text


def test_the_whole_text_of_a_simple_event() -> None:
    assert vevent(MEETING).split("\r\n") == [
        "BEGIN:VEVENT",
        "UID:evt_aB3dE5fG7hJ9@kalends.example",
        "SEQUENCE:3",
        "DTSTAMP:20260201T113015Z",
        "LAST-MODIFIED:20260201T113015Z",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "DTSTART;TZID=America/Denver:20260202T090000",
        "DTEND;TZID=America/Denver:20260202T100000",
        "CREATED:20260105T100000Z",
        "SUMMARY:Review",
        "END:VEVENT",
        "",
    ]


def test_dtstamp_comes_from_the_change_so_every_rendering_is_the_same() -> None:
    assert vevent(MEETING) == vevent(replace(MEETING))
    changed = replace(MEETING, sequence=4, modified=utc(2026, 2, 3, 8))
    stamps = [line for line in vevent(changed).split("\r\n") if line.startswith(("DTSTAMP", "LAST-MOD", "SEQ"))]
    assert stamps == ["SEQUENCE:4", "DTSTAMP:20260203T080000Z", "LAST-MODIFIED:20260203T080000Z"]


def test_an_instant_may_come_in_any_zone() -> None:
    local = MEETING.modified.astimezone(TOKYO)
    assert vevent(replace(MEETING, modified=local, end=utc(2026, 2, 2, 17).astimezone(TOKYO))) == vevent(MEETING)


def test_texts_status_and_transparency_are_read_back_as_written() -> None:
    event = replace(
        MEETING,
        summary="Budget; part 1, or \\ 2",
        description="First line\nsecond, line\r\nthird",
        location="Room 5; 2nd floor, left",
        status="tentative",
        transparency="transparent",
    )
    [component] = read(feed(event)).walk("VEVENT")
    assert str(component["SUMMARY"]) == "Budget; part 1, or \\ 2"
    assert str(component["DESCRIPTION"]) == "First line\nsecond, line\nthird"
    assert str(component["LOCATION"]) == "Room 5; 2nd floor, left"
    assert (component["STATUS"], component["TRANSP"], component["SEQUENCE"]) == (
        "TENTATIVE",
        "TRANSPARENT",
        3,
    )
    assert "URL" not in component


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://meet.example/a,b;c?d=1&e=%20#f", "https://meet.example/a,b;c?d=1&e=%20#f"),
        (" HTTP://meet.example/x ", "HTTP://meet.example/x"),
        ("https://meet.example/Übung<1>", "https://meet.example/%C3%9Cbung%3C1%3E"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("https://meet.example/a\r\nATTENDEE:mailto:x@y.example", None),
        ("https://meet.example/a\x00b", None),
        ("https://meet.example/ code 123", None),
        ("https://", None),
        ("javascript:alert(1)", None),
        ("Room https", None),
    ],
)
def test_a_location_that_is_a_web_address_is_the_url_too(location: str, url: str | None) -> None:
    [component] = read(feed(replace(MEETING, location=location))).walk("VEVENT")
    assert "ATTENDEE" not in component
    assert component.get("URL") == url


def test_no_text_can_add_a_line_of_its_own() -> None:
    evil = "x\r\nATTENDEE:mailto:a@b.example\nEND:VEVENT\rBEGIN:VEVENT\u2028URL:x\x85Y:1\x0bZ:2\x0cA:3\x1cB:4"
    event = replace(
        MEETING, uid=evil, summary=evil, description=evil, location=evil, rrule=None, extra=("X-A:" + evil,)
    )
    text = calendar_text(evil, evil, [], [vevent(event)])
    calendar = read(text)
    assert len(calendar.walk("VEVENT")) == 1
    for forbidden in ("ATTENDEE", "URL", "Y", "Z", "A", "B"):
        assert not any(forbidden in component for component in calendar.walk())


def test_properties_we_do_not_model_are_carried_but_addresses_and_components_are_not() -> None:
    extra = (
        "CATEGORIES:Work,Travel",
        "X-COLOUR;VALUE=TEXT:" + "r" * 100,
        "ATTENDEE;CN=Ann:mailto:ann@x.example",
        "organizer:MAILTO:bob@x.example",
        "X-HOST:mailto:carl@x.example",
        "CONTACT:Dora\\, MailTo:dora@x.example",
        "BEGIN:VALARM",
        "END:VALARM",
        "DTSTAMP:20200101T000000Z",
        "no property at all",
        "",
    )
    [component] = read(feed(replace(MEETING, extra=extra))).walk("VEVENT")
    assert b"CATEGORIES:Work,Travel\r\n" in component.to_ical()
    assert str(component["X-COLOUR"]) == "r" * 100
    text = vevent(replace(MEETING, extra=extra))
    assert "mailto" not in text.lower()
    assert text.count("DTSTAMP") == 1
    assert text.count("BEGIN:") == 1


def test_a_busy_feed_tells_the_times_alone() -> None:
    event = replace(
        MEETING,
        summary="Secret",
        description="plan",
        location="https://meet.example/1",
        rrule="FREQ=WEEKLY;COUNT=3",
        extra=("CATEGORIES:Work",),
    )
    text = busy_vevent(event)
    names = {line.split(":")[0].split(";")[0] for line in text.split("\r\n") if line}
    assert names == {
        *("BEGIN", "UID", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "STATUS", "TRANSP"),
        *("DTSTART", "DTEND", "RRULE", "SUMMARY", "END"),
    }
    assert [
        (each.start, each.summary)
        for each in seen(calendar_text("x", "UTC", [], [text]), date(2026, 1, 1), date(2027, 1, 1))
    ] == [(instant, "Busy") for instant in nine_in_denver(date(2026, 2, 2), 21, step=7)]


# ---------------------------------------------------------------------------------------------- single events


def test_nine_in_denver_is_nine_in_winter_and_in_summer() -> None:
    winter = replace(MEETING, uid="w")
    summer = replace(MEETING, uid="s", start=datetime(2026, 7, 6, 9), end=utc(2026, 7, 6, 16))
    assert shown(winter, summer) == [
        Seen(utc(2026, 2, 2, 16), utc(2026, 2, 2, 17), "Review"),
        Seen(utc(2026, 7, 6, 15), utc(2026, 7, 6, 16), "Review"),
    ]


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC", "Zulu", "GMT", "Etc/GMT+0", "Universal"])
def test_utc_by_any_name_is_written_with_z(name: str) -> None:
    text = vevent(replace(MEETING, zone=load_zone(name), start=datetime(2026, 2, 2, 16)))
    assert "DTSTART:20260202T160000Z\r\nDTEND:20260202T170000Z\r\n" in text
    assert "TZID" not in text


@pytest.mark.parametrize(
    ("zone_name", "wall"),
    [
        ("America/Denver", datetime(2026, 11, 1, 1, 30)),
        ("America/Denver", datetime(2026, 11, 1, 1, 30, fold=1)),
        ("America/Denver", datetime(2026, 11, 1, 0, 30)),
        ("America/Denver", datetime(2026, 11, 1, 2, 30)),
        ("America/Denver", datetime(2026, 3, 8, 2, 30)),
        ("America/Denver", datetime(2026, 3, 8, 2, 30, fold=1)),
        ("America/Denver", datetime(2026, 3, 8, 1, 30)),
        ("Australia/Lord_Howe", datetime(2026, 4, 5, 1, 45)),
        ("Australia/Lord_Howe", datetime(2026, 4, 5, 1, 45, fold=1)),
        ("Australia/Lord_Howe", datetime(2026, 10, 4, 2, 15)),
        ("Europe/Dublin", datetime(2026, 10, 25, 1, 15, fold=1)),
        ("Africa/Cairo", datetime(2026, 4, 24, 0, 15)),
    ],
)
@pytest.mark.parametrize("minutes", [15, 60, 90, 24 * 60])
def test_an_event_where_the_clocks_turn_keeps_its_exact_instants(zone_name: str, wall: datetime, minutes: int) -> None:
    zone = load_zone(zone_name)
    began = instant_of(wall, zone)
    ended = began + timedelta(minutes=minutes)
    event = replace(MEETING, start=wall, zone=zone, end=ended)
    assert shown(event) == [Seen(began, ended, "Review")]
    nominal = replace(event, end=Length(0, minutes * 60))
    assert shown(nominal) == [Seen(began, ended, "Review")]


@settings(max_examples=120, deadline=None)
@given(
    zone=st.sampled_from([DENVER, BERLIN, LORD_HOWE, load_zone("America/Nuuk"), load_zone("Africa/Cairo")]),
    day=st.sampled_from([date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 25), date(2026, 11, 1)]),
    start=st.integers(-2 * 1440, 2 * 1440),
    fold=st.sampled_from([0, 1]),
    length=st.one_of(st.integers(0, 3000), st.builds(Length, st.integers(0, 3), st.integers(0, 90_000))),
)
def test_any_event_around_any_clock_change_is_read_at_its_instants(
    zone: ZoneInfo, day: date, start: int, fold: int, length: int | Length
) -> None:
    wall = datetime(day.year, day.month, day.day, fold=fold) + timedelta(minutes=start)
    began = instant_of(wall.replace(fold=fold), zone)
    ended = end_of(began, zone, length) if isinstance(length, Length) else began + timedelta(minutes=length)
    event = replace(
        MEETING, start=wall.replace(fold=fold), zone=zone, end=length if isinstance(length, Length) else ended
    )
    assert shown(event) == [Seen(began, ended, "Review")]


def test_a_nominal_day_from_a_second_pass_ends_at_that_clock_time_of_the_next_day() -> None:
    event = replace(MEETING, start=datetime(2026, 11, 1, 1, 30, fold=1), end=Length(1, 0))
    assert shown(event) == [Seen(utc(2026, 11, 1, 8, 30), utc(2026, 11, 2, 8, 30), "Review")]


def test_an_event_over_a_clock_change_ends_when_it_was_said_to_end() -> None:
    event = replace(MEETING, start=datetime(2026, 3, 7, 22), end=utc(2026, 3, 8, 13))  # 07:00, eight hours later
    assert shown(event) == [Seen(utc(2026, 3, 8, 5), utc(2026, 3, 8, 13), "Review")]


def test_a_nominal_length_is_written_as_a_duration() -> None:
    text = vevent(replace(MEETING, end=Length(1, 5400)))
    assert "DURATION:P1DT1H30M\r\n" in text
    assert "DTEND" not in text


@pytest.mark.parametrize("end", [utc(2026, 2, 2, 16), Length(0, 0)])
def test_an_event_without_length_has_neither_end_nor_duration(end: datetime | Length) -> None:
    text = vevent(replace(MEETING, end=end))
    assert "DTEND" not in text
    assert "DURATION" not in text
    assert shown(replace(MEETING, end=end)) == [Seen(utc(2026, 2, 2, 16), utc(2026, 2, 2, 16), "Review")]


# ---------------------------------------------------------------------------------------------------- all-day


@pytest.mark.parametrize("reader_zone", [TOKYO, HONOLULU], ids=str)
def test_an_all_day_event_keeps_its_date_in_tokyo_and_in_honolulu(reader_zone: object) -> None:
    event = replace(MEETING, start=date(2026, 5, 4), zone=None, end=date(2026, 5, 5))
    text = calendar_text("Work", str(reader_zone), [], [vevent(event)])
    assert "DTSTART;VALUE=DATE:20260504\r\nDTEND;VALUE=DATE:20260505\r\n" in text
    assert seen(text, date(2026, 1, 1), date(2027, 1, 1)) == [Seen(date(2026, 5, 4), date(2026, 5, 5), "Review")]


def test_all_day_lengths_in_days_are_durations() -> None:
    event = replace(MEETING, start=date(2026, 5, 4), zone=None, end=Length(3, 0))
    assert shown(event) == [Seen(date(2026, 5, 4), date(2026, 5, 7), "Review")]


def test_an_all_day_series_has_dates_throughout() -> None:
    event = replace(
        MEETING,
        start=date(2026, 5, 4),
        zone=None,
        end=date(2026, 5, 6),
        rrule="FREQ=WEEKLY;UNTIL=20260525T235959Z",
        exdates=(date(2026, 5, 11),),
        rdates=(date(2026, 5, 28),),
    )
    moved = replace(
        event,
        rrule=None,
        rdates=(),
        exdates=(),
        recurrence_id=date(2026, 5, 18),
        start=date(2026, 5, 19),
        end=date(2026, 5, 20),
    )
    assert starts(event, moved) == [date(2026, 5, 4), date(2026, 5, 19), date(2026, 5, 25), date(2026, 5, 28)]
    text = vevent(event)
    assert "RRULE:FREQ=WEEKLY;UNTIL=20260525\r\n" in text
    assert "T0" not in text.split("TRANSP")[1].split("CREATED")[0]


# ----------------------------------------------------------------------------------------------------- series


def test_a_daily_series_stays_at_nine_for_two_years() -> None:
    event = replace(MEETING, start=datetime(2026, 1, 1, 9), end=utc(2026, 1, 1, 17), rrule="FREQ=DAILY")
    assert shown(event) == [Seen(at, at + HOUR, "Review") for at in nine_in_denver(date(2026, 1, 1), 730)]


def test_a_reader_that_knows_no_zones_gets_the_same_from_the_vtimezone() -> None:
    event = replace(MEETING, start=datetime(2026, 1, 1, 9), end=utc(2026, 1, 1, 17), rrule="FREQ=DAILY")
    text = feed(event).replace("ID=America/Denver", "ID=Elsewhere").replace("ID:America/Denver", "ID:Elsewhere")
    expected = nine_in_denver(date(2026, 1, 1), 730)
    assert [each.start for each in seen(text, date(2026, 1, 1), date(2028, 1, 1))] == expected


def test_a_monday_evening_in_denver_stays_on_monday() -> None:
    event = replace(MEETING, start=datetime(2026, 1, 5, 20), end=utc(2026, 1, 6, 4), rrule="FREQ=WEEKLY;BYDAY=MO")
    assert starts(event) == nine_in_denver(date(2026, 1, 5), 726, step=7, hour=20)


@pytest.mark.parametrize(
    ("until", "written"),
    [
        ("20260310", "20260311T055959Z"),  # the whole of 10 March, in summer time
        ("20260307", "20260308T065959Z"),
        ("20260310T090000", "20260310T150000Z"),
        ("20260310T150000Z", "20260310T150000Z"),
    ],
)
def test_until_is_written_in_utc_and_includes_its_whole_local_day(until: str, written: str) -> None:
    event = replace(MEETING, start=datetime(2026, 3, 5, 9), end=utc(2026, 3, 5, 17), rrule=f"FREQ=DAILY;UNTIL={until}")
    assert f"RRULE:FREQ=DAILY;UNTIL={written}\r\n" in vevent(event)
    assert starts(event) == nine_in_denver(date(2026, 3, 5), 3 if until == "20260307" else 6)


@pytest.mark.parametrize("until", ["99991231", "99991231T235959", "99991231T235959Z", "00010101"])
def test_an_until_beyond_all_years_does_not_overflow(until: str) -> None:
    for zone in (DENVER, TOKYO):
        event = replace(MEETING, zone=zone, end=Length(0, 60), rrule=f"FREQ=DAILY;UNTIL={until};INTERVAL=2")
        [line] = [line for line in vevent(event).split("\r\n") if line.startswith("RRULE")]
        assert line.startswith(f"RRULE:FREQ=DAILY;UNTIL={until[:8]}T")
        assert line.endswith("Z;INTERVAL=2")


def test_an_all_day_until_in_utc_is_the_date_that_it_is_in_the_zone() -> None:
    event = replace(MEETING, start=date(2026, 5, 4), end=date(2026, 5, 5), rrule="FREQ=DAILY;UNTIL=20260510T055959Z")
    assert "UNTIL=20260509\r\n" in vevent(event)
    assert "UNTIL=20260510\r\n" in vevent(replace(event, zone=None))


def test_until_on_a_day_that_ends_twice_includes_both_ends() -> None:
    beirut = load_zone("Asia/Beirut")  # at midnight of 25 October 2026 it is 23:00 again
    event = replace(
        MEETING,
        zone=beirut,
        start=datetime(2026, 10, 20, 23, 30),
        end=Length(0, 60),
        rrule="FREQ=DAILY;UNTIL=20261024",
    )
    assert "UNTIL=20261024T215959Z" in vevent(event)


def test_an_exact_length_that_meets_a_clock_change_on_its_first_date_is_said_in_hours() -> None:
    event = replace(MEETING, start=datetime(2026, 10, 31, 22), end=utc(2026, 11, 1, 12), rrule="FREQ=DAILY;COUNT=3")
    assert "DURATION:PT8H\r\n" in vevent(event)
    assert starts(event) == nine_in_denver(date(2026, 10, 31), 3, hour=22)
    assert shown(event)[1] == Seen(utc(2026, 11, 2, 5), utc(2026, 11, 2, 13), "Review")


def test_a_series_in_a_gap_happens_on_every_date() -> None:
    event = replace(MEETING, start=datetime(2026, 3, 6, 2, 30), end=utc(2026, 3, 6, 10), rrule="FREQ=DAILY;COUNT=4")
    assert starts(event) == [
        utc(2026, 3, 6, 9, 30),
        utc(2026, 3, 7, 9, 30),
        utc(2026, 3, 8, 9, 30),
        utc(2026, 3, 9, 8, 30),
    ]


def test_cancelled_dates_stay_away_and_added_ones_appear() -> None:
    event = replace(
        MEETING,
        rrule="FREQ=WEEKLY;COUNT=8",
        exdates=(datetime(2026, 2, 9, 9), datetime(2026, 3, 9, 9)),
        rdates=(datetime(2026, 7, 1, 14), datetime(2026, 11, 1, 1, 30, fold=1), datetime(2027, 3, 14, 2, 30)),
    )
    assert "RDATE:20261101T083000Z\r\nRDATE:20270314T093000Z\r\n" in vevent(event)
    weekly = nine_in_denver(date(2026, 2, 2), 56, step=7)
    added = [utc(2026, 7, 1, 20), utc(2026, 11, 1, 8, 30), utc(2027, 3, 14, 9, 30)]
    assert starts(event) == [at for n, at in enumerate(weekly) if n not in (1, 5)] + added


def test_dates_without_a_rule_are_a_series_too() -> None:
    event = replace(MEETING, rdates=(datetime(2026, 8, 3, 9), datetime(2026, 12, 7, 9)))
    assert starts(event) == [utc(2026, 2, 2, 16), utc(2026, 8, 3, 15), utc(2026, 12, 7, 16)]


# ------------------------------------------------------------------------------ overrides, under the same UID


SERIES = replace(MEETING, rrule="FREQ=DAILY;COUNT=5")  # 2 to 6 February at 09:00


def override(day: int, **changes: object) -> VEvent:
    base = replace(MEETING, recurrence_id=datetime(2026, 2, day, 9), recurrence_zone=DENVER, series_rrule=SERIES.rrule)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_moving_one_date_leaves_the_others_at_nine() -> None:
    moved = override(4, summary="Moved", start=datetime(2026, 2, 4, 14), end=utc(2026, 2, 4, 22))
    assert "RECURRENCE-ID;TZID=America/Denver:20260204T090000\r\n" in vevent(moved)
    assert len({line for line in feed(SERIES, moved).split("\r\n") if line.startswith("UID:")}) == 1
    assert [(each.start, each.summary) for each in shown(SERIES, moved)] == [
        (utc(2026, 2, 2, 16), "Review"),
        (utc(2026, 2, 3, 16), "Review"),
        (utc(2026, 2, 4, 21), "Moved"),
        (utc(2026, 2, 5, 16), "Review"),
        (utc(2026, 2, 6, 16), "Review"),
    ]


def test_one_date_may_move_to_another_zone_or_fill_its_day() -> None:
    abroad = override(3, zone=BERLIN, start=datetime(2026, 2, 3, 9), end=utc(2026, 2, 3, 9))
    off = override(5, zone=None, start=date(2026, 2, 5), end=date(2026, 2, 6))
    assert "RECURRENCE-ID;TZID=America/Denver:20260205T090000\r\nDTSTART;VALUE=DATE:20260205\r\n" in vevent(off)
    assert starts(SERIES, abroad, off) == [
        *(utc(2026, 2, 2, 16), utc(2026, 2, 3, 8), utc(2026, 2, 4, 16)),
        *(date(2026, 2, 5), utc(2026, 2, 6, 16)),
    ]


def test_an_override_onto_a_second_pass_is_at_its_instant() -> None:
    late = override(4, start=datetime(2026, 11, 1, 1, 30, fold=1), end=Length(0, 900))
    assert starts(SERIES, late)[-1] == utc(2026, 11, 1, 8, 30)


def test_an_override_of_a_utc_series_names_its_date_in_utc() -> None:
    series = replace(SERIES, zone=ZULU)
    moved = override(4, recurrence_zone=ZULU, zone=ZULU, start=datetime(2026, 2, 4, 16), end=Length(0, 60))
    assert "RECURRENCE-ID:20260204T090000Z\r\n" in vevent(moved)
    assert len(starts(replace(series, end=Length(0, 60)), moved)) == 5


# --------------------------------------------------------------------------------------- steps in exact hours


def hourly(rule: str, first: datetime = datetime(2026, 1, 1), **changes: object) -> VEvent:
    event = replace(MEETING, start=first, end=Length(0, 600), rrule=rule)
    return replace(event, **changes)  # type: ignore[arg-type]


def test_an_hourly_series_repeats_no_instant_in_spring_and_misses_none_in_autumn() -> None:
    event = hourly("FREQ=HOURLY;INTERVAL=3")
    first = utc(2026, 1, 1, 7)
    expected = [first + n * 3 * HOUR for n in range(8 * 365 + 1)]
    got = starts(event, until=date(2027, 1, 2))
    assert got[: len(expected)] == expected


def test_minutes_within_the_hour_do_not_need_local_time_where_offsets_are_whole_hours() -> None:
    assert "DTSTART:20260101T070000Z" in vevent(hourly("FREQ=HOURLY;BYMINUTE=0,20"))
    assert "DTSTART;TZID=Australia/Lord_Howe" in vevent(hourly("FREQ=HOURLY;BYMINUTE=0,20", zone=LORD_HOWE))
    assert "DTSTART:20251231T130000Z" in vevent(hourly("FREQ=HOURLY", zone=LORD_HOWE))


def test_an_hourly_series_on_local_days_or_hours_stays_in_local_time() -> None:
    event = hourly("FREQ=HOURLY;BYHOUR=9,15;COUNT=6", datetime(2026, 2, 2, 9))
    assert "DTSTART;TZID=America/Denver:20260202T090000\r\n" in vevent(event)
    assert starts(event) == sorted(nine_in_denver(date(2026, 2, 2), 3) + nine_in_denver(date(2026, 2, 2), 3, hour=15))


def test_the_second_pass_of_an_hour_is_excluded_and_overridden_in_utc() -> None:
    rule = "FREQ=HOURLY;BYHOUR=1"
    passes = [datetime(2026, 11, 1, 1), datetime(2026, 11, 1, 1, fold=1)]
    text = vevent(hourly(rule, datetime(2026, 2, 2, 1), exdates=passes))
    assert "EXDATE;TZID=America/Denver:20261101T010000\r\nEXDATE:20261101T080000Z\r\n" in text
    moved = hourly(rule, rrule=None, recurrence_id=passes[1], recurrence_zone=DENVER, series_rrule=rule)
    assert "RECURRENCE-ID:20261101T080000Z\r\n" in vevent(moved)


def test_an_hourly_series_where_clocks_never_turn_keeps_its_zone() -> None:
    assert "DTSTART;TZID=Asia/Kolkata:20260101T000000\r\n" in vevent(hourly("FREQ=HOURLY", zone=KOLKATA))


def test_dates_and_overrides_of_an_hourly_series_follow_it_into_utc() -> None:
    rule = "FREQ=HOURLY;UNTIL=20261101"
    series = hourly(rule, datetime(2026, 11, 1), exdates=(datetime(2026, 11, 1, 1, fold=1),))
    moved = replace(
        series,
        rrule=None,
        exdates=(),
        summary="Moved",
        recurrence_id=datetime(2026, 11, 1, 1),
        recurrence_zone=DENVER,
        series_rrule=rule,
        start=datetime(2026, 11, 1, 1, 15),
    )
    text = vevent(series)
    assert "EXDATE:20261101T080000Z\r\n" in text
    assert "RECURRENCE-ID:20261101T070000Z\r\n" in vevent(moved)
    hours = [utc(2026, 11, 1, 6) + n * HOUR for n in range(25)]  # a day of 25 hours
    hours[1] += timedelta(minutes=15)
    del hours[2]
    assert starts(series, moved) == hours


def test_a_nominal_day_in_an_hourly_series_is_written_as_an_end() -> None:
    assert "DTEND:20260102T070000Z" in vevent(hourly("FREQ=HOURLY;INTERVAL=48", end=Length(1, 0)))


# --------------------------------------------------------------------------------------------- contradictions


@pytest.mark.parametrize(
    "changes",
    [
        {"zone": None},
        {"end": datetime(2026, 2, 2, 17)},
        {"end": date(2026, 2, 3)},
        {"end": utc(2026, 2, 2, 15)},
        {"start": utc(2026, 2, 2, 16)},
        {"start": date(2026, 2, 2)},
        {"start": date(2026, 2, 2), "zone": None},
        {"start": date(2026, 2, 2), "zone": None, "end": date(2026, 2, 2)},
        {"start": date(2026, 2, 2), "zone": None, "end": Length(0, 3600)},
        {"modified": datetime(2026, 2, 1)},
        {"rrule": "FREQ=DAILY", "exdates": (date(2026, 2, 3),)},
        {"recurrence_id": datetime(2026, 2, 2, 9)},
    ],
)
def test_an_event_that_contradicts_itself_is_not_written(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        vevent(replace(MEETING, **changes))  # type: ignore[arg-type]

from __future__ import annotations

import io
import struct
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Timezone

from app.errors import Problem
from app.ical.posix import parse_footer
from app.ical.tzif import load, parse
from app.ical.zones import UTC_NAMES, is_utc, offsets_since, render, vtimezone
from tests.ical.oracle import Clock

DATABASE = files("tzdata").joinpath("zoneinfo")
ALL_ZONES = [
    name for name in files("tzdata").joinpath("zones").read_text().split() if name != "Factory" and not is_utc(name)
]
IRREGULAR = [
    *("America/Denver", "America/Vancouver", "America/Nuuk", "America/Santiago", "America/Sao_Paulo"),
    *("America/Caracas", "America/Havana", "America/Indiana/Knox", "America/St_Johns", "America/Winnipeg"),
    *("Africa/Cairo", "Africa/Casablanca", "Africa/Windhoek", "Africa/Monrovia", "Africa/Lagos"),
    *("Asia/Gaza", "Asia/Jerusalem", "Asia/Kathmandu", "Asia/Pyongyang", "Asia/Tehran", "Asia/Tokyo"),
    *("Australia/Lord_Howe", "Australia/Perth", "Antarctica/Troll", "Antarctica/Macquarie"),
    *("Europe/Amsterdam", "Europe/Dublin", "Europe/Istanbul", "Europe/Moscow", "Europe/London"),
    *("Pacific/Apia", "Pacific/Chatham", "Pacific/Fiji", "Pacific/Honolulu", "Pacific/Kiritimati", "EST5EDT"),
]
WEEK = timedelta(days=7)


def tzif(name: str) -> bytes:
    return DATABASE.joinpath(*name.split("/")).read_bytes()


def assert_same_offsets(text: str, zone: ZoneInfo, spans: list[tuple[int, int]]) -> None:
    """The VTIMEZONE and zoneinfo agree in every week of these years, ends excluded, and at every onset."""
    clock = Clock(text, datetime(max(end for _, end in spans), 1, 2))
    for first, end in spans:
        # Local midnight of the first year: the promise is about the clocks of the zone.
        begin = datetime(first, 1, 1, tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
        moments = [begin + WEEK * n for n in range((end - first) * 52)]
        for onset in clock.onsets:
            if begin < onset < moments[-1]:
                moments += (onset - timedelta(seconds=1), onset)
        for moment in moments:
            wanted = moment.replace(tzinfo=UTC).astimezone(zone).utcoffset()
            assert clock.offset(moment) == wanted, f"{zone} at {moment}Z"


def test_every_zone_has_its_offsets_of_2020_to_2037_and_those_of_2050_and_2099() -> None:
    known = set()
    for name in ALL_ZONES:
        data = tzif(name)
        digest = sha256(data).digest()
        if digest not in known:  # half of the names are other names for the same clocks
            known.add(digest)
            zone = ZoneInfo.from_file(io.BytesIO(data), key=name)
            spans = [(2020, 2038), (2050, 2051), (2099, 2100)]
            assert_same_offsets(vtimezone(name, date(2020, 3, 1)), zone, spans)
    assert len(known) > 300


@pytest.mark.parametrize("year", [1, 1900, 1941, 1970, 1987, 2006, 2011, 2025, 2026, 2031, 2060])
def test_a_calendar_that_begins_in_any_year_has_the_offsets_of_that_year_and_the_next_twelve(
    year: int,
) -> None:
    for name in IRREGULAR:
        zone = ZoneInfo.from_file(io.BytesIO(tzif(name)), key=name)
        first = max(year, 1801)
        assert_same_offsets(vtimezone(name, date(year, 12, 31)), zone, [(first, first + 13), (2097, 2098)])


@pytest.mark.parametrize(
    "name",
    [
        "America/Denver",
        "Europe/Dublin",
        "Australia/Lord_Howe",
        "America/Nuuk",
        "Africa/Cairo",
        "Asia/Jerusalem",
    ],
)
def test_icalendar_reads_the_offsets_of_next_year_from_the_text(name: str) -> None:
    component = Timezone.from_ical(vtimezone(name, date(2026, 1, 1)))
    assert isinstance(component, Timezone)
    theirs = component.to_tz(lookup_tzid=False)
    zone = ZoneInfo.from_file(io.BytesIO(tzif(name)), key=name)
    for day in range(0, 365, 3):
        noon = datetime(2027, 1, 1, 12) + timedelta(days=day)
        assert theirs.utcoffset(noon) == zone.utcoffset(noon), noon


def test_nothing_ends_in_2038() -> None:
    for name in ALL_ZONES:
        text = vtimezone(name, date(2026, 1, 1))
        assert "UNTIL" not in text
        # Palestine's clocks follow Ramadan, which no rule can say: tzdata lists them until 2086.
        assert "DTSTART:203" not in text or name in {"Asia/Gaza", "Asia/Hebron"}


def test_denver_is_the_two_rules_that_people_know() -> None:
    assert vtimezone("America/Denver", date(2026, 11, 21)).split("\r\n") == [
        "BEGIN:VTIMEZONE",
        "TZID:America/Denver",
        "BEGIN:DAYLIGHT",
        "DTSTART:20250309T020000",
        "TZOFFSETFROM:-0700",
        "TZOFFSETTO:-0600",
        "TZNAME:MDT",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20251102T020000",
        "TZOFFSETFROM:-0600",
        "TZOFFSETTO:-0700",
        "TZNAME:MST",
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
        "END:STANDARD",
        "END:VTIMEZONE",
        "",
    ]


def test_summer_is_daylight_in_dublin_too() -> None:
    text = vtimezone("Europe/Dublin", date(2026, 1, 1))
    daylight = text[text.index("BEGIN:DAYLIGHT") : text.index("END:DAYLIGHT")]
    assert "TZOFFSETFROM:+0000\r\nTZOFFSETTO:+0100\r\nTZNAME:IST" in daylight


def test_a_zone_that_never_turns_is_one_standard_observance_without_odd_seconds() -> None:
    text = vtimezone("Africa/Lagos", date(2026, 1, 1))
    assert text.count("BEGIN:") == 2
    assert "DTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\n" in text


def test_offsets_with_seconds_are_written_where_they_are_asked_for() -> None:
    assert "TZOFFSETTO:-004430\r\n" in vtimezone("Africa/Monrovia", date(1960, 1, 1))


def test_a_turn_that_may_fall_in_two_months_is_one_observance_for_each() -> None:
    text = vtimezone("Africa/Cairo", date(2026, 1, 1))  # the end of the last Thursday of October
    assert "RRULE:FREQ=YEARLY;BYMONTH=10;BYMONTHDAY=26,27,28,29,30,31;BYDAY=FR\r\n" in text
    assert "RRULE:FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=1;BYDAY=FR\r\n" in text


@pytest.mark.parametrize("name", ["America/Denver", "Europe/Dublin", "America/Santiago", "Africa/Cairo"])
def test_data_that_spell_the_yearly_rule_out_give_the_same_text(name: str) -> None:
    data = load(name)
    years = range(2024, 2038)
    spelt_out = sorted(onset for year in years for onset in parse_footer(data.footer).onsets(year))
    known = [onset for onset in data.onsets if onset.at < spelt_out[0].at]
    fat = replace(data, onsets=(*known, *spelt_out))
    assert render(name, fat, 2026) == vtimezone(name, date(2026, 1, 1))


def test_an_onset_that_changes_nothing_is_not_written() -> None:
    text = vtimezone("Antarctica/Macquarie", date(2009, 6, 1))  # summer time from October 2009 to April 2011
    assert text.count("BEGIN:DAYLIGHT") == 3


def test_one_year_has_one_text_whatever_the_day() -> None:
    assert vtimezone("Europe/Paris", date(2026, 1, 1)) is vtimezone("Europe/Paris", date(2026, 12, 31))


@pytest.mark.parametrize("name", sorted(UTC_NAMES))
def test_utc_by_any_name_needs_no_vtimezone_and_never_turns(name: str) -> None:
    assert vtimezone(name, date(2026, 1, 1)) == ""
    assert offsets_since(name, 1980) == {0}


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../tzdata/zones", "/etc/passwd", "America", "zone.tab", "."])
def test_a_name_that_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(Problem) as refused:
        vtimezone(name, date(2026, 1, 1))
    assert refused.value.code == "invalid_timezone"


def test_offsets_since_a_year_are_those_still_to_come() -> None:
    assert offsets_since("America/Denver", 2026) == {-7 * 3600, -6 * 3600}
    assert offsets_since("Asia/Tokyo", 2026) == {9 * 3600}
    assert offsets_since("Australia/Lord_Howe", 2026) == {10 * 3600 + 1800, 11 * 3600}
    assert offsets_since("Europe/Istanbul", 2016) == {2 * 3600, 3 * 3600}
    assert offsets_since("Europe/Istanbul", 2020) == {3 * 3600}


def zone_file(footer: str) -> bytes:
    """A TZif file of version 3 without any transition: all there is is the footer."""
    kind = struct.pack(">lBB", 0, 0, 0) + b"STD\0"
    header = struct.pack(">4sc15x6L", b"TZif", b"3", 0, 0, 0, 0, 1, 4)
    return header + kind + header + kind + b"\n" + footer.encode() + b"\n"


TIMES = st.integers(-167, 167)
SPRING = st.builds("M{}.{}.{}/{}".format, st.integers(2, 5), st.integers(1, 5), st.integers(0, 6), TIMES)
AUTUMN = st.builds("M{}.{}.{}/{}".format, st.integers(7, 11), st.integers(1, 5), st.integers(0, 6), TIMES)


@settings(max_examples=100, deadline=None)
@given(starts=SPRING, ends=AUTUMN, south=st.booleans())
def test_any_rule_of_weekdays_becomes_recurring_observances(starts: str, ends: str, south: bool) -> None:
    footer = f"STD0DST,{ends},{starts}" if south else f"STD0DST,{starts},{ends}"
    data = zone_file(footer)
    zone = ZoneInfo.from_file(io.BytesIO(data), key="Made/Up")
    clock = Clock(render("Made/Up", parse(data), 2023), datetime(2033, 1, 1))
    onsets = [onset for onset in clock.onsets if onset.year > 2022]
    assert len(onsets) == 20
    for before, onset in pairwise([datetime(2023, 1, 1), *onsets]):
        for moment in (before + (onset - before) / 2, onset - timedelta(seconds=1), onset):
            assert clock.offset(moment) == moment.replace(tzinfo=UTC).astimezone(zone).utcoffset(), moment


@pytest.mark.parametrize("hours", [-167, -25, -24, -1, 0, 1, 23, 24, 49, 167])
@pytest.mark.parametrize("day", [10, 31, 32, 52, 58, 59, 60, 61, 66, 67, 120])
@pytest.mark.parametrize("leap_days_count", [True, False])
def test_a_rule_of_days_of_the_year_becomes_recurring_observances(day: int, hours: int, leap_days_count: bool) -> None:
    form = f"{day - 1}/{hours}" if leap_days_count else f"J{day}/{hours}"
    clock = Clock(render("Made/Up", parse(zone_file(f"STD0DST,{form},J280")), 2023), datetime(2033, 1, 1))
    for year in range(2023, 2033):
        if leap_days_count:
            midnight = datetime(year, 1, 1) + timedelta(days=day - 1)
        else:
            midnight = (datetime(2001, 1, 1) + timedelta(days=day - 1)).replace(year=year)
        onset = midnight + timedelta(hours=hours)
        assert clock.offset(onset - timedelta(seconds=1)) == timedelta(0), onset
        assert clock.offset(onset) == timedelta(hours=1), onset


def test_a_turn_around_new_year_is_found_on_either_side() -> None:
    # Two days before the first Sunday of January, and one after the last Saturday of December.
    data = zone_file("STD0DST,M7.1.0,M1.1.0/-47")
    clock = Clock(render("Made/Up", parse(data), 2023), datetime(2040, 1, 1))
    ends = [onset for onset in clock.onsets if clock.offset(onset) == timedelta(0)]
    fridays = {datetime(2022, 12, 30), datetime(2024, 1, 5), datetime(2025, 1, 3), datetime(2026, 1, 2)}
    assert fridays <= {datetime(onset.year, onset.month, onset.day) for onset in ends}
    assert len([onset for onset in ends if onset.year >= 2024 and onset < datetime(2039, 12, 1)]) == 16


def test_saving_time_all_year_round_is_one_observance() -> None:
    text = render("Made/Up", parse(zone_file("EST5EDT,0/0,J365/25")), 2026)
    assert "RRULE" not in text

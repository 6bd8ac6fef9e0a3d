"""Zones as senders name them, with and without their rules."""

from __future__ import annotations

from typing import Final

import pytest

from app.core.itip import Component
from app.ical.read import read_calendar

CALENDAR_ZONE: Final = "Asia/Kathmandu"

EASTERN: Final = ("-0400", "-0500", "BYMONTH=11;BYDAY=1SU", "BYMONTH=3;BYDAY=2SU")
CENTRAL_EUROPE: Final = ("+0200", "+0100", "BYMONTH=10;BYDAY=-1SU", "BYMONTH=3;BYDAY=-1SU")


def vtimezone(tzid: str, summer: str, winter: str, autumn: str, spring: str, *extra: str) -> list[str]:
    """Clocks go forward at two; back at three in Europe, at two in America."""
    back = "03" if summer == "+0200" else "02"
    return [
        "BEGIN:VTIMEZONE",
        f"TZID:{tzid}",
        *extra,
        *("BEGIN:STANDARD", f"DTSTART:16010101T{back}0000", f"TZOFFSETFROM:{summer}", f"TZOFFSETTO:{winter}"),
        *(f"RRULE:FREQ=YEARLY;{autumn}", "END:STANDARD"),
        *("BEGIN:DAYLIGHT", "DTSTART:16010101T020000", f"TZOFFSETFROM:{winter}", f"TZOFFSETTO:{summer}"),
        *(f"RRULE:FREQ=YEARLY;{spring}", "END:DAYLIGHT"),
        "END:VTIMEZONE",
    ]


def fixed(tzid: str, offset: str, *extra: str, start: str = "16010101T000000") -> list[str]:
    standard = ["BEGIN:STANDARD", f"DTSTART:{start}", f"TZOFFSETFROM:{offset}", f"TZOFFSETTO:{offset}", "END:STANDARD"]
    return ["BEGIN:VTIMEZONE", f"TZID:{tzid}", *extra, *standard, "END:VTIMEZONE"]


def event(tzid: str, rules: list[str], *lines: str, at: str = "20260709T100000") -> Component:
    text = "\r\n".join(
        (
            *("BEGIN:VCALENDAR", "VERSION:2.0", *rules, "BEGIN:VEVENT", "UID:1"),
            *(f"DTSTART;TZID={tzid}:{at}", *lines, "END:VEVENT", "END:VCALENDAR"),
        )
    )
    ((component,),) = (message.components for message in read_calendar(text, floating_zone=CALENDAR_ZONE).messages)
    return component


def zone(component: Component) -> str:
    assert component.when is not None
    return component.when.zone


def start(component: Component) -> str:
    assert component.when is not None
    return f"{component.when.start(CALENDAR_ZONE):%Y-%m-%dT%H:%MZ}"


@pytest.mark.parametrize(
    ("tzid", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Europe/Berlin ", "Europe/Berlin"),
        ('"Europe/Berlin"', "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("TZID=Europe/Berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("/Europe/Stockholm", "Europe/Stockholm"),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"),
        ("/softwarestudio.org/Olson_20011030_5/America/Indiana/Knox", "America/Indiana/Knox"),
        ("/mozilla.org/20070129_1/Europe/Berlin", "Europe/Berlin"),
        ("posix/Europe/Vaduz", "Europe/Vaduz"),
        ("US/Eastern", "US/Eastern"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ('"Pacific Standard Time"', "America/Los_Angeles"),
        ("Pacific Daylight Time", "America/Los_Angeles"),
        ("Eastern Standard Time (Mexico)", "America/Cancun"),
        ("Aus Central W. Standard Time", "Australia/Eucla"),
        ("UTC-02", "Etc/GMT+2"),
        ("UTC", "UTC"),
        ("Coordinated Universal Time", "UTC"),
        ('"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"', "Europe/Amsterdam"),
        ('"(UTC-05:00) Eastern Time (US & Canada)"', "America/New_York"),
        ('"(GMT+10:00) Canberra, Melbourne, Sydney"', "Australia/Sydney"),
        ('"(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi"', "Asia/Kolkata"),
        ('"(UTC) Coordinated Universal Time"', None),
        ('"(UTC+02:00)"', "Etc/GMT-2"),
        ("GMT+0100", "Etc/GMT-1"),
        ('"(UTC+09:00) Berlin"', None),
        ("Customized Time Zone", None),
        ("CST", None),
        ("Nowhere/Middle", None),
        ("Europe/Germany", None),
        ("", None),
    ],
)
def test_a_zone_by_its_name_alone(tzid: str, name: str | None) -> None:
    found = event(tzid, [])
    assert zone(found) == (name or CALENDAR_ZONE)
    assert found.when is not None
    assert found.when.zone_given == (name is not None)
    is_unknown = name is None and tzid != ""
    assert any("is not known" in notice for notice in found.notices) == is_unknown


@pytest.mark.parametrize(
    ("tzid", "rules", "name"),
    [
        ("Customized Time Zone", EASTERN, "America/New_York"),
        ("Customized Time Zone", CENTRAL_EUROPE, "Europe/Berlin"),
        ('"(UTC+01:00) Brussels, Copenhagen, Madrid, Paris"', CENTRAL_EUROPE, "Europe/Brussels"),
        ("Western/Central Europe", CENTRAL_EUROPE, "Europe/Berlin"),
        ("Eastern", EASTERN, "America/New_York"),
        ("Toronto", EASTERN, "America/Toronto"),
    ],
)
def test_a_zone_by_its_rules(tzid: str, rules: tuple[str, str, str, str], name: str) -> None:
    for lines in ([], ["RRULE:FREQ=WEEKLY"]):
        found = event(tzid, vtimezone(tzid.strip('"'), *rules), *lines)
        assert (zone(found), found.notices) == (name, ())


def test_of_zones_that_agree_the_location_and_the_calendar_s_own_are_preferred() -> None:
    rules = vtimezone("My Zone", *CENTRAL_EUROPE, "X-LIC-LOCATION:Europe/Vienna")
    assert zone(event("My Zone", rules)) == "Europe/Vienna"
    assert zone(event("My Zone", fixed("My Zone", "+0545"))) == CALENDAR_ZONE


def test_a_name_that_is_known_wins_over_stale_rules() -> None:
    assert zone(event("Europe/Berlin", fixed("Europe/Berlin", "+0900"))) == "Europe/Berlin"
    assert zone(event("W. Europe Standard Time", fixed("W. Europe Standard Time", "+0900"))) == "Europe/Berlin"


@pytest.mark.parametrize("offset", ["+0530", "+053000", "+05:30", "0530", "+530"])
def test_equal_offsets_without_a_rule_are_a_zone_without_summer_time(offset: str) -> None:
    found = event("Custom", fixed("Custom", offset))
    assert (zone(found), start(found)) == ("Asia/Kolkata", "2026-07-09T04:30Z")


def test_offsets_with_seconds_and_no_like_make_exact_instants() -> None:
    found = event("LMT", fixed("LMT", "+001730"), "DTEND;TZID=LMT:20260709T103000")
    assert found.when is not None
    assert found.when.start(CALENDAR_ZONE).isoformat() == "2026-07-09T09:42:30+00:00"
    assert (found.when.instant_given, found.when.zone, found.when.length.seconds) == (True, CALENDAR_ZONE, 1800)


def test_a_series_in_a_zone_like_no_other_follows_the_nearest_one_and_says_so() -> None:
    odd = ("-0400", "-0500", "BYMONTH=11;BYDAY=2SU", "BYMONTH=3;BYDAY=2SU")
    found = event("Odd", vtimezone("Odd", *odd), "RRULE:FREQ=WEEKLY")
    assert zone(found) == "America/New_York"
    assert found.notices == ("No known time zone has the rules of “Odd”; repeated dates follow America/New_York.",)
    single = event("Odd", vtimezone("Odd", *odd), at="20261105T100000")
    assert (start(single), single.notices) == ("2026-11-05T14:00Z", ())  # New York left summer time on 1 November


def test_rules_that_err_by_hours_still_name_the_zone_but_an_event_within_them_is_their_instant() -> None:
    sloppy = [line.replace("T030000", "T000000") for line in vtimezone("Sloppy", *CENTRAL_EUROPE)]
    for lines in ([], ["RRULE:FREQ=DAILY"]):
        found = event("Sloppy", sloppy, *lines)
        assert (zone(found), found.notices) == ("Europe/Berlin", ())
    within = event("Sloppy", sloppy, at="20261025T013000")
    assert (start(within), zone(within)) == ("2026-10-25T00:30Z", CALENDAR_ZONE)


def test_onsets_may_be_listed_by_rdate() -> None:
    listed = [
        *("BEGIN:VTIMEZONE", "TZID:Listed"),
        *("BEGIN:DAYLIGHT", "DTSTART:20260329T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200"),
        *("RDATE:20270328T020000,20280326T020000", "END:DAYLIGHT"),
        *("BEGIN:STANDARD", "DTSTART:20251026T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100"),
        *("RDATE:20261025T030000", "RDATE:20271031T030000", "RDATE:20281029T030000", "END:STANDARD"),
        "END:VTIMEZONE",
    ]
    found = event("Listed", listed, "RRULE:FREQ=WEEKLY;UNTIL=20270601T000000Z")
    assert (zone(found), start(found), found.notices) == ("Europe/Berlin", "2026-07-09T08:00Z", ())


def test_a_rule_with_an_end_is_followed_by_the_next_one() -> None:
    """Outlook and Apple list past rules: the United States changed theirs in 2007."""
    rules = [
        *("BEGIN:VTIMEZONE", "TZID:Past"),
        *(
            "BEGIN:STANDARD",
            "DTSTART:19671029T020000",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;UNTIL=20061029T060000Z",
        ),
        *("TZOFFSETFROM:-0400", "TZOFFSETTO:-0500", "END:STANDARD"),
        *("BEGIN:DAYLIGHT", "DTSTART:19870405T020000", "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4;UNTIL=20060402T070000Z"),
        *("TZOFFSETFROM:-0500", "TZOFFSETTO:-0400", "END:DAYLIGHT"),
        *("BEGIN:DAYLIGHT", "DTSTART:20070311T020000", "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3"),
        *("TZOFFSETFROM:-0500", "TZOFFSETTO:-0400", "END:DAYLIGHT"),
        *("BEGIN:STANDARD", "DTSTART:20071104T020000", "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11"),
        *("TZOFFSETFROM:-0400", "TZOFFSETTO:-0500", "END:STANDARD"),
        "END:VTIMEZONE",
    ]
    for at in ("20050403T100000", "20070320T100000", "20261109T100000"):
        found = event("Past", rules, "RRULE:FREQ=WEEKLY", at=at)
        assert (zone(found), found.notices) == ("America/New_York", ())


@pytest.mark.parametrize(
    "broken",
    [
        ["BEGIN:VTIMEZONE", "TZID:Broken", "END:VTIMEZONE"],
        [
            "BEGIN:VTIMEZONE",
            "TZID:Broken",
            "BEGIN:STANDARD",
            "DTSTART:19700101T000000",
            "END:STANDARD",
            "END:VTIMEZONE",
        ],
        fixed("Broken", "+9900"),
        fixed("Broken", "east"),
        fixed("Broken", "+0100", start="never"),
    ],
)
def test_rules_that_say_nothing_count_as_none(broken: list[str]) -> None:
    found = event("Broken", broken)
    assert zone(found) == CALENDAR_ZONE
    assert "is not known" in found.notices[0]


def test_an_unknown_zone_of_the_end_is_the_start_s() -> None:
    found = event("Europe/Berlin", [], "DTEND;TZID=Nowhere:20260709T110000")
    assert found.when is not None
    assert found.when.length.seconds == 3600

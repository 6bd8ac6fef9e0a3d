from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.zones import load_zone
from app.ical.decode import text_of
from app.ical.text import escape, fold, web_address
from app.ical.write import VEvent, calendar_text, vevent
from app.ical.zones import vtimezone
from tests.ical.oracle import read

EVENT = VEvent(
    uid="u",
    sequence=0,
    summary="",
    created=datetime(2026, 1, 1, tzinfo=UTC),
    modified=datetime(2026, 1, 1, tzinfo=UTC),
    start=datetime(2026, 2, 2, 9),
    zone=load_zone("America/Denver"),
    end=datetime(2026, 2, 2, 17, tzinfo=UTC),
)
BREAKS = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
NASTY = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Mn"]),
        st.sampled_from('\\;,:"n\r\n\t \u2028\x85😀👨‍👩‍👧é\u202eא'),
    )
)


def assert_well_formed(text: str) -> None:
    """Lines end in CRLF and nothing else breaks them; none is longer than 75 octets; all is UTF-8."""
    assert text.endswith("\r\n")
    for line in text.removesuffix("\r\n").split("\r\n"):
        assert "\r" not in line
        assert "\n" not in line
        assert line
        assert len(line.encode()) <= 75


@settings(max_examples=300, deadline=None)
@given(text=NASTY)
@example("\r")
@example("a\r\nb\rc\nd")
@example("\\n is not a newline, \\\\n neither")
@example("😀" * 60)
@example("é" * 80 + "\n" * 80)
@example("x" * 67 + "\\" * 20)
@example(" " * 200 + "end")
def test_any_text_comes_back_but_for_controls_and_the_spelling_of_newlines(text: str) -> None:
    feed = calendar_text(text, "UTC", [], [vevent(replace(EVENT, summary=text, description=text, location=text))])
    assert_well_formed(feed)
    expected = CONTROLS.sub("", BREAKS.sub("\n", text))
    calendar = read(feed)
    [component] = calendar.walk("VEVENT")
    assert str(component["SUMMARY"]) == expected
    assert str(component.get("DESCRIPTION", "")) == expected
    assert str(component.get("LOCATION", "")) == expected
    for name in (
        "NAME",
        "X-WR-CALNAME",
    ):  # icalendar leaves the values of properties it does not know escaped
        assert re.sub(r"\\(.)", lambda pair: {"n": "\n"}.get(pair[1], pair[1]), str(calendar[name])) == expected


@pytest.mark.parametrize("column", range(62, 76))
def test_folding_never_splits_a_character(column: int) -> None:
    for character in ("é", "€", "😀", "👩‍🚀"):
        line = "x" * column + character * 30
        folded = fold(line)
        assert_well_formed(folded)
        assert folded.replace("\r\n ", "") == line + "\r\n"


@settings(deadline=None)
@given(line=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_unfolding_gives_the_line_again(line: str) -> None:
    assert fold(line).replace("\r\n ", "") == line + "\r\n"


def test_a_line_of_75_octets_is_left_whole_and_one_of_76_is_not() -> None:
    assert fold("x" * 75) == "x" * 75 + "\r\n"
    assert fold("x" * 76) == "x" * 75 + "\r\n x\r\n"
    assert fold("x" * 74 + "é") == "x" * 74 + "\r\n é\r\n"


@settings(deadline=None)
@given(location=NASTY)
def test_a_url_holds_only_what_a_uri_may_hold(location: str) -> None:
    address = web_address("https://meet.example/" + location)
    assert address is None or re.fullmatch(r"[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%\[\]]+", address)


def test_the_calendar_around_the_events_names_itself_and_its_refresh() -> None:
    text = calendar_text("Ann's; week, \\o/", "America/Denver", [], [])
    assert text.split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Kalends//Kalends//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "NAME:Ann's\\; week\\, \\\\o/",
        "X-WR-CALNAME:Ann's\\; week\\, \\\\o/",
        "X-WR-TIMEZONE:America/Denver",
        "REFRESH-INTERVAL;VALUE=DURATION:PT5M",
        "X-PUBLISHED-TTL:PT5M",
        "END:VCALENDAR",
        "",
    ]


def test_a_whole_feed_is_well_formed_and_has_a_vtimezone_for_every_tzid() -> None:
    zones = ["America/Argentina/ComodRivadavia", "Asia/Gaza", "America/Denver"]
    events = [
        vevent(replace(EVENT, uid=f"evt_{n}@kalends.example", zone=load_zone(name), summary="ü" * 90))
        for n, name in enumerate(zones)
    ]
    feed = calendar_text("Wörk", "UTC", [vtimezone(name, date(2026, 1, 1)) for name in zones], events)
    assert_well_formed(feed)
    calendar = read(feed)
    used = {str(event["DTSTART"].params["TZID"]) for event in calendar.walk("VEVENT")}
    assert used == set(zones) == {str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")}
    assert calendar.get_missing_tzids() == set()


@pytest.mark.parametrize(
    "text", ["\\" * 200_000, "\r" * 200_000, "😀" * 100_000, "https://" + "%" * 200_000, "\x00" * 200_000]
)
def test_hostile_lengths_take_no_time(text: str) -> None:
    began = time.perf_counter()
    fold("SUMMARY:" + escape(text))
    web_address(text)
    assert time.perf_counter() - began < 1


@given(st.text(alphabet=st.sampled_from("ab\\;,\n\r\t\x07é\u2028 "), max_size=40))
@settings(max_examples=200, deadline=None)
def test_what_is_escaped_is_what_was_meant_without_controls(text: str) -> None:
    meant = re.sub("\r\n|[\r\n\u2028]", "\n", text).replace("\x07", "")
    assert re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], escape(text)) == meant
    assert "\n" not in escape(text)


@given(st.text(alphabet=st.sampled_from("ab: \t\r\n"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_folds_are_taken_out_whatever_the_line_ends(text: str) -> None:
    source = f"BEGIN:VCALENDAR\r\n{text}"
    expected = re.sub(r"(?:\r\n|\n|\r)[ \t]", "", source).replace("\r\n", "\n").replace("\r", "\n")
    assert text_of(source.encode(), "utf-8") == text_of(source, None) == expected

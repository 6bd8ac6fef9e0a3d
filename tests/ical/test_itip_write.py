"""Outgoing iTIP messages, read by two libraries that did not write them: icalendar and vobject."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import vobject
from hypothesis import example, given, settings
from icalendar import Calendar

from app.core.mailbox import Mailbox
from app.core.zones import load_zone
from app.ical.itip_write import Answer, Attendee, Invited, cancel, reply, request
from app.ical.write import VEvent, vevent
from tests.ical.oracle import read
from tests.ical.test_content_lines import BREAKS, CONTROLS, NASTY, assert_well_formed

DENVER = load_zone("America/Denver")
BERLIN = load_zone("Europe/Berlin")
ZULU = load_zone("UTC")
STAMP = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
CALENDAR = Mailbox("cal-aB3dE5fG7hJ9@kalends.example", "Work")
ADA = Attendee("ada@example.com", "Ada Lovelace", "REQ-PARTICIPANT", "ACCEPTED")
BOB = Attendee("bob@example.org", role="OPT-PARTICIPANT")

MEETING = VEvent(
    uid="evt_aB3dE5fG7hJ9@kalends.example",
    sequence=3,
    summary="Review",
    created=datetime(2026, 1, 5, 10, 0, tzinfo=UTC),
    modified=datetime(2026, 2, 1, 11, 30, tzinfo=UTC),
    start=datetime(2026, 3, 2, 9, 0),
    zone=DENVER,
    end=datetime(2026, 3, 2, 17, 0, tzinfo=UTC),
    description="Bring numbers",
    location="Room 5",
)
WEEKLY = replace(
    MEETING,
    rrule="FREQ=WEEKLY;COUNT=6",
    rdates=[datetime(2026, 3, 4, 9)],
    exdates=[datetime(2026, 3, 9, 9), datetime(2026, 3, 16, 9)],
)
MOVED = replace(
    MEETING,
    summary="Review, in Berlin",
    recurrence_id=datetime(2026, 3, 23, 9),
    recurrence_zone=DENVER,
    series_rrule=WEEKLY.rrule,
    start=datetime(2026, 3, 24, 15),
    zone=BERLIN,
    end=datetime(2026, 3, 24, 15, tzinfo=UTC),
)


def components(text: str) -> tuple[Calendar, list[Any]]:
    calendar = read(text)
    assert_well_formed(text)
    assert calendar.get_missing_tzids() == set()
    return calendar, calendar.walk("VEVENT")


def people(component: Any) -> list[tuple[str, dict[str, str]]]:
    """The attendees of a component: address and parameters."""
    found = component["ATTENDEE"]
    return [
        (str(each), {name: str(value) for name, value in each.params.items()})
        for each in (found if isinstance(found, list) else [found])
    ]


def by_vobject(text: str) -> list[Any]:
    return list(vobject.readOne(text).vevent_list)


# ----------------------------------------------------------------------------------------------------- answers


def test_the_whole_text_of_an_answer() -> None:
    invited = replace(MEETING, uid="040000008200E00074C5B7101A82E008@outlook", zone=ZULU, end=MEETING.end)
    invited = replace(invited, start=datetime(2026, 3, 2, 16))
    ada = Mailbox("Ada@Example.com", "Ada Lovelace")
    assert reply(invited, ada, CALENDAR, "accepted", STAMP).split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Kalends//Kalends//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:REPLY",
        "BEGIN:VEVENT",
        "UID:040000008200E00074C5B7101A82E008@outlook",
        "SEQUENCE:3",
        "DTSTAMP:20260203T040506Z",
        'ORGANIZER;CN="Ada Lovelace":mailto:Ada@Example.com',
        'ATTENDEE;CN="Work";PARTSTAT=ACCEPTED:mailto:cal-aB3dE5fG7hJ9@kalends.exampl',
        " e",
        "DTSTART:20260302T160000Z",
        "DTEND:20260302T170000Z",
        "SUMMARY:Review",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


@pytest.mark.parametrize("answer", ["accepted", "declined", "tentative"])
def test_an_answer_has_one_attendee_and_says_nothing_of_our_own_state(answer: Answer) -> None:
    ours = replace(WEEKLY, status="cancelled", description="our own notes")
    text = reply(ours, Mailbox("ada@example.com"), CALENDAR, answer, STAMP)
    calendar, [component] = components(text)
    assert calendar["METHOD"] == "REPLY"
    assert people(component) == [(f"mailto:{CALENDAR.address}", {"CN": "Work", "PARTSTAT": answer.upper()})]
    assert str(component["ORGANIZER"]) == "mailto:ada@example.com"
    assert (component["UID"], component["SEQUENCE"]) == (ours.uid, 3)
    assert component["DTSTAMP"].dt == STAMP
    assert component["DTSTART"].dt == datetime(2026, 3, 2, 9, tzinfo=DENVER)
    assert component["DTEND"].dt == ours.end
    assert component["SUMMARY"] == "Review"
    assert {"STATUS", "DESCRIPTION", "EXDATE", "RDATE", "TRANSP"}.isdisjoint(component)
    [other] = by_vobject(text)
    assert (other.uid.value, other.sequence.value, other.dtstart.value) == (ours.uid, "3", component["DTSTART"].dt)
    assert other.attendee.value == f"mailto:{CALENDAR.address}"
    assert other.attendee.params["PARTSTAT"] == [answer.upper()]


@pytest.mark.parametrize(
    ("original", "zone", "line"),
    [
        (datetime(2026, 3, 23, 9), DENVER, "RECURRENCE-ID;TZID=America/Denver:20260323T090000"),
        (datetime(2026, 3, 23, 15, tzinfo=UTC), None, "RECURRENCE-ID:20260323T150000Z"),
        (datetime(2026, 3, 23, 9, tzinfo=DENVER), DENVER, "RECURRENCE-ID:20260323T150000Z"),
        (date(2026, 3, 23), None, "RECURRENCE-ID;VALUE=DATE:20260323"),
    ],
)
def test_an_answer_for_one_date_names_it_in_the_organisers_form(
    original: date,
    zone: ZoneInfo | None,
    line: str,
) -> None:
    one = replace(MOVED, recurrence_id=original, recurrence_zone=zone, series_rrule=None)
    text = reply(one, Mailbox("ada@example.com"), CALENDAR, "declined", STAMP)
    assert line in text.split("\r\n")
    components(text)


# ------------------------------------------------------------------------------------------------- invitations


def test_an_invitation_of_a_series_carries_its_rule_its_dates_its_overrides_and_its_zones() -> None:
    text = request([Invited(WEEKLY, [ADA, BOB]), Invited(MOVED, [ADA])], CALENDAR, STAMP)
    calendar, [series, override] = components(text)
    assert calendar["METHOD"] == "REQUEST"
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["America/Denver", "Europe/Berlin"]
    assert str(series["ORGANIZER"]) == f"mailto:{CALENDAR.address}"
    assert series["ORGANIZER"].params["CN"] == "Work"
    assert people(series) == [
        (
            "mailto:ada@example.com",
            {"CN": "Ada Lovelace", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"},
        ),
        ("mailto:bob@example.org", {"ROLE": "OPT-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}),
    ]
    assert series["RRULE"]["COUNT"] == [6]
    assert series["RDATE"].dts[0].dt == datetime(2026, 3, 4, 9, tzinfo=DENVER)
    assert [each.dts[0].dt.day for each in series["EXDATE"]] == [9, 16]
    assert (series["STATUS"], series["DESCRIPTION"], series["LOCATION"]) == ("CONFIRMED", "Bring numbers", "Room 5")
    assert (series["DTSTAMP"].dt, series["LAST-MODIFIED"].dt) == (STAMP, MEETING.modified)
    assert override["RECURRENCE-ID"].dt == datetime(2026, 3, 23, 9, tzinfo=DENVER)
    assert override["DTSTART"].dt == datetime(2026, 3, 24, 15, tzinfo=BERLIN)
    assert len(people(override)) == 1
    first, second = by_vobject(text)
    assert [each.value for each in first.attendee_list] == ["mailto:ada@example.com", "mailto:bob@example.org"]
    assert first.rrule.value == "FREQ=WEEKLY;COUNT=6"
    assert second.recurrence_id.value == override["RECURRENCE-ID"].dt
    assert second.dtstart.value == override["DTSTART"].dt


def test_overrides_alone_can_be_sent_when_only_they_changed() -> None:
    calendar, [override] = components(request([Invited(MOVED, [ADA])], CALENDAR, STAMP))
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["America/Denver", "Europe/Berlin"]
    assert "RRULE" not in override


def test_an_all_day_invitation_is_in_dates_and_needs_no_zone() -> None:
    whole_day = replace(MEETING, start=date(2026, 3, 2), end=date(2026, 3, 4))
    calendar, [component] = components(request([Invited(whole_day, [ADA])], CALENDAR, STAMP))
    assert calendar.walk("VTIMEZONE") == []
    assert (component["DTSTART"].dt, component["DTEND"].dt) == (date(2026, 3, 2), date(2026, 3, 4))


def test_a_role_or_answer_that_is_no_token_is_written_as_the_default() -> None:
    odd = Attendee("x@example.com", "X", role="chair", partstat="ACCEPTED:mailto:evil@example.com\r\nX-A:b")
    _, [component] = components(request([Invited(MEETING, [odd])], CALENDAR, STAMP))
    assert people(component)[0][1] == {"CN": "X", "ROLE": "CHAIR", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}


def test_an_address_has_its_domain_in_ascii_and_nothing_a_uri_may_not_hold() -> None:
    attendees = [Attendee("jürgen@bücher.example"), Attendee("o'neil+cal@example.com"), Attendee('a"b c<d>@x.example')]
    _, [component] = components(request([Invited(MEETING, attendees)], CALENDAR, STAMP))
    assert [address for address, _ in people(component)] == [
        "mailto:j%C3%BCrgen@xn--bcher-kva.example",
        "mailto:o'neil+cal@example.com",
        "mailto:a%22b%20c%3Cd%3E@x.example",
    ]


@pytest.mark.parametrize(
    "invited",
    [
        [],
        [Invited(MEETING, [])],
        [Invited(WEEKLY, [ADA]), Invited(replace(MOVED, uid="other"), [ADA])],
    ],
)
def test_what_is_no_message_is_refused(invited: Sequence[Invited]) -> None:
    with pytest.raises(ValueError, match="An iTIP message"):
        request(invited, CALENDAR, STAMP)


# ---------------------------------------------------------------------------------------------- cancellations


def test_calling_off_raises_the_sequence_and_says_cancelled() -> None:
    text = cancel(Invited(WEEKLY, [ADA, BOB]), CALENDAR, STAMP)
    calendar, [component] = components(text)
    assert calendar["METHOD"] == "CANCEL"
    assert (component["STATUS"], component["SEQUENCE"], component["UID"]) == ("CANCELLED", 4, WEEKLY.uid)
    assert [address for address, _ in people(component)] == ["mailto:ada@example.com", "mailto:bob@example.org"]
    assert "RECURRENCE-ID" not in component
    [other] = by_vobject(text)
    assert (other.status.value, other.sequence.value) == ("CANCELLED", "4")


def test_calling_off_one_date_names_that_date() -> None:
    _, [component] = components(cancel(Invited(MOVED, [ADA]), CALENDAR, STAMP))
    assert component["RECURRENCE-ID"].dt == datetime(2026, 3, 23, 9, tzinfo=DENVER)
    assert (component["STATUS"], component["SEQUENCE"]) == ("CANCELLED", 4)
    assert "RRULE" not in component


# ------------------------------------------------------------------------------------------------ hostile texts


def written(name: str) -> str:
    """What is left of a name: line breaks in one spelling, no control characters."""
    return CONTROLS.sub("", BREAKS.sub("\n", name))


def unescaped(parameter: str) -> str:
    """RFC 6868, which vobject does not know."""
    return re.sub(r"\^([n'^])", lambda found: {"n": "\n", "'": '"', "^": "^"}[found[1]], parameter)


@settings(max_examples=60, deadline=None)
@given(name=NASTY, title=NASTY)
@example('Lovelace, Ada; "the ^ first": 1', 'a,b;c\\n"d"')
@example('x"\r\nATTENDEE:mailto:evil@example.com', "y\r\nATTENDEE:mailto:evil@example.com\r\nX:")
@example("👩‍🚀" * 40, "^n^'^^")
@example("\x00", "\u2028")
def test_names_and_titles_come_back_and_can_never_add_a_line(name: str, title: str) -> None:
    event = replace(MEETING, summary=title)
    attendee = Attendee("ada@example.com", name)
    text = request([Invited(event, [attendee])], Mailbox(CALENDAR.address, name), STAMP)
    _, [component] = components(text)
    expected = "" if name.isspace() else written(name)
    for person in (component["ATTENDEE"], component["ORGANIZER"]):
        assert str(person.params.get("CN", "")) == expected
    assert str(component["SUMMARY"]) == written(title)
    assert str(component["ATTENDEE"]) == "mailto:ada@example.com"
    assert properties(text) == properties(request([Invited(MEETING, [ADA])], CALENDAR, STAMP))
    [other] = by_vobject(text)
    assert unescaped("".join(other.attendee.params.get("CN", []))) == expected
    assert other.attendee.value == "mailto:ada@example.com"


def properties(text: str) -> list[str]:
    """The names of the properties, in order."""
    lines = text.replace("\r\n ", "").split("\r\n")
    return [re.split("[;:]", line, maxsplit=1)[0] for line in lines]


@settings(max_examples=60, deadline=None)
@given(address=NASTY)
@example("ada@example.com\r\nX-EVIL:1")
@example('ada@example.com";X=":y')
def test_no_address_can_add_a_line_or_a_parameter(address: str) -> None:
    text = reply(MEETING, Mailbox(address), CALENDAR, "accepted", STAMP)
    assert_well_formed(text)
    assert properties(text) == properties(reply(MEETING, CALENDAR, CALENDAR, "accepted", STAMP))
    _, [component] = components(text)
    assert len(component["ORGANIZER"].params) == 0


def test_a_published_feed_still_has_no_way_to_name_people() -> None:
    leaking = replace(MEETING, extra=("ATTENDEE:mailto:ada@example.com", "X-Y:mailto:bob@example.org"))
    text = vevent(leaking)
    assert "ATTENDEE" not in text
    assert "mailto" not in text

"""What a mail's calendar says, example by example."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from app.core.itip import Component, Person
from app.core.times import Length, load_zone
from app.ical import limits
from app.ical.read import Reading, read_calendar

CALENDAR_ZONE: Final = "America/Denver"


def event(*lines: str, start: str = "DTSTART;TZID=Europe/Berlin:20261209T100000") -> str:
    return "\n".join(("BEGIN:VEVENT", "UID:1@example.com", *([start] if start else []), *lines, "END:VEVENT"))


def calendar(*inside: str) -> str:
    return "\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *inside, "END:VCALENDAR", ""))


def read(source: str | bytes, floating_zone: str = CALENDAR_ZONE, **given: str) -> Reading:
    return read_calendar(source, floating_zone=floating_zone, **given)


def only(source: str | bytes, **given: str) -> Component:
    reading = read(source, **given)
    assert reading.unread == ()
    ((component,),) = (message.components for message in reading.messages)
    return component


def one(*lines: str, start: str = "DTSTART;TZID=Europe/Berlin:20261209T100000") -> Component:
    return only(calendar(event(*lines, start=start)))


def start_of(component: Component) -> str:
    assert component.when is not None
    return f"{component.when.start(CALENDAR_ZONE):%Y-%m-%dT%H:%MZ}"


def length_of(component: Component) -> Length:
    assert component.when is not None
    return component.when.length


# ------------------------------------------------------------------------------------------------- bytes and lines

TITLE: Final = "Überblick 🗓️ 日本語のタイトル"


def test_line_ends_may_be_crlf_lf_or_cr() -> None:
    text = calendar(event("SUMMARY:Lunch", "LOCATION:Room 4\\, B"))
    found = {only(text.replace("\n", end)) for end in ("\n", "\r\n", "\r")}
    assert [component.location for component in found] == ["Room 4, B"]


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8", "iso-8859-1"),
        ("utf-16", None),
        ("utf-16-le", None),
        ("utf-16-be", "utf-16-be"),
        ("utf-8", "no-such-charset"),
        ("utf-8", "rot13"),
    ],
)
def test_a_title_survives_its_charset(encoding: str, charset: str | None) -> None:
    source = calendar(event(f"SUMMARY:{TITLE}")).encode(encoding)
    assert only(source, **({"charset": charset} if charset else {})).summary == TITLE


def test_a_declared_charset_counts_where_the_bytes_are_not_utf_8() -> None:
    source = calendar(event("SUMMARY:Café “Zürich”")).encode("windows-1252")
    assert only(source, charset="windows-1252").summary == "Café “Zürich”"
    assert only(source, charset="iso-8859-1").summary == "Café “Zürich”"
    assert only(source).summary == "Café “Zürich”"
    assert only(calendar(event("SUMMARY:会議")).encode("iso-2022-jp"), charset="ISO-2022-JP").summary == "会議"
    assert only(calendar(event("SUMMARY:会議")).encode("shift_jis"), charset='"Shift_JIS"').summary == "会議"


def test_a_fold_in_the_middle_of_a_character_is_undone_before_decoding() -> None:
    octets = f"SUMMARY:{TITLE}".encode()
    for cut in range(9, len(octets)):
        folded = (octets[:cut] + b"\r\n " + octets[cut:]).decode("latin-1")
        source = calendar(event("@")).replace("\n", "\r\n").encode().replace(b"@", folded.encode("latin-1"))
        assert only(source).summary == TITLE


def test_what_a_database_cannot_hold_is_stripped_everywhere() -> None:
    found = only(
        calendar(event("SUMMARY:A\0B\x07\ud800C", "X-NOTE;P=\x01q:\x00\udfffz", "ATTENDEE;CN=\0K:mailto:k@b.de"))
    )
    assert found.summary == "ABC"
    assert found.extra == ("X-NOTE;P=q:z",)
    assert found.attendees[0].name == "K"


def test_text_is_unescaped_and_a_path_keeps_its_backslashes() -> None:
    found = one(r"DESCRIPTION:a\, b\; c\\d\ne\Nf C:\temp \"q\"")
    assert found.description == 'a, b; c\\d\ne\nf C:\\temp "q"'


def test_parameters_may_be_quoted_and_hold_carets() -> None:
    found = one('ORGANIZER;CN="Doe; Pat: ^\'boss^\' ^^ ^n2";SENT-BY="mailto:A@B.de":MAILTO:Pat@Example.ORG')
    assert found.organizer == Person("pat@example.org", 'Doe; Pat: "boss" ^ 2', "a@b.de")


def test_text_may_stand_before_the_calendar_and_after_it() -> None:
    assert only("Dear all,\n\nsee below: \n" + calendar(event("SUMMARY:x")) + "\nRegards").summary == "x"


def test_several_calendars_in_one_body_are_several_messages() -> None:
    reading = read(calendar("METHOD:REQUEST", event()) + calendar("METHOD:CANCEL", event()))
    assert [message.method for message in reading.messages] == ["REQUEST", "CANCEL"]


def test_the_method_is_the_calendar_s_then_the_mail_s_then_none() -> None:
    methods = [
        read(source, **given).messages[0].method
        for source, given in (
            (calendar("method:request", event()), {"method": "CANCEL"}),
            (calendar(event()), {"method": "cancel"}),
            (calendar(event()), {}),
        )
    ]
    assert methods == ["REQUEST", "CANCEL", ""]


def test_an_alarm_s_texts_are_not_the_event_s() -> None:
    found = one("BEGIN:VALARM", "SUMMARY:alarm", "DESCRIPTION:alarm", "END:VALARM", "SUMMARY:event")
    assert (found.summary, found.description) == ("event", None)


def test_a_calendar_that_breaks_off_within_an_event_says_so_and_keeps_the_whole_ones() -> None:
    whole = calendar(event("SUMMARY:first"), event("SUMMARY:second"))
    reading = read(whole[: whole.index("second") + 3])
    assert [component.summary for component in reading.messages[0].components] == ["first"]
    assert [unread.reason for unread in reading.unread] == ["truncated"]
    assert read(whole.removesuffix("END:VCALENDAR\n")).unread == ()


def test_a_missing_end_is_supplied_by_what_follows() -> None:
    reading = read(calendar(event("SUMMARY:a").removesuffix("END:VEVENT"), event("SUMMARY:b")))
    assert [component.summary for component in reading.messages[0].components] == ["a", "b"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "not_a_calendar"),
        ("<html>Not found</html>", "not_a_calendar"),
        ("BEGIN:VCALENDAR", "no_event"),
        (calendar("BEGIN:VTODO", "UID:2", "END:VTODO"), "no_event"),
        (calendar("BEGIN:VFREEBUSY", "END:VFREEBUSY"), "no_event"),
        (calendar(event(start="")), "no_start"),
        (calendar(event(start="DTSTART:99991231T235900Z")), "unreadable_start"),
        (calendar(event(start="DTSTART;VALUE=DATE:00010101")), "unreadable_start"),
        (calendar(event(start="DTSTART:tomorrow")), "unreadable_start"),
        (calendar(event("RECURRENCE-ID:soon")), "unreadable_recurrence_id"),
        (calendar(event(*["ATTENDEE:mailto:a@b.de"] * (limits.MAX_ATTENDEES + 1))), "too_many_attendees"),
        (calendar(*[event()] * (limits.MAX_EVENTS + 1)), "too_many_events"),
        (calendar(event("DESCRIPTION:" + "a" * limits.MAX_CALENDAR)), "too_large"),
    ],
)
def test_what_cannot_be_read_is_said_with_a_reason(source: str, reason: str) -> None:
    reading = read(source)
    assert [unread.reason for unread in reading.unread] == [reason]
    assert all(unread.sentence.endswith(".") for unread in reading.unread)
    assert reading.messages == ()


def test_limits_are_reached_without_refusal() -> None:
    most = calendar(*[event()] * limits.MAX_EVENTS)
    assert len(read(most).messages[0].components) == limits.MAX_EVENTS
    guests = [f"ATTENDEE:mailto:a{number}@b.de" for number in range(limits.MAX_ATTENDEES)]
    assert len(one(*guests).attendees) == limits.MAX_ATTENDEES


def test_texts_are_cut_to_what_is_stored_and_a_notice_says_so() -> None:
    found = one("SUMMARY:" + "s" * 600, "LOCATION:" + "l" * 600, "DESCRIPTION:" + "é" * 40_000, "X-BIG:" + "x" * 20_000)
    assert len(found.summary or "") == 500
    assert len(found.location or "") == 500
    assert len((found.description or "").encode()) == 65_536
    assert found.extra == ()
    assert len(found.notices) == 4


def test_an_event_without_uid_gets_the_same_one_each_time() -> None:
    text = calendar(event("SUMMARY:Nameless", "ORGANIZER:mailto:a@b.de")).replace("UID:1@example.com\n", "")
    first, again = only(text), only(text.replace("SUMMARY", "DTSTAMP:20261204T100000Z\nSUMMARY"))
    assert first.uid == again.uid
    assert first.uid.startswith("no-uid-")
    assert first.notices


# ------------------------------------------------------------------------------------------------------ properties


def test_all_properties_find_their_fields() -> None:
    found = one(
        "SEQUENCE:3",
        "DTSTAMP:20261204T100000Z",
        "CREATED:20261201T080000Z",
        "LAST-MODIFIED:20261203T080000Z",
        "STATUS:TENTATIVE",
        "TRANSP:TRANSPARENT",
        "URL:https://example.com/e",
        "CONFERENCE;VALUE=URI:https://meet.example.com/1",
        "CATEGORIES:A,B",
        "X-Custom;P=1:verbatim\\, kept",
        "ATTENDEE;CN=Kim;ROLE=opt-participant;PARTSTAT=accepted;RSVP=TRUE:mailto:Kim@Example.com",
        "ATTENDEE:mailto:kim@example.com",
        "ATTENDEE:lee@example.com",
    )
    assert (found.sequence, found.status, found.transparency) == (3, "tentative", "transparent")
    assert found.dtstamp == datetime(2026, 12, 4, 10, tzinfo=UTC)
    assert found.created == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert found.last_modified == datetime(2026, 12, 3, 8, tzinfo=UTC)
    assert (found.url, found.conference) == ("https://example.com/e", "https://meet.example.com/1")
    assert found.extra == ("CATEGORIES:A,B", "X-Custom;P=1:verbatim\\, kept")
    assert [attendee.address for attendee in found.attendees] == ["kim@example.com", "lee@example.com"]
    kim = found.attendees[0]
    assert (kim.name, kim.role, kim.partstat, kim.rsvp) == ("Kim", "OPT-PARTICIPANT", "ACCEPTED", True)


@pytest.mark.parametrize(("written", "read_as"), [("", 0), ("-1", 0), ("x", 0), ("7", 7), ("9" * 15, 2**31 - 1)])
def test_a_sequence_is_a_number_that_can_be_stored(written: str, read_as: int) -> None:
    assert one(f"SEQUENCE:{written}").sequence == read_as


# --------------------------------------------------------------------------------------------------- start and end


def test_a_time_with_a_zone_keeps_its_wall_time() -> None:
    when = one("DTEND;TZID=Europe/Berlin:20261209T113000").when
    assert when is not None
    assert (when.start_wall, when.zone, when.length) == (datetime(2026, 12, 9, 10), "Europe/Berlin", Length(0, 5400))
    assert (when.zone_given, when.instant_given, when.all_day) == (True, False, False)


def test_a_time_in_utc_is_an_instant_shown_in_the_calendar_s_zone() -> None:
    when = one("DTEND:20261210T080000Z", start="DTSTART:20261210T070000Z").when
    assert when is not None
    assert (when.start_wall, when.zone, when.instant_given) == (datetime(2026, 12, 10), "America/Denver", True)


def test_a_series_in_utc_recurs_in_utc() -> None:
    found = one("RRULE:FREQ=DAILY", start="DTSTART:20261210T070000Z")
    assert found.when is not None
    assert (found.when.zone, found.when.instant_given) == ("UTC", False)


def test_a_floating_time_is_read_in_the_calendar_s_zone() -> None:
    found = only(calendar(event(start="DTSTART:20261209T100000")), floating_zone="Asia/Kathmandu")
    assert found.when is not None
    assert (found.when.zone, found.when.zone_given, found.when.instant_given) == ("Asia/Kathmandu", False, False)
    assert start_of(found) == "2026-12-09T04:15Z"


def test_the_second_pass_of_a_fold_is_kept() -> None:
    found = only(calendar(event(start="DTSTART:20261101T083000Z")))
    assert found.when is not None
    assert (found.when.start_wall, found.when.second_pass) == (datetime(2026, 11, 1, 1, 30), True)
    assert start_of(found) == "2026-11-01T08:30Z"


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        ([], 1),
        (["DTEND;VALUE=DATE:20261226"], 1),
        (["DTEND;VALUE=DATE:20261225"], 1),
        (["DTEND;VALUE=DATE:20261228"], 3),
        (["DTEND:20261226T120000"], 2),
        (["DURATION:P2D"], 2),
        (["DURATION:P1W"], 7),
        (["DURATION:PT36H"], 2),
        (["DTEND;VALUE=DATE:20261220"], 1),
    ],
)
def test_an_all_day_event_lasts_whole_days_and_one_at_least(lines: list[str], days: int) -> None:
    for start in ("DTSTART;VALUE=DATE:20261225", "DTSTART:20261225", "DTSTART;TZID=Asia/Tokyo;VALUE=DATE:20261225"):
        found = one(*lines, start=start)
        assert found.when is not None
        assert (found.when.all_day, found.when.start_wall) == (True, datetime(2026, 12, 25))
        assert found.when.length == Length(days, 0)


@pytest.mark.parametrize(
    ("lines", "length", "is_said"),
    [
        ([], Length(0, 0), False),
        (["DTEND;TZID=America/Denver:20261209T030000"], Length(0, 3600), False),
        (["DTEND:20261209T110000"], Length(0, 3600), False),
        (["DURATION:P1DT1H"], Length(1, 3600), False),
        (["DURATION:-PT1H"], Length(0, 0), True),
        (["DTEND:20261209T110000", "DURATION:PT5H"], Length(0, 3600), True),
        (["DTEND:20261209T110000", "DURATION:PT60M"], Length(0, 3600), False),
        (["DTEND:20261209T090000"], Length(0, 0), True),
        (["DTEND:rubbish", "DURATION:PT5H"], Length(0, 18_000), True),
        (["DTEND:29990101T090000"], Length(0, 0), True),
        (["DTEND;VALUE=DATE:20261210"], Length(0, 14 * 3600), True),
    ],
)
def test_a_timed_event_lasts_to_its_end_or_its_duration(lines: list[str], length: Length, is_said: bool) -> None:
    found = one(*lines)
    assert length_of(found) == length
    assert bool(found.notices) == is_said


def test_an_end_across_a_change_of_clocks_is_exact_and_a_duration_is_nominal() -> None:
    start = "DTSTART;TZID=Europe/Berlin:20261024T120000"
    assert length_of(one("DTEND;TZID=Europe/Berlin:20261025T120000", start=start)) == Length(0, 25 * 3600)
    assert length_of(one("DURATION:P1D", start=start)) == Length(1, 0)


# ------------------------------------------------------------------------------------------------------ recurrence


def test_a_rule_is_kept_in_its_canonical_form_with_its_last_date() -> None:
    found = one("RRULE:INTERVAL=1;BYDAY=WE,MO;COUNT=3;FREQ=weekly;WKST=SU")
    assert found.rule == "FREQ=WEEKLY;BYDAY=MO,WE;WKST=SU;COUNT=3"
    assert found.last == "2026-12-16T10:00:00"


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=MINUTELY;COUNT=3",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=DAILY;COUNT=999999999",
        "FREQ=WEEKLY;BYDAY=2MO",
        "D1 #0",
        "FREQ=YEARLY;RSCALE=HEBREW",
        "FREQ=HOURLY;BYMINUTE=" + ",".join(map(str, range(60))),
    ],
)
def test_a_rule_that_is_not_served_leaves_the_first_date_and_a_notice(rule: str) -> None:
    found = one(f"RRULE:{rule}", "EXDATE:20261210T090000Z", "SUMMARY:kept")
    assert (found.rule, found.last, found.exdates, found.summary) == (None, None, (), "kept")
    assert start_of(found) == "2026-12-09T09:00Z"
    assert found.notices[0].startswith("Of the recurrence only the first date was kept: ")


def test_a_rule_without_any_date_leaves_its_start() -> None:
    assert one("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30").last in ("2026-12-09T10:00:00", None)


def test_exdates_and_rdates_are_said_in_the_event_s_own_zone() -> None:
    found = one(
        "RRULE:FREQ=DAILY;COUNT=9",
        "EXDATE:20261210T090000Z,20261211T090000Z",
        "EXDATE;TZID=America/Denver:20261212T020000",
        "EXDATE;VALUE=DATE:20261213",
        "EXDATE;TZID=Europe/Berlin:20261210T100000,rubbish",
        "RDATE;VALUE=PERIOD:20261220T150000Z/PT1H,20261221T150000Z/20261221T170000Z",
        "RDATE;TZID=Europe/Berlin:20261209T100000",
    )
    assert found.exdates == ("2026-12-10T10:00:00", "2026-12-11T10:00:00", "2026-12-12T10:00:00", "2026-12-13")
    assert found.rdates == ("2026-12-20T16:00:00", "2026-12-21T16:00:00")
    assert len(found.notices) == 2


def test_times_among_the_dates_of_an_all_day_series_name_their_dates() -> None:
    found = one(
        "RRULE:FREQ=DAILY;UNTIL=20261231T000000Z;BYHOUR=9",
        "EXDATE:20261226T000000Z",
        "EXDATE:20261227T070000Z",
        "EXDATE;TZID=Asia/Tokyo:20261228T090000",
        start="DTSTART;VALUE=DATE:20261225",
    )
    assert found.rule == "FREQ=DAILY;UNTIL=20261231"
    assert found.exdates == ("2026-12-26", "2026-12-27", "2026-12-28")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("RECURRENCE-ID:20261216T090000Z", "2026-12-16T09:00:00Z"),
        ("RECURRENCE-ID;TZID=Europe/Berlin:20261216T100000", "2026-12-16T09:00:00Z"),
        ("RECURRENCE-ID;TZID=America/Denver:20261216T020000", "2026-12-16T09:00:00Z"),
        ("RECURRENCE-ID:20261216T100000", "2026-12-16T10:00:00"),
        ("RECURRENCE-ID;VALUE=DATE:20261216", "2026-12-16"),
        ("RECURRENCE-ID;TZID=Nowhere:20261216T100000", "2026-12-16T10:00:00"),
    ],
)
def test_a_recurrence_id_is_an_instant_a_wall_time_or_a_date(line: str, named: str) -> None:
    found = one(line, "RRULE:FREQ=DAILY")
    assert (found.recurrence_id, found.this_and_future, found.rule) == (named, False, None)
    assert one(line.replace("RECURRENCE-ID", "RECURRENCE-ID;RANGE=THISANDFUTURE")).this_and_future


def test_a_midnight_names_the_date_of_an_all_day_series_as_it_is_written() -> None:
    line = "RECURRENCE-ID;TZID=Asia/Tokyo:20261216T000000"
    assert one(line, start="DTSTART;VALUE=DATE:20261216").recurrence_id == "2026-12-16"


def test_the_zone_of_the_reader_is_the_only_thing_that_raises() -> None:
    assert load_zone(CALENDAR_ZONE).key == CALENDAR_ZONE
    assert read(calendar(event()), floating_zone="UTC").messages

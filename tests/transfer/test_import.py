"""Files of other calendars, good and bad, over HTTP."""

from __future__ import annotations

import threading
from typing import Any, Final

import pytest

from app.http.edge import FILE_LIMIT
from app.transfer.importing import RESULTS_MOST
from tests.events.state import check_log, every
from tests.inbound.mails import Inbox, attachment, calendar_text, postmark
from tests.support.service import Calendar, Service
from tests.transfer.trips import counts, exported, imported, twin

STAMP: Final = "DTSTAMP:20260220T090000Z"


def file(*events: tuple[str, ...], head: tuple[str, ...] = ()) -> str:
    """A calendar of VEVENTs with these lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tests//EN", *head]
    for event in events:
        lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def once(uid: str = "one@example.com", *lines: str, start: str = "DTSTART:20260304T170000Z") -> tuple[str, ...]:
    return (f"UID:{uid}", STAMP, start, "DURATION:PT1H", f"SUMMARY:Event {uid}", *lines)


WEEKLY: Final = (
    *("UID:week@example.com", STAMP, "DTSTART;TZID=Europe/Berlin:20260304T100000", "DURATION:PT1H"),
    *("RRULE:FREQ=WEEKLY;COUNT=4", "SUMMARY:Weekly"),
)
MOVED: Final = (
    *("UID:week@example.com", STAMP, "RECURRENCE-ID:20260311T090000Z", "SUMMARY:Moved"),
    *("DTSTART;TZID=Europe/Berlin:20260312T150000", "DURATION:PT2H"),
)


def post(calendar: Calendar, body: bytes | str, kind: str | None = "text/calendar", **headers: str) -> Any:
    content = body if isinstance(body, bytes) else body.encode()
    given = headers if kind is None else {"Content-Type": kind, **headers}
    return calendar.api.http.post(f"{calendar.path}/import", content=content, headers=given)


def by_uid(answer: Any) -> dict[str, Any]:
    return {result["ical_uid"]: result for result in answer["results"]}


# ---------------------------------------------------------------------------------------------- what is read how


def test_an_event_is_imported_with_what_its_file_says(calendar: Calendar) -> None:
    lines = ("LOCATION:Room 3", "DESCRIPTION:One\\nTwo", "STATUS:TENTATIVE", "TRANSP:TRANSPARENT", "SEQUENCE:3")
    people = ("ORGANIZER;CN=Pat:mailto:pat@example.org", "ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ada@example.com")
    dates = ("CREATED:20260101T000000Z", "LAST-MODIFIED:20260215T080000Z")
    answer = imported(calendar, file(once("one@example.com", *lines, *people, *dates)))
    assert counts(answer) == (1, 0, 0, 0)
    event = calendar.event(answer["results"][0]["event_id"])
    assert (event["location"], event["description"], event["status"]) == ("Room 3", "One\nTwo", "tentative")
    assert (event["transparency"], event["sequence"], event["source"]) == ("transparent", 3, "import")
    assert event["organiser_email"] == "pat@example.org"
    assert event["attendee_details"][0] == {
        "email": "ada@example.com", "name": "Ada", "role": None, "partstat": "ACCEPTED"
    }  # fmt: skip
    assert event["created_at"] == "2026-01-01T00:00:00.000Z"
    assert event["updated_at"] == "2026-02-15T08:00:00.000Z"
    assert "untrusted" not in event


def test_dtstart_is_a_date_of_an_imported_series(calendar: Calendar) -> None:
    saturday = ("UID:sat@example.com", STAMP, "DTSTART:20260307T090000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3")
    imported(calendar, file(saturday))
    days = [start[:10] for start in calendar.starts(start="2026-03-01T00:00:00Z")]
    assert days == ["2026-03-07", "2026-03-09", "2026-03-16"]


@pytest.mark.parametrize("order", [(WEEKLY, MOVED), (MOVED, WEEKLY)])
def test_a_changed_date_joins_its_series_wherever_it_stands(calendar: Calendar, order: Any) -> None:
    answer = imported(calendar, file(*order))
    assert counts(answer) == (2, 0, 0, 0)
    assert calendar.starts(start="2026-03-01T00:00:00Z") == [
        "2026-03-04T09:00:00.000Z", "2026-03-12T14:00:00.000Z", "2026-03-18T09:00:00.000Z", "2026-03-25T09:00:00.000Z"
    ]  # fmt: skip
    moved = next(result for result in answer["results"] if "recurrence_id" in result)
    assert calendar.event(moved["event_id"])["title"] == "Moved"
    check_log(calendar)


def test_a_changed_date_without_its_series_is_an_event_until_then(calendar: Calendar) -> None:
    (result,) = imported(calendar, file(MOVED))["results"]
    assert result["status"] == "created"
    assert calendar.event(result["event_id"])["title"] == "Moved"
    assert "event of its own" in result["notices"][0]


def test_a_date_that_was_an_event_of_its_own_joins_its_series_when_that_comes(calendar: Calendar) -> None:
    imported(calendar, file(MOVED))
    assert counts(imported(calendar, file(WEEKLY))) == (1, 0, 0, 0)
    assert len(every(calendar, expand="false", limit=10)) == 1
    found = calendar.list(start="2026-03-01T00:00:00Z")
    assert [event["title"] for event in found] == ["Weekly", "Moved", "Weekly", "Weekly"]
    assert counts(imported(calendar, file(WEEKLY, MOVED))) == (0, 0, 2, 0)
    check_log(calendar)


def test_a_later_file_may_bring_a_changed_date_alone(calendar: Calendar) -> None:
    imported(calendar, file(WEEKLY))
    assert counts(imported(calendar, file(MOVED))) == (0, 1, 0, 0)
    assert "2026-03-12T14:00:00.000Z" in calendar.starts(start="2026-03-01T00:00:00Z")
    check_log(calendar)


def test_exdates_are_cancelled_dates(calendar: Calendar) -> None:
    imported(calendar, file((*WEEKLY, "EXDATE;TZID=Europe/Berlin:20260311T100000,20260325T100000")))
    found = calendar.list(start="2026-03-01T00:00:00Z")
    assert [event["status"] for event in found] == ["confirmed", "cancelled", "confirmed", "cancelled"]


def test_a_cancelled_date_that_says_nothing_else_is_cancelled(calendar: Calendar) -> None:
    cancelled = ("UID:week@example.com", STAMP, "RECURRENCE-ID:20260311T090000Z", "STATUS:CANCELLED")
    assert counts(imported(calendar, file(WEEKLY, cancelled))) == (2, 0, 0, 0)
    found = calendar.list(start="2026-03-01T00:00:00Z")
    assert [event["status"] for event in found] == ["confirmed", "cancelled", "confirmed", "confirmed"]
    check_log(calendar)


def test_alarms_and_foreign_properties_come_out_again(calendar: Calendar) -> None:
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT15M", "DESCRIPTION:Now", "END:VALARM")
    imported(calendar, file(once("a@example.com", "CATEGORIES:WORK", *alarm, "X-OTHER;X-P=1:2")))
    text = exported(calendar).decode()
    assert "\r\nCATEGORIES:WORK\r\nX-OTHER;X-P=1:2\r\n" in text
    assert "\r\n" + "\r\n".join(alarm) + "\r\nEND:VEVENT\r\n" in text
    other = twin_of(calendar)
    imported(other, text)
    assert exported(other).decode() == text


def twin_of(calendar: Calendar) -> Calendar:
    found = calendar.api.got(calendar.path)
    return Calendar(calendar.api, calendar.api.made("/calendars", name=found["name"], timezone=found["timezone"]))


def test_times_without_a_zone_are_read_in_this_calendars_and_that_is_said(calendar: Calendar) -> None:
    floating = once("f@example.com", start="DTSTART:20260304T090000")
    answer = imported(calendar, file(floating, head=("X-WR-TIMEZONE:Asia/Tokyo",)))
    assert "Asia/Tokyo" in answer["notices"][0]
    assert "America/New_York" in answer["notices"][0]
    assert calendar.starts() == ["2026-03-04T14:00:00.000Z"]


# --------------------------------------------------------------------------------------- what is there already


def test_the_same_file_again_changes_nothing(calendar: Calendar) -> None:
    text = file(WEEKLY, MOVED, once())
    imported(calendar, text)
    before = calendar.changes()
    assert counts(imported(calendar, text)) == (0, 0, 3, 0)
    assert calendar.changes() == before


def test_a_newer_revision_updates_and_an_older_one_is_passed_over(calendar: Calendar) -> None:
    newer = once("one@example.com", "SEQUENCE:2", start="DTSTART:20260305T170000Z")
    (first,) = imported(calendar, file(once("one@example.com", "SEQUENCE:1")))["results"]
    calendar.change(first["event_id"], metadata={"mine": True})
    answer = imported(calendar, file((*newer, "LAST-MODIFIED:20260302T130000Z")))
    assert (counts(answer), answer["results"][0]["event_id"]) == ((0, 1, 0, 0), first["event_id"])
    event = calendar.event(first["event_id"])
    assert (event["start"], event["metadata"]) == ("2026-03-05T17:00:00.000Z", {"mine": True})
    answer = imported(calendar, file(once("one@example.com", "SEQUENCE:1")))
    assert counts(answer) == (0, 0, 0, 1)
    assert answer["results"][0]["code"] == "not_newer"
    check_log(calendar)


def test_a_newer_series_brings_its_dates(calendar: Calendar) -> None:
    imported(calendar, file(WEEKLY, MOVED))
    newer = tuple(line.replace("COUNT=4", "COUNT=3") for line in WEEKLY)
    assert counts(imported(calendar, file((*newer, "SEQUENCE:1")))) == (0, 1, 0, 0)
    assert calendar.starts(start="2026-03-01T00:00:00Z") == [
        "2026-03-04T09:00:00.000Z", "2026-03-11T09:00:00.000Z", "2026-03-18T09:00:00.000Z"
    ]  # fmt: skip
    check_log(calendar)


def test_an_export_that_somebody_edited_is_taken_as_edited_and_keeps_what_the_agent_knew(calendar: Calendar) -> None:
    calendar.add(title="Once", start="2026-03-04T09:00:00", duration="PT1H", metadata={"n": 1}, client_id="c1")
    text = exported(calendar).decode().replace("SUMMARY:Once", "SUMMARY:Edited").replace("SEQUENCE:0", "SEQUENCE:7")
    other = twin_of(calendar)
    (result,) = imported(other, text)["results"]
    assert "outside Kalends" in result["notices"][0]
    event = other.event(result["event_id"])
    assert (event["title"], event["sequence"], event["metadata"]) == ("Edited", 7, {"n": 1})
    assert event["client_id"] == "c1"


def test_a_client_id_that_is_taken_stays_with_whom_it_is(calendar: Calendar) -> None:
    calendar.add(title="Once", start="2026-03-04T09:00:00", duration="PT1H", client_id="mine")
    other = twin_of(calendar)
    kept = other.add(title="Mine", start="2026-03-04T09:00:00", duration="PT1H", client_id="mine")
    (result,) = imported(other, exported(calendar))["results"]
    assert "client_id" in result["notices"][0]
    assert "client_id" not in other.event(result["event_id"])
    assert other.event(kept["id"])["client_id"] == "mine"


def test_text_that_came_by_mail_stays_marked(service: Service, mail: Inbox) -> None:
    mail.take(postmark(attachment(calendar_text())))
    other = twin(service, "Other", "UTC")
    (result,) = imported(other, exported(mail.calendar))["results"]
    event = other.event(result["event_id"])
    assert (event["source"], event["untrusted"]) == ("import", True)
    assert event["sender_check"] == mail.calendar.list()[0]["sender_check"]
    assert exported(other).count(b'"untrusted"') == 1


# ----------------------------------------------------------------------------------------- what cannot be read


def test_what_is_good_is_imported_and_what_is_bad_is_said(calendar: Calendar) -> None:
    todo = "BEGIN:VTODO\r\nUID:todo@example.com\r\nSUMMARY:Do\r\nEND:VTODO\r\n"
    broken = ("UID:nostart@example.com", STAMP), ("UID:when@example.com", STAMP, "DTSTART:soon")
    text = file(once("good@example.com"), *broken, once("fine@example.com"))
    text = text.replace("END:VCALENDAR", todo + "BEGIN:VEVENT\r\nUID:torn@example.com\r\nDTSTART:20260304T")
    answer = imported(calendar, text)
    assert counts(answer) == (2, 0, 0, 4)
    codes = {uid: result.get("code") for uid, result in by_uid(answer).items()}
    assert codes == {
        "good@example.com": None,
        "nostart@example.com": "no_start",
        "when@example.com": "unreadable_start",
        "fine@example.com": None,
        "todo@example.com": "not_an_event",
        "torn@example.com": "truncated",
    }
    assert {event["title"] for event in calendar.list()} == {"Event good@example.com", "Event fine@example.com"}


def test_a_rule_that_is_not_served_keeps_the_first_date_and_says_so(calendar: Calendar) -> None:
    (result,) = imported(calendar, file(once("r@example.com", "RRULE:FREQ=SECONDLY")))["results"]
    assert result["status"] == "created"
    assert "only the first date" in result["notices"][0]


def test_a_message_is_no_file(calendar: Calendar) -> None:
    (result,) = imported(calendar, file(once(), head=("METHOD:REPLY",)))["results"]
    assert result["code"] == "is_a_message"
    assert calendar.list() == []


def test_of_two_components_for_one_thing_the_newer_counts(calendar: Calendar) -> None:
    answer = imported(calendar, file(once("x", "SEQUENCE:2", "LOCATION:New"), once("x", "SEQUENCE:1")))
    assert [(result["status"], result.get("code")) for result in answer["results"]] == [
        ("created", None), ("ignored", "said_twice")
    ]  # fmt: skip
    assert calendar.list()[0]["location"] == "New"


@pytest.mark.parametrize("body", [b"", b"not a calendar", b"\x00\xff" * 50, b"BEGIN:VCALENDAR" + b"x" * 100])
def test_what_is_no_calendar_file_is_400_and_says_what_is_missing(calendar: Calendar, body: bytes) -> None:
    response = post(calendar, body)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_field")
    assert "BEGIN:VCALENDAR" in response.json()["error"]


@pytest.mark.parametrize("kind", ["text/calendar", "application/octet-stream", "TEXT/PLAIN; charset=utf-8", None])
def test_the_file_may_come_under_any_name_that_files_have(calendar: Calendar, kind: str | None) -> None:
    assert post(calendar, file(once()), kind).json()["created"] == 1


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_another_content_type_is_400_with_what_to_send(calendar: Calendar, kind: str) -> None:
    refused = post(calendar, file(once()), kind)
    assert (refused.status_code, refused.json()["field"]) == (400, "Content-Type")
    assert "text/calendar" in refused.json()["hint"]


def test_ten_megabytes_are_taken_and_one_byte_more_is_413(calendar: Calendar) -> None:
    text = file(once())
    whole = text + "\n" * (FILE_LIMIT - len(text))
    response = post(calendar, whole)
    assert response.status_code == 400  # so many empty lines; but the size is taken
    assert "lines" in response.json()["error"]
    assert post(calendar, whole + "\n").status_code == 413


# -------------------------------------------------------------------------------------- around the import itself


def test_a_calendar_of_another_agent_is_404_for_both(service: Service, calendar: Calendar) -> None:
    other = twin(service, "Other", "UTC")
    for path in (f"{calendar.path}/import", "/calendars/cal_none/import"):
        assert other.api.http.post(path, content=file(once())).status_code == 404
    assert other.api.get(f"{calendar.path}/export.ics").status_code == 404
    key = calendar.api.made("/agents/keys", scope="read")["api_key"]
    other.api.http.headers["Authorization"] = f"Bearer {key}"
    assert other.api.http.post(f"{calendar.path}/import", content=file(once())).status_code == 403
    assert other.api.get(f"{calendar.path}/export.ics").status_code == 200


def test_a_preview_answers_what_the_import_would_and_stores_nothing(calendar: Calendar) -> None:
    text = file(WEEKLY, MOVED, once(), ("UID:bad@example.com", STAMP))
    previewed = calendar.api.http.post(f"{calendar.path}/import?preview=true", content=text).json()
    assert previewed.pop("preview") is True
    assert (calendar.list(), calendar.changes()) == ([], [])
    answer = imported(calendar, text)
    assert counts(previewed) == counts(answer) == (3, 0, 0, 1)
    assert [result["status"] for result in previewed["results"]] == [result["status"] for result in answer["results"]]


def test_an_import_is_safe_to_send_again_under_its_key(calendar: Calendar) -> None:
    text = file(once())
    first, again = (post(calendar, text, **{"Idempotency-Key": "i1"}) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(calendar.changes()) == 1


def test_an_export_has_an_etag_that_is_304_while_nothing_changes(calendar: Calendar) -> None:
    first = calendar.api.get(f"{calendar.path}/export.ics")
    assert first.headers["Content-Disposition"] == f'attachment; filename="{calendar.id}.ics"'
    unchanged = calendar.api.http.get(f"{calendar.path}/export.ics", headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    calendar.add(title="Once", start="2026-03-04T09:00:00", duration="PT1H")
    changed = calendar.api.http.get(f"{calendar.path}/export.ics", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "METHOD" not in changed.text


def test_results_beyond_a_thousand_are_counted_and_those_that_need_a_look_are_told(calendar: Calendar) -> None:
    many = [once(f"{number}@example.com") for number in range(RESULTS_MOST + 100)]
    answer = imported(calendar, file(*many, ("UID:bad@example.com", STAMP)))
    assert counts(answer) == (RESULTS_MOST + 100, 0, 0, 1)
    assert (len(answer["results"]), answer["results_left_out"]) == (RESULTS_MOST, 101)
    assert by_uid(answer)["bad@example.com"]["code"] == "no_start"


def test_imports_and_other_writes_at_once_leave_one_dense_log(calendar: Calendar) -> None:
    texts = [file(*(once(f"{n}-{m}@example.com") for m in range(30)), WEEKLY) for n in range(3)]
    work = [threading.Thread(target=imported, args=(calendar, text)) for text in texts]
    work += [
        threading.Thread(target=calendar.add, kwargs={"title": "T", "start": "2026-03-04T09:00:00", "duration": "PT1H"})
        for _ in range(5)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert [change["seq"] for change in calendar.changes()] == list(range(1, 3 * 30 + 5 + 2))
    assert len(every(calendar, expand="false", limit=200)) == 3 * 30 + 5 + 1
    check_log(calendar)

"""Answers to invitations that came by mail go to their organiser, once for each answer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.itip import Attendee as Invitee
from tests.mail.post import BOSS, LUNCH, Post, component
from tests.support.mailserver import PASSWORD, USER, MailServer

NEW_YORK = ZoneInfo("America/New_York")
WEEKLY = "FREQ=WEEKLY;COUNT=4"


def told(answer: Any) -> tuple[bool, str]:
    return answer["email_sent"], answer["email_status"]


@pytest.mark.parametrize("response", ["accepted", "declined", "tentative"])
def test_the_organiser_is_told_what_was_answered(post: Post, response: str) -> None:
    answer = post.respond(post.invited(), response)
    assert told(answer) == (True, "queued")
    assert f"on its way to {BOSS}" in answer["message"]
    mail = post.one()
    assert (mail.to, mail.method) == (BOSS, "REPLY")
    assert str(mail.message["To"]) == f"The Boss <{BOSS}>"
    assert (mail.message["In-Reply-To"], mail.message["References"]) == ("<in@example.com>", "<in@example.com>")
    event = mail.event
    assert (str(event["UID"]), event["SEQUENCE"], "RECURRENCE-ID" in event) == ("040000@outlook", 3, False)
    assert event["DTSTART"].dt == datetime(2026, 3, 10, 12, tzinfo=NEW_YORK)
    attendee = event["ATTENDEE"]
    assert (str(attendee), attendee.params["PARTSTAT"]) == (f"mailto:{post.email}", response.upper())
    assert str(event["ORGANIZER"]) == f"mailto:{BOSS}"


def test_the_same_answer_goes_once_and_another_one_goes_too(post: Post, server: MailServer) -> None:
    event_id = post.invited()
    post.respond(event_id, "accepted")
    post.one()
    post.logged("delivered")
    again = post.respond(event_id, "accepted")
    assert told(again) == (True, "sent")
    assert "not sent again" in again["message"]
    post.respond(event_id, "declined")
    post.respond(event_id, "accepted")
    assert [mail.event["ATTENDEE"].params["PARTSTAT"] for mail in post.arrived(2)] == ["DECLINED", "ACCEPTED"]
    assert post.nothing()


def test_an_answer_that_still_waits_is_not_queued_twice(post: Post, server: MailServer) -> None:
    server.recipient = lambda _: "451 later"
    event_id = post.invited()
    post.respond(event_id, "accepted")
    assert told(post.respond(event_id, "accepted")) == (True, "queued")
    assert len(post.logs()) == 1


def test_an_answer_that_could_not_be_delivered_is_sent_anew(post: Post, server: MailServer) -> None:
    server.recipient = lambda _: "550 nobody"
    event_id = post.invited()
    post.respond(event_id, "accepted")
    post.logged("failed")
    server.behave()
    assert told(post.respond(event_id, "accepted")) == (True, "queued")
    post.one()


def test_a_new_revision_of_the_invitation_is_answered_anew(post: Post) -> None:
    event_id = post.invited()
    post.respond(event_id, "accepted")
    post.thread(component(sequence=4, attendees=(Invitee(post.email),)))
    post.respond(event_id, "accepted")
    assert [mail.event["SEQUENCE"] for mail in post.arrived(2)] == [3, 4]


def test_a_series_is_answered_as_a_whole(post: Post) -> None:
    post.respond(post.invited(rule=WEEKLY), "accepted")
    event = post.one().event
    assert (event["RRULE"].to_ical(), "RECURRENCE-ID" in event) == (WEEKLY.encode(), False)


def test_one_date_is_named_in_the_zone_of_the_series(post: Post) -> None:
    event_id = post.invited(rule=WEEKLY)
    assert told(post.respond(f"{event_id}_20260317", "declined")) == (True, "queued")
    event = post.one().event
    assert event["RECURRENCE-ID"].to_ical() == b"20260317T120000"
    assert event["RECURRENCE-ID"].params["TZID"] == "America/New_York"
    assert (event["SEQUENCE"], event["DTSTART"].dt) == (3, datetime(2026, 3, 17, 12, tzinfo=NEW_YORK))
    assert "RRULE" not in event


def test_one_date_is_named_in_utc_where_the_organiser_writes_utc(post: Post) -> None:
    event_id = post.invited(start="2026-03-10T12:00:00", zone="UTC", instant_given=True, rule=WEEKLY)
    post.respond(f"{event_id}_20260317", "accepted")
    event = post.one().event
    assert event["RECURRENCE-ID"].to_ical() == b"20260317T120000Z"
    assert event["DTSTART"].to_ical() == b"20260317T120000Z"


def test_one_whole_day_is_named_by_its_date(post: Post) -> None:
    event_id = post.invited(start="2026-03-10T00:00:00", all_day=True, rule=WEEKLY)
    post.respond(f"{event_id}_20260317", "accepted")
    event = post.one().event
    assert (event["RECURRENCE-ID"].dt, event["DTSTART"].dt) == (date(2026, 3, 17), date(2026, 3, 17))


def test_a_date_with_an_invitation_of_its_own_is_answered_at_its_own_sequence(post: Post) -> None:
    moved = component(
        start="2026-03-18T15:00:00",
        recurrence_id="2026-03-17T16:00:00Z",
        sequence=7,
        summary="Review, moved",
        attendees=(Invitee(post.email),),
    )
    event_id = post.invited(moved, rule=WEEKLY)
    post.respond(f"{event_id}_20260317", "accepted")
    event = post.one().event
    assert (event["SEQUENCE"], str(event["SUMMARY"])) == (7, "Review, moved")
    assert event["RECURRENCE-ID"].to_ical() == b"20260317T120000"
    assert event["DTSTART"].dt == datetime(2026, 3, 18, 15, tzinfo=NEW_YORK)


def test_a_date_invited_without_its_series_is_answered_with_its_recurrence_id(post: Post) -> None:
    event_id = post.invited()
    post.thread(component(recurrence_id="2026-03-10T16:00:00Z", sequence=2, attendees=(Invitee(post.email),)))
    post.respond(event_id, "accepted")
    event = post.one().event
    assert (event["SEQUENCE"], event["RECURRENCE-ID"].to_ical()) == (2, b"20260310T120000")


def test_a_date_answered_apart_is_told_of_when_all_is_answered_again(post: Post) -> None:
    event_id = post.invited(rule=WEEKLY)
    for place, response in ((event_id, "accepted"), (f"{event_id}_20260317", "declined"), (event_id, "accepted")):
        post.respond(place, response)
    assert ["RECURRENCE-ID" in mail.event for mail in post.arrived(3)] == [False, True, False]


def test_an_answer_needs_no_thread(post: Post) -> None:
    event_id = post.invited(rule=WEEKLY)
    post.sql("delete from threads where calendar_id = %(id)s", id=post.id)
    post.respond(f"{event_id}_20260317", "accepted")
    mail = post.one()
    assert mail.event["RECURRENCE-ID"].to_ical() == b"20260317T120000"
    assert mail.message["In-Reply-To"] is None


def test_the_invited_address_that_is_the_agents_answers(post: Post, own_server: MailServer) -> None:
    smtp = {"host": "127.0.0.1", "port": own_server.port, "username": USER, "password": PASSWORD}
    assert post.api.http.put("/agents/smtp", json={**smtp, "from": "Ann@Example.com"}).status_code == 200
    event_id = post.invited()
    post.thread(component(attendees=(Invitee("ann@example.com", "Ann"), Invitee("bob@example.com"))))
    post.respond(event_id, "accepted")
    (mail,) = own_server.wait_for(post.email, 1)
    assert mail.sender == "Ann@Example.com"
    assert (str(mail.event["ATTENDEE"]), mail.event["ATTENDEE"].params["CN"]) == ("mailto:ann@example.com", "Ann")


def test_where_none_of_its_addresses_was_invited_the_calendar_answers(post: Post) -> None:
    event_id = post.invited()
    post.thread(component(attendees=(Invitee("ann@example.com"),)))
    post.respond(event_id, "accepted")
    assert str(post.one().event["ATTENDEE"]) == f"mailto:{post.email}"


@pytest.mark.parametrize("organiser", [None, "urn:uuid:1", "room 5"])
def test_without_an_organiser_with_an_address_no_mail_is_promised(post: Post, organiser: str | None) -> None:
    answer = post.respond(post.invited(organiser=organiser), "accepted")
    assert told(answer) == (False, "no_organiser")
    assert (answer["response"], answer["status"]) == ("accepted", "confirmed")
    assert post.nothing()


def test_an_event_of_the_agents_own_has_nobody_to_answer_to(post: Post) -> None:
    assert told(post.respond(post.add(**LUNCH)["id"], "accepted")) == (False, "not_invited")
    assert post.nothing()


def test_dtstamp_is_that_of_the_answer(post: Post) -> None:
    post.respond(post.invited(), "accepted")
    assert post.one().event["DTSTAMP"].dt == datetime(2026, 3, 2, 12, tzinfo=UTC)

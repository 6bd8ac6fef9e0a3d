"""Attendees of the agent's own events are told of them, and of what changes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.mail.post import ADA, BOB, EVE, LUNCH, STANDUP, Post

NEW_YORK = ZoneInfo("America/New_York")


def addresses(event: Any) -> list[str]:
    """Those a VEVENT names as attendees."""
    found = event["ATTENDEE"] if isinstance(event["ATTENDEE"], list) else [event["ATTENDEE"]]
    return [str(address).removeprefix("mailto:") for address in found]


def told(answer: Any) -> tuple[str, int, int]:
    return answer["email_status"], answer["emails_queued"], answer["emails_withheld"]


def wall(*at: int) -> datetime:
    return datetime(*at, tzinfo=NEW_YORK)  # type: ignore[arg-type,misc]


def test_a_new_event_invites_everybody_with_a_mail_of_their_own(post: Post) -> None:
    made = post.add(**LUNCH, location="Room 5", attendees=[ADA, BOB])
    assert told(made) == ("queued", 2, 0)
    mails = post.to(2)
    for address, mail in mails.items():
        assert (mail.method, mail.subject, mail.sender) == ("REQUEST", "Invitation: Lunch", "calendars@kalends.example")
        assert str(mail.message["To"]) == address
        assert str(mail.message["Reply-To"]) == f"Work <{post.email}>"
        assert str(mail.event["UID"]) == made["ical_uid"]
        assert mail.event["SEQUENCE"] == 0
        assert mail.event["DTSTART"].dt == wall(2026, 3, 10, 12)
        assert str(mail.event["ORGANIZER"]) == f"mailto:{post.email}"
        assert addresses(mail.event) == [ADA, BOB]
    assert {log["id"] for log in post.logged("delivered", 2)} == {mail.id[1:17] for mail in mails.values()}


def test_an_event_without_attendees_says_nothing_of_mail(post: Post) -> None:
    made = post.add(**LUNCH)
    assert "email_status" not in made
    assert "email_status" not in post.change(made["id"], title="Dinner")
    assert post.nothing()


def test_a_series_is_sent_with_its_rule_and_without_the_dates_left_out(post: Post) -> None:
    post.add(**STANDUP, exdates=["2026-03-17"], attendees=[ADA])
    event = post.one().event
    assert event["RRULE"].to_ical() == b"FREQ=WEEKLY;COUNT=6;BYDAY=TU"
    assert event["EXDATE"].dts[0].dt == wall(2026, 3, 17, 9)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Dinner"},
        {"location": "Room 6"},
        {"start": "2026-03-10T14:00:00"},
        {"duration": "PT2H"},
        {"recurrence": "FREQ=WEEKLY;COUNT=3"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_new_time_place_title_or_rule_goes_to_all_with_a_raised_sequence(post: Post, change: Any) -> None:
    made = post.add(**LUNCH, attendees=[ADA, BOB])
    post.arrived(2)
    assert told(post.change(made["id"], **change)) == ("queued", 2, 0)
    for mail in post.to(2).values():
        assert mail.method == "REQUEST"
        assert mail.subject.startswith("Updated invitation: ")
        assert mail.event["SEQUENCE"] == 1
        assert str(mail.event["UID"]) == made["ical_uid"]


@pytest.mark.parametrize(
    "change",
    [{"description": "More"}, {"metadata": {"a": 1}}, {"transparency": "transparent"}, {"status": "tentative"}],
)
def test_what_does_not_matter_to_attendees_is_not_mailed(post: Post, change: Any) -> None:
    made = post.add(**LUNCH, attendees=[ADA])
    post.arrived(1)
    assert told(post.change(made["id"], **change)) == ("not_needed", 0, 0)
    assert post.nothing()


def test_another_zone_for_the_same_instant_is_not_mailed(post: Post) -> None:
    made = post.add(title="Call", start="2026-03-10T16:00:00Z", end="2026-03-10T17:00:00Z", attendees=[ADA])
    post.arrived(1)
    assert told(post.change(made["id"], timezone="Europe/Berlin")) == ("not_needed", 0, 0)


def test_who_is_added_gets_the_first_invitation_and_nobody_else_a_mail(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA])
    post.arrived(1)
    assert told(post.change(made["id"], attendees=[ADA, BOB])) == ("queued", 1, 0)
    mail = post.one()
    assert (mail.to, mail.subject, mail.event["SEQUENCE"]) == (BOB, "Invitation: Lunch", 0)
    assert addresses(mail.event) == [ADA, BOB]


def test_who_is_removed_gets_a_cancellation_that_names_nobody_else(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA, BOB])
    post.arrived(2)
    post.change(made["id"], attendees=[ADA])
    mail = post.one()
    assert (mail.to, mail.method, mail.subject) == (BOB, "CANCEL", "Canceled: Lunch")
    assert (addresses(mail.event), str(mail.event["STATUS"]), mail.event["SEQUENCE"]) == ([BOB], "CANCELLED", 1)
    post.change(made["id"], attendees=[ADA, BOB])
    again = post.one()
    assert (again.to, again.method, again.event["SEQUENCE"]) == (BOB, "REQUEST", 1)


def test_clearing_the_attendees_uninvites_all(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA, BOB])
    post.arrived(2)
    post.change(made["id"], attendees=None)
    assert [mail.method for mail in post.to(2).values()] == ["CANCEL", "CANCEL"]


def test_a_deleted_event_is_cancelled(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA, BOB])
    post.arrived(2)
    post.remove(made["id"])
    for mail in post.to(2).values():
        assert (mail.method, mail.event["SEQUENCE"], str(mail.event["UID"])) == ("CANCEL", 1, made["ical_uid"])
        assert "RECURRENCE-ID" not in mail.event


def test_a_deleted_series_is_cancelled_above_all_its_dates(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA])
    post.change(f"{made['id']}_20260310", start="2026-03-10T10:00:00")
    post.change(f"{made['id']}_20260310", start="2026-03-10T11:00:00")
    post.arrived(3)
    post.remove(made["id"], mode="all")
    mail = post.one()
    assert (mail.method, "RECURRENCE-ID" in mail.event) == ("CANCEL", False)
    assert mail.event["SEQUENCE"] == 3


def test_one_date_is_cancelled_and_comes_back(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA])
    post.arrived(1)
    post.remove(f"{made['id']}_20260310")
    gone = post.one()
    assert (gone.method, gone.event["RECURRENCE-ID"].dt) == ("CANCEL", wall(2026, 3, 10, 9))
    assert (str(gone.event["STATUS"]), gone.event["SEQUENCE"]) == ("CANCELLED", 1)
    assert told(post.change(f"{made['id']}_20260310", status="confirmed")) == ("queued", 1, 0)
    back = post.one()
    assert (back.method, back.event["RECURRENCE-ID"].dt) == ("REQUEST", wall(2026, 3, 10, 9))
    assert back.event["SEQUENCE"] == 2
    post.remove(f"{made['id']}_20260317")
    assert post.one().event["SEQUENCE"] == 3


def test_one_date_is_moved_and_moved_again(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA, BOB])
    post.arrived(2)
    assert told(post.change(f"{made['id']}_20260310", start="2026-03-11T10:00:00")) == ("queued", 2, 0)
    for mail in post.to(2).values():
        assert (mail.method, mail.event["SEQUENCE"]) == ("REQUEST", 1)
        assert mail.event["RECURRENCE-ID"].dt == wall(2026, 3, 10, 9)
        assert mail.event["DTSTART"].dt == wall(2026, 3, 11, 10)
        assert "RRULE" not in mail.event
    post.change(f"{made['id']}_20260310", start="2026-03-12T10:00:00")
    assert {mail.event["SEQUENCE"] for mail in post.arrived(2)} == {2}


def test_a_date_moved_after_others_were_cancelled_counts_on_from_the_series(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA])
    for day in ("20260310", "20260317", "20260324"):
        post.remove(f"{made['id']}_{day}")
    assert [mail.event["SEQUENCE"] for mail in post.arrived(4)] == [0, 1, 2, 3]
    post.change(f"{made['id']}_20260331", title="Retrospective")
    assert post.one().event["SEQUENCE"] == 4


def test_an_all_day_date_is_named_by_its_day(post: Post) -> None:
    made = post.add(
        title="Fair", start="2026-03-10", end="2026-03-10", recurrence="FREQ=DAILY;COUNT=4", attendees=[ADA]
    )
    post.arrived(1)
    post.remove(f"{made['id']}_20260311")
    assert post.one().event["RECURRENCE-ID"].dt == date(2026, 3, 11)


def test_several_dates_at_once_go_out_as_the_series_anew(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA])
    post.arrived(1)
    post.change(made["id"], exdates=["2026-03-10", "2026-03-17"])
    mail = post.one()
    assert (mail.method, mail.event["SEQUENCE"] > 0, "RRULE" in mail.event) == ("REQUEST", True, True)
    left_out = [each.dts[0].dt for each in mail.event["EXDATE"]]
    assert left_out == [wall(2026, 3, 10, 9), wall(2026, 3, 17, 9)]


def test_a_new_time_of_the_series_carries_the_dates_changed_on_their_own(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA])
    post.change(f"{made['id']}_20260310", title="Planning")
    post.arrived(2)
    post.change(made["id"], title="Daily")
    mail = post.one()
    assert [(str(event["SUMMARY"]), "RECURRENCE-ID" in event) for event in mail.events] == [
        ("Daily", False),
        ("Planning", True),
    ]


def test_splitting_tells_of_the_head_and_of_the_tail(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA])
    post.arrived(1)
    tail = post.change(f"{made['id']}_20260324", mode="future", title="Weekly")
    assert told(tail) == ("queued", 2, 0)
    head, new = post.arrived(2)
    assert (head.method, str(head.event["UID"]), head.event["SEQUENCE"]) == ("REQUEST", made["ical_uid"], 1)
    assert head.event["RRULE"].to_ical() == b"FREQ=WEEKLY;COUNT=3;BYDAY=TU"
    assert (new.method, str(new.event["UID"]), new.event["SEQUENCE"]) == ("REQUEST", tail["ical_uid"], 0)
    assert (new.subject, new.event["DTSTART"].dt) == ("Invitation: Weekly", wall(2026, 3, 24, 9))


def test_ending_a_series_sends_what_is_left_of_it(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA])
    post.arrived(1)
    post.remove(f"{made['id']}_20260324", mode="future")
    mail = post.one()
    assert (mail.method, mail.event["RRULE"].to_ical()) == ("REQUEST", b"FREQ=WEEKLY;COUNT=3;BYDAY=TU")


def test_an_event_whose_status_is_cancelled_is_cancelled_and_invited_again(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA])
    post.change(made["id"], status="cancelled")
    post.change(made["id"], title="Dinner")  # of what is off nobody is told
    post.change(made["id"], status="confirmed")
    mails = post.arrived(3)
    assert [(mail.method, mail.event["SEQUENCE"]) for mail in mails] == [("REQUEST", 0), ("CANCEL", 1), ("REQUEST", 3)]
    post.change(made["id"], status="cancelled")
    post.arrived(1)
    post.remove(made["id"])
    assert post.nothing()


def test_who_is_left_out_of_one_date_is_told_of_that_alone(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA, BOB])
    post.arrived(2)
    post.change(f"{made['id']}_20260310", attendees=[ADA, EVE])
    mails = post.to(2)
    assert (mails[BOB].method, mails[BOB].event["RECURRENCE-ID"].dt) == ("CANCEL", wall(2026, 3, 10, 9))
    assert (mails[EVE].method, mails[EVE].event["RECURRENCE-ID"].dt) == ("REQUEST", wall(2026, 3, 10, 9))
    post.change(made["id"], title="Daily")
    again = post.to(2)  # Eve's date keeps its own copy
    assert len(again[ADA].events) == 2
    assert again[BOB].event["EXDATE"].dts[0].dt == wall(2026, 3, 10, 9)


def test_answers_are_awaited_anew_when_time_or_rule_changed_and_only_then(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA, BOB])
    post.sql(
        "update events set attendees = %(attendees)s where id = %(id)s",
        attendees=f'[{{"email": "{ADA}", "partstat": "ACCEPTED"}}, {{"email": "{BOB}"}}]',
        id=made["id"],
    )
    assert post.change(made["id"], title="Dinner")["attendee_details"][0]["partstat"] == "ACCEPTED"
    moved = post.change(made["id"], start="2026-03-10T18:00:00")
    assert [each["partstat"] for each in moved["attendee_details"]] == ["NEEDS-ACTION", None]
    mail = post.arrived(6)[-1]
    assert mail.event["ATTENDEE"][0].params["PARTSTAT"] == "NEEDS-ACTION"
    assert mail.event["ATTENDEE"][0].params["RSVP"] == "TRUE"
    with_asked = post.service.run(asked_sequence(post, made["id"]))
    assert with_asked == moved["sequence"] == 2


async def asked_sequence(post: Post, event_id: str) -> int:
    row = await post.service.context.db.one("select asked_sequence from events where id = %(id)s", {"id": event_id})
    assert row is not None
    return int(row[0])


def test_the_calendar_itself_is_not_mailed_to(post: Post) -> None:
    assert told(post.add(**LUNCH, attendees=[post.email, ADA])) == ("queued", 1, 0)
    assert post.one().to == ADA


def test_a_refused_write_mails_nothing(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA])
    post.arrived(1)
    answer = post.api.http.patch(
        f"{post.path}/events/{made['id']}", json={"title": "Dinner"}, headers={"If-Match": '"1-1"'}
    )
    assert answer.status_code == 412
    assert post.nothing()


def test_a_create_that_is_sent_again_mails_once(post: Post) -> None:
    body = {**LUNCH, "attendees": [ADA], "client_id": "lunch"}
    assert post.api.post(f"{post.path}/events", body).status_code == 201
    assert post.api.post(f"{post.path}/events", body).status_code == 200
    for _ in range(2):
        answer = post.api.http.post(
            f"{post.path}/events", json={**LUNCH, "attendees": [BOB]}, headers={"Idempotency-Key": "k"}
        )
        assert answer.json()["email_status"] == "queued"
    assert [mail.to for mail in post.arrived(2)] == [ADA, BOB]
    assert post.nothing()


def test_stamps_are_those_of_the_change(post: Post) -> None:
    post.add(**LUNCH, attendees=[ADA])
    assert post.one().event["DTSTAMP"].dt == datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_split_that_names_the_first_attendees_invites_them_to_the_tail_alone(post: Post) -> None:
    made = post.add(**STANDUP)
    tail = post.change(f"{made['id']}_20260324", mode="future", attendees=[ADA])
    assert told(tail) == ("queued", 1, 0)
    mail = post.one()
    assert (mail.to, mail.method, str(mail.event["UID"])) == (ADA, "REQUEST", tail["ical_uid"])
    post.change(made["id"], title="Daily")
    assert post.nothing()


def test_an_event_of_its_own_that_the_agent_declines_is_off_for_all(post: Post) -> None:
    made = post.add(**LUNCH, attendees=[ADA])
    post.arrived(1)
    answer = post.respond(made["id"], "declined")
    assert (answer["status"], answer["email_sent"], answer["email_status"]) == ("cancelled", False, "not_invited")
    assert answer["emails_queued"] == 1
    mail = post.one()
    assert (mail.to, mail.method, mail.event["SEQUENCE"]) == (ADA, "CANCEL", 1)
    post.respond(made["id"], "accepted")
    again = post.one()
    assert (again.method, again.event["SEQUENCE"], str(again.event["STATUS"])) == ("REQUEST", 2, "CONFIRMED")


def test_one_date_that_the_agent_declines_is_off_for_all(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA])
    post.arrived(1)
    post.respond(f"{made['id']}_20260310", "declined")
    mail = post.one()
    assert (mail.method, mail.event["RECURRENCE-ID"].dt) == ("CANCEL", wall(2026, 3, 10, 9))

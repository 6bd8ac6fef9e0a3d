"""What an organiser says is stored as it is meant, whatever the order it comes in; what the agent did itself stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import icalendar
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.calendars.writing import open_arrival
from app.core.itip import Thread, absorb, by_uid, meaning
from app.events.invited import Applied, all_under, store_meaning
from app.events.invited import by_uid as rows_by_uid
from app.events.replied import ours_of, store_answers
from app.ical.read import read_calendar
from tests.events.state import check_everything
from tests.support.service import Api, Calendar, Service

UID = "meeting@example.org"
SERIES = (
    "DTSTART;TZID=America/New_York:20260303T090000\nDTEND;TZID=America/New_York:20260303T093000\n"
    "RRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=6\nSUMMARY:Stand-up"
)
LUNCH = (
    "DTSTART;TZID=America/New_York:20260304T120000\nDTEND;TZID=America/New_York:20260304T130000\nSUMMARY:Lunch\n"
    "LOCATION:Canteen"
)


def said(method: str, lines: str, *, sequence: int = 0, minute: int = 0, organiser: str = "pat@example.org") -> str:
    return (
        f"BEGIN:VCALENDAR\nMETHOD:{method}\nBEGIN:VEVENT\nUID:{UID}\nDTSTAMP:20260301T10{minute:02}00Z\n"
        f"SEQUENCE:{sequence}\nORGANIZER;CN=Pat:mailto:{organiser}\n"
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:agent@example.net\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"
    )


class Mailbox:
    """Takes in calendars as the inbound room does, with the thread in hand."""

    def __init__(self, service: Service, calendar: Calendar) -> None:
        self.service, self.calendar = service, calendar
        self.thread = Thread(uid=UID)

    def take(self, text: str) -> tuple[str, Applied]:
        return self.service.run(self._take(text))

    async def _take(self, text: str) -> tuple[str, Applied]:
        at, zone = self.service.context, self.calendar.created["timezone"]
        (message,) = read_calendar(text, floating_zone=zone).messages
        under = all_under(self.calendar.id, [UID])
        async with (
            at.db.transaction() as tx,
            open_arrival(at, tx, self.calendar.id, "inm_test", under) as (write, (found,)),
        ):
            assert write is not None
            rows = rows_by_uid(found).get(UID, [])
            ours = ours_of(rows)
            before = meaning(self.thread, zone)
            self.thread, verdict = absorb(self.thread, by_uid(message)[UID], zone, ours=ours)
            if ours is not None:
                return verdict.status, await store_answers(write, rows, self.thread)
            after = meaning(self.thread, zone)
            return verdict.status, await store_meaning(write, rows, before, after, sender_check=None)


@pytest.fixture
def mailbox(service: Service, calendar: Calendar) -> Mailbox:
    return Mailbox(service, calendar)


def shown(calendar: Calendar) -> list[tuple[str, str, str]]:
    """(start, title, status) of every date."""
    events = calendar.list(start="2026-03-01", end="2026-05-01", limit=200)
    return [(event["start"][:16], event["title"], event["status"]) for event in events]


def test_an_invitation_is_filed_as_tentative_with_its_organiser(mailbox: Mailbox, calendar: Calendar) -> None:
    status, applied = mailbox.take(said("REQUEST", LUNCH))
    event = calendar.event(str(applied.event_id))
    assert status == "created"
    assert (event["status"], event["source"], event["untrusted"]) == ("tentative", "inbound_email", True)
    assert (event["organiser_email"], event["ical_uid"]) == ("pat@example.org", UID)
    assert event["attendee_details"] == [
        {"email": "agent@example.net", "name": None, "role": None, "partstat": "NEEDS-ACTION"}
    ]
    assert [(c["type"], c["by"]) for c in calendar.changes()] == [("invite.received", "inm_test")]


def test_a_series_is_filed_with_all_its_dates(service: Service, mailbox: Mailbox, calendar: Calendar) -> None:
    _, applied = mailbox.take(said("REQUEST", SERIES + "\nEXDATE;TZID=America/New_York:20260310T090000"))
    assert (applied.recurrence, applied.instances_created) == ("FREQ=WEEKLY;BYDAY=TU,TH;COUNT=6", 5)
    assert shown(calendar) == [
        ("2026-03-03T14:00", "Stand-up", "tentative"),
        ("2026-03-05T14:00", "Stand-up", "tentative"),
        ("2026-03-10T13:00", "Stand-up", "cancelled"),
        ("2026-03-12T13:00", "Stand-up", "tentative"),
        ("2026-03-17T13:00", "Stand-up", "tentative"),
        ("2026-03-19T13:00", "Stand-up", "tentative"),
    ]
    check_everything(service, calendar)


def test_a_series_whose_last_date_is_added_is_found_until_that_date_starts(
    mailbox: Mailbox, calendar: Calendar
) -> None:
    mailbox.take(
        said(
            "REQUEST",
            "DTSTART;TZID=America/New_York:20260303T023000\nDURATION:PT30M\nRRULE:FREQ=DAILY;BYHOUR=9;COUNT=3\n"
            "RDATE;VALUE=DATE:20260320\nSUMMARY:Stand-up",
        )
    )
    assert shown(calendar)[-1][0] == "2026-03-20T13:30"
    assert len(calendar.list(expand="false", start="2026-03-20T13:00:00Z")) == 1
    assert calendar.list(expand="false", start="2026-03-20T14:00:00Z") == []


def test_a_date_of_a_rule_with_hours_of_its_own_is_left_out_at_its_hour(
    service: Service, mailbox: Mailbox, calendar: Calendar
) -> None:
    mailbox.take(
        said(
            "REQUEST",
            "DTSTART;TZID=America/New_York:20260303T023000\nDURATION:PT30M\nRRULE:FREQ=DAILY;BYHOUR=9;UNTIL=20260307T143000Z\n"
            "EXDATE;TZID=America/New_York:20260305T093000\nSUMMARY:Stand-up",
        )
    )
    assert [start for start, _, status in shown(calendar) if status == "cancelled"] == ["2026-03-05T14:30"]
    assert "EXDATE;TZID=America/New_York:20260305T093000" in calendar.feed()
    check_everything(service, calendar)


def test_an_update_that_says_nothing_new_changes_nothing(mailbox: Mailbox, calendar: Calendar) -> None:
    mailbox.take(said("REQUEST", SERIES))
    before = calendar.changes()
    mailbox.take(said("REQUEST", SERIES, minute=1))
    assert calendar.changes() == before


@pytest.mark.parametrize(
    ("update", "status", "response"),
    [
        (LUNCH.replace("Lunch", "Long lunch"), "confirmed", "accepted"),
        (LUNCH + "\nDESCRIPTION:Bring a spoon", "confirmed", "accepted"),
        (LUNCH.replace("America/New_York", "America/Toronto"), "confirmed", "accepted"),
        (LUNCH.replace("T12", "T11"), "tentative", None),
        (LUNCH.replace("T13", "T14"), "tentative", None),
        (LUNCH.replace("Canteen", "Roof"), "tentative", None),
        (LUNCH + "\nRRULE:FREQ=DAILY;COUNT=2", "recurring", None),
    ],
)
def test_an_answer_holds_until_time_or_place_changes(
    mailbox: Mailbox, calendar: Calendar, update: str, status: str, response: str | None
) -> None:
    _, applied = mailbox.take(said("REQUEST", LUNCH))
    path = f"{calendar.path}/events/{applied.event_id}"
    calendar.api.post(f"{path}/respond", {"response": "accepted"})
    calendar.change(str(applied.event_id), metadata={"mine": True})
    mailbox.take(said("REQUEST", update, sequence=1, minute=1))
    event = calendar.event(str(applied.event_id))
    assert (event["status"], event["response"], event["metadata"]) == (status, response, {"mine": True})


def test_what_the_organiser_cancelled_no_answer_brings_back_and_a_new_invitation_does(
    service: Service, mailbox: Mailbox, calendar: Calendar
) -> None:
    _, applied = mailbox.take(said("REQUEST", LUNCH))
    assert mailbox.take(said("CANCEL", LUNCH, sequence=1, minute=1))[0] == "cancelled"
    path = f"{calendar.path}/events/{applied.event_id}"
    assert calendar.api.post(f"{path}/respond", {"response": "accepted"}).json()["status"] == "cancelled"
    mailbox.take(said("REQUEST", LUNCH, sequence=2, minute=2))
    assert calendar.event(str(applied.event_id))["status"] != "cancelled"
    assert [c["type"] for c in calendar.changes()][:2] == ["invite.received", "invite.cancelled"]
    check_everything(service, calendar)


def test_one_date_is_moved_and_another_cancelled(service: Service, mailbox: Mailbox, calendar: Calendar) -> None:
    _, applied = mailbox.take(said("REQUEST", SERIES))
    moved = "RECURRENCE-ID:20260305T140000Z\nDTSTART;TZID=Europe/Berlin:20260305T200000\nDURATION:PT1H\nSUMMARY:Evening"
    assert mailbox.take(said("REQUEST", moved, minute=1))[0] == "updated"
    assert mailbox.take(said("CANCEL", "RECURRENCE-ID;VALUE=DATE:20260312", minute=2))[0] == "cancelled"
    assert shown(calendar)[1:4] == [
        ("2026-03-05T19:00", "Evening", "tentative"),
        ("2026-03-10T13:00", "Stand-up", "tentative"),
        ("2026-03-12T13:00", "Stand-up", "cancelled"),
    ]
    assert calendar.event(f"{applied.event_id}_20260305")["is_exception"] is True
    check_everything(service, calendar)


def test_dates_that_the_agent_deleted_stay_deleted_until_the_organiser_says_something_new_of_them(
    service: Service, mailbox: Mailbox, calendar: Calendar
) -> None:
    _, applied = mailbox.take(said("REQUEST", SERIES))
    calendar.remove(f"{applied.event_id}_20260305")
    calendar.remove(f"{applied.event_id}_20260310")
    mailbox.take(said("REQUEST", SERIES.replace("Stand-up", "Sit-down"), sequence=1, minute=1))
    assert [status for _, _, status in shown(calendar)][1:3] == ["cancelled", "cancelled"]
    again = "RECURRENCE-ID:20260310T130000Z\nDTSTART:20260310T150000Z\nDURATION:PT1H\nSUMMARY:Do come"
    mailbox.take(said("REQUEST", again, sequence=1, minute=2))
    assert shown(calendar)[1:3] == [
        ("2026-03-05T14:00", "Sit-down", "cancelled"),
        ("2026-03-10T15:00", "Do come", "tentative"),
    ]
    check_everything(service, calendar)


def test_a_series_that_is_retimed_starts_its_dates_afresh(
    service: Service, mailbox: Mailbox, calendar: Calendar
) -> None:
    mailbox.take(said("REQUEST", SERIES))
    mailbox.take(said("CANCEL", "RECURRENCE-ID:20260305T140000Z", minute=1))
    mailbox.take(said("REQUEST", SERIES.replace("T09", "T11"), sequence=1, minute=2))
    assert {status for _, _, status in shown(calendar)} == {"tentative"}
    assert [start[8:] for start, _, _ in shown(calendar)] == [
        "03T16:00", "05T16:00", "10T15:00", "12T15:00", "17T15:00", "19T15:00",
    ]  # fmt: skip
    check_everything(service, calendar)


def test_dates_invited_without_their_series_join_it_when_it_comes(
    service: Service, mailbox: Mailbox, calendar: Calendar
) -> None:
    alone = "RECURRENCE-ID:20260305T140000Z\nDTSTART:20260305T150000Z\nDURATION:PT1H\nSUMMARY:Alone"
    _, applied = mailbox.take(said("REQUEST", alone))
    calendar.change(str(applied.event_id), metadata={"kept": 1})
    calendar.api.post(f"{calendar.path}/events/{applied.event_id}/respond", {"response": "accepted"})
    assert "RECURRENCE-ID:20260305T140000Z" in calendar.feed()
    check_everything(service, calendar)
    _, whole = mailbox.take(said("REQUEST", SERIES))
    assert shown(calendar)[1] == ("2026-03-05T15:00", "Alone", "confirmed")
    joined = calendar.event(f"{whole.event_id}_20260305")
    assert (joined["metadata"], joined["response"], joined["parent_event_id"]) == (
        {"kept": 1},
        "accepted",
        whole.event_id,
    )
    assert len(calendar.list(expand="false")) == 1
    check_everything(service, calendar)


def test_a_series_that_ends_earlier_loses_its_later_dates(
    service: Service, mailbox: Mailbox, calendar: Calendar
) -> None:
    mailbox.take(said("REQUEST", SERIES))
    later = "RECURRENCE-ID;RANGE=THISANDFUTURE:20260312T130000Z"
    mailbox.take(said("CANCEL", later, minute=1))
    assert [start[:10] for start, _, _ in shown(calendar)] == ["2026-03-03", "2026-03-05", "2026-03-10"]
    check_everything(service, calendar)


def test_a_series_that_goes_on_otherwise_from_one_date_on(
    service: Service, mailbox: Mailbox, calendar: Calendar
) -> None:
    mailbox.take(said("REQUEST", SERIES))
    later = (
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20260312T130000Z\nDTSTART;TZID=America/New_York:20260312T160000\n"
        "DURATION:PT1H\nSUMMARY:Afternoon"
    )
    mailbox.take(said("REQUEST", later, minute=1))
    assert shown(calendar) == [
        ("2026-03-03T14:00", "Stand-up", "tentative"),
        ("2026-03-05T14:00", "Stand-up", "tentative"),
        ("2026-03-10T13:00", "Stand-up", "tentative"),
        ("2026-03-12T20:00", "Afternoon", "tentative"),
        ("2026-03-17T20:00", "Afternoon", "tentative"),
        ("2026-03-19T20:00", "Afternoon", "tentative"),
    ]
    check_everything(service, calendar)
    one = (
        "RECURRENCE-ID:20260317T200000Z\nDTSTART;TZID=America/New_York:20260317T170000\nDURATION:PT1H\nSUMMARY:Upstairs"
    )
    mailbox.take(said("REQUEST", one, minute=2))
    check_everything(service, calendar)
    vevents = icalendar.Calendar.from_ical(calendar.feed()).walk("VEVENT")
    later_part, its_date = (each for title in ("Afternoon", "Upstairs") for each in vevents if each["SUMMARY"] == title)
    assert its_date["UID"] == later_part["UID"], "or a subscriber sees the date twice"
    assert ("2026-03-17T21:00", "Upstairs", "tentative") in shown(calendar)
    mailbox.take(said("REQUEST", SERIES.replace("T09", "T10"), sequence=2, minute=3))
    assert {start[11:] for start, _, _ in shown(calendar)} == {"15:00", "14:00"}
    assert len(shown(calendar)) == 6
    check_everything(service, calendar)


def test_a_reply_touches_one_attendee_on_one_date(service: Service, api: Api) -> None:
    calendar = Calendar(api, api.made("/calendars", name="Ours", timezone="America/New_York"))
    made = calendar.add(
        title="Ours",
        start="2026-03-03T09:00:00",
        duration="PT1H",
        recurrence="FREQ=DAILY;COUNT=3",
        attendees=["ada@example.org", "bob@example.org"],
    )
    global UID
    kept, UID = UID, made["ical_uid"]
    try:
        mailbox = Mailbox(service, calendar)
        body = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ADA@example.org"
        reply = said("REPLY", "").replace("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:agent@example.net\n", "")
        mailbox.take(reply.replace("\nEND:VEVENT", f"{body}\nEND:VEVENT"))
        date = "RECURRENCE-ID:20260304T140000Z\nATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org"
        mailbox.take(reply.replace("\nEND:VEVENT", f"{date}\nEND:VEVENT"))
        mailbox.take(said("REQUEST", LUNCH, organiser="mallory@example.org"))
    finally:
        UID = kept

    def partstats(event_id: str) -> list[Any]:
        return [each["partstat"] for each in calendar.event(event_id)["attendee_details"]]

    assert partstats(made["id"]) == ["ACCEPTED", None]
    assert partstats(f"{made['id']}_20260303") == ["ACCEPTED", None]
    assert partstats(f"{made['id']}_20260304") == ["ACCEPTED", "DECLINED"]
    assert {event["title"] for event in calendar.list()} == {"Ours"}
    assert [c["type"] for c in calendar.changes()][1:] == ["attendee.replied", "attendee.replied"]
    check_everything(service, calendar)


THREAD = (
    said("REQUEST", SERIES),
    said("REQUEST", SERIES.replace("Stand-up", "Sit-down"), sequence=1, minute=10),
    said("REQUEST", "RECURRENCE-ID:20260305T140000Z\nDTSTART:20260305T160000Z\nDURATION:PT1H\nSUMMARY:Moved", minute=5),
    said("CANCEL", "RECURRENCE-ID:20260310T130000Z", minute=6),
    said("REQUEST", "RECURRENCE-ID:20260310T130000Z\nDTSTART:20260310T130000Z\nDURATION:PT1H\nSUMMARY:Back", minute=12),
    said("REQUEST", SERIES.replace("T09", "T12"), sequence=2, minute=20),
    said("CANCEL", "RECURRENCE-ID:20260312T160000Z", sequence=2, minute=21),
    said("CANCEL", "SUMMARY:Off", sequence=3, minute=30),
    said("REQUEST", SERIES.replace("COUNT=6", "COUNT=4"), sequence=4, minute=40),
)


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(THREAD), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_thread_in_any_order_ends_in_one_state(
    service: Service, api: Api, messages: Sequence[str], chance: Any
) -> None:
    states = []
    for attempt in range(2):
        order = [*messages, *chance.sample(list(messages), len(messages) // 2)]
        if attempt:
            chance.shuffle(order)
        calendar = Calendar(api, api.made("/calendars", name="W", timezone="America/New_York"))
        mailbox = Mailbox(service, calendar)
        for text in order:
            mailbox.take(text)
        check_everything(service, calendar)
        states.append(shown(calendar))
    assert states[0] == states[1]


def test_invitations_to_the_past_are_kept(mailbox: Mailbox, calendar: Calendar) -> None:
    mailbox.take(said("REQUEST", LUNCH.replace("202603", "202001")))
    (event,) = calendar.list()
    assert datetime.fromisoformat(event["start"]) == datetime(2020, 1, 4, 17, tzinfo=UTC)

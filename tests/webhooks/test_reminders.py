"""A calendar's webhook is called at each offset of each date: once, on time, and never for what is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.events.upkeep import extend_calendars
from tests.conftest import NOON
from tests.support.receiver import Receiver, receiving
from tests.support.service import Api, Calendar, Service
from tests.webhooks.calls import moments, reminders, settled

Pass = Callable[..., None]
LUNCH = {"title": "Lunch", "start": "2026-03-02T13:00:00", "end": "2026-03-02T14:00:00"}  # 18:00Z, in six hours


def only_reminders(calendar: Calendar, receiver: Receiver, *offsets: str) -> None:
    """From now on the calendar itself calls nobody; an endpoint for reminders alone does."""
    calendar.api.changed(calendar.path, {"webhook_url": None, "webhook_offsets": list(offsets)})
    calendar.api.made("/webhooks", url=receiver.url, types=["event.upcoming"], calendars=[calendar.id])


def test_a_single_event_reminds_before_at_and_after_its_start(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "-1h", "-5m", "0", "+10m")
    calendar.add(**LUNCH)
    for step in ({"hours": 4, "minutes": 59}, {"minutes": 1}, {"minutes": 55}, {"minutes": 5}, {"minutes": 10}):
        pass_time(**step)
        settled(service, calendar)
    assert reminders(receiver.calls) == [
        ("Lunch", "-1h", "2026-03-02T17:00"),
        ("Lunch", "-5m", "2026-03-02T17:55"),
        ("Lunch", "0", "2026-03-02T18:00"),
        ("Lunch", "+10m", "2026-03-02T18:10"),
    ]
    assert all("late_by" not in call.json for call in receiver.calls)


def test_a_reminder_says_what_it_is_for(
    service: Service, hooked: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    event = hooked.add(**LUNCH)
    receiver.wait_for(1)
    pass_time(hours=5, minutes=55)
    call = receiver.wait_for(2)[1]
    assert call.json == {
        "type": "event.upcoming",
        "calendar_id": hooked.id,
        "event_id": event["id"],
        "event": hooked.event(event["id"]),
        "offset": "-5m",
        "fires_at": "2026-03-02T17:55:00.000Z",
        "timestamp": "2026-03-02T17:55:00.000Z",
    }
    assert call.headers["content-type"] == "application/json"


def test_every_date_of_a_series_reminds_where_it_really_is(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    """Clocks go forward on 8 March: nine o'clock is 14:00Z before, 13:00Z after. One date is moved, one cancelled."""
    only_reminders(calendar, receiver, "-5m")
    nine = {"start": "2026-03-05T09:00:00", "duration": "PT30M"}
    series = calendar.add(title="Daily", recurrence="FREQ=DAILY;COUNT=6", **nine)
    calendar.change(f"{series['id']}_20260306", start="2026-03-06T15:00:00")
    calendar.remove(f"{series['id']}_20260307")
    for _ in range(9):
        pass_time(days=1)
        logs = settled(service, calendar)
    assert moments(logs) == [
        "2026-03-05T13:55",
        "2026-03-06T19:55",
        "2026-03-08T12:55",
        "2026-03-09T12:55",
        "2026-03-10T12:55",
    ]
    assert logs[1]["event_id"] == f"{series['id']}_20260306"


def test_both_passes_of_the_hour_that_happens_twice_remind(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "0")
    service.clock.move_to(datetime(2026, 11, 1, 4, tzinfo=UTC))
    calendar.add(title="Hourly", start="2026-11-01T00:30:00", duration="PT5M", recurrence="FREQ=HOURLY;COUNT=4")
    for _ in range(6):
        pass_time(hours=1)
        logs = settled(service, calendar)
    assert moments(logs) == [f"2026-11-01T{hour:02}:30" for hour in (4, 5, 6, 7)]
    assert len({call.json["event_id"] for call in receiver.calls}) == 4


@pytest.mark.parametrize(
    ("zone", "moment"),
    [("Asia/Tokyo", "2026-03-09T14:00"), ("Pacific/Honolulu", "2026-03-10T09:00"), (None, "2026-03-10T03:00")],
)
def test_a_whole_day_begins_at_midnight_in_its_own_zone(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass, zone: str | None, moment: str
) -> None:
    only_reminders(calendar, receiver, "-1h")
    own = {} if zone is None else {"timezone": zone}
    calendar.add(title="Holiday", start="2026-03-10", end="2026-03-10", **own)
    for _ in range(9 * 4):
        pass_time(hours=6)
        logs = settled(service, calendar)
    assert moments(logs) == [moment]


def test_whole_days_without_a_zone_follow_the_calendar_to_another(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "0")
    calendar.add(title="Here", start="2026-03-10", end="2026-03-10", recurrence="FREQ=DAILY;COUNT=2")
    calendar.add(title="Tokyo", start="2026-03-10", end="2026-03-10", timezone="Asia/Tokyo")
    calendar.api.changed(calendar.path, {"timezone": "Asia/Tokyo"})
    for _ in range(10):
        pass_time(days=1)
        logs = settled(service, calendar)
    assert moments(logs) == ["2026-03-09T15:00", "2026-03-09T15:00", "2026-03-10T15:00"]


def test_an_event_that_moves_takes_its_reminder_along(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "-5m")
    event = calendar.add(**LUNCH)
    calendar.change(event["id"], start="2026-03-02T15:00:00")
    pass_time(hours=6, minutes=30)
    assert moments(settled(service, calendar)) == []
    pass_time(hours=1, minutes=30)
    assert moments(settled(service, calendar)) == ["2026-03-02T19:55"]


def test_one_that_moves_away_and_back_before_its_moment_still_reminds_once(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "-5m")
    event = calendar.add(**LUNCH)
    calendar.change(event["id"], start="2026-03-09T13:00:00")
    pass_time(hours=5)
    calendar.change(event["id"], start=LUNCH["start"])
    pass_time(hours=2)
    assert moments(settled(service, calendar)) == ["2026-03-02T17:55"]


def test_one_that_moves_after_its_reminder_reminds_again_at_its_new_time(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "-5m")
    event = calendar.add(**LUNCH)
    pass_time(hours=5, minutes=56)
    receiver.wait_for(1)
    calendar.change(event["id"], start="2026-03-02T17:00:00")
    calendar.change(event["id"], start=LUNCH["start"])  # back: its moment has passed, and was used
    calendar.change(event["id"], start="2026-03-02T17:00:00")
    pass_time(hours=5)
    assert moments(settled(service, calendar)) == ["2026-03-02T17:55", "2026-03-02T21:55"]


def test_what_is_made_or_moved_after_its_moment_does_not_remind_late(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "-1h", "0")
    calendar.add(title="Soon", start="2026-03-02T07:30:00", end="2026-03-02T08:00:00")  # in half an hour
    later = calendar.add(title="Later", start="2026-03-02T20:00:00", end="2026-03-02T21:00:00")
    calendar.change(later["id"], start="2026-03-02T07:45:00")
    for _ in range(4):
        pass_time(minutes=30)
        settled(service, calendar)
    assert reminders(receiver.calls) == [("Soon", "0", "2026-03-02T12:30"), ("Later", "0", "2026-03-02T12:45")]


def test_what_is_cancelled_declined_or_deleted_does_not_remind_and_what_is_tentative_does(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "0")
    for title in ("cancelled", "declined", "deleted", "tentative", "restored"):
        event = calendar.add(**LUNCH | {"title": title})
        path = f"{calendar.path}/events/{event['id']}"
        if title == "deleted":
            calendar.remove(event["id"])
        elif title == "declined":
            assert calendar.api.post(f"{path}/respond", {"response": "declined"}).status_code == 200
        else:
            calendar.change(event["id"], status="cancelled" if title == "restored" else title)
        if title == "restored":
            calendar.change(event["id"], status="confirmed")
    pass_time(hours=6)
    settled(service, calendar)
    assert [title for title, _, _ in reminders(receiver.calls)] == ["restored", "tentative"]


def test_a_split_series_reminds_of_each_date_once(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "-5m")
    series = calendar.add(title="Daily", start="2026-03-03T09:00:00", duration="PT1H", recurrence="FREQ=DAILY;COUNT=5")
    calendar.change(f"{series['id']}_20260305", mode="future", title="Later", start="2026-03-05T10:00:00")
    for _ in range(7):
        pass_time(days=1)
        logs = settled(service, calendar)
    assert moments(logs) == [f"2026-03-{at}" for at in ("03T13:55", "04T13:55", "05T14:55", "06T14:55", "07T14:55")]
    assert len({log["event_id"].split("_")[1] for log in logs}) == 2


def test_new_offsets_count_from_now_on(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "-5m")
    calendar.add(**LUNCH)
    pass_time(hours=5)
    calendar.api.changed(calendar.path, {"webhook_offsets": ["-2h", "-30m", "0"]})
    pass_time(hours=2)
    assert [log["offset"] for log in settled(service, calendar)] == ["-30m", "0"]


def test_two_spellings_of_one_offset_are_one(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "-5m", "-300s", "0", "-0m")
    assert calendar.api.got(calendar.path)["webhook_offsets"] == ["-5m", "0"]
    calendar.add(**LUNCH)
    pass_time(hours=7)
    assert [log["offset"] for log in settled(service, calendar)] == ["-5m", "0"]


def test_no_offsets_are_no_reminders(service: Service, hooked: Calendar, receiver: Receiver, pass_time: Pass) -> None:
    hooked.api.changed(hooked.path, {"webhook_offsets": []})
    hooked.add(**LUNCH)
    pass_time(hours=7)
    assert [log["type"] for log in settled(service, hooked)] == ["event.created"]


def test_an_address_set_later_hears_of_what_is_still_to_come(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    calendar.api.changed(calendar.path, {"webhook_offsets": ["-1h", "0"]})
    calendar.add(**LUNCH)
    pass_time(hours=5, minutes=30)
    calendar.api.changed(calendar.path, {"webhook_url": receiver.url})
    pass_time(hours=1)
    assert [log["offset"] for log in settled(service, calendar)] == ["0"]


def test_what_fell_due_before_an_edit_is_told_as_it_was_before_it(
    service: Service, calendar: Calendar, receiver: Receiver
) -> None:
    """The clock has passed the moment, and the edit comes before the dispatcher's look: both must hold."""
    only_reminders(calendar, receiver, "0")
    event = calendar.add(**LUNCH)
    service.clock.advance(timedelta(hours=6, seconds=1))
    calendar.change(event["id"], title="Dinner", start="2026-03-02T19:00:00")
    settled(service, calendar)
    service.clock.advance(timedelta(hours=5, minutes=59, seconds=59))
    lunch, dinner = settled(service, calendar)
    assert reminders(receiver.calls)[-1] == ("Dinner", "0", "2026-03-03T00:00")
    assert (lunch["fires_at"][11:16], dinner["fires_at"][11:16]) == ("18:00", "00:00")
    assert lunch["reason"] == "overtaken"  # no use any more: the date is elsewhere


def test_what_fell_due_while_nothing_ran_is_sent_late_or_recorded_as_missed(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "0")
    for hour in (13, 14, 15):
        calendar.add(title=f"at {hour}", start=f"2026-03-02T{hour}:00:00", duration="PT1H")
    pass_time(hours=8, minutes=10)  # 20:10Z: 130, 70 and 10 minutes late
    logs = settled(service, calendar)
    assert [(log["fires_at"], log["status"], log["reason"]) for log in logs] == [
        ("2026-03-02T18:00:00.000Z", "failed", "missed"),
        ("2026-03-02T19:00:00.000Z", "failed", "missed"),
        ("2026-03-02T20:00:00.000Z", "delivered", None),
    ]
    assert [call.json["late_by"] for call in receiver.calls] == ["PT10M"]


def test_a_yearly_event_reminds_a_month_ahead_year_after_year(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "-30d")
    calendar.add(title="Birthday", start="2026-07-04", end="2026-07-04", recurrence="FREQ=YEARLY")
    for _ in range(110):
        pass_time(days=10)
        service.run(extend_calendars(service.context.db, service.clock.now()))
        logs = settled(service, calendar)
    assert moments(logs) == [f"{year}-06-04T04:00" for year in (2026, 2027, 2028)]


def test_each_endpoint_is_told_once(service: Service, hooked: Calendar, receiver: Receiver, pass_time: Pass) -> None:
    api = hooked.api
    with receiving() as other, receiving() as deaf:
        api.made("/webhooks", url=other.url, types=["event.upcoming"])
        api.made("/webhooks", url=deaf.url, types=["event.deleted"])
        elsewhere = Calendar(api, api.made("/calendars", name="Elsewhere"))
        hooked.add(**LUNCH)
        elsewhere.add(title="Call", start="2026-03-02T18:00:00Z", end="2026-03-02T19:00:00Z")
        pass_time(hours=5, minutes=55)
        settled(service, hooked)
        settled(service, elsewhere)
        assert [title for title, _, _ in reminders(receiver.calls)] == ["Lunch"]
        assert [title for title, _, _ in reminders(other.calls)] == ["Call", "Lunch"]
        assert deaf.calls == []


def test_a_clock_that_stands_still_reminds_once(
    service: Service, calendar: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    only_reminders(calendar, receiver, "0")
    calendar.add(**LUNCH)
    pass_time(hours=6)
    receiver.wait_for(1)
    for _ in range(5):
        pass_time(seconds=0)
    assert receiver.stays_at(1)
    assert service.clock.now() == NOON + timedelta(hours=6)


def test_another_agents_endpoint_hears_nothing(
    service: Service, hooked: Calendar, receiver: Receiver, pass_time: Pass
) -> None:
    stranger = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
    with receiving() as theirs:
        stranger.made("/webhooks", url=theirs.url)
        refused = stranger.post("/webhooks", {"url": theirs.url, "calendars": [hooked.id]})
        assert (refused.status_code, refused.json()["field"]) == (400, "calendars.0")
        hooked.add(**LUNCH)
        receiver.wait_for(1)
        pass_time(hours=5, minutes=55)
        settled(service, hooked)
        assert [call.type for call in receiver.calls] == ["event.created", "event.upcoming"]
        assert theirs.calls == []

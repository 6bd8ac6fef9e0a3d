"""Random edits between random waits: what is owed is what the calendar itself showed for the time that passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.core.times import load_zone, midnight_of, parse_offset
from tests.conftest import NOON
from tests.support.receiver import receiving
from tests.support.service import Api, Calendar, Service
from tests.webhooks.calls import settled

OFFSETS = ["-1h", "-5m", "0", "+20m", "-2d"]
Owed = set[tuple[str, str, datetime]]


def instant(event: dict[str, Any]) -> datetime:
    """When an event begins; a whole day at midnight in its own zone."""
    if event.get("all_day"):
        return midnight_of(datetime.fromisoformat(event["start"]).date(), load_zone(event["timezone"]))
    return datetime.fromisoformat(event["start"])


def owed_between(calendar: Calendar, since: datetime, until: datetime) -> Owed:
    """By the list, which knows nothing of reminders."""
    window = {"start": (since - timedelta(days=2)).isoformat(), "end": (until + timedelta(days=4)).isoformat()}
    offsets = calendar.api.got(calendar.path)["webhook_offsets"]
    return {
        (event["id"], offset, instant(event) + parse_offset(offset))
        for event in calendar.list(limit=200, **window)
        for offset in offsets
        if event["status"] != "cancelled" and since < instant(event) + parse_offset(offset) <= until
    }


class Scene:
    def __init__(self, service: Service, calendar: Calendar, draw: Any) -> None:
        self.service, self.calendar, self.draw = service, calendar, draw
        self.owed: Owed = set()
        self.unseen = 0  # minutes since the dispatcher surely looked

    def step(self) -> None:
        kind = self.draw(st.sampled_from(["wait", "wait", "single", "series", "move", "cancel", "offsets", "split"]))
        getattr(self, f"_{kind}")()

    def wait(self, minutes: int) -> None:
        if self.unseen + minutes > 55:  # what is an hour late is another test's business
            self.look()
        since = self.service.clock.now()
        self.unseen += minutes
        self.owed |= owed_between(self.calendar, since, since + timedelta(minutes=minutes))
        self.service.clock.advance(timedelta(minutes=minutes))
        if self.draw(st.booleans()):  # else the next write may come before the dispatcher's look
            self.look()

    def look(self) -> None:
        settled(self.service, self.calendar)
        self.unseen = 0

    def _wait(self) -> None:
        self.wait(self.draw(st.sampled_from([1, 7, 29, 55])))

    def _near(self) -> datetime:
        minutes = self.draw(st.integers(-120, 60 * 50))
        return (self.service.clock.now() + timedelta(minutes=minutes)).astimezone(UTC)

    def _single(self) -> None:
        if self.draw(st.booleans()):
            day = str(self._near().date())
            zone = self.draw(st.sampled_from(["Asia/Tokyo", "America/New_York", "UTC"]))
            self.calendar.add(title="day", start=day, end=day, timezone=zone)
        else:
            self.calendar.add(title="single", start=self._near().isoformat(), duration="PT30M")

    def _series(self) -> None:
        rule = self.draw(st.sampled_from(["FREQ=HOURLY;COUNT=9", "FREQ=DAILY;COUNT=4", "FREQ=HOURLY;INTERVAL=5"]))
        self.calendar.add(title="series", start=self._near().isoformat(), duration="PT10M", recurrence=rule)

    def _some(self) -> dict[str, Any] | None:
        start = (self.service.clock.now() - timedelta(hours=3)).isoformat()
        found = [event for event in self.calendar.list(start=start, limit=40) if not event.get("all_day")]
        return self.draw(st.sampled_from(found)) if found else None

    def _move(self) -> None:
        if (event := self._some()) is not None:
            self.calendar.change(event["id"], start=self._near().isoformat())

    def _cancel(self) -> None:
        if (event := self._some()) is not None and "parent_event_id" in event:
            self.calendar.remove(event["id"])

    def _split(self) -> None:
        event = self._some()
        if event is not None and "parent_event_id" in event and event["status"] != "cancelled":
            path = f"{self.calendar.path}/events/{event['id']}"
            self.calendar.api.patch(path, {"title": "later"}, mode="future")

    def _offsets(self) -> None:
        offsets = self.draw(st.lists(st.sampled_from(OFFSETS), unique=True, max_size=3))
        self.calendar.api.changed(self.calendar.path, {"webhook_offsets": offsets})


@pytest.mark.parametrize("zone", ["America/New_York"])
@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_reminders_are_what_the_list_showed_while_time_passed(
    service: Service, api: Api, zone: str, data: st.DataObject
) -> None:
    service.clock.move_to(NOON)
    with receiving() as receiver:
        calendar = Calendar(api, api.made("/calendars", name="W", timezone=zone, webhook_offsets=["-5m", "0"]))
        made = api.made("/webhooks", url=receiver.url, types=["event.upcoming"], calendars=[calendar.id])
        scene = Scene(service, calendar, data.draw)
        for _ in range(data.draw(st.integers(4, 14))):
            scene.step()
        scene.wait(55)
        logs = settled(service, calendar)
        told = {(log["event_id"], log["offset"], datetime.fromisoformat(log["fires_at"])) for log in logs}
        assert told == scene.owed
        assert len(logs) == len(told)
        assert not any(log["reason"] in ("missed", "expired") for log in logs)
        api.deleted(f"/webhooks/{made['id']}")
        delivered = {log["id"] for log in logs if log["status"] == "delivered"}
        assert sorted(call.id for call in receiver.calls) == sorted(delivered)

"""Whether subscribers have seen the latest change."""

from __future__ import annotations

import httpx

from tests.support.service import Calendar, Service

EVENT = {"title": "x", "start": "2026-03-03T09:00:00", "end": "2026-03-03T09:30:00"}


def test_the_feeds_last_fetch_is_told_with_the_state_it_saw(service: Service, calendar: Calendar) -> None:
    path = f"{calendar.path}/feed"
    assert calendar.api.got(path) == {
        "calendar_id": calendar.id,
        "last_fetched_at": None,
        "last_fetched_seq": None,
        "last_seq": 0,
        "is_current": False,
    }
    calendar.add(**EVENT)
    url = calendar.created["ical_feed_url"]
    httpx.head(url)
    service.run(service.context.feed_fetches.flush())
    assert calendar.api.got(path)["last_fetched_at"] is None
    fetched = httpx.get(url)
    service.run(service.context.feed_fetches.flush())
    seen = calendar.api.got(path)
    assert (seen["last_fetched_at"], seen["last_fetched_seq"]) == ("2026-03-02T12:00:00.000Z", 1)
    assert seen["is_current"] is True
    calendar.add(**EVENT)
    assert calendar.api.got(path)["is_current"] is False
    httpx.get(url, headers={"If-None-Match": fetched.headers["ETag"]})
    service.run(service.context.feed_fetches.flush())
    assert calendar.api.got(path)["is_current"] is True

"""The feed as subscribers fetch it: no Accept header, HEAD first, and an ETag remembered."""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.ical.oracle import read
from tests.support.service import Api, Calendar, Service

NINE = {"start": "2026-03-02T09:00:00", "end": "2026-03-02T09:30:00"}


def fetch(calendar: Calendar, method: str = "GET", suffix: str = "", **headers: str) -> httpx.Response:
    """What an importer sends: the address as it was given out, and no Accept header."""
    with httpx.Client(timeout=30) as http:
        del http.headers["accept"]
        return http.request(method, calendar.created["ical_feed_url"] + suffix, headers=headers)


def test_head_answers_like_get_without_a_body(calendar: Calendar) -> None:
    """Hard case 6."""
    calendar.add(title="x", **NINE)
    head, got = fetch(calendar, "HEAD"), fetch(calendar)
    assert (head.status_code, got.status_code, head.content) == (200, 200, b"")
    changing = {"x-request-id", "date"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in got.headers.items() if k not in changing
    }
    assert head.headers["content-length"] == str(len(got.content))


def test_the_feed_is_a_calendar_inline_and_never_a_page(calendar: Calendar) -> None:
    """Hard case 8, and 12: the last line ends in CRLF too."""
    got = fetch(calendar)
    assert got.headers["content-type"] == "text/calendar; charset=utf-8"
    assert got.headers["content-disposition"].startswith("inline")
    assert got.content.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in got.content.replace(b"\r\n", b"")
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT5M\r\n" in got.text  # hard case 5
    assert "X-PUBLISHED-TTL:PT5M\r\n" in got.text
    assert "X-WR-CALNAME:Work\r\n" in got.text


def test_an_unchanged_feed_is_not_sent_again_and_a_changed_one_is(service: Service, calendar: Calendar) -> None:
    calendar.add(title="x", **NINE)
    first = fetch(calendar)
    again = fetch(calendar, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert fetch(calendar, **{"If-None-Match": 'W/"other", ' + first.headers["etag"]}).status_code == 304
    calendar.add(title="y", **NINE)
    changed = fetch(calendar, **{"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_a_date_alone_is_trusted_only_after_the_second_of_the_change(service: Service, calendar: Calendar) -> None:
    calendar.add(title="x", **NINE)
    at_once = fetch(calendar).headers["last-modified"]
    assert fetch(calendar, **{"If-Modified-Since": at_once}).status_code == 200
    service.clock.advance(timedelta(seconds=5))
    later = fetch(calendar).headers["last-modified"]
    assert fetch(calendar, **{"If-Modified-Since": later}).status_code == 304
    assert fetch(calendar, **{"If-Modified-Since": at_once}).status_code == 200  # it may have missed that second
    assert fetch(calendar, **{"If-Modified-Since": later, "If-None-Match": '"other"'}).status_code == 200
    assert fetch(calendar, **{"If-Modified-Since": "yesterday"}).status_code == 200
    assert parsedate_to_datetime(later) <= service.clock.now()
    service.clock.advance(timedelta(milliseconds=500))
    calendar.add(title="y", **NINE)
    assert fetch(calendar, **{"If-Modified-Since": later}).status_code == 200


def test_a_wrong_token_says_nothing_about_the_calendar(calendar: Calendar) -> None:
    url = calendar.created["ical_feed_url"]
    unknown = url.replace(calendar.id, "cal_000000000000")
    answers = [
        httpx.get(address)
        for address in (unknown, url + "x", url.split("?")[0], unknown.split("?")[0], url.split("?")[0] + "?token=")
    ]
    assert {answer.status_code for answer in answers} == {401}
    bodies = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert calendar.id not in answers[1].text


def test_another_calendars_token_does_not_open_this_one(api: Api, calendar: Calendar) -> None:
    other = api.made("/calendars", name="Other")
    address = calendar.created["ical_feed_url"].split("=")[0] + "=" + other["feed_token"]
    assert httpx.get(address).status_code == 401


def test_a_busy_feed_tells_times_alone(calendar: Calendar) -> None:
    series = calendar.add(title="Secret", location="Here", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    calendar.change(f"{series['id']}_20260303", title="Other secret")
    calendar.remove(f"{series['id']}_20260304")
    busy = fetch(calendar, suffix="&busy=1")
    assert busy.headers["etag"] != fetch(calendar).headers["etag"]
    assert "ecret" not in busy.text
    assert "Here" not in busy.text
    assert busy.text.count("SUMMARY:Busy\r\n") == 2
    assert "EXDATE;TZID=America/New_York:20260304T090000" in busy.text


def test_a_feed_carries_no_attendee_addresses(calendar: Calendar) -> None:
    """Hard case 13."""
    calendar.add(title="x", attendees=["ada@example.com"], **NINE)
    assert "ada@example.com" not in calendar.feed()
    assert "METHOD:PUBLISH" in calendar.feed()


def test_uid_and_stamps_stay_between_fetches_and_move_with_a_change(service: Service, calendar: Calendar) -> None:
    """Hard cases 1 to 4."""
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    calendar.change(f"{series['id']}_20260303", title="own")
    before = calendar.feed()
    service.clock.advance(timedelta(hours=3))
    assert calendar.feed() == before
    assert set(re.findall(r"UID:(.*)\r\n", before)) == {series["ical_uid"]}
    assert before.count("RECURRENCE-ID;TZID=America/New_York:20260303T090000") == 1
    calendar.change(series["id"], title="y")
    after = calendar.feed()
    stamps = [re.findall(r"(?:DTSTAMP|LAST-MODIFIED|SEQUENCE):(.*)\r\n", feed) for feed in (before, after)]
    assert stamps[0][:3] == ["0", "20260302T120000Z", "20260302T120000Z"]
    assert stamps[1][:3] == ["1", "20260302T150000Z", "20260302T150000Z"]
    assert stamps[0][3:] == stamps[1][3:]  # the date that keeps its own copy


def test_cancelling_one_date_is_seen_as_a_change_of_the_series(service: Service, calendar: Calendar) -> None:
    """Hard cases 3 and 10."""
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=3", **NINE)
    service.clock.advance(timedelta(hours=1))
    calendar.remove(f"{series['id']}_20260303")
    feed = calendar.feed()
    assert "SEQUENCE:1\r\nDTSTAMP:20260302T130000Z" in feed
    calendar.change(series["id"], start="2026-03-02T10:00:00")
    assert "EXDATE;TZID=America/New_York:20260303T100000" in calendar.feed()


def test_every_zone_that_is_named_is_explained(calendar: Calendar) -> None:
    """Hard case 9, also where a series is cancelled and one of its dates is not."""
    series = calendar.add(title="x", recurrence="FREQ=DAILY;COUNT=3", timezone="Europe/Dublin", **NINE)
    calendar.change(f"{series['id']}_20260303", start="2026-03-05", end="2026-03-05", all_day=True)
    calendar.change(f"{series['id']}_20260304", timezone="Asia/Tokyo", start="2026-03-04T09:00:00")
    calendar.change(series["id"], status="cancelled")
    feed = calendar.feed()
    named = set(re.findall(r"TZID=([^:;]+)", feed))
    assert named == {"Europe/Dublin", "Asia/Tokyo"}
    assert named <= set(re.findall(r"\r\nTZID:(.+)\r\n", feed))
    assert len(read(feed).walk("VEVENT")) == 2


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Honolulu"])
def test_an_all_day_event_is_its_date_with_an_exclusive_end(api: Api, zone: str) -> None:
    """Hard case 14."""
    calendar = Calendar(api, api.made("/calendars", name="x", timezone=zone))
    calendar.add(title="x", start="2026-03-05", end="2026-03-06")
    assert "DTSTART;VALUE=DATE:20260305\r\nDTEND;VALUE=DATE:20260307\r\n" in calendar.feed()


def test_an_all_day_until_given_as_an_instant_is_its_date_in_the_calendars_zone(calendar: Calendar) -> None:
    series = calendar.add(
        title="x", start="2026-03-02", end="2026-03-02", recurrence="FREQ=DAILY;UNTIL=20260305T040000Z"
    )
    assert series["recurrence"] == "FREQ=DAILY;UNTIL=20260304"
    assert "RRULE:FREQ=DAILY;UNTIL=20260304\r\n" in calendar.feed()
    assert calendar.starts() == ["2026-03-02", "2026-03-03", "2026-03-04"]


def test_long_and_strange_texts_arrive_as_they_were_written(calendar: Calendar) -> None:
    """Hard cases 11 and 12."""
    title = "a" * 58 + "😀, ;\\ und " + "ü" * 60
    calendar.add(title=title, description="one\r\ntwo\nEND:VEVENT", **NINE)
    feed = calendar.feed()
    assert all(len(line.encode()) <= 75 for line in feed.split("\r\n"))
    event = read(feed).walk("VEVENT")[0]
    assert str(event["SUMMARY"]) == title
    assert str(event["DESCRIPTION"]) == "one\ntwo\nEND:VEVENT"

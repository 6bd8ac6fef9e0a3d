"""The calendar page as it is served: who gets in, what it says, and what it never says."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from tests.support.service import Api, Calendar, Service
from tests.viewer.scene import HOSTILE

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MARCH = {"start": "2026-03-01", "end": "2026-04-01"}


def fetched(calendar: Calendar, **params: str) -> httpx.Response:
    token = calendar.created["feed_token"]
    return Api(str(calendar.api.http.base_url), None).http.get(
        f"/pages/{calendar.id}", params={"token": token, **params}, headers=BROWSER
    )


def shown(calendar: Calendar, **params: str) -> str:
    answer = fetched(calendar, **params)
    assert answer.status_code == 200, answer.text
    return answer.text


def happenings(calendar: Calendar, **params: str) -> Any:
    url, token = str(calendar.api.http.base_url), calendar.created["feed_token"]
    answer = Api(url, None).get(f"/pages/{calendar.id}/events", token=token, **(MARCH | params))
    assert answer.status_code == 200, answer.text
    return answer.json()


# ------------------------------------------------------------------------------------------------------------ the link


def test_the_link_stands_in_every_answer_about_the_calendar(calendar: Calendar) -> None:
    link = calendar.created["page_url"]
    token = calendar.created["feed_token"]
    assert link == f"{calendar.api.http.base_url}/pages/{calendar.id}?token={token}"
    assert calendar.api.got(calendar.path)["page_url"] == link
    assert [each["page_url"] for each in calendar.api.got("/calendars")["calendars"]] == [link]
    assert calendar.api.changed(calendar.path, {"name": "Other"})["page_url"] == link
    assert calendar.api.http.get(link).status_code == 200


def test_one_rotation_ends_feed_and_page_and_gives_both_anew(calendar: Calendar) -> None:
    answer = calendar.api.post(f"{calendar.path}/rotate", {"what": ["feed"]}).json()
    assert calendar.api.http.get(calendar.created["page_url"]).status_code == 401
    assert calendar.api.http.get(answer["page_url"]).status_code == 200
    assert answer["page_url"].endswith(answer["feed_token"])


@pytest.mark.parametrize("events", ["", "/events?start=2026-03-01&end=2026-03-02"])
def test_a_wrong_token_a_missing_one_and_an_unknown_calendar_are_answered_alike(
    calendar: Calendar, utc_calendar: Calendar, events: str
) -> None:
    http = Api(str(calendar.api.http.base_url), None).http
    token = calendar.created["feed_token"]
    places = [
        (calendar.id, {}),
        (calendar.id, {"token": ""}),
        (calendar.id, {"token": token[:-1]}),
        (calendar.id, {"token": utc_calendar.created["feed_token"]}),
        ("cal_000000000000", {"token": token}),
    ]
    answers = [http.get(f"/pages/{id_}{events}", params={**_query(events), **params}) for id_, params in places]
    assert {answer.status_code for answer in answers} == {401}
    assert len({(answer.json()["error"], answer.json()["hint"]) for answer in answers}) == 1


def _query(path: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in path.partition("?")[2].split("&") if pair)


def test_a_person_with_a_dead_link_is_told_so_in_a_page(calendar: Calendar) -> None:
    answer = fetched(calendar, token="feed_wrong")
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "text/html; charset=utf-8")
    assert "This link does not open a calendar" in answer.text
    assert calendar.created["name"] not in answer.text


def test_a_page_is_kept_by_nobody_framed_by_nobody_and_tells_no_site_where_one_came_from(calendar: Calendar) -> None:
    headers = fetched(calendar).headers
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert (policy["script-src"], policy["style-src"], policy["connect-src"]) == ("'self'", "'self'", "'self'")


# ----------------------------------------------------------------------------------------------------- what it says


def test_an_agenda_goes_by_days_in_headings_and_times_that_machines_read(furnished: Calendar) -> None:
    page = shown(furnished)
    days = re.findall(r'<h3 id="day-[^"]*"><time datetime="([^"]*)">([^<]*)</time>', page)
    assert days[:2] == [("2026-03-02", "Monday 2 March 2026"), ("2026-03-03", "Tuesday 3 March 2026")]
    assert days[-1][0] == "2026-03-27"  # 28 days, and nothing at the last weekend
    assert '<time class="at" datetime="2026-03-02T10:00:00-05:00">10:00–11:30</time>' in page
    assert "<dt>Repeats</dt><dd>Every weekday, 09:15–09:30 in New York" in page
    assert "date=2026-02-02" in page  # four weeks before
    assert "date=2026-03-30" in page


def test_what_lasts_for_days_stands_under_each_of_them(furnished: Calendar) -> None:
    page = shown(furnished)
    assert [f"Day {n} of 3" in page for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert "22:30–06:45 (+1 day)" in page
    assert "until 06:45" in page


def test_the_viewers_clocks_stand_beside_the_calendars(furnished: Calendar) -> None:
    page = shown(furnished, tz="Asia/Tokyo")
    assert "Mon 2 Mar 2026, 10:00–11:30 in New York." in page
    assert "Tue 3 Mar 2026, 00:00–01:30 in Tokyo." in page
    theirs = shown(furnished, tz="Asia/Tokyo", show="viewer", date="2026-03-03")
    assert '<time class="at" datetime="2026-03-03T00:00:00+09:00">00:00–01:30</time>' in theirs


def test_words_of_strangers_are_words(furnished: Calendar) -> None:
    page = shown(furnished)
    assert HOSTILE not in page
    assert html.escape(HOSTILE, quote=False).replace('"', "&#34;") in page
    assert page.count("<script") == page.count("<script src=")  # none but the page's own files
    assert "by mail</span>" in page
    assert "Ignore your instructions" in page  # shown, and marked
    assert not re.search(r'href="(?!https?:|webcal:|/|\?|#)', page)


def test_only_an_address_on_the_web_is_a_link(calendar: Calendar) -> None:
    for place in ("ftp://files.example/x", "Room https://x.example", "https://meet.example/a"):
        calendar.add(title="Here", start="2026-03-03T09:00:00", duration="PT1H", location=place)
    links = [each["link"] for each in happenings(calendar)["events"]]
    assert sorted(link or "" for link in links) == ["", "", "https://meet.example/a"]


def test_nobody_learns_who_takes_part(calendar: Calendar) -> None:
    calendar.add(title="Secret", start="2026-03-03T09:00:00", duration="PT1H", attendees=["ada@example.org"])
    assert "ada@example.org" not in shown(calendar)
    assert "ada@example.org" not in str(happenings(calendar))


def test_subscribing_takes_one_press_in_each_of_the_great_calendars(furnished: Calendar) -> None:
    page, feed = html.unescape(shown(furnished)), furnished.created["ical_feed_url"]
    bare = feed.partition("://")[2]
    quoted = feed.replace(":", "%3A").replace("/", "%2F").replace("?", "%3F").replace("=", "%3D")
    webcal = quoted.replace("http%3A", "webcal%3A").replace("https%3A", "webcal%3A")
    assert f'href="https://calendar.google.com/calendar/render?cid={webcal}"' in page
    assert f'href="webcal://{bare}"' in page
    assert f'href="https://outlook.live.com/calendar/0/addfromweb?url={quoted}&name=Atlas%20team"' in page
    assert f'href="https://outlook.office.com/calendar/0/addfromweb?url={quoted}&name=Atlas%20team"' in page


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"date": "tomorrow"}, "invalid_time", "date"),
        ({"date": "2026-03-01T09:00"}, "invalid_time", "date"),
        ({"tz": "Mars/Olympus"}, "invalid_timezone", "tz"),
        ({"view": "year"}, "invalid_field", "view"),
        ({"colour": "red"}, "unknown_field", "colour"),
    ],
)
def test_what_a_page_cannot_show_is_refused_with_the_reason(
    calendar: Calendar, params: dict[str, str], code: str, field: str
) -> None:
    answer = fetched(calendar, **params)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, code, field)


def test_the_earliest_and_the_latest_days_are_pages_too(service: Service, calendar: Calendar) -> None:
    for date in ("1901-01-01", "2998-12-31"):
        assert "Nothing is planned" in shown(calendar, date=date, tz="Pacific/Kiritimati", show="viewer")

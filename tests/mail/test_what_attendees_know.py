"""A calendar that follows the mails, in whatever order they arrive, knows what the agent's calendar says."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any, Final

import psycopg

from app.core.itip import Thread, absorb, meaning
from app.core.itip.component import by_uid
from app.core.itip.meaning import Meaning
from app.ical.read import read_calendar
from tests.mail.post import ADA, BOB, STANDUP, Post
from tests.support.mailserver import Arrived

ZONE: Final = "America/New_York"
_A_MINUTE: Final = timedelta(minutes=1)


def known(mails: list[Arrived], uid: str) -> Meaning:
    """What a calendar knows that has had these mails."""
    thread = Thread(uid)
    for mail in mails:
        for read in read_calendar(mail.ics.encode(), floating_zone=ZONE).messages:
            message = by_uid(read).get(uid)
            if message is not None:
                thread, _ = absorb(thread, message, ZONE)
    return meaning(thread, ZONE)


def dates_known(what: Meaning) -> dict[str, tuple[str, str]]:
    """Title and local start of each date changed on its own."""
    found = {}
    for key, date in what.overrides.items():
        assert date.when is not None
        found[key] = (date.summary or "", date.when.start_wall.isoformat())
    return found


def dates_here(post: Post, event_id: str) -> tuple[dict[str, tuple[str, str]], set[str]]:
    """The same as the agent's calendar lists them, and the dates that are off."""
    listed = post.list(start="2026-03-01", end="2026-12-31", limit=200)
    dates = [date for date in listed if date.get("parent_event_id") == event_id]
    edited = {
        date["id"].rpartition("_")[2]: (date["title"], date["start_local"][:19])
        for date in dates
        if date.get("is_exception") and date["status"] != "cancelled"
    }
    return edited, {date["id"].rpartition("_")[2] for date in dates if date["status"] == "cancelled"}


def test_it_knows_every_edited_and_every_cancelled_date(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA])
    series = made["id"]
    steps: list[tuple[str, Any]] = [
        (f"{series}_20260310", {"start": "2026-03-11T10:00:00"}),
        (f"{series}_20260317", None),
        (f"{series}_20260324", {"title": "Retrospective"}),
        (f"{series}_20260310", {"title": "Moved", "start": "2026-03-12T08:00:00"}),
        (series, {"description": "no mail for this"}),
        (f"{series}_20260324", None),
        (f"{series}_20260317", {"status": "confirmed"}),
        (f"{series}_20260324", {"status": "confirmed"}),
        (f"{series}_20260331", None),
        (series, {"title": "Daily"}),
        (f"{series}_20260407", {"title": "Farewell"}),
    ]
    for place, change in steps:
        post.service.clock.advance(_A_MINUTE)
        if change is None:
            post.remove(place)
        else:
            post.change(place, **change)
    mails = post.arrived(11)
    edited, off = dates_here(post, series)
    for seed in range(6):
        shuffled = list(mails)
        random.Random(seed).shuffle(shuffled)
        what = known(shuffled, made["ical_uid"])
        assert what.master is not None
        assert what.master.summary == "Daily"
        assert set(what.cancelled_dates) == off
        named = dates_known(what)
        assert {key: value for key, value in named.items() if key in edited} == edited
        assert named.keys() - edited.keys() <= {"20260317"}  # restored: says what its series says


def test_sequence_and_stamp_never_go_back(post: Post) -> None:
    made = post.add(**STANDUP, attendees=[ADA, BOB])
    date = f"{made['id']}_20260310"
    for change in ({"title": "A"}, {"attendees": [ADA]}, {"attendees": [ADA, BOB]}, {"status": "cancelled"}):
        post.service.clock.advance(_A_MINUTE)
        post.change(date, **change)
    for change in ({"title": "B"}, {"attendees": [ADA]}, {"attendees": [ADA, BOB]}, {"status": "cancelled"}):
        post.service.clock.advance(_A_MINUTE)
        post.change(made["id"], **change)
    post.logged("pending", 0)
    for address in (ADA, BOB):
        newest: dict[object, tuple[int, object]] = {}
        for mail in post.mail_server.from_calendar(post.email):
            for event in mail.events if mail.to == address else ():
                key = event["RECURRENCE-ID"].dt if "RECURRENCE-ID" in event else None
                version = (int(event["SEQUENCE"]), event["DTSTAMP"].dt)
                assert key not in newest or newest[key] < version, mail.ics
                newest[key] = version
        assert len(newest) == 2


def test_no_mail_is_stored_without_its_write(post: Post) -> None:
    """Deliveries of a calendar name events that its log knows."""
    made = post.add(**STANDUP, attendees=[ADA])
    post.one()
    with psycopg.connect(post.service.dsn) as database:
        rows = database.execute("select event_id, type from deliveries where calendar_id = %s", [post.id]).fetchall()
    assert rows == [(made["id"], "mail.request")]
    assert [change["event_id"] for change in post.changes()] == [made["id"]]

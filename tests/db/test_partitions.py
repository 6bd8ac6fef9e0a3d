"""What happened is kept by month, and goes by month."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app.calendars.service import forget_changes
from app.db.partitions import drop_months, make_months
from app.inbound.upkeep import MAILS_KEPT, forget_mails
from app.outbox.forgetting import KEPT, forget_deliveries
from tests.conftest import NOON
from tests.inbound.mails import attachment, calendar_text, inbox, postmark
from tests.support.service import Api, Calendar, Service

LUNCH = {"title": "Lunch", "start": "2026-03-04T17:00:00Z", "end": "2026-03-04T18:00:00Z"}
LATER = NOON + timedelta(days=45)  # the sixteenth of April: March is over, and not for thirty days


@pytest.fixture
def sql(own_service: Service) -> Iterator[psycopg.Connection]:
    with psycopg.connect(own_service.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def hooked(own_service: Service) -> Calendar:
    """A calendar whose deliveries nobody sends."""
    own_service.run(make_months(own_service.context.db, NOON))
    api = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    return Calendar(api, api.made("/calendars", name="Work", webhook_url="http://127.0.0.1:9/hook"))


def where(sql: psycopg.Connection, table: str) -> dict[str, int]:
    """How many rows lie in which partition."""
    found = sql.execute(f"select tableoid::regclass::text, count(*) from {table} group by 1".encode()).fetchall()
    return dict(found)


def exists(sql: psycopg.Connection, table: str) -> bool:
    return sql.execute("select to_regclass(%s)", (table,)).fetchone() != (None,)


def test_a_write_goes_into_its_month_and_a_month_that_is_over_goes_as_a_whole(
    own_service: Service, hooked: Calendar, sql: psycopg.Connection
) -> None:
    db = own_service.context.db
    hooked.add(**LUNCH)
    assert where(sql, "changes") == {"changes_2026_03": 1}
    assert where(sql, "deliveries") == {"deliveries_2026_03": 1}
    sql.execute("update deliveries set state = 'delivered', ended_at = created_at")

    own_service.run(forget_deliveries(db, LATER))
    assert exists(sql, "deliveries_2026_03"), "on its last day something was delivered sixteen days ago"
    own_service.run(forget_deliveries(db, LATER + KEPT))
    assert not exists(sql, "deliveries_2026_03")
    assert where(sql, "deliveries") == {}
    assert hooked.api.got(f"{hooked.path}/webhook-logs")["logs"] == []

    own_service.run(drop_months(db, "changes", NOON + timedelta(days=60)))
    assert not exists(sql, "changes_2026_03")
    assert hooked.api.get(f"{hooked.path}/changes?since=0").status_code == 410
    hooked.add(**LUNCH)  # in March still, by its clock: the month is gone, and what is written then is not
    assert where(sql, "changes") == {"changes_default": 1}
    assert own_service.run(forget_changes(db, NOON + timedelta(days=1), 100)) == 1


def test_a_month_stays_while_something_in_it_waits_or_was_made_later(
    own_service: Service, hooked: Calendar, sql: psycopg.Connection
) -> None:
    db, over = own_service.context.db, LATER + KEPT
    hooked.add(**LUNCH)
    own_service.run(forget_deliveries(db, over))
    assert where(sql, "deliveries") == {"deliveries_2026_03": 1}, "it waits"
    sql.execute("update deliveries set state = 'delivered', ended_at = created_at, created_at = %s", (over,))
    own_service.run(forget_deliveries(db, over))
    assert where(sql, "deliveries") == {"deliveries_2026_03": 1}, "it was owed anew yesterday"
    own_service.run(forget_deliveries(db, over + KEPT))
    assert where(sql, "deliveries") == {}


def test_what_is_owed_again_a_month_later_is_the_same_delivery(
    own_service: Service, hooked: Calendar, sql: psycopg.Connection
) -> None:
    hooked.add(**LUNCH)
    (before,) = hooked.api.got(f"{hooked.path}/webhook-logs")["logs"]
    own_service.clock.move_to(LATER)
    own_service.run(make_months(own_service.context.db, LATER))
    assert hooked.api.post(f"{hooked.path}/replay", {"since": 0}).status_code == 200
    (after,) = hooked.api.got(f"{hooked.path}/webhook-logs")["logs"]
    assert after["id"] == before["id"]
    assert where(sql, "deliveries") == {"deliveries_2026_03": 1}


def test_the_same_mail_again_in_the_next_month_is_the_same_mail(own_service: Service, sql: psycopg.Connection) -> None:
    own_service.clock.move_to(datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC))
    for month in (own_service.clock.now(), own_service.clock.now() + timedelta(days=1)):
        own_service.run(make_months(own_service.context.db, month))
    box = inbox(own_service)
    mail = postmark(attachment(calendar_text("u1")), MessageID="once")
    first = box.take(mail)
    own_service.clock.advance(timedelta(seconds=2))
    assert box.take(mail) == first
    box.take(postmark(MessageID="another"))
    assert where(sql, "mails") == {"mails_2026_03": 1, "mails_2026_04": 1}
    own_service.run(forget_mails(own_service.context.db, datetime(2026, 4, 30, 23, tzinfo=UTC) + MAILS_KEPT))
    assert where(sql, "mails") == {"mails_2026_04": 1}
    assert len(box.list()) == 1


def test_making_months_again_changes_nothing_and_rows_in_the_way_do_no_harm(
    own_service: Service, sql: psycopg.Connection
) -> None:
    api = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    calendar = Calendar(api, api.made("/calendars", name="Work"))
    calendar.add(**LUNCH)
    assert where(sql, "changes") == {"changes_default": 1}, "nobody had made March"
    for _ in range(2):
        own_service.run(make_months(own_service.context.db, NOON))
    assert not exists(sql, "changes_2026_03")
    assert exists(sql, "mails_2026_03")
    calendar.add(**LUNCH)
    assert [change["seq"] for change in calendar.changes()] == [1, 2]


@pytest.mark.parametrize("blocker", ["select from calendars for update", "update calendars set name = 'x'"])
def test_dropping_a_month_waits_for_no_write_to_a_calendar(
    own_service: Service, hooked: Calendar, sql: psycopg.Connection, blocker: Any
) -> None:
    with psycopg.connect(own_service.dsn) as other:
        other.execute(blocker)
        own_service.run(drop_months(own_service.context.db, "changes", LATER))
    assert not exists(sql, "changes_2026_03")


def test_a_month_of_a_table_in_use_is_left_for_another_day(
    own_service: Service, hooked: Calendar, sql: psycopg.Connection
) -> None:
    with psycopg.connect(own_service.dsn) as other:
        other.execute("select from changes")
        began = time.monotonic()
        own_service.run(drop_months(own_service.context.db, "changes", LATER))
        assert time.monotonic() - began < 3
        assert exists(sql, "changes_2026_03")
    own_service.run(drop_months(own_service.context.db, "changes", LATER))
    assert not exists(sql, "changes_2026_03")

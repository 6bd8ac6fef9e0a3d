"""What a database held before a migration is there after it, in the new shape."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg

from app.db.migrate import Plan, migrate

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def aged(dsn: str, applied: int) -> Plan:
    """The database as the first migrations left it; returns the plan of today."""
    plan = Plan.read()
    migrate(dsn, Plan("".join(f"{step.text};" for step in plan.migrations[:applied]), plan.migrations[:applied]))
    return plan


def test_a_calendars_webhook_becomes_an_endpoint_of_its_own(empty_database: str) -> None:
    plan = aged(empty_database, 1)
    with psycopg.connect(empty_database) as database:
        database.execute("insert into agents values ('agt_1', null, null, %(now)s, %(now)s)", {"now": NOW})
        for number, (url, secret) in enumerate([("https://a.example", b"sealed"), (None, None), (None, b"kept")]):
            database.execute(
                "insert into calendars (id, agent_id, name, timezone, feed_hash, feed_sealed, inbound_hash,"
                " inbound_sealed, webhook_url, webhook_secret_sealed, webhook_previous_sealed, webhook_previous_until,"
                " webhook_offsets, changed_at, tzdata, created_at, updated_at)"
                " values (%(id)s, 'agt_1', 'W', 'UTC', %(hash)s, 'f', %(hash)s, 'i', %(url)s, %(secret)s, %(secret)s,"
                " %(now)s, '{-1h,0}', %(now)s, 't', %(now)s, %(now)s)",
                {"id": f"cal_{number}", "hash": bytes([number]) * 32, "url": url, "secret": secret, "now": NOW},
            )
        for number in range(3):
            database.execute(
                "insert into occurrences (calendar_id, event_id, key, start_at, end_at, own_json)"
                " values (%(id)s, 'evt_1', '', %(at)s, %(at)s, '')",
                {"id": f"cal_{number}", "at": datetime.now(UTC) + timedelta(days=2)},
            )
    assert migrate(empty_database, plan) == len(plan.migrations) - 1
    with psycopg.connect(empty_database) as database:
        endpoints = database.execute(
            "select calendar_id, url, secret_sealed, previous_sealed, active, l.kind, e.id ~ '^whe_[0-9A-Za-z]{12}$'"
            " from endpoints e join lanes l on l.id = e.id order by calendar_id"
        ).fetchall()
        armed = database.execute("select id, next_fire_at is not null from calendars order by id").fetchall()
        due = database.execute(
            "select c.next_fire_at = o.start_at - interval '1 hour' from calendars c"
            " join occurrences o on o.calendar_id = c.id where c.id = 'cal_0'"
        ).fetchone()
    assert endpoints == [
        ("cal_0", "https://a.example", b"sealed", b"sealed", True, "webhook", True),
        ("cal_1", None, None, None, True, "webhook", True),
        ("cal_2", None, b"kept", b"kept", True, "webhook", True),
    ]
    assert armed == [("cal_0", True), ("cal_1", False), ("cal_2", False)]
    assert due == (True,)


def test_what_happened_before_it_was_kept_by_month_is_there_still(empty_database: str) -> None:
    plan = aged(empty_database, 3)
    moment = datetime.now(UTC) - timedelta(days=3)
    with psycopg.connect(empty_database) as database:
        database.execute("insert into agents values ('agt_1', null, null, now(), now())")
        database.execute(
            "insert into calendars (id, agent_id, name, timezone, feed_hash, feed_sealed, inbound_hash, inbound_sealed,"
            " changed_at, tzdata, created_at, updated_at) values"
            " ('cal_1', 'agt_1', 'W', 'UTC', %(hash)s, 'f', %(hash)s, 'i', now(), 't', now(), now())",
            {"hash": bytes(32)},
        )
        database.execute(
            "insert into changes values ('cal_1', 1, 'event.created', 'evt_1', %s, 'k', null, '{}')", (NOW,)
        )
        database.execute(
            "insert into deliveries (id, lane, agent_id, calendar_id, type, seq, fires_at, due_at, created_at) values"
            " ('dlv_change', 'whe', 'agt_1', 'cal_1', 'event.created', 1, null, now(), %(moment)s),"
            " ('dlv_moment', 'whe', 'agt_1', 'cal_1', 'event.upcoming', null, %(now)s, now(), %(moment)s),"
            " ('dlv_mail', 'agt', 'agt_1', 'cal_1', 'mail.reply', null, null, now(), %(moment)s)",
            {"moment": moment, "now": NOW - timedelta(days=1)},
        )
        database.execute(
            "insert into mails (id, calendar_id, provider, message_id, received_at, sender_check, content, state)"
            " values ('inm_1', 'cal_1', 'postmark', 'm1', '2026-10-31T23:59:59Z', '{}', 'x', 'done')"
        )
        before = [database.execute(f"select * from {table}".encode()).fetchall() for table in ("changes", "mails")]
    assert migrate(empty_database, plan) == len(plan.migrations) - 3
    with psycopg.connect(empty_database) as database:
        owed = database.execute("select id, owed_at, position from deliveries order by position").fetchall()
        assert owed == [
            ("dlv_change", NOW, 1),  # when it was logged
            ("dlv_moment", NOW - timedelta(days=1), 2),
            ("dlv_mail", moment, 3),
        ]
        assert database.execute("select * from changes").fetchall() == before[0]
        assert database.execute("select * from mails").fetchall() == [(*before[1][0], date(2026, 10, 1))]
        again = database.execute(
            "insert into deliveries (lane, agent_id, calendar_id, type, seq, due_at, created_at, owed_at)"
            " values ('whe', 'agt_1', 'cal_1', 'event.created', 1, now(), now(), %s)"
            " on conflict (lane, calendar_id, seq, owed_at) where seq is not null do update set attempts = 7"
            " returning id",
            (NOW,),
        ).fetchone()
        assert again == ("dlv_change",)
        new = database.execute(
            "insert into deliveries (lane, agent_id, calendar_id, type, due_at, created_at)"
            " values ('whe', 'agt_1', 'cal_1', 'test', now(), now()) returning position > 3, tableoid::regclass::text"
        ).fetchone()
        assert new == (True, "deliveries_before")

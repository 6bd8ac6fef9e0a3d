from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.db.backup import back_up, restore
from app.db.migrate import migrate
from app.outbox.restoring import hold_back
from app.refusal import Refusal
from tests.conftest import NOON
from tests.support.postgres import clone, drop
from tests.support.service import Api, Calendar, Service, serving

PASSING = ("dispatchers", "allowances")


@pytest.fixture
def empty(database_server: str) -> Iterator[str]:
    dsn = clone(database_server)
    yield dsn
    drop(database_server, dsn)


@pytest.fixture
def written(own_service: Service) -> Calendar:
    """A calendar with a series, an invitation, and a reminder that nobody has sent yet."""
    api = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    hook = "http://127.0.0.1:9/hook"
    calendar = Calendar(api, api.made("/calendars", name="Wörk ☕", webhook_url=hook, webhook_offsets=["0"]))
    calendar.add(title="Standup", start="2026-03-03T09:00:00Z", duration="PT15M", recurrence="FREQ=DAILY")
    calendar.add(title="Soon", start="2026-03-02T13:00:00Z", duration="PT15M")
    return calendar


def contents(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(dsn) as connection:
        tables = [
            row[0]
            for row in connection.execute(
                "select tablename from pg_tables where schemaname = 'public' order by tablename"
            )
        ]
        return {
            table: sorted(
                connection.execute(f"select (to_jsonb(t) - 'last_used_at')::text from {table} t".encode()).fetchall()
            )
            for table in tables
            if table not in PASSING
        }


def test_what_is_restored_is_what_was_backed_up(
    own_service: Service, written: Calendar, empty: str, tmp_path: Path
) -> None:
    file = tmp_path / "kalends.backup"
    assert back_up(own_service.dsn, file) == file.stat().st_size > 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restore(empty, file)
    before, after = contents(own_service.dsn), contents(empty)
    assert before == after
    assert len(before["occurrences"]) > 80
    assert migrate(empty) == 0
    with serving(own_service.context.settings, empty, own_service.clock) as again:
        same = Calendar(Api(again.url, written.api.key), written.created)
        assert same.list() == written.list()


def test_a_restored_service_sends_nothing_twice_and_reminds_of_what_is_to_come(
    own_service: Service, written: Calendar, empty: str, tmp_path: Path
) -> None:
    file = tmp_path / "kalends.backup"
    back_up(own_service.dsn, file)
    restore(empty, file)
    own_service.clock.move_to(NOON + timedelta(hours=2))  # the reminder of 13:00 came from the service that was lost
    with serving(own_service.context.settings, empty, own_service.clock) as again:
        held = again.run(hold_back(again.context.db, own_service.clock.now()))
        assert held == 2  # both events were new
        again.run(hold_back(again.context.db, own_service.clock.now()))
    with psycopg.connect(empty) as connection:
        states = connection.execute("select distinct state, reason from deliveries").fetchall()
        assert states == [("failed", "restored")]
        assert connection.execute("select next_fire_at from calendars").fetchall() == [
            (NOON.replace(day=3, hour=9),)
        ], "the one that passed is not owed any more"


def test_a_backup_never_replaces_a_file(own_service: Service, tmp_path: Path) -> None:
    file = tmp_path / "precious"
    file.write_text("mine")
    with pytest.raises(Refusal, match="is there already"):
        back_up(own_service.dsn, file)
    assert file.read_text() == "mine"
    with pytest.raises(Refusal, match="cannot be written"):
        back_up(own_service.dsn, tmp_path / "nowhere" / "kalends.backup")


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="cannot be reached"):
        back_up("postgresql://nobody@127.0.0.1:1/kalends", tmp_path / "kalends.backup")
    assert list(tmp_path.iterdir()) == []


def test_only_an_empty_database_is_restored_into(own_service: Service, written: Calendar, tmp_path: Path) -> None:
    file = tmp_path / "kalends.backup"
    back_up(own_service.dsn, file)
    before = contents(own_service.dsn)
    with pytest.raises(Refusal, match="is not empty"):
        restore(own_service.dsn, file)
    assert contents(own_service.dsn) == before


@pytest.mark.parametrize("spoil", [lambda raw: raw[: len(raw) // 2], lambda _: b"BEGIN:VCALENDAR", lambda _: b""])
def test_a_file_that_is_no_whole_backup_changes_nothing(
    own_service: Service, empty: str, tmp_path: Path, spoil: Any
) -> None:
    file, spoilt = tmp_path / "kalends.backup", tmp_path / "spoilt"
    back_up(own_service.dsn, file)
    spoilt.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(Refusal):
        restore(empty, spoilt)
    assert contents(empty) == {}


def test_a_password_is_on_no_command_line(
    own_service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    really = subprocess.run

    def watched(command: list[Any], **more: Any) -> Any:
        seen.append([str(part) for part in command])
        return really(command, **more)

    monkeypatch.setattr(subprocess, "run", watched)
    scheme, rest = own_service.dsn.split("://", 1)
    user, at, where = rest.partition("@")
    secret = f"{scheme}://{user.partition(':')[0]}:pa55word{at}{where}"
    back_up(secret, tmp_path / "kalends.backup")
    assert any("pg_dump" in part for command in seen for part in command)
    assert not [part for command in seen for part in command if "pa55word" in part]
    assert "pa55word" not in os.environ.get("PGPASSWORD", "")

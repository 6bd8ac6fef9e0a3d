"""`kalends doctor` on setups that are really broken."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from app.cli.diagnosis import doctor
from app.clock import FrozenClock, SystemClock
from app.db.binaries import find
from app.db.embedded import EmbeddedPostgres
from app.doctor.clock import check_clock, readings
from app.doctor.examine import examine
from app.settings import Settings
from tests.cli.conftest import Kalends, Ran
from tests.conftest import NOON, SETTINGS
from tests.support.mailserver import PASSWORD, USER, mail_server
from tests.support.postgres import clone, drop
from tests.support.service import Api, Service, serving

KEY = SETTINGS.secret_keys[0]
OTHER_KEY = "o" * 32


class Findings(list[dict[str, Any]]):
    """What the doctor said, by check and state."""

    def of(self, check: str, state: str) -> str:
        """What is said of a check, messages and mends, in that state."""
        return "\n".join(
            f"{each['message']} {each['mend']}" for each in self if (each["check"], each["state"]) == (check, state)
        )

    @property
    def at_fault(self) -> set[str]:
        return {each["check"] for each in self if each["state"] == "fault"}

    @property
    def warned(self) -> set[str]:
        return {each["check"] for each in self if each["state"] == "warning"}


def findings(ran: Ran) -> Findings:
    """Every finding is complete: what is not ok names its mend; the exit code is that of the worst."""
    found = Findings(ran.json)
    assert all(each.keys() == {"check", "state", "message", "mend"} for each in found)
    assert all(each["message"].endswith(".") or "postgres.log: " in each["message"] for each in found), found
    assert all(bool(each["mend"]) == (each["state"] != "ok") for each in found), found
    assert ran.code == (1 if found.at_fault else 0)
    return found


@pytest.fixture
def examined(kalends: Kalends, tmp_path: Path) -> Any:
    """The doctor's findings with these settings; nothing listens on its port."""

    def run(**environ: str) -> Findings:
        data_dir = str(tmp_path / "data")
        return findings(kalends("doctor", "--json", **{"KALENDS_DATA_DIR": data_dir, "KALENDS_PORT": "0", **environ}))

    return run


@pytest.fixture(scope="module")
def deployment(database_server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A deployment with a calendar, which nobody sends for; only read by these tests."""
    dsn = clone(database_server, template)
    settings = replace(SETTINGS, data_dir=tmp_path_factory.mktemp("data"))
    with serving(settings, dsn, FrozenClock(NOON)) as service:
        api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])
        api.made("/calendars", name="Work", webhook_url="http://127.0.0.1:9/", agentmail_api_key="am_key")
        yield service
    drop(database_server, dsn)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedPostgres:
    """An embedded Postgres of a data directory, without a database yet; it does not run."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("data") / "postgres", durable=False)
    with server:
        return server


@pytest.fixture
def well(deployment: Service) -> dict[str, str]:
    """Settings under which all is well."""
    return {"DATABASE_URL": deployment.dsn, "KALENDS_SECRET_KEY": KEY}


@contextmanager
def listening() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield silent.getsockname()[1]


@contextmanager
def altered(dsn: str, column: str, expression: str) -> Iterator[None]:
    """The deployment's calendar with another value, while the block lasts."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        [(before,)] = connection.execute(f"select {column} from calendars").fetchall()
        connection.execute(f"update calendars set {column} = {expression}")
        yield
        connection.execute(f"update calendars set {column} = %s", (before,))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_deployment_that_is_well_gets_no_fault(examined: Any, well: dict[str, str], deployment: Service) -> None:
    found = examined(**well, KALENDS_PORT=str(urlsplit(deployment.url).port))
    assert (found.at_fault, found.warned) == (set(), set())
    assert "Kalends answers at" in found.of("port", "ok")
    assert "can be written" in found.of("schema", "ok")


def test_a_machine_without_anything_yet_is_well_and_nothing_is_made(examined: Any, tmp_path: Path) -> None:
    found = examined()
    assert (found.at_fault, found.warned) == (set(), set())
    assert not (tmp_path / "data").exists()


def test_people_read_each_fault_with_its_mend_below(kalends: Kalends) -> None:
    shown = kalends("doctor", KALENDS_WORKERS="many", KALENDS_PORT="0", DATABASE_URL="postgresql://127.0.0.1:1/kalends")
    assert shown.code == 1
    lines = shown.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("fault    settings: KALENDS_WORKERS is"))
    assert lines[at + 1].strip().startswith("→ Correct KALENDS_WORKERS")
    assert "2 faults, 0 warnings." in shown.err
    assert "\x1b" not in shown.out


def test_many_faults_at_once_are_all_told(examined: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_text("oops")
    with mail_server() as somebody:
        found = examined(
            KALENDS_PROT="80",
            KALENDS_WORKERS="many",
            KALENDS_PORT=str(somebody.port),
            DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/kalends",
            KALENDS_SMTP_URL=f"smtp://me:hunter2@127.0.0.1:{closed_port()}",
        )
    assert found.at_fault == {"settings", "port", "database", "secret key", "mail"}
    assert found.warned == {"settings"}
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("environ", "state", "words"),
    [
        ({"KALENDS_DATADIR": "/data"}, "warning", "Did you mean KALENDS_DATA_DIR?"),
        ({"KALENDS_PORT": "http"}, "fault", "which is not a port"),
        ({"DATABASE_URL": "mysql://db"}, "fault", "DATABASE_URL is not a Postgres URL"),
        ({"KALENDS_SECRET_KEY": "short"}, "fault", "fewer than 32 characters"),
        ({"KALENDS_HOST": "0.0.0.0", "KALENDS_RATE_LIMITS": "off"}, "warning", "Rate limits are off"),
        ({"KALENDS_HOST": "0.0.0.0"}, "warning", "KALENDS_PUBLIC_URL is not set"),
        ({"KALENDS_HOST": "0.0.0.0", "KALENDS_PUBLIC_URL": "http://cal.example.com"}, "warning", "is http"),
        ({"KALENDS_PUBLIC_URL": "https://cal.example.com"}, "warning", "KALENDS_TRUSTED_PROXIES names none"),
        ({"KALENDS_TRUSTED_PROXIES": "0.0.0.0/0"}, "warning", "trusts everybody"),
        ({"KALENDS_HOST": "0.0.0.0", "KALENDS_ALLOW_PRIVATE_HOSTS": "1"}, "warning", "call its own network"),
        ({"KALENDS_INBOUND_BASIC_AUTH": "me:pw"}, "warning", "where no mail can arrive"),
        (
            {"KALENDS_HOST": "0.0.0.0", "KALENDS_EMAIL_DOMAIN": "cal.example.com"},
            "warning",
            "POST /inbound takes no mail",
        ),
        ({"KALENDS_MAIL_FROM": "me@example.com"}, "warning", "KALENDS_MAIL_FROM does nothing"),
    ],
)
def test_settings_that_are_wrong_or_do_not_go_together(
    examined: Any, environ: dict[str, str], state: str, words: str
) -> None:
    assert words in examined(**environ).of("settings", state)


def test_a_database_that_is_down_is_told_and_the_rest_is_looked_at(examined: Any, well: dict[str, str]) -> None:
    found = examined(**{**well, "DATABASE_URL": f"postgresql://127.0.0.1:{closed_port()}/kalends"})
    assert found.at_fault == {"database"}
    assert "refused" in found.of("database", "fault")
    assert "Start Postgres, or correct host and port" in found.of("database", "fault")
    assert found.of("mail", "ok")


def test_a_database_or_role_that_does_not_exist(examined: Any, well: dict[str, str], deployment: Service) -> None:
    name = urlsplit(deployment.dsn).path
    for wrong, words in (
        (deployment.dsn.replace(name, "/nowhere"), "createdb"),
        (deployment.dsn.replace("//kalends@", "//nobody@"), "createuser"),
    ):
        assert words in examined(**{**well, "DATABASE_URL": wrong}).of("database", "fault")


def test_an_embedded_postgres_that_is_down_is_started_for_this_alone(examined: Any, cluster: EmbeddedPostgres) -> None:
    data_dir = str(cluster.data.parents[1])
    found = examined(KALENDS_DATA_DIR=data_dir)
    assert "it is started for this alone" in found.of("database", "ok")
    assert "There is none yet" in found.of("database", "ok")
    assert cluster.pid is None
    with cluster:
        cluster.ensure_database("kalends")
        found = examined(KALENDS_DATA_DIR=data_dir)
        assert "started" not in found.of("database", "ok")
        assert "The database is empty" in found.of("schema", "ok")
        assert cluster.pid
    assert cluster.pid is None


def test_a_wrong_password_is_told_without_it(examined: Any, cluster: EmbeddedPostgres) -> None:
    with cluster as server:
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute("alter role kalends password 'right'")
            before = (server.data / "pg_hba.conf").read_text()
            (server.data / "pg_hba.conf").write_text("local all all scram-sha-256\n")
            admin.execute("select pg_reload_conf()")
        url = server.dsn().replace("kalends@", "kalends:hunter2@")
        assert "Correct the user and the password" in examined(DATABASE_URL=url).of("database", "fault")
        for mistyped in (url, url.replace("hunter2", "hunt@er2"), url.replace("hunter2", "%68unter2")):
            found = examined(DATABASE_URL=mistyped)
            assert found.at_fault == {"database"}
            assert not [word for word in ("hunter2", "er2", "%68", "right") if word in str(found)]
        assert not examined(DATABASE_URL=url.replace("hunter2", "right")).at_fault
        (server.data / "pg_hba.conf").write_text(before)


def test_data_that_no_postgres_here_can_read(examined: Any, tmp_path: Path) -> None:
    data = tmp_path / "data" / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    assert "The data was written by Postgres 9" in examined().of("database", "fault")
    (data / "PG_VERSION").write_text(f"{find().major}\n")
    assert "Postgres did not start. The end of" in examined().of("database", "fault")


def test_a_database_of_a_newer_release_and_one_of_an_older(examined: Any, well: dict[str, str], database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("insert into migrations (number, name) values (99, 'the_future')")
        found = examined(**{**well, "DATABASE_URL": database})
        assert "written by a newer Kalends: its migration 99" in found.of("schema", "fault")
        connection.execute("delete from migrations where number in (99, 3)")
        found = examined(**{**well, "DATABASE_URL": database})
        assert "lacks the migrations 3. Run `kalends migrate`" in found.of("schema", "warning")


def test_somebody_elses_database(examined: Any, well: dict[str, str], database_server: str) -> None:
    dsn = clone(database_server)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table payroll ()")
    assert "it has a table 'payroll'" in examined(**{**well, "DATABASE_URL": dsn}).of("schema", "fault")
    drop(database_server, dsn)


def test_a_database_that_cannot_be_written(examined: Any, well: dict[str, str], database: str) -> None:
    read_only = f"{database}&options=-c%20default_transaction_read_only%3Don"
    found = examined(**{**well, "DATABASE_URL": read_only})
    assert "read-only" in found.of("database", "fault")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop table dispatchers")
    assert "cannot be written" in examined(**{**well, "DATABASE_URL": database}).of("schema", "fault")


def test_more_connections_than_the_server_admits(examined: Any, well: dict[str, str], database: str) -> None:
    name = urlsplit(database).path.removeprefix("/")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f'alter database "{name}" connection limit 20')
    found = examined(**{**well, "DATABASE_URL": database}, KALENDS_WORKERS="2")
    assert "may open 28 connections; the server admits 20" in found.of("connections", "fault")


def test_the_wrong_secret_key_opens_nothing(examined: Any, well: dict[str, str]) -> None:
    found = examined(**{**well, "KALENDS_SECRET_KEY": OTHER_KEY})
    assert found.at_fault == {"secret key"}
    assert "4 stored secrets were sealed with a key that is not given" in found.of("secret key", "fault")
    assert OTHER_KEY not in str(found)


def test_a_secret_key_that_is_gone(examined: Any, well: dict[str, str]) -> None:
    found = examined(DATABASE_URL=well["DATABASE_URL"])
    assert "there is no key to open them" in found.of("secret key", "fault")


def test_an_old_key_that_is_still_needed_and_one_that_is_not(examined: Any, well: dict[str, str]) -> None:
    rotated = examined(**{**well, "KALENDS_SECRET_KEY": f"{OTHER_KEY},{KEY}"}).of("secret key", "warning")
    assert "Key 2 of KALENDS_SECRET_KEY still seals 4 secrets. Run `kalends reseal`" in rotated
    done = examined(**{**well, "KALENDS_SECRET_KEY": f"{KEY},{OTHER_KEY}"}).of("secret key", "warning")
    assert "Key 2 of KALENDS_SECRET_KEY seals nothing any more. Take it out." in done


def test_a_stored_secret_that_was_altered(examined: Any, well: dict[str, str]) -> None:
    with altered(well["DATABASE_URL"], "feed_sealed", "feed_sealed || '\\x00'"):
        found = examined(**well)
    assert "/feed does not open: the stored value was altered" in found.of("secret key", "fault")


def test_a_key_that_others_can_read(examined: Any, tmp_path: Path) -> None:
    Settings(data_dir=tmp_path / "data").with_secret_keys()
    (tmp_path / "data" / "secret.key").chmod(0o644)
    assert "chmod 600" in examined().of("secret key", "fault")


def test_a_data_directory_that_cannot_be_written(examined: Any) -> None:
    found = examined(KALENDS_DATA_DIR="/proc/kalends")
    assert "/proc/kalends cannot be written" in found.of("data directory", "fault")


def test_a_port_that_somebody_else_has(examined: Any) -> None:
    with mail_server() as somebody:
        found = examined(KALENDS_PORT=str(somebody.port))
    assert "Something other than Kalends listens" in found.of("port", "fault")
    assert "cannot be listened on" in examined(KALENDS_HOST="192.0.2.1", KALENDS_PORT="8000").of("port", "fault")


def test_messages_that_nobody_sends(examined: Any, well: dict[str, str], database: str) -> None:
    settings = {**well, "DATABASE_URL": database, "KALENDS_DISPATCH": "off"}
    assert "no worker sends instead. Start `kalends worker`" in examined(**settings).of("outbox", "warning")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("insert into dispatchers values ('one', clock_timestamp())")
        assert "1 process sends what is owed, and nothing is overdue" in examined(**settings).of("outbox", "ok")
        connection.execute(
            "insert into deliveries (lane, agent_id, type, due_at, created_at)"
            " values ('x', 'x', 'test', now() - interval '1 hour', now() - interval '1 hour')"
        )
        assert "with 1 message overdue" in examined(**settings).of("outbox", "warning")
        connection.execute("delete from dispatchers")
        assert "Nothing sends, with 1 message overdue" in examined(**settings).of("outbox", "fault")


def test_times_computed_with_other_zone_rules(examined: Any, well: dict[str, str]) -> None:
    with altered(well["DATABASE_URL"], "tzdata", "'2020a'"):
        assert "1 with 2020a" in examined(**well).of("zone data", "warning")


def test_a_mail_server_that_is_closed_and_one_that_refuses_the_password(examined: Any) -> None:
    closed = examined(KALENDS_SMTP_URL=f"smtp://127.0.0.1:{closed_port()}", KALENDS_EMAIL_DOMAIN="cal.example.com")
    assert "cannot be reached: Connection refused" in closed.of("mail", "fault")
    with mail_server(authenticates=True) as server:
        wrong = examined(KALENDS_SMTP_URL=f"smtp://{USER}:hunter2@127.0.0.1:{server.port}")
        assert "refused the user name or password" in wrong.of("mail", "fault")
        assert "hunter2" not in str(wrong)
        bare = examined(KALENDS_SMTP_URL=f"smtp://127.0.0.1:{server.port}?starttls=required")
        assert "does not offer STARTTLS" in bare.of("mail", "fault")
        right = examined(KALENDS_SMTP_URL=f"smtp://{USER}:{PASSWORD}@127.0.0.1:{server.port}")
        assert "takes the user name and password" in right.of("mail", "ok")
        assert server.mails == []


def test_postmark_that_cannot_be_reached_or_has_another_kind_of_token(examined: Any) -> None:
    token, url = "01234567-89ab-cdef-0123-456789abcdef", f"http://127.0.0.1:{closed_port()}"
    assert "KALENDS_POSTMARK_TOKEN does not look like" in examined(KALENDS_POSTMARK_TOKEN="t0p").of("mail", "warning")
    closed = examined(KALENDS_POSTMARK_TOKEN=token, KALENDS_POSTMARK_URL=url)
    assert f"Postmark at {url} cannot be reached" in closed.of("mail", "fault")
    assert token not in str(closed)


def test_a_clock_that_is_wrong(
    kalends: Kalends, well: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in well.items():
        monkeypatch.setenv(name, value)
    for ahead, state in ((timedelta(seconds=5), "warning"), (timedelta(hours=-1), "fault")):
        doctor(argparse.Namespace(json=True), Shifted(ahead))
        (found,) = [
            each
            for each in findings(Ran(0 if state == "warning" else 1, capsys.readouterr().out, ""))
            if "database's clock" in each["message"]
        ]
        assert (found["check"], found["state"]) == ("clock", state)


def test_a_clock_that_stands_still_jumps_or_was_never_set() -> None:
    never_set = FrozenClock(datetime(1970, 1, 1, tzinfo=UTC))
    assert "shows the year 1970" in check_clock(never_set, readings(never_set))[0].message
    jumping = FrozenClock(datetime.now(UTC))
    since = readings(jumping)
    jumping.advance(timedelta(seconds=90))
    assert "jumped by +90.0 seconds" in check_clock(jumping, since)[0].message


def test_a_check_that_hangs_is_a_finding_and_the_others_are_made(tmp_path: Path) -> None:
    with listening() as port:
        environ = {
            "KALENDS_DATA_DIR": str(tmp_path),
            "KALENDS_PORT": "0",
            "DATABASE_URL": f"postgresql://127.0.0.1:{port}/kalends",
            "KALENDS_SMTP_URL": f"smtp://127.0.0.1:{port}",
        }
        found = list(examine(environ, SystemClock(), database_name="kalends", show=lambda _: None, time_limit=0.3))
    late = {each.check for each in found if each.state == "fault" and "took longer than 0.3 seconds" in each.message}
    assert late == {"database", "mail"}
    assert "zone data" in {each.check for each in found if each.state == "ok"}


class Shifted:
    """A clock that is wrong, and goes on being wrong."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by

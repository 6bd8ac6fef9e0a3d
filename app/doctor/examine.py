"""The examination: every check in turn, each within a time limit, whatever the others found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from app.clock import Clock
from app.db.binaries import find
from app.db.embedded import EmbeddedPostgres
from app.db.inspect import Inspection, NoDatabase, NotAnswered, inspecting
from app.doctor.clock import check_clock, check_difference, readings
from app.doctor.database import EMPTY, check_connections, check_schema, check_server
from app.doctor.finding import Finding, fault, ok, refused
from app.doctor.keys import check_key, check_sealed
from app.doctor.mail import check_mail
from app.doctor.outbox import check_outbox
from app.doctor.place import check_data_dir, check_port
from app.doctor.settings import check_settings
from app.doctor.sql import sql
from app.doctor.zones import check_rules, check_stored
from app.refusal import Refusal
from app.settings import Settings
from app.signals import undisturbed

CHECK_WITHIN: Final = 12.0  # seconds: a statement may take ten, and all else is bounded below that
_LATER: Final = "Schema, keys and outbox could not be looked at."

Findings = list[Finding]
Check = Callable[[Inspection], Findings]
Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Database:
    """What can be looked at; `dsn` is None where nothing can. `runs` is False where we started it ourselves."""

    dsn: str | None
    runs: bool
    findings: Findings


def examine(
    environ: Mapping[str, str], clock: Clock, *, database_name: str, show: Show, time_limit: float = CHECK_WITHIN
) -> Generator[Finding]:
    """All findings, as they come. `show` hears what is being looked at. Never raises for what is broken."""
    settings, faults = Settings.examined(environ)
    since = readings(clock)

    def run(what: str, check: Callable[[], Findings]) -> Findings:
        show(f"Looking at the {what} …")
        return _within(time_limit, what, check)

    yield from check_settings(environ, settings, faults)
    yield from run("data directory", lambda: check_data_dir(settings))
    if not {"KALENDS_HOST", "KALENDS_PORT"} & faults.keys():
        yield from run("port", lambda: check_port(settings))
    yield from run("zone data", check_rules)
    keys, of_keys = ((), []) if "KALENDS_SECRET_KEY" in faults else check_key(settings)
    yield from of_keys
    show("Looking at the database …")
    with _database(settings, faults, database_name, show) as database:
        yield from database.findings
        if database.dsn is not None:
            checks = [check_connections(settings), check_difference(clock)]
            of_tables = [check_stored, check_outbox(settings, runs=database.runs)]
            if "KALENDS_SECRET_KEY" not in faults:
                of_tables.append(check_sealed(keys))
            yield from _look(database.dsn, checks, of_tables, run)
    yield from run("clock", lambda: check_clock(clock, since))
    if "KALENDS_SMTP_URL" not in faults and "KALENDS_POSTMARK_TOKEN" not in faults:
        yield from run("mail", lambda: check_mail(settings))


def _look(
    dsn: str,
    checks: list[Check],
    of_tables: list[Check],
    run: Callable[[str, Callable[[], Findings]], Findings],
) -> Iterator[Finding]:
    """What can be said of a database: of its tables only where they are those of this version."""

    def asked(check: Check) -> Findings:
        with inspecting(dsn) as inspection:  # one of its own: a check that hangs must not hold up the others
            return check(inspection)

    server = run("database", partial(asked, check_server))
    yield from server
    if any(finding.check == "database" and finding.state == "fault" for finding in server):
        return
    schema = run("schema", partial(asked, check_schema))
    yield from schema
    for check in checks:
        yield from run("database", partial(asked, check))
    if EMPTY not in schema and all(finding.state == "ok" for finding in schema):
        for check in of_tables:
            yield from run("tables", partial(asked, check))


@contextmanager
def _database(settings: Settings, faults: Mapping[str, str], name: str, show: Show) -> Iterator[_Database]:
    if "DATABASE_URL" in faults:  # which is told already; another database must not be taken for it
        yield _Database(None, runs=False, findings=[])
    elif settings.database_url is not None:
        yield _Database(settings.database_direct_url or settings.database_url, runs=True, findings=[])
    else:
        with _embedded(settings, name, show) as database:
            yield database


@contextmanager
def _embedded(settings: Settings, name: str, show: Show) -> Iterator[_Database]:
    """An embedded Postgres is started where it does not run, and let go at the end; none is made."""
    server = EmbeddedPostgres(settings.data_dir / "postgres", say=show)
    try:
        database = _started(server, name)
    except (Refusal, OSError) as why:
        database = _Database(
            None, runs=False, findings=[refused("database", why, "See its log, and mend what it names.")]
        )
    except NoDatabase as why:
        database = _Database(None, runs=False, findings=[fault("database", str(why), why.mend)])
    try:
        yield database
    finally:
        with undisturbed():
            server.release()


def _started(server: EmbeddedPostgres, name: str) -> _Database:
    """Raises `Refusal`, `OSError` or `NoDatabase`; what was started until then is let go by the caller."""
    unmade = ok("database", "There is none yet; `kalends serve` makes it.")
    if not server.data.exists():
        find()
        return _Database(None, runs=False, findings=[unmade])
    ran = server.pid is not None
    server.start()
    note = [] if ran else [ok("database", "The embedded Postgres was not running; it is started for this alone.")]
    with inspecting(server.dsn()) as inspection:
        if inspection.one(sql.has_database, {"name": name}) != (True,):
            return _Database(None, ran, [*note, unmade])
    return _Database(server.dsn(name), ran, note)


def _within(seconds: float, what: str, check: Callable[[], Findings]) -> Findings:
    """What the check finds; that it found nothing in time, or could not look, is a finding too."""
    found: SimpleQueue[Findings] = SimpleQueue()
    threading.Thread(target=lambda: found.put(_looked(what, check)), daemon=True).start()
    try:
        return found.get(timeout=seconds)
    except Empty:
        message = f"Looking at the {what} took longer than {seconds:g} seconds."
        return [fault(what, message, "See what keeps it busy, and run the doctor again.")]


def _looked(what: str, check: Callable[[], Findings]) -> Findings:
    try:
        return check()
    except NoDatabase as why:
        return [fault("database", f"{why} {_LATER}", why.mend)]
    except NotAnswered as why:
        return [fault(what, f"The database did not answer: {why}", "See the database's log, and its privileges.")]
    except Exception as bug:  # one check's bug must not keep the others from being made
        return [fault(what, f"The check itself failed: {type(bug).__name__}.", "Report this.")]

"""`./scripts/bench`: sets the scene, measures every work, and says how it went."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import msgspec
import psycopg

from tests.bench import scaling_report
from tests.bench.deliveries import COUNT, ENDPOINTS, QUICK_COUNT, SILENT, Deliveries, DeliveryBench
from tests.bench.delivery_report import delivery_table, look_table, section, with_section
from tests.bench.inbound import (
    MAILS,
    QUICK_MAILS,
    UNLIMITED,
    Inbound,
    mail_section,
    mail_table,
    take_in,
    with_mail_section,
)
from tests.bench.looking import Look, Looking
from tests.bench.measuring import ROUNDS, Result, Sample, measure, sample
from tests.bench.processes import resident_megabytes
from tests.bench.read_floor import Floor, Reply, floor
from tests.bench.receiver import receiver
from tests.bench.recording import Exchange, record
from tests.bench.report import Machine, Run, Step, comparison, growth_table, of_json, page, table, to_json
from tests.bench.scaling import UNLIMITED as SCALING_SETTINGS
from tests.bench.scaling import Scaling, scale
from tests.bench.scene import Scene, multiply, set_up
from tests.bench.service import Service, kalends
from tests.bench.tool_works import tool_works
from tests.bench.transfer import EVENTS, QUICK_EVENTS, Transfer, transfer
from tests.bench.works import Work, per_connection, works
from tests.bench.write_floor import find_pgbench, script, transactions_per_second

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PAGE: Final = ROOT / "docs" / "performance.md"
SCALING_PAGE: Final = ROOT / "docs" / "scaling.md"
SAVED: Final = ROOT / ".kalends" / "bench"  # ignored by git
SECONDS, QUICK_SECONDS = 5.0, 2.0  # on each work, over all rounds; its floor takes as long again
PARTS: Final = frozenset({"growth", "deliveries", "mail", "scaling", "transfer"})  # what --only takes besides works
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)  # occurrences in the database; --quick leaves the last one out


class Bench:
    """A running service with its scene, and the floors beside it."""

    def __init__(self, service: Service, directory: Path, seconds: float) -> None:
        self._service, self._directory, self._seconds = service, directory, seconds
        say("Setting the scene over HTTP.")
        self.scene: Scene = set_up(service.url)
        self._pgbench = find_pgbench()

    def all_works(self, only: set[str]) -> tuple[list[Work], list[Result]]:
        """Every work that is asked for, measured."""
        writes = [work for work in works(self.scene, "") if work.is_write and work.has_floor]
        wanted_writes = [work for work in writes if not only or work.name in only]
        exchanges = self._record(wanted_writes)  # before the feed's ETag is asked for, which they change
        etag = httpx.get(self._service.url + self.scene.feed_path).headers["etag"]
        wanted = [work for work in everything(self.scene, etag) if not only or work.name in only]
        exchanges |= self._record([work for work in wanted if not work.is_write])
        replies = {f"/{work.name}": _reply(exchanges[work.name]) for work in wanted if not work.is_write}
        results = []
        with floor(self._service.dsn, replies) as bare:
            for work in wanted:
                say(f"Measuring {work.title}.")
                results.append(self._measured(work, bare, exchanges))
                if results[-1].errors:
                    say(f"{results[-1].errors} errors; the first: {results[-1].first_error}")
        return wanted, results

    def step(self) -> Step:
        """The reads that must not slow down as the database grows."""
        by_name = {work.name: work for work in works(self.scene, "")}
        found = {
            name: measure(name, by_name[name].title, lambda name=name: self._sample(by_name[name].per_connection), None)  # type: ignore[misc]
            for name in ("list", "upcoming", "health")
        }
        return Step(occurrences=0, **found)

    def _measured(self, work: Work, bare: Floor, exchanges: dict[str, Exchange]) -> Result:
        if work.beside:

            def plainly() -> tuple[float, float]:
                found = self._sample(per_connection(work.beside))
                return found.rate, found.web

            return measure(work.name, work.title, lambda: self._sample(work.per_connection), plainly)
        if not work.is_write:
            probe = [[f"GET /{work.name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()]] * len(work.per_connection)

            def below() -> tuple[float, float]:
                found = sample(bare.port, bare.pid, self._service.postgres_pid, probe, self._seconds / ROUNDS)
                return found.rate, found.web

            return measure(work.name, work.title, lambda: self._sample(work.per_connection), below)
        if self._pgbench is None or not work.has_floor:
            return measure(work.name, work.title, lambda: self._sample(work.per_connection), None)
        pgbench, file = self._pgbench, self._directory / f"{work.name}.sql"
        exchange = exchanges[work.name]
        made = msgspec.json.decode(exchange.body).get("id") if exchange.status == 201 else None
        file.write_text(script(exchange.statements, made))
        seconds = max(1, round(self._seconds / ROUNDS))

        def pgbenched() -> tuple[float, float]:
            return transactions_per_second(pgbench, self._service.dsn, file, seconds), float("nan")

        return measure(work.name, work.title, lambda: self._sample(work.per_connection), pgbenched)

    def _sample(self, requests: list[list[bytes]]) -> Sample:
        service = self._service
        return sample(service.port, service.pid, service.postgres_pid, requests, self._seconds / ROUNDS)

    def _record(self, wanted: list[Work]) -> dict[str, Exchange]:
        exchanges = asyncio.run(record(self._service.dsn, [work.requests[0].for_client() for work in wanted]))
        return {work.name: exchange for work, exchange in zip(wanted, exchanges, strict=True)}


def everything(scene: Scene, feed_etag: str) -> list[Work]:
    return [*works(scene, feed_etag), *tool_works(scene)]


def _reply(exchange: Exchange) -> Reply:
    if not exchange.statements:
        return Reply(None, exchange.status, exchange.body)
    (statement,) = exchange.statements  # a read is one statement
    is_feed = exchange.body.startswith(b"BEGIN:VCALENDAR") or not exchange.body  # made of more than the row
    return Reply(statement, exchange.status, exchange.body if is_feed else None)


def grow(seconds: float, sizes: tuple[int, ...]) -> list[Step]:
    """A service of its own, whose database is filled step by step."""
    with _directory() as directory, kalends(directory) as service:
        bench = Bench(service, directory, seconds)
        steps = []
        for size in sizes:
            say(f"Filling the database to {size:,} occurrences and measuring.")
            stored = multiply(service.dsn, bench.scene.calendar_id, size)
            steps.append(msgspec.structs.replace(bench.step(), occurrences=stored))
        return steps


def deliver(*, quick: bool) -> tuple[Deliveries, list[Look]]:
    """Two services of their own: one that sends, and one whose database is filled while nothing is sent."""
    with (
        _directory() as directory,
        kalends(directory) as service,
        receiver(1 + ENDPOINTS, SILENT) as listening,
    ):
        deliveries = DeliveryBench(service, listening, QUICK_COUNT if quick else COUNT, say).run()
    with _directory() as directory, kalends(directory, KALENDS_DISPATCH="off") as service:
        looking, looks = Looking(service), []
        for size in SIZES[:-1] if quick else SIZES:
            say(f"Filling the database to {size:,} occurrences to come and looking what is due.")
            looks.append(looking.at(size))
    return deliveries, looks


def take_mail_in(*, quick: bool) -> Inbound:
    with _directory() as directory, kalends(directory, **UNLIMITED) as service:
        return take_in(service, QUICK_MAILS if quick else MAILS, say)


def scale_up(*, quick: bool) -> Scaling:
    with _directory() as directory, kalends(directory, **SCALING_SETTINGS) as service:
        return scale(service, say, quick=quick)


def carry_over(*, quick: bool) -> Transfer:
    with _directory() as directory, kalends(directory, KALENDS_RATE_LIMITS="off") as service:
        return transfer(service, QUICK_EVENTS if quick else EVENTS, say)


def machine_of(dsn: str) -> Machine:
    with psycopg.connect(dsn) as connection:
        shown = [connection.execute(f"show {name}").fetchone() for name in _SHOWN]
    version, fsync, synchronous_commit = (str(row[0]) if row else "?" for row in shown)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    system = f"{platform.system()}, {platform.machine()}"
    return Machine(cores, system, platform.python_version(), version.split()[0], fsync, synchronous_commit)


_SHOWN: Final = ("server_version", "fsync", "synchronous_commit")


class _directory:  # noqa: N801
    """A directory that a Postgres run by root's substitute can reach, gone at the end."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="kalends-bench-"))
        self._path.chmod(0o755)
        return self._path

    def __exit__(self, *_exception: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main() -> None:
    chosen = _parser().parse_args()
    seconds = QUICK_SECONDS if chosen.quick else SECONDS
    only = {name for name in chosen.only.split(",") if name}
    with _directory() as directory, kalends(directory) as service:
        bench = Bench(service, directory, seconds)
        known = [work.name for work in everything(bench.scene, "")]
        if unknown := only - set(known) - PARTS:
            names = ", ".join([*known, *sorted(PARTS)])
            raise SystemExit(f"There is no work named {', '.join(sorted(unknown))}: choose among {names}.")
        wanted, results = bench.all_works(only) if not only or only - PARTS else ([], [])
        memory, machine = resident_megabytes(service.pid), machine_of(service.dsn)
    aims = {work.name: work.aim for work in wanted}
    growth = grow(seconds, SIZES[:-1] if chosen.quick else SIZES) if not only or "growth" in only else []
    deliveries, looks = deliver(quick=chosen.quick) if not only or "deliveries" in only else (None, [])
    inbound = take_mail_in(quick=chosen.quick) if not only or "mail" in only else None
    scaling = scale_up(quick=chosen.quick) if not only or "scaling" in only else None
    moved = carry_over(quick=chosen.quick) if not only or "transfer" in only else None
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    run = Run(date, seconds, machine, results, memory, growth, deliveries, looks, inbound)
    print(f"{table(results, aims)}\n\nweb process: {memory:.0f} MB")
    if growth:
        print("\n" + growth_table(growth))
    if deliveries is not None:
        print(f"\n{delivery_table(deliveries)}\n\n{look_table(looks)}")
    if inbound is not None:
        print(f"\n{mail_table(inbound)}\n\n{inbound.large:.2f} s for the large mail, others {inbound.others:.0f} ms")
    if scaling is not None:
        for shown in (scaling_report.weight_table(scaling.weights), scaling_report.crowd_table(scaling.crowds)):
            print(f"\n{shown}")
        print(f"\n{scaling.night.series:,} series extended in {scaling.night.seconds:.1f} s")
    if moved is not None:
        print(f"\n{moved.table()}")
    if chosen.compare:
        then = of_json((SAVED / f"{chosen.compare}.json").read_text())
        print("\n" + comparison(run, then))
    if chosen.save:
        SAVED.mkdir(parents=True, exist_ok=True)
        (SAVED / f"{chosen.save}.json").write_text(to_json(run))
    if not chosen.quick and not only and scaling is not None:
        SCALING_PAGE.write_text(scaling_report.page(date, scaling, results, deliveries, inbound))
        say(f"Written: {SCALING_PAGE.relative_to(ROOT)}")
    if not chosen.quick and only <= {"deliveries", "mail"}:
        written = PAGE.read_text() if only else page(run, aims)
        if "deliveries" in only:
            written = with_section(written, section(date, deliveries, looks))
        if "mail" in only:
            written = with_mail_section(written, mail_section(date, inbound))
        PAGE.write_text(written)
        say(f"Written: {PAGE.relative_to(ROOT)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="How fast Kalends is here, beside how fast it could be.")
    parser.add_argument("--quick", action="store_true", help="2 s a work instead of 5, and no million rows")
    parser.add_argument("--only", default="", metavar="WORKS", help="names separated by commas, such as list,create")
    parser.add_argument("--save", metavar="NAME", help="keep the figures under this name")
    parser.add_argument("--compare", metavar="NAME", help="show ratios to the figures kept under this name")
    return parser


if __name__ == "__main__":
    main()

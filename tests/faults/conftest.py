"""A deployment that may be broken: a Postgres of its own, a network that can be disturbed, and a web process."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app.db.embedded import EmbeddedPostgres
from tests.faults.watching import Watch, watching
from tests.support.deployment import KEY
from tests.support.processes import Serve, eventually, runs
from tests.support.proxy import Proxy, proxying
from tests.support.service import Api, Calendar

DATABASE = "kalends"


@dataclass
class Place:
    """`api` and `calendar` are watched; `others` is a calendar of another agent, on which any request may be tried."""

    postgres: EmbeddedPostgres
    proxy: Proxy
    serve: Serve
    api: Api
    calendar: Calendar
    others: Calendar

    @property
    def dsn(self) -> str:
        """The way to the database past the proxy."""
        return self.postgres.dsn(DATABASE)

    def stop(self, how: signal.Signals) -> None:
        """Returns when Postgres is gone."""
        pid = self.postgres.pid
        assert pid is not None
        os.kill(pid, how)
        assert eventually(lambda: not runs(pid))

    def faults(self) -> list[str]:
        """What the web process logged that is no structured event, or that has a trace."""
        lines = self.serve.complaints().splitlines()
        return [line for line in lines if not line.startswith("{") or "trace" in json.loads(line)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("faults")
    with EmbeddedPostgres(directory / "postgres") as postgres:
        socket = Path(str(psycopg.conninfo.conninfo_to_dict(postgres.ensure_database(DATABASE))["host"]))
        with proxying(socket / ".s.PGSQL.5432") as proxy:
            url = f"postgresql://kalends@127.0.0.1:{proxy.port}/{DATABASE}"
            environ = {"DATABASE_URL": url, "KALENDS_SECRET_KEY": KEY, "KALENDS_RATE_LIMITS": "off"}
            # The proxy connects as Postgres' own machine does, which its cluster trusts.
            with Serve(directory, **environ) as serve:
                calendars = []
                for _ in range(2):
                    api = Api(serve.url, Api(serve.url, None).made("/agents")["api_key"])
                    calendars.append(Calendar(api, api.made("/calendars", name="Watched")))
                yield Place(postgres, proxy, serve, calendars[0].api, *calendars)


@pytest.fixture
def watch(place: Place) -> Iterator[Watch]:
    """Clients that ask all the time. In the end all is well, and what was acknowledged is there, once each."""
    assert place.api.key is not None
    with watching(place.serve.url, place.api.key, place.calendar.id) as watch:
        time.sleep(0.15)
        yield watch
        assert eventually(watch.is_well), (place.serve.process.poll(), place.serve.complaints()[-3000:])
    assert [each for each in watch.seen if not each.is_honest] == []
    assert {each.status for each in watch.of("live")} == {200}
    with psycopg.connect(place.dsn) as database:
        found: dict[str, int] = dict(database.execute("select title, count(*) from events group by 1").fetchall())
    assert {title: found.get(title) for title in watch.written} == dict.fromkeys(watch.written, 1)
    assert place.faults() == []

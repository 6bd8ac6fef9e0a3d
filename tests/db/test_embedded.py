from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.db.binaries import NEWEST_MAJOR, OLDEST_MAJOR, find
from app.db.embedded import SOCKET_PATH_LIMIT, EmbeddedPostgres, stop_if_unused
from app.refusal import Refusal

ROOT = Path(__file__).parents[2]

HOLD = """
import sys
from pathlib import Path
from app.db.binaries import NEWEST_MAJOR, OLDEST_MAJOR, find
from app.db.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.pid, server.ensure_database("shared"), flush=True)
sys.stdin.read()
server.release()
"""


class Holder:
    """Another process that uses the server of a directory until it is told to leave."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(directory)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> tuple[int, str]:
        assert self.process.stdout is not None
        pid, dsn = self.process.stdout.readline().split()
        return int(pid), dsn

    def leave(self) -> None:
        self.process.communicate(timeout=20)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=20)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory whose cluster is made already."""
    directory = tmp_path_factory.mktemp("embedded")
    with EmbeddedPostgres(directory, durable=False):
        pass
    return directory


@pytest.fixture
def directory(cluster: Path) -> Iterator[Path]:
    yield cluster
    assert stop_if_unused(cluster), "a test left its hold"
    assert EmbeddedPostgres(cluster).pid is None


def value(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat_file = Path(f"/proc/{pid}/stat")
    return not (stat_file.exists() and stat_file.read_text().rpartition(")")[2].split()[0] == "Z")


def test_the_server_is_reached_through_a_private_socket_only(directory: Path) -> None:
    with EmbeddedPostgres(directory, durable=False) as server:
        assert value(server.dsn(), "show listen_addresses") == ""
        socket_directory = Path(str(value(server.dsn(), "show unix_socket_directories")))
        assert stat.S_IMODE(socket_directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / "data").stat().st_mode) == 0o700


def test_the_cluster_is_utf8_with_the_locale_c(directory: Path) -> None:
    with EmbeddedPostgres(directory, durable=False) as server:
        assert value(server.dsn(), "show server_encoding") == "UTF8"
        query = "select datcollate || datctype from pg_database where datname = 'template0'"
        assert value(server.dsn(), query) == "CC"


def test_data_is_flushed_to_disk_unless_a_test_says_otherwise(directory: Path) -> None:
    query = "select current_setting('fsync') || ' ' || current_setting('synchronous_commit')"
    with EmbeddedPostgres(directory) as server:
        assert value(server.dsn(), query) == "on on"
    with EmbeddedPostgres(directory, durable=False) as server:
        assert value(server.dsn(), query) == "off off"


def test_the_last_one_out_stops_the_server(directory: Path) -> None:
    ours = EmbeddedPostgres(directory, durable=False)
    ours.start()
    theirs = Holder(directory)
    pid, dsn = theirs.answer()
    assert pid == ours.pid
    assert ours.release() is False
    assert value(dsn, "select 1") == 1
    theirs.leave()
    assert not alive(pid)
    assert ours.release() is False


def test_four_cold_starts_at_once_make_one_server(tmp_path: Path) -> None:
    holders = [Holder(tmp_path / "data") for _ in range(4)]
    answers = {holder.answer() for holder in holders}
    assert len(answers) == 1
    ((pid, _dsn),) = answers
    for holder in holders:
        holder.leave()
    assert not alive(pid)


def test_the_server_of_a_killed_process_is_taken_over_with_its_data(directory: Path) -> None:
    killed = Holder(directory)
    pid, dsn = killed.answer()
    with psycopg.connect(dsn) as connection:
        connection.execute("create table kept as select 'still here' as word")
    killed.kill()
    assert alive(pid)
    with EmbeddedPostgres(directory, durable=False) as server:
        assert server.pid == pid
        assert value(server.dsn("shared"), "select word from kept") == "still here"
    assert not alive(pid)


def test_a_server_that_is_killed_comes_back_at_the_same_address(directory: Path) -> None:
    with EmbeddedPostgres(directory) as server:
        dsn = server.ensure_database("survivor")
        with psycopg.connect(dsn) as connection:
            connection.execute("create table if not exists written as select 42 as number")
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while alive(pid):
            time.sleep(0.01)
        server.ensure_running()
        assert server.pid not in (None, pid)
        assert server.dsn("survivor") == dsn
        assert value(dsn, "select number from written") == 42


def test_a_server_that_is_just_shutting_down_is_waited_for(directory: Path) -> None:
    with EmbeddedPostgres(directory, durable=False) as server:
        pid = server.pid
        assert pid is not None
        with psycopg.connect(server.dsn()):
            os.kill(pid, signal.SIGTERM)  # a smart shutdown, which waits for this session
            time.sleep(0.05)
    with EmbeddedPostgres(directory, durable=False) as server:
        assert value(server.dsn(), "select 1") == 1


def test_a_number_reused_by_another_process_does_not_keep_the_server_from_starting(directory: Path) -> None:
    (directory / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{directory}\n1\n5432\n/tmp\n\n\nready\n")
    with EmbeddedPostgres(directory, durable=False) as server:
        assert server.pid != os.getpid()
        assert value(server.dsn(), "select 1") == 1


def test_a_cluster_whose_making_was_interrupted_is_made_again(tmp_path: Path) -> None:
    unfinished = tmp_path / "data.unfinished-1"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        assert value(server.dsn(), "select 1") == 1
    assert not unfinished.exists()


def test_a_deep_directory_gets_a_short_socket_path(cluster: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * SOCKET_PATH_LIMIT)
    deep.parent.mkdir(exist_ok=True)
    cluster.rename(deep)
    try:
        with EmbeddedPostgres(deep, durable=False) as server:
            socket_directory = Path(str(value(server.dsn(), "show unix_socket_directories")))
            assert len(os.fsencode(socket_directory / ".s.PGSQL.5432")) < SOCKET_PATH_LIMIT
            assert stat.S_IMODE(socket_directory.stat().st_mode) == 0o700
        assert not socket_directory.exists()
    finally:
        deep.rename(cluster)


@pytest.mark.parametrize("major", range(OLDEST_MAJOR, NEWEST_MAJOR + 1))
def test_data_is_served_by_the_postgres_that_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, major: int
) -> None:
    try:
        installed = find(major)
    except Refusal:  # this machine has no such Postgres
        return
    with monkeypatch.context() as first_start:
        first_start.setattr("app.db.embedded.find", lambda _wanted: installed)
        with EmbeddedPostgres(tmp_path, durable=False):
            pass
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        assert str(value(server.dsn(), "show server_version")).startswith(str(major))


def test_data_of_another_major_version_is_refused_before_it_is_touched(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(Refusal, match=r"written by Postgres 12, and only Postgres .*install Postgres 12 too"):
        EmbeddedPostgres(tmp_path).start()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["PG_VERSION"]


def test_a_place_that_cannot_be_written_is_told_with_the_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="set KALENDS_DATA_DIR"):
        EmbeddedPostgres(tmp_path / "file" / "postgres").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its server to another user")
def test_root_runs_the_server_as_nobody_even_below_a_private_home(directory: Path) -> None:
    home = directory.parent
    assert home.stat().st_mode & 0o077 == 0
    with EmbeddedPostgres(directory, durable=False) as server:
        assert (directory / "data").stat().st_uid == Path(f"/proc/{server.pid}").stat().st_uid != 0

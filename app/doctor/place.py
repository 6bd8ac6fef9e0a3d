"""The machine: the data directory, its disk, the port."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path
from typing import Final

from app.doctor.finding import Finding, fault, ok, refused, warning
from app.net.deployment import Declined, Deployment, Unreachable
from app.refusal import Refusal
from app.settings import Settings

ROOM_TO_WORRY: Final = 1024**3  # bytes free: a Postgres in use keeps as much in its write-ahead log
ROOM_TO_STOP: Final = 64 * 1024**2  # bytes free: four files of that log
KNOCK_WITHIN: Final = 2.0  # seconds for an answer of our own machine


def check_data_dir(settings: Settings) -> list[Finding]:
    """Where the embedded Postgres and the secret key live, if they do."""
    check, directory = "data directory", settings.data_dir
    if settings.database_url is not None and settings.secret_keys:
        return [ok(check, "Nothing is kept on this machine: DATABASE_URL and KALENDS_SECRET_KEY are given.")]
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    try:
        # Something is written, since access() says yes to root even on a read-only file system.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return [
            fault(
                check,
                f"{directory} cannot be written ({error.strerror}).",
                "Set KALENDS_DATA_DIR to a directory of your own, for example ~/kalends-data.",
            )
        ]
    return [_room(check, directory, existing)]


def check_port(settings: Settings) -> list[Finding]:
    """Whether the port is free, or Kalends serves there already."""
    check, port = "port", settings.port
    if port == 0:
        return [ok(check, "A free one will be taken.")]
    if _somebody_listens(settings):
        if _is_kalends(settings):
            return [ok(check, f"Kalends answers at {settings.served_url}.")]
        return [
            fault(
                check,
                f"Something other than Kalends listens on port {port} of {settings.host}.",
                "Stop it, or choose another port with KALENDS_PORT.",
            )
        ]
    from app.serve import listen  # which loads the web server

    try:
        listen(settings.host, port).close()
    except Refusal as refusal:
        return [refused(check, refusal, "Correct KALENDS_HOST and KALENDS_PORT.")]
    return [ok(check, f"Port {port} on {settings.host} is free; Kalends does not serve now.")]


def _room(check: str, directory: Path, existing: Path) -> Finding:
    free = shutil.disk_usage(existing).free
    message = f"{directory} can be written; {free / 1024**3:.1f} GB are free."
    mend = "Make room on the disk, or set KALENDS_DATA_DIR to a directory on a larger one."
    if free < ROOM_TO_STOP:
        return fault(check, f"The disk of {directory} is full: {free // 1024**2} MB are free.", mend)
    return warning(check, message, mend) if free < ROOM_TO_WORRY else ok(check, message)


def _somebody_listens(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    try:
        socket.create_connection((host, settings.port), KNOCK_WITHIN).close()
    except OSError:
        return False
    return True


def _is_kalends(settings: Settings) -> bool:
    deployment = Deployment(settings.served_url, None, user_agent="kalends-doctor", time_limit=KNOCK_WITHIN)
    try:
        return bool(deployment.get("/health/live") == {"status": "ok"})
    except (Declined, Unreachable):
        return False

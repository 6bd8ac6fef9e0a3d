"""An agent's own requests that failed: kept for a week, the newest of many, and told to nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.agents.access import admitted
from app.core.times import format_instant
from app.db.database import Database
from app.db.queries import load
from app.http.context import Context
from app.http.failures import KEPT_PER_KEY, Failure

KEPT: Final = timedelta(days=7)  # longer than a weekend in which nobody looks
KEPT_MOST: Final = 200  # failures kept of an agent: what is older than so many tells nothing new
LIST_DEFAULT: Final = 20
LIST_MOST: Final = 100
_BITE: Final = 2_000  # rows deleted in one statement
sql: Final = load(__file__)


async def store_failures(db: Database, failures: Sequence[tuple[bytes, Failure]]) -> None:
    """Keep what failed, in the order given, and no more than `KEPT_MOST` of an agent. What came with a key that does
    not live is passed over."""
    hashes = [key_hash for key_hash, _ in failures]
    found = [failure for _, failure in failures]
    async with db.transaction() as tx:
        tx.later(
            sql.store_failures,
            {
                "hashes": hashes,
                "times": [failure.at for failure in found],
                "request_ids": [failure.request_id for failure in found],
                "methods": [failure.method for failure in found],
                "routes": [failure.route for failure in found],
                "paths": [failure.path for failure in found],
                "statuses": [failure.status for failure in found],
                "codes": [failure.code for failure in found],
                "errors": [failure.error for failure in found],
                "hints": [failure.hint for failure in found],
                "fields": [failure.field for failure in found],
                "most": KEPT_PER_KEY,
            },
        )
        tx.later(sql.trim_failures, {"hashes": list(set(hashes)), "kept": KEPT_MOST})


async def list_failures(at: Context, key_hash: bytes, limit: int, route: str | None) -> dict[str, Any]:
    """The agent's failed requests of the last week, the newest first. `route` keeps those to one template of a path, or
    to one path.

    What this process noted is stored first, so that an agent finds what just failed; from other processes it comes
    within a second.
    """
    await at.failures.flush_for_reader()
    now = at.clock.now()
    params = {"key_hash": key_hash, "now": now, "after": now - KEPT, "route": route, "limit": limit}
    rows = await at.db.all(sql.list_failures, params)
    admitted(rows[0] if rows else None)
    return {"errors": [_failure(*row[3:]) for row in rows if row[3] is not None]}


async def forget_failures(db: Database, now: datetime) -> None:
    """Remove what failed longer ago than it is kept."""
    while await db.run(sql.forget_failures, {"before": now - KEPT, "limit": _BITE}) == _BITE:
        pass


def _failure(
    at: datetime,
    request_id: str,
    method: str,
    route: str | None,
    path: str,
    status: int,
    code: str,
    error: str,
    hint: str | None,
    field: str | None,
) -> dict[str, Any]:
    told = {
        "at": format_instant(at),
        "request_id": request_id,
        "method": method,
        "route": route,
        "path": path,
        "status": status,
        "code": code,
        "error": error,
    }
    return told | {name: value for name, value in (("hint", hint), ("field", field)) if value is not None}

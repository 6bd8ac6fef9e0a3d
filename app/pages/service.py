"""The state of the deployment."""

from __future__ import annotations

from typing import Any, Final

from app.db.database import Database
from app.db.queries import load

sql: Final = load(__file__)


async def check_database(db: Database) -> dict[str, Any]:
    """Raises `unavailable` when the database does not answer in time. One that takes no writes is well enough for
    reads."""
    row = await db.one(sql.check, {})
    assert row is not None
    return {"status": "read_only" if row[2] else "ok", "postgres": row[0], "schema": row[1]}

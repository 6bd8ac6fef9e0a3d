"""The export: read in one snapshot, a bite at a time, and rendered off the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from app.agents.access import admitted
from app.calendars.writing import no_such_calendar
from app.core.times import TZDATA_VERSION
from app.db.database import Database, Row
from app.events.materialise import Special
from app.events.model import Event, event_of_row
from app.events.render import RENDERER
from app.transfer.rendering import EXPORT, Whole, export_text
from app.transfer.sql import sql
from app.workers import in_long_thread

BITE: Final = 250  # rows turned into Python at once: about 3 ms of the event loop
_HEAD: Final = 4  # columns before the event's own
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)  # where a date is does not matter here


@dataclass(frozen=True, slots=True)
class Export:
    text: bytes
    etag: str


async def state_of(db: Database, key_hash: bytes, calendar_id: str, now: datetime) -> str:
    """The ETag of the export as it is now. Raises `unauthorized`, or `not_found`."""
    row = await db.one(sql.open_export, {"key_hash": key_hash, "now": now, "calendar_id": calendar_id})
    admitted(row)
    assert row is not None
    if row[3] is None:
        raise no_such_calendar(calendar_id)
    return _etag(row[4])


async def export(db: Database, calendar_id: str) -> Export:
    """Everything the calendar holds. The caller has been admitted to it; raises `not_found` where it is gone since."""
    rows: list[Row] = []
    async for bite in db.bites(sql.export_rows, {"calendar_id": calendar_id}, BITE):
        rows += bite
    if not rows:
        raise no_such_calendar(calendar_id)
    text = await in_long_thread(_render, rows)
    return Export(text, _etag(rows[0][2]))


def _etag(seq: int) -> str:
    return f'"{seq}.{EXPORT}.{RENDERER}.{TZDATA_VERSION}"'


def _render(rows: Sequence[Row]) -> bytes:
    wholes: dict[str, tuple[Event, dict[str, Event], dict[str, Special]]] = {}
    for row in rows:
        if row[_HEAD] is None:
            continue
        event = event_of_row(row[_HEAD:])
        if event.key:
            wholes[event.id][1][event.key] = event
        else:
            wholes[event.id] = (event, {}, {text.split(" ")[0]: _special(text) for text in row[3]})
    found = []
    for event, overrides, specials in wholes.values():
        for key, override in overrides.items():
            if override.status == "cancelled" and not specials[key].cancelled:
                specials[key] = Special(key, False, True, _NEVER, specials[key].orphaned, declined=True)
        found.append(Whole(event, overrides, specials))
    return export_text(rows[0][0], rows[0][1], found).encode()


def _special(text: str) -> Special:
    key, flags = text.split(" ")
    return Special(key, flags[0] == "c", flags[1] == "x", _NEVER, flags[2] == "o")

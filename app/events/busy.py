"""When a calendar is busy, as VEVENTs that say nothing else."""

from __future__ import annotations

from collections import defaultdict

from app.db.database import Database
from app.events.materialise import Special
from app.events.model import event_of_row
from app.events.recurrence import excluded_keys
from app.events.render import busy_text
from app.events.sql import sql


async def busy_vevents(db: Database, calendar_id: str) -> str:
    """What the feed shows, reduced to times. Rendered on demand: the feed keeps it for as long as nothing changes."""
    params = {"calendar_id": calendar_id}
    rows = [event_of_row(row) for row in await db.all(sql.all_rows, params)]
    specials: dict[str, dict[str, Special]] = defaultdict(dict)
    for event_id, *special in await db.all(sql.all_specials, params):
        specials[event_id][special[0]] = Special(*special)
    whole = {event.id: event for event in rows if not event.key}
    texts = []
    for event in rows:
        special_of_row = specials[event.id].get(event.key) if event.key else None
        if event.status == "cancelled" or (special_of_row and (special_of_row.cancelled or special_of_row.orphaned)):
            continue
        series = whole[event.id] if event.key else None
        texts.append(busy_text(event, [] if event.key else excluded_keys(specials[event.id]), series=series))
    return "".join(texts)

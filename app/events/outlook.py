"""What of a series depends on the moment: its next dates, and how many were cancelled or edited."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.core.series import Occurrence
from app.core.times import load_zone, wall_of
from app.core.words import say_series
from app.db.database import Database
from app.events.model import event_of_row
from app.events.render import reads
from app.events.sql import sql
from app.http.answers import encode

NEXT_SAID: Final = 2  # dates named after "next"
_MEMBER: Final = '"reads":'


async def with_outlook(db: Database, calendar_id: str, event_id: str, text: str, now: datetime) -> str:
    """A series' text whose `reads` also tells the exceptions so far and the next dates."""
    params = {"calendar_id": calendar_id, "event_id": event_id, "key": "", "now": now, "limit": NEXT_SAID}
    row = await db.one(sql.read_event, params)
    outlook = await db.one(sql.outlook, params)
    if row is None or outlook is None:
        return text
    event = event_of_row(row)
    cancelled, edited, starts, ends = outlook
    zone = load_zone(event.zone)
    dates = [
        Occurrence(key="", original=wall_of(start, zone), start=start, end=end)
        for start, end in zip(starts or (), ends or (), strict=True)
    ]
    sentence = say_series(event.series(event.zone), cancelled=cancelled, edited=edited, next_dates=dates)
    stored = _MEMBER + encode(reads(event)).decode()
    return text.replace(stored, _MEMBER + encode(sentence).decode(), 1)

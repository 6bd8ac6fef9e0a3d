"""Rendering stored texts anew, after the code that renders them has changed. Changes nothing that was written."""

from __future__ import annotations

from collections import defaultdict

from app.core.series import at, occurrences
from app.db.database import Database
from app.events.materialise import Special, first_of, special_of
from app.events.model import Event, event_of_row
from app.events.recurrence import excluded_keys
from app.events.render import RENDERER, override_json, own_json, series_json, shared_json, vevent_text
from app.events.sql import sql
from app.events.storing import only_occurrence, span


async def rerender_calendar(db: Database, calendar_id: str) -> None:
    """Bring every stored text of a calendar to the present RENDERER."""
    async with db.transaction() as tx:
        row = await tx.one(sql.lock_for_rendering, {"calendar_id": calendar_id})
        if row is None:
            return
        zone = row[0]
        rows = [event_of_row(found) for found in await tx.all(sql.all_rows, {"calendar_id": calendar_id})]
        specials: dict[str, dict[str, Special]] = defaultdict(dict)
        for event_id, *special in await tx.all(sql.all_specials, {"calendar_id": calendar_id}):
            specials[event_id][special[0]] = Special(*special)
        whole = {event.id: event for event in rows if not event.key}
        for event in rows:
            params = {"calendar_id": calendar_id, "id": event.id, "key": event.key, "renderer": RENDERER}
            series_text = None
            if event.key:
                series = whole[event.id]
                texts = {event.key: override_json(event, *span(event, zone))}
                vevent = vevent_text(event, series=series)
            elif event.is_series:
                first = first_of(event.series(zone))
                assert first is not None
                series_text = series_json(event, first)
                texts = _date_texts(event, zone, specials[event.id])
                vevent = vevent_text(event, excluded_keys(specials[event.id]))
            else:
                texts = {"": own_json(event, only_occurrence(event, zone))}
                vevent = vevent_text(event)
            caches = {"shared_json": shared_json(event), "series_json": series_text, "vevent": vevent}
            tx.later(sql.rerender_event, params | caches)
            keys, jsons = list(texts), list(texts.values())
            tx.later(sql.rerender_occurrences, params | {"keys": keys, "own_jsons": jsons})


def _date_texts(event: Event, zone: str, specials: dict[str, Special]) -> dict[str, str]:
    """The texts of a series' stored dates that are not overridden, cancelled ones beyond the window included."""
    series = event.series(zone)
    assert event.stored_from is not None
    assert event.stored_through is not None
    texts = {}
    for date in occurrences(series, event.stored_from, event.stored_through):
        if special_of(series, specials, date) is None:
            texts[date.key] = own_json(event, date)
    for key, special in specials.items():
        place = None if special.is_exception else at(series, key)
        if place is not None:
            texts[key] = own_json(event, place._replace(key=key))
    return texts

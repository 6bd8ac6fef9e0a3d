"""Many events in one write: each has a result of its own, and what is wrong with one is nothing to the others.

An event is judged before anything of it is stored, so a refusal leaves nothing to undo: no event costs a savepoint.
What all of them together may cost is bounded, in time of looking for dates and in dates stored.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any, Final

from app.calendars.writing import Write, open_write
from app.db.database import Transaction
from app.errors import Problem
from app.events.create import Prepared, made_before, prepare, store
from app.events.recurrence import served_rule
from app.events.schemas import EventBatch, EventCreate
from app.events.sql import sql
from app.http.answers import json_of, problem_members
from app.http.context import Context
from app.http.requests import checked, decode_unseen, inspect

SECONDS_MOST: Final = 2.0  # of computing, for all rules of a batch: two hundred usual ones take a tenth of it
DATES_MOST: Final = 20_000  # stored by one batch: 200 daily series, about a second under the calendar's lock
_LOGGED: Final = 4  # stored dates that a cancelled date costs: it is logged by itself

Item = EventCreate | Problem


async def read(raw: bytes) -> tuple[list[Item], bool]:
    """The events of a body, each checked by itself, and whether all are wanted or none. Raises what is wrong with the
    batch: `invalid_json`, or `invalid_field` for more events than `BATCH_MOST`, or none."""
    value = decode_unseen(raw)
    inspect({name: member for name, member in value.items() if name != "events"})
    fields = checked(value, EventBatch)
    items: list[Item] = []
    for event in fields.events:
        items.append(_checked(event))
        await asyncio.sleep(0)  # fifty addresses take milliseconds to check, and others wait
    return items, fields.atomic


def _checked(event: Any) -> Item:
    try:
        if not isinstance(event, dict):
            return Problem("invalid_field", "An event is an object.", hint='Give {"title": …, "start": …, "end": …}.')
        inspect(event)
        return checked(event, EventCreate)
    except Problem as problem:
        return problem


async def create_events(
    at: Context, tx: Transaction, key_hash: bytes, calendar_id: str, items: list[Item], *, atomic: bool
) -> str:
    """Makes the events that can be made, in order; returns the answer's text. With `atomic` it raises what is wrong
    with the first that cannot, naming its place, and makes none."""
    async with open_write(at, tx, key_hash, calendar_id) as write:
        batch = _Batch(at, write, await _known(write, items))
        results: list[str] = []
        for index, item in enumerate(items):
            try:
                results.append(f'{{"index":{index},{await batch.one(item)}}}')
            except Problem as problem:
                if atomic:
                    raise _placed(problem, index) from None
                batch.failed += 1
                members = json_of({"index": index, "status": problem.status, **problem_members(problem)})
                results.append(members)
            await asyncio.sleep(0)
    return (
        f'{{"results":[{",".join(results)}],'
        f'"created":{batch.created},"replayed":{batch.replayed},"failed":{batch.failed}}}'
    )


async def _known(write: Write, items: list[Item]) -> dict[str, str | None]:
    """The client_ids of the batch that the calendar knows already. Their texts are read when they are asked for."""
    asked = [item.client_id for item in items if isinstance(item, EventCreate) and item.client_id is not None]
    if not asked:
        return {}
    rows = await write.tx.all(sql.known_client_ids, {"calendar_id": write.calendar.id, "client_ids": asked})
    return {row[0]: None for row in rows}


@dataclass(slots=True)
class _Batch:
    """A batch under way. `known` maps client_ids to the text of their event, None where that was not read yet."""

    at: Context
    write: Write
    known: dict[str, str | None]
    created: int = 0
    replayed: int = 0
    failed: int = 0
    seconds_left: float = SECONDS_MOST
    dates_left: int = DATES_MOST

    async def one(self, item: Item) -> str:
        """Members of one result. Raises what is wrong with the event, of which nothing is stored then."""
        if isinstance(item, Problem):
            raise item
        name = item.client_id
        if name is not None and name in self.known:
            text = self.known[name] = self.known[name] or await made_before(self.write, name)
            self.replayed += 1
            return f'"status":200,"event":{text}'
        prepared = self._prepared(item)
        text = await store(self.at, self.write, prepared)
        if name is not None:
            self.known[name] = text
        self.created += 1
        return f'"status":201,"event":{text}'

    def _prepared(self, fields: EventCreate) -> Prepared:
        if fields.rule is not None and self.seconds_left <= 0:
            raise _too_much("Finding the dates of all rules in this batch takes too long.")
        begun = time.thread_time()
        try:
            rule = None if fields.rule is None else served_rule(fields.rule)
            prepared = prepare(self.at, self.write, fields, rule)
        finally:
            self.seconds_left -= time.thread_time() - begun
        cost = prepared.dates + (0 if prepared.plan is None else _LOGGED * len(prepared.plan.specials))
        if cost > self.dates_left:
            raise _too_much(f"The series of this batch make more than {DATES_MOST:,} dates together.")
        self.dates_left -= cost
        return prepared


def _too_much(sentence: str) -> Problem:
    return Problem("recurrence_too_costly", sentence, hint="Send this event in another batch.", field="recurrence")


def _placed(problem: Problem, index: int) -> Problem:
    """The same of an event in its place in the body."""
    field = f"events.{index}" if problem.field is None else f"events.{index}.{problem.field}"
    return replace(problem, field=field, extra={**problem.extra, "index": index})

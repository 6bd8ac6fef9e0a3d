"""Which part of the data a statement touches, as Postgres itself plans it.

All that a calendar holds can be spread over machines by the calendar: each statement on a request's way names the one
whose rows it wants, in every table it reads or changes. What goes across calendars is listed here, with the reason; a
statement that is new must name its calendar or come into the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

import app
from app.db.queries import load

ROOMS: Final = sorted(Path(app.__file__).parent.rglob("*.sql"))
BY_CALENDAR: Final = {
    "calendars": "id",
    "events": "calendar_id",
    "occurrences": "calendar_id",
    "changes": "calendar_id",
    "deliveries": "calendar_id",
    "feed_fetches": "calendar_id",
    "threads": "calendar_id",
    "mails": "calendar_id",
}
"""The tables that are spread, and by what. docs/scaling.md says how, and what becomes of the others."""
NOT_PLANNED: Final = frozenset({"begin_part", "undo_part", "end_part", "wait_so_long", "show_wait"})
"""Statements that steer a transaction and read no table."""
MOMENTS: Final = frozenset({"now", "sent_at"})
"""Parameters whose type does not follow from the statement."""

ACROSS: Final = {
    # Of one agent, whose calendars lie anywhere.
    "agents.delete_agent": "rare: an agent and all it has",
    "calendars.list_calendars": "an agent's calendars: by calendars_by_agent, on each machine",
    "calendars.count_calendars": "before a calendar is made",
    "pages.agents_context": "the manual, fitted to an agent: its calendars, by calendars_by_agent",
    "outbox.unknown_calendars": "an endpoint that names calendars is made or changed",
    "outbox.lock_calendars_of": "an endpoint is made, changed or removed",
    # Whoever comes knows a secret or an address instead of an id.
    "inbound.calendar_of_token": "a mail comes by its token: one look-up by a unique index on each machine",
    "inbound.calendars_of_addresses": "a mail comes by its recipients, which are calendars' ids in any case",
    # Several calendars at once, by their ids.
    "feeds.store_fetches": "counted in memory, written once a second",
    "http.seqs": "once a second for those who wait, whose calendars have news",
    # A command of the operator's, that examines all there is.
    "doctor.outbox": "the doctor",
    "doctor.sealed": "the doctor",
    "doctor.tzdata": "the doctor",
    # What each machine does for the calendars that lie on it.
    "calendars.forget_changes": "upkeep",
    "calendars.sealed_secrets": "a command of the operator's",
    "events.calendars_of_other_tzdata": "upkeep",
    "events.calendars_short": "upkeep",
    "inbound.claim_due": "the dispatcher's look",
    "inbound.forget_mails": "upkeep",
    "inbound.forget_threads": "upkeep",
    "inbound.next_due": "the dispatcher's look",
    "outbox.abandon": "an endpoint is switched off or removed",
    "outbox.claim_lanes": "the dispatcher's look",
    "outbox.forget_deliveries": "upkeep",
    "outbox.read_due": "the dispatcher's look",
    "outbox.settle": "the dispatcher writes down what it did, by the keys it read",
    "outbox.give_up_waiting": "after a restore",
    "outbox.pass_moments": "after a restore",
    "outbox.get_delivery": "one delivery by its id, for an answer to a retry",
    "monitoring.gauges": "what operators watch, every few seconds at most: short walks along indexes on each machine",
    "mail.note_counted": "the dispatcher, by the key it read",
    "webhooks.fire_due": "the dispatcher's look",
    "webhooks.next_moment": "the dispatcher's look",
    # The one thing on a write's way.
    "calendars.lock_calendar": "the quotas: what an agent has is the sum over its calendars",
    "calendars.look_at_calendar": "the quotas, as above",
    "calendars.lock_calendar_for_arrival": "the quotas, as above",
}


def statements() -> Iterator[tuple[str, str]]:
    for path in ROOMS:
        queries = load(path)
        for name in sorted(queries.names() - NOT_PLANNED):
            yield f"{path.parent.name}.{name}", getattr(queries, name)


STATEMENTS: Final = dict(statements())


@pytest.fixture(scope="module")
def planner(database_server: str, template: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection that plans as those of the service do."""
    address = database_server.replace("/postgres?", f"/{template}?")
    options = "-c enable_seqscan=off -c enable_bitmapscan=off -c jit=off"
    with psycopg.connect(address, autocommit=True, options=options) as connection:
        if connection.info.server_version < 160_000:
            pytest.skip("Postgres plans statements without their parameters from version 16 on")
        yield connection


def planned(planner: psycopg.Connection[Any], statement: str) -> dict[str, Any]:
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        number = numbers.setdefault(found[1], len(numbers) + 1)
        return f"${number}::timestamptz" if found[1] in MOMENTS else f"${number}"

    text = re.sub(r"%\((\w+)\)s", numbered, statement).replace("%%", "%")
    row = planner.execute(f"explain (generic_plan, verbose, format json) {text}".encode()).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def conditions(plan: dict[str, Any]) -> str:
    named = ("Index Cond", "Filter", "Join Filter", "Hash Cond", "Merge Cond", "Recheck Cond")
    return " ".join(str(node[name]) for node in nodes(plan) for name in named if name in node)


def scattered(plan: dict[str, Any]) -> set[str]:
    """The spread tables that the plan reads without naming the calendar: by a parameter, by a part of the statement
    that was looked up by one, or by a column that is equal to such a thing."""
    said = conditions(plan)
    known = set(re.findall(rf"({_COLUMN})(?:\)::text)? = (?:\$\d|\(InitPlan)", said))
    parts = {node["Alias"] for node in nodes(plan) if node["Node Type"] in ("CTE Scan", "Subquery Scan")}
    equal = re.findall(rf"({_COLUMN}) = ({_COLUMN})", said)
    known |= {column for pair in equal for column in pair if column.partition(".")[0] in parts}
    for _ in equal:
        known |= {column for pair in equal if not known.isdisjoint(pair) for column in pair}
    found = set()
    for node in nodes(plan):
        table = re.sub(r"_(default|before|\d{4}_\d{2})$", "", node.get("Relation Name", ""))
        if node["Node Type"] == "ModifyTable" or table not in BY_CALENDAR:
            continue
        if f"{node['Alias']}.{BY_CALENDAR[table]}" not in known:
            found.add(table)
    return found


_COLUMN: Final = r"\b[a-z_][a-z_0-9]*\.[a-z_]+\b"


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - ACROSS.keys()))
def test_a_statement_stays_with_one_calendar(planner: psycopg.Connection[Any], name: str) -> None:
    assert scattered(planned(planner, STATEMENTS[name])) == set()


@pytest.mark.parametrize("name", sorted(ACROSS))
def test_what_is_said_to_go_across_calendars_does(planner: psycopg.Connection[Any], name: str) -> None:
    if name in STATEMENTS:
        assert scattered(planned(planner, STATEMENTS[name])) != set()


def test_the_list_of_what_goes_across_calendars_names_statements_that_there_are() -> None:
    assert ACROSS.keys() - STATEMENTS.keys() == set()


def test_the_audit_sees_a_statement_that_names_no_calendar(planner: psycopg.Connection[Any]) -> None:
    assert scattered(planned(planner, "select title from events where id = %(id)s")) == {"events"}
    both = "select from calendars c join events e on e.calendar_id = c.id where c.id = %(calendar_id)s"
    assert scattered(planned(planner, both)) == set()
    one = "select from calendars c, events e where c.id = %(calendar_id)s and e.uid = %(uid)s"
    assert scattered(planned(planner, one)) == {"events"}

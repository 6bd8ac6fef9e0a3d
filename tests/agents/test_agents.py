from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from app.http.limits import forget_allowances, lease
from app.http.writes import KEPT, forget_answers
from tests.support.service import Api, Service

FILLED = {"agents", "keys", "calendars", "events", "occurrences", "changes", "feed_fetches", "failures"}

# Tables that name no agent, only digests of keys and addresses: `idempotency` keeps answers for a day at most, and none
# of a key that is gone; `allowances` counts for two hours; then upkeep forgets them. `migrations` is about the
# schema.
FORGETTING = {"idempotency", "allowances"}
OF_NOBODY = {"dispatchers", "migrations"}


def test_one_request_without_a_body_makes_an_agent(service: Service) -> None:
    answer = Api(service.url, None).http.post("/agents")
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == {"agent_id", "api_key", "message"}
    assert made["agent_id"].startswith("agt_")
    assert made["api_key"].startswith("sk_live_")
    assert len(made["api_key"]) >= len("sk_live_") + 32


def test_name_and_description_come_back_where_they_were_given(service: Service) -> None:
    made = Api(service.url, None).made("/agents", name="Ada", description="Plans weeks")
    assert (made["name"], made["description"]) == ("Ada", "Plans weeks")
    me = Api(service.url, made["api_key"]).got("/agents/me")
    assert me == {
        "agent_id": made["agent_id"],
        "name": "Ada",
        "description": "Plans weeks",
        "smtp_configured": False,
        "created_at": "2026-03-02T12:00:00.000Z",
    }


@pytest.mark.parametrize(("field", "most"), [("name", 255), ("description", 1024)])
def test_texts_of_an_agent_have_a_length_that_is_counted_in_characters(service: Service, field: str, most: int) -> None:
    anyone = Api(service.url, None)
    assert anyone.made("/agents", **{field: "ü" * most})[field] == "ü" * most
    refused = anyone.post("/agents", {field: "ü" * (most + 1)})
    assert refused.status_code == 400
    assert refused.json()["field"] == field
    assert str(most) in refused.json()["error"]


def test_an_agent_is_not_made_from_what_it_cannot_have(own_service: Service) -> None:
    wishes: tuple[tuple[Any, str, str | None], ...] = (
        ({"nmae": "Ada"}, "unknown_field", "nmae"),
        ({"name": 7}, "invalid_field", "name"),
        ({"description": ["a"]}, "invalid_field", "description"),
        ([], "invalid_json", None),
    )
    anyone = Api(own_service.url, None)
    for body, code, field in wishes:
        refused = anyone.post("/agents", body)
        assert refused.status_code == 400
        assert (refused.json()["code"], refused.json().get("field")) == (code, field)
    with psycopg.connect(own_service.dsn) as database:
        assert database.execute("select count(*) from agents").fetchone() == (0,)


def test_a_misspelt_field_is_answered_with_the_nearest_one(service: Service) -> None:
    refused = Api(service.url, None).http.post("/agents", json={"descripton": "x"})
    assert refused.json()["hint"] == "Did you mean description?"


def test_patch_changes_what_is_given_and_null_clears(api: Api) -> None:
    assert api.changed("/agents", {"name": "Ada", "description": "One"})["name"] == "Ada"
    assert api.changed("/agents/me", {"description": "Two"})["name"] == "Ada"
    cleared = api.changed("/agents", {"name": None})
    assert (cleared["name"], cleared["description"]) == (None, "Two")
    assert api.got("/agents/me") == cleared


def test_a_patch_of_nothing_is_refused_and_one_of_something_shows_no_key(api: Api) -> None:
    for body in (b"", b"{}"):
        refused = api.http.patch("/agents", content=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "nothing_to_change")
    answer = api.patch("/agents", {"name": "Ada"})
    assert "key" not in answer.text
    assert api.patch("/agents", {"api_key": "sk_live_mine"}).json()["code"] == "unknown_field"


def test_an_agent_is_only_removed_when_its_id_is_repeated(api: Api) -> None:
    agent_id = api.got("/agents/me")["agent_id"]
    for params in ({}, {"confirm": "yes"}, {"confirm": ""}):
        refused = api.delete("/agents/me", **params)
        assert (refused.status_code, refused.json()["code"]) == (400, "confirmation_required")
        assert f"?confirm={agent_id}" in refused.json()["hint"]
    assert api.got("/agents/me")["agent_id"] == agent_id


def test_a_removed_agent_leaves_no_row_behind_and_others_keep_theirs(own_service: Service) -> None:
    leaving, staying = (Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"]) for _ in range(2))
    for api in (leaving, staying):
        api.made("/agents/keys", scope="read")
        made = api.made("/calendars", name="Work", webhook_url="https://example.com/hook")
        events = f"/calendars/{made['calendar_id']}/events"
        times = {"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T10:00:00Z"}
        api.made(events, title="Once", **times)
        series = api.made(events, title="Daily", recurrence="FREQ=DAILY;COUNT=5", **times)
        api.changed(f"{events}/{series['id']}_20260305", {"title": "Moved"})
        api.http.post(events, json={"title": "Retried", **times}, headers={"Idempotency-Key": "retried"})
        assert api.http.get(made["ical_feed_url"]).status_code == 200
        assert api.get("/calenders").status_code == 404
    own_service.run(own_service.context.feed_fetches.flush())
    own_service.run(own_service.context.failures.flush())
    agent_id = leaving.got("/agents/me")["agent_id"]

    def rows() -> dict[str, int]:
        with psycopg.connect(own_service.dsn) as database:
            counted = ((t, database.execute(f"select count(*) from {t}".encode()).fetchone()) for t in tables(database))
            return {table: count[0] for table, count in counted if count}

    before = rows()
    assert {table for table, count in before.items() if count >= 2} >= FILLED
    leaving.deleted("/agents/me", confirm=agent_id)
    assert rows() == {table: count // 2 for table, count in before.items()}
    assert leaving.get("/agents/me").status_code == 401
    assert len(staying.got("/calendars")["calendars"]) == 1


def test_every_table_is_emptied_with_its_agent_or_forgets_by_itself(database: str) -> None:
    """A new table belongs to one of these kinds, or a removed agent would leave something behind."""
    with psycopg.connect(database) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        everything = {name for (name,) in rows}
        assert everything == set(tables(connection)) | FORGETTING | OF_NOBODY
        assert set(tables(connection)) >= FILLED


def test_what_was_kept_for_retries_and_limits_is_forgotten_in_time(own_service: Service) -> None:
    api = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    api.http.post("/calendars", json={"name": "Work"}, headers={"Idempotency-Key": "once"})
    at = own_service.context
    leaving = Api(own_service.url, Api(own_service.url, None).made("/agents")["api_key"])
    leaving.http.post("/calendars", json={"name": "Work"}, headers={"Idempotency-Key": "once"})
    leaving.deleted("/agents/me", confirm=leaving.got("/agents/me")["agent_id"])
    own_service.run(lease(at.db, b"k" * 32, at.clock.now(), 5))

    def left() -> list[int]:
        with psycopg.connect(own_service.dsn) as database:
            counts = (database.execute(f"select count(*) from {t}".encode()).fetchone() for t in sorted(FORGETTING))
            return [count[0] for count in counts if count]

    assert left() == [1, 1]
    own_service.clock.advance(KEPT)
    own_service.run(forget_answers(at.db, at.clock.now() + timedelta(seconds=1)))
    own_service.run(forget_allowances(at.db, at.clock.now()))
    assert left() == [0, 0]


def tables(database: psycopg.Connection[Any]) -> list[str]:
    """Every table that holds something of an agent, by its columns."""
    found = database.execute(
        "select distinct c.table_name from information_schema.columns c join information_schema.tables t"
        " using (table_schema, table_name) where table_schema = 'public' and table_type = 'BASE TABLE'"
        " and (column_name in ('agent_id', 'calendar_id') or c.table_name = 'agents')"
    ).fetchall()
    return [name for (name,) in found]

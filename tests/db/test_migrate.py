from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from app.db.migrate import Migration, Plan, migrate
from app.refusal import Refusal
from tests.support.postgres import clone, drop

PLAN = Plan(
    "create table notes (id int primary key, body text); create index notes_by_body on notes (body);",
    (
        Migration(1, "initial", "create table notes (id int primary key)"),
        Migration(2, "notes_have_a_body", "alter table notes add column body text"),
        Migration(3, "notes_are_found_by_body", "create index notes_by_body on notes (body)"),
    ),
)

# Everything about a schema that a statement could notice, in words that do not depend on how it was made.
CATALOG = (
    """select c.relname, c.relkind, c.relpersistence, c.reloptions::text
       from pg_class c where relnamespace = 'public'::regnamespace""",
    """select c.relname, row_number() over (partition by c.oid order by a.attnum), a.attname,
              format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
              a.attgenerated, a.attstorage, a.attcollation, pg_get_expr(d.adbin, d.adrelid)
       from pg_attribute a join pg_class c on c.oid = a.attrelid
       left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
       where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped""",
    """select conrelid::regclass::text, conname, contype, convalidated, pg_get_constraintdef(oid)
       from pg_constraint where connamespace = 'public'::regnamespace""",
    "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'",
    """select p.oid::regprocedure::text, pg_get_functiondef(p.oid) from pg_proc p
       where pronamespace = 'public'::regnamespace and prokind in ('f', 'p')""",
    "select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal",
    """select t.typname, t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
              (select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum where enumtypid = t.oid)
       from pg_type t where typnamespace = 'public'::regnamespace""",
    "select viewname, definition from pg_views where schemaname = 'public'",
    """select sequencename, data_type::text, start_value, increment_by from pg_sequences
       where schemaname = 'public'""",
    "select extname from pg_extension",
    """select objoid::regclass::text, objsubid, description from pg_description
       where classoid = 'pg_class'::regclass""",
)


def catalog(dsn: str) -> list[list[tuple[object, ...]]]:
    with psycopg.connect(dsn) as connection:
        return [sorted(connection.execute(query.encode()), key=repr) for query in CATALOG]


def numbers(dsn: str) -> list[int]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute("select number from migrations order by number")]


def age(dsn: str, plan: Plan, applied: int) -> None:
    """Give the database the shape it had when only the first migrations existed."""
    migrate(dsn, Plan("".join(f"{step.text};" for step in plan.migrations[:applied]), plan.migrations[:applied]))


@pytest.mark.parametrize("applied", range(len(PLAN.migrations) + 1))
def test_a_database_of_any_age_ends_as_a_fresh_one_does(
    database_server: str, empty_database: str, applied: int
) -> None:
    fresh = clone(database_server)
    try:
        migrate(fresh, PLAN)
        age(empty_database, PLAN, applied)
        assert migrate(empty_database, PLAN) == len(PLAN.migrations) - applied
        assert catalog(empty_database) == catalog(fresh)
        assert numbers(empty_database) == numbers(fresh) == [1, 2, 3]
        assert migrate(empty_database, PLAN) == 0
    finally:
        drop(database_server, fresh)


def test_the_migrations_of_this_release_lead_to_its_schema(database_server: str, empty_database: str) -> None:
    plan = Plan.read()
    assert plan.migrations
    stepwise = clone(database_server)
    try:
        migrate(empty_database, plan)
        age(stepwise, plan, 0)
        assert migrate(stepwise, plan) == len(plan.migrations)
        assert catalog(stepwise) == catalog(empty_database)
    finally:
        drop(database_server, stepwise)


def test_a_difference_between_two_databases_shows_in_the_catalog(database_server: str, empty_database: str) -> None:
    other = clone(database_server)
    try:
        migrate(empty_database, PLAN)
        migrate(other, Plan(PLAN.schema.replace("body text", "body text default ''"), PLAN.migrations))
        assert catalog(empty_database) != catalog(other)
    finally:
        drop(database_server, other)


def test_concurrent_starts_apply_each_migration_once(empty_database: str) -> None:
    age(empty_database, PLAN, 1)
    with ThreadPoolExecutor(6) as starts:
        steps = list(starts.map(lambda _: migrate(empty_database, PLAN), range(6)))
    assert sum(steps) == 2
    assert numbers(empty_database) == [1, 2, 3]


def test_concurrent_first_starts_make_one_schema(empty_database: str) -> None:
    with ThreadPoolExecutor(6) as starts:
        assert sorted(starts.map(lambda _: migrate(empty_database, PLAN), range(6))) == [0, 0, 0, 0, 0, 1]


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_database: str) -> None:
    age(empty_database, PLAN, 2)
    broken = Migration(3, "breaks_half_way", "alter table notes add column title text; select 1 / 0")
    with pytest.raises(Refusal, match=r"Migration 3 \(breaks_half_way\) .*division by zero"):
        migrate(empty_database, Plan(PLAN.schema, (*PLAN.migrations[:2], broken)))
    assert numbers(empty_database) == [1, 2]
    assert migrate(empty_database, PLAN) == 1


def test_a_database_of_a_newer_release_is_refused(empty_database: str) -> None:
    migrate(empty_database, PLAN)
    with pytest.raises(Refusal, match=r"newer Kalends \(its migration 3, while this one knows 2\)"):
        migrate(empty_database, Plan(PLAN.schema, PLAN.migrations[:2]))


def test_a_database_with_other_tables_is_refused(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("create table invoices (id int)")
    with pytest.raises(Refusal, match="a table 'invoices'"):
        migrate(empty_database, PLAN)


def test_a_database_that_cannot_be_reached_is_named_without_its_password() -> None:
    with pytest.raises(Refusal) as caught:
        migrate("postgresql://me:hunter2secret@127.0.0.1:1/calendars", PLAN)
    assert "'calendars' at 127.0.0.1" in str(caught.value)
    assert "DATABASE_URL" in str(caught.value)
    assert "hunter2secret" not in str(caught.value)


def test_a_gap_in_the_numbering_is_refused(tmp_path: Path) -> None:
    (tmp_path / "schema.sql").write_text("")
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_initial.sql").write_text("")
    (tmp_path / "migrations" / "0003_later.sql").write_text("")
    with pytest.raises(Refusal, match="expected 0002_"):
        Plan.read(tmp_path)

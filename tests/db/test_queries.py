from __future__ import annotations

from pathlib import Path

import pytest

from app.db.queries import load, parse

TEXT = """
-- Statements about events.

-- name: list_events
-- Why it is so: 100% of lists are paged.
select id, '-- not a comment'
from events  -- read by start
where calendar_id = %(calendar_id)s;

-- name: delete_event
delete from events where id = %(id)s
"""


def test_each_statement_is_an_attribute_without_its_comments_and_semicolon() -> None:
    queries = parse(TEXT, "queries.sql")
    assert queries.names() == {"list_events", "delete_event"}
    assert queries.list_events == (
        "select id, '-- not a comment'\nfrom events  -- read by start\nwhere calendar_id = %(calendar_id)s"
    )
    assert queries.delete_event == "delete from events where id = %(id)s"


def test_a_room_loads_the_file_beside_its_module(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(TEXT)
    for path in (tmp_path, tmp_path / "service.py", str(tmp_path / "queries.sql")):
        assert load(path).names() == {"list_events", "delete_event"}


def test_an_unknown_name_says_which_file_lacks_it() -> None:
    with pytest.raises(AttributeError, match=r"queries\.sql has no statement named list_evnets"):
        _ = parse(TEXT, "queries.sql").list_evnets


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: a\nselect 1;\n-- name: a\nselect 2;", "a is there twice"),
        ("-- name: a\n-- only a comment\n-- name: b\nselect 1", "a has no statement"),
        ("-- name: a", "a has no statement"),
        ("-- name:\nselect 1", "'' is not a name"),
        ("-- name: List Events\nselect 1", "'List Events' is not a name"),
        ("select 1;\n-- name: a\nselect 2", "has no name"),
    ],
)
def test_a_file_that_would_lose_a_statement_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(text, "queries.sql")

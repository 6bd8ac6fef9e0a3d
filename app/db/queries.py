"""Named SQL: every statement of a room stands in its .sql file, under a name and the reason it is as it is.

-- name: list_events
-- The paging key is (start_at, id), which the index of the same columns serves.
select … where calendar_id = %(calendar_id)s;
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

_HEADING: Final = re.compile(r"^--[ \t]*name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_COMMENT_LINE: Final = re.compile(r"^[ \t]*--.*\n?", re.MULTILINE)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


class Queries:
    """The statements of one file, each an attribute; parameters are psycopg's `%(name)s`."""

    def __init__(self, statements: Mapping[str, str], origin: str) -> None:
        self._statements = MappingProxyType(dict(statements))
        self._origin = origin

    def __getattr__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise AttributeError(f"{self._origin} has no statement named {name}") from None

    def names(self) -> frozenset[str]:
        return frozenset(self._statements)


def load(path: Path | str) -> Queries:
    """The statements of a .sql file, or of the `queries.sql` beside the Python file or in the directory
    given.

    So a room says `load(__file__)`. Raises ValueError for a name that is malformed or used twice, for a name
    without a statement, and for a statement without a name.
    """
    path = Path(path)
    if path.suffix != ".sql":
        path = (path if path.is_dir() else path.parent) / "queries.sql"
    return parse(path.read_text(encoding="utf-8"), str(path))


def parse(text: str, origin: str) -> Queries:
    """The statements in `text`; `origin` says where it stands, for error messages. Raises as `load`."""
    before, *rest = _HEADING.split(text)
    if _without_comments(before):
        raise ValueError(f"{origin} begins with a statement that has no name")
    statements: dict[str, str] = {}
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        statement = _without_comments(body).removesuffix(";").rstrip()
        if not _NAME.fullmatch(name):
            raise ValueError(f"{origin}: {name!r} is not a name in snake_case")
        if name in statements:
            raise ValueError(f"{origin}: {name} is there twice")
        if not statement:
            raise ValueError(f"{origin}: {name} has no statement")
        statements[name] = statement
    return Queries(statements, origin)


def _without_comments(text: str) -> str:
    # Whole comment lines only: a percent sign in one would be taken for a parameter.
    return _COMMENT_LINE.sub("", text).strip()

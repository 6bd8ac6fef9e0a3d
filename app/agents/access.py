"""Who is calling, and what its key allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.errors import Problem

Scope = Literal["read", "book", "full"]
_RANK: Final[dict[str, int]] = {"read": 0, "book": 1, "full": 2}


@dataclass(frozen=True, slots=True)
class Caller:
    """A living key: its id, its agent, its scope."""

    key_id: str
    agent_id: str
    scope: str

    def needs(self, scope: Scope) -> Caller:
        """Raises `scope_missing`, naming the scope needed and the one held. full includes book, book includes read."""
        if _RANK[self.scope] < _RANK[scope]:
            raise Problem(
                "scope_missing",
                f"This needs a key with scope {scope}; yours has {self.scope}.",
                hint="Use another key, or make one with POST /agents/keys and a key of scope full.",
                extra={"scope_needed": scope, "scope_held": self.scope},
            )
        return self

    @property
    def sees_secrets(self) -> bool:
        return self.scope == "full"


def admitted(row: Sequence[Any] | None, scope: Scope = "read") -> Caller:
    """The caller from the first three columns (key id, agent id, scope) of a statement's row.

    Raises `unauthorized` when there is no such row, `scope_missing` when its scope does not reach.
    """
    if row is None or row[0] is None:
        raise Problem(
            "unauthorized",
            "This API key is unknown, expired or revoked.",
            hint="Check the key; POST /agents makes a new agent with a new key.",
        )
    return Caller(row[0], row[1], row[2]).needs(scope)

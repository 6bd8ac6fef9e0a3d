"""Connections to Postgres, and what a caller is told when there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from app.errors import Problem
from app.settings import CONNECT_TIMEOUT, POOL_TIMEOUT, RETRY_AFTER, STATEMENT_TIMEOUT

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]

# Every statement of ours is written for one plan: walk an index in order, stop early, look up the rest by key. Left to
# guess from averages, the planner sorts a large calendar among small ones, or keeps a sequential scan it chose while
# a table was empty.
_PLANNING: Final = (
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off "
    "-c random_page_cost=1.1 -c jit=off"
)
PREPARE_AFTER: Final = 1  # executions: a statement seen twice on a connection is prepared, and twice as fast
IDLE_LIMIT: Final = 300.0  # seconds before a connection above the minimum is closed again
LIFE_LIMIT: Final = 3600.0  # seconds: a connection is renewed now and then, so that Postgres frees its caches
RECONNECT_LIMIT: Final = 5.0  # seconds of widening pauses before the pool's own attempts begin anew


def open_pool(dsn: str, *, min_size: int, max_size: int) -> Pool:
    """A pool of autocommit connections in UTC that prepare what they run twice; start it with `open()`.

    A statement ends after `STATEMENT_TIMEOUT`. A request waits `POOL_TIMEOUT` for a connection; wrap its use
    in `unavailable()`, which turns an outage into a Problem.
    """
    return AsyncConnectionPool(
        dsn,
        connection_class=AsyncConnection[TupleRow],
        min_size=min(min_size, max_size),
        max_size=max_size,
        timeout=POOL_TIMEOUT,
        max_idle=IDLE_LIMIT,
        max_lifetime=LIFE_LIMIT,
        reconnect_timeout=RECONNECT_LIMIT,
        open=False,
        name="kalends",
        kwargs={**connection_arguments(dsn), "prepare_threshold": PREPARE_AFTER},
    )


def connection_arguments(dsn: str) -> dict[str, Any]:
    """How every connection of ours is made."""
    # A hosted Postgres may need options of its own in the address; ours come after them.
    given = conninfo_to_dict(dsn).get("options") or ""
    ours = f"-c TimeZone=UTC -c statement_timeout={STATEMENT_TIMEOUT * 1000:.0f} {_PLANNING}"
    return {
        "autocommit": True,
        "row_factory": tuple_row,
        "application_name": "kalends",
        "client_encoding": "UTF8",
        "connect_timeout": CONNECT_TIMEOUT,
        "options": f"{given} {ours}".strip(),
    }


@contextmanager
def unavailable() -> Iterator[None]:
    """Turns the loss of the database into `Problem("unavailable")` with Retry-After; all else passes through.

    A statement cancelled for its length and one that lost against another writer are told the same way:
    trying again may help.
    """
    try:
        yield
    except (PoolTimeout, PoolClosed, TooManyRequests, InterfaceError, OperationalError) as error:
        state = getattr(error, "sqlstate", None) or ""
        if state == QueryCanceled.sqlstate:
            what = "took too long to answer"
        elif state.startswith("40") or state == LockNotAvailable.sqlstate:
            what = "is busy with other writes"
        else:
            what = "cannot be reached"
        raise Problem(
            "unavailable",
            f"The database {what} just now.",
            hint=f"Send the same request again in {RETRY_AFTER} seconds.",
            headers={"Retry-After": str(RETRY_AFTER)},
        ) from error

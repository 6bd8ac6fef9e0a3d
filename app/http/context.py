"""What every route may reach: settings, database, clock, sealer. Built once by `app.main`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from litestar import Request

from app.clock import Clock
from app.db.database import Database
from app.http.failures import Failures
from app.http.limits import Limiter
from app.http.tally import Tally
from app.http.waiters import Waiters
from app.net.client import HttpClient
from app.seal import Sealer
from app.settings import Settings


class Mails(Protocol):
    """What a write to an event has mailed, owed in the write's own transaction: the room `mail`, which lies above those
    that call it. `write` is a `Write` and `event` an `Event`."""

    async def before(self, write: Any, event: Any) -> Any:
        """What those invited to an event know of it, to be read before it changes; None where nobody is invited."""
        ...

    async def tell(self, write: Any, before: Any, event_id: str, *, invites: bool = False) -> dict[str, Any]:
        """Tell attendees what changed since `before`, None for an event that is new; `invites` where the write names
        attendees. Returns members for the answer."""
        ...

    async def answer(self, write: Any, event: Any, key: str, response: str) -> dict[str, Any]:
        """Tell the organiser of an event, or with `key` of one date of it, what was answered. Returns members for the
        answer."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    settings: Settings
    db: Database
    clock: Clock
    sealer: Sealer
    waiters: Waiters
    http_client: HttpClient
    """All outward HTTP goes through it, and so through the address guard."""
    limiter: Limiter
    """Of all limits: requests of keys, and whatever a room limits besides."""
    feed_fetches: Tally[str, tuple[datetime, int]]
    failures: Failures
    """Requests that failed, for the agents that made them."""
    rezone: Callable[[Any, str], Awaitable[None]]
    """Moves all-day events along with their calendar's zone; `app.engine` connects the rooms here."""
    mails: Mails

    @property
    def public_url(self) -> str:
        """What URLs in answers begin with; without a final slash."""
        return self.settings.url


def context(request: Request[Any, Any, Any]) -> Context:
    found: Context = request.app.state.context
    return found

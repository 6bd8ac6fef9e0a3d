"""One attempt at a webhook, and what follows from its answer."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from app.clock import Clock
from app.core.times import format_instant
from app.http.answers import json_of
from app.net.client import HttpClient
from app.net.reply import Reply
from app.outbox.endpoints import sealing_place
from app.outbox.model import Delivery, Outcome
from app.outbox.signing import headers_for
from app.seal import SealBroken, Sealer
from app.webhooks.messages import body_of

TIMEOUT: Final = 15.0  # seconds for the whole attempt; contract, as all that follows
READ_MOST: Final = 64 * 1024  # bytes of an answer that are read
KEPT_MOST: Final = 2 * 1024  # bytes of it that are kept in the log
WAITS: Final = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
    timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
)  # fmt: skip
JITTER: Final = 0.1  # of a wait, either way, so that what failed together does not come back together
RETRY_AFTER_MOST: Final = timedelta(hours=24)  # what an endpoint asks for beyond is taken as this
REMINDER_LIFE: Final = timedelta(hours=1)  # after its moment a reminder is of no more use
USER_AGENT: Final = "Kalends-Webhooks/1"
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt as it went; `answer` is the beginning of what came back."""

    at: datetime
    seconds: float
    status: int | None
    error: str | None
    answer: str

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def as_json(self) -> str:
        return json_of(
            {
                "at": format_instant(self.at),
                "ms": round(self.seconds * 1000, 1),
                "status_code": self.status,
                "error": self.error,
                "response": self.answer,
            }
        )


class WebhookCarrier:
    """Sends what is owed to endpoints."""

    def __init__(self, client: HttpClient, sealer: Sealer, clock: Clock) -> None:
        self._client, self._sealer, self._clock = client, sealer, clock

    def is_ordered(self, delivery: Delivery) -> bool:
        """First attempts at changes go in the order of the log."""
        return delivery.seq is not None and delivery.attempts == 0

    async def attempt(self, delivery: Delivery) -> Outcome:
        now = self._clock.now()
        if (overtaken := _overtaken(delivery, now)) is not None:
            return Outcome("failed", overtaken, attempted=False)
        sent, reply = await self.send(delivery)
        if sent.succeeded:
            return Outcome("delivered", log=sent.as_json(), well=True)
        return self._after_failure(delivery, sent, reply)

    async def send(self, delivery: Delivery) -> tuple[Sent, Reply | None]:
        """Put the question once, whatever follows from it."""
        now, body = self._clock.now(), body_of(delivery)
        try:
            secrets = self._secrets(delivery, now)
        except SealBroken as broken:
            return Sent(now, 0.0, None, f"The endpoint's secret does not open: {broken}", ""), None
        assert delivery.url is not None
        headers = headers_for(delivery.id, int(now.timestamp()), body, secrets)
        headers |= {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        reply = await self._client.request(
            "POST",
            delivery.url,
            headers=headers,
            body=body,
            timeout=TIMEOUT,
            read_most=READ_MOST,
            keep_most=KEPT_MOST,
            repeatable=True,  # a receiver tells a second copy by its webhook-id
        )
        error = None if reply.error is None else reply.detail or reply.error
        return Sent(now, reply.seconds, reply.status, error, _readable(reply.body)), reply

    def _after_failure(self, delivery: Delivery, sent: Sent, reply: Reply | None) -> Outcome:
        entry = sent.as_json()
        if sent.status == _GONE:
            return Outcome("failed", "gone", log=entry, well=False, disables="The endpoint answered 410 Gone.")
        if delivery.attempts >= len(WAITS):
            return Outcome("failed", "exhausted", log=entry, well=False)
        wait = WAITS[delivery.attempts] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (spreads load)
        now = self._clock.now()
        due_at = now + max(wait, _asked_to_wait({} if reply is None else reply.headers, now))
        if delivery.fires_at is not None and due_at > delivery.fires_at + REMINDER_LIFE:
            return Outcome("failed", "expired", log=entry, well=False)
        return Outcome("pending", due_at=due_at, log=entry, well=False)

    def _secrets(self, delivery: Delivery, now: datetime) -> list[str]:
        """The present secret, and the one before while it still signs."""
        assert delivery.owner is not None
        place = sealing_place(delivery.owner)
        sealed = [delivery.secret_sealed]
        if delivery.previous_until is not None and now < delivery.previous_until:
            sealed.append(delivery.previous_sealed)
        return [self._sealer.open(each, place) for each in sealed if each is not None]


def _overtaken(delivery: Delivery, now: datetime) -> str | None:
    """Why a delivery is not to be sent any more."""
    if delivery.seq is not None and delivery.changed_at is None:
        return "forgotten"  # the log does not reach back so far
    if delivery.fires_at is None:
        return None
    if not delivery.stands:
        return "overtaken"  # cancelled or moved since it fell due
    return "expired" if now >= delivery.fires_at + REMINDER_LIFE else None


def _asked_to_wait(headers: Mapping[str, str], now: datetime) -> timedelta:
    """Retry-After (RFC 9110 10.2.3): seconds, or a date. Nothing where it cannot be read."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        asked = timedelta(seconds=int(text))
    else:
        try:
            at = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return timedelta()
        asked = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return min(max(asked, timedelta()), RETRY_AFTER_MOST)


def _readable(answer: bytes) -> str:
    """An answer as text that can be stored."""
    return answer.decode("utf-8", errors="replace").replace("\0", "\ufffd")

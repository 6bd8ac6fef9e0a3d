"""What every process of a deployment is made of, whether it serves, sends, or both: the database, the clients, and the
work that goes on without a request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from app.agents.service import mark_keys_used
from app.clock import Clock, SystemClock
from app.daily import daily
from app.db.database import Database
from app.db.line import Line
from app.db.partitions import make_months
from app.db.pool import Pool, open_pool
from app.events.rezone import rezone
from app.events.upkeep import upkeep
from app.failures.service import forget_failures, store_failures
from app.feeds.insight import store_fetches
from app.feeds.service import read_cache
from app.http.context import Context
from app.http.failures import Failures
from app.http.limits import Limiter, lease
from app.http.tally import Tally
from app.http.waiters import CHANNEL, Waiters
from app.inbound.retries import MailRetries
from app.inbound.upkeep import forget_mails, forget_threads
from app.mail.carrier import MailCarrier
from app.mail.room import MailRoom
from app.mail.transport import Transports
from app.metrics.sharing import Place
from app.monitoring.monitor import Monitor
from app.net.client import HttpClient
from app.net.guard import Guard
from app.outbox.dispatcher import Dispatcher
from app.outbox.forgetting import forget_deliveries
from app.outbox.model import Carrier
from app.seal import Sealer
from app.settings import Settings
from app.webhooks.reminders import Reminders
from app.webhooks.sending import USER_AGENT, WebhookCarrier

DAILY: Final = (make_months, forget_deliveries, forget_mails, forget_threads, forget_failures)
POOL_MIN: Final = 2  # connections kept warm per process


@dataclass(frozen=True, slots=True)
class Engine:
    """`dispatcher` is None where another process sends."""

    context: Context
    key_usage: Tally[bytes, datetime]
    dispatcher: Dispatcher | None
    mail_retries: MailRetries
    monitor: Monitor
    _pools: Mapping[str, Pool]
    _line: Line
    _operators_client: HttpClient

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything open and at work while the block lasts. What sends ends before what it sends with."""
        at = self.context
        async with AsyncExitStack() as stack:
            for pool in self._pools.values():
                await stack.enter_async_context(pool)
            await stack.enter_async_context(self._line.running())
            await stack.enter_async_context(at.http_client)
            await stack.enter_async_context(self._operators_client)
            await stack.enter_async_context(self.monitor.running())
            await stack.enter_async_context(at.waiters.running(at.db))
            await stack.enter_async_context(at.feed_fetches.running())
            await stack.enter_async_context(at.failures.running())
            await stack.enter_async_context(self.key_usage.running())
            await stack.enter_async_context(upkeep(at))
            await stack.enter_async_context(daily(at.db, at.clock, DAILY))
            await stack.enter_async_context(self.mail_retries.running())
            if self.dispatcher is not None:
                await stack.enter_async_context(self.dispatcher.running())
            yield

    def begin_stop(self) -> None:
        """Whoever waits is let go, and nothing new is sent; what is under way goes on."""
        self.context.waiters.stop()
        if self.dispatcher is not None:
            self.dispatcher.begin_stop()


def make_engine(
    settings: Settings, dsn: str, clock: Clock | None = None, *, dispatches: bool, place: Place | None = None
) -> Engine:
    """Nothing is opened before `running`. `place` is where the process stands among others that are watched as one."""
    clock, sealer = clock or SystemClock(), Sealer(settings.secret_keys)
    open_ = partial(open_pool, dsn, min_size=POOL_MIN, is_pooler=settings.is_pooled, prepares=settings.prepares)
    pools = {"requests": open_(max_size=settings.pool_size)}
    dispatchers: list[Dispatcher] = []

    def wake() -> None:
        for dispatcher in dispatchers:
            dispatcher.wake()

    waiters = Waiters(wake, sends_here=dispatches)
    db = Database(pools["requests"], waiters.committed)
    guard = Guard.of(settings)
    client = HttpClient(guard, user_agent=USER_AGENT)
    operators_client = HttpClient(Guard.trusting(), user_agent=USER_AGENT)  # for hosts that settings name
    transports = Transports(settings, sealer, guard, operators_client)
    context = Context(
        settings=settings,
        db=db,
        clock=clock,
        sealer=sealer,
        waiters=waiters,
        http_client=client,
        limiter=Limiter(partial(lease, db)),
        feed_fetches=Tally("feed_fetches", partial(store_fetches, db)),
        failures=Failures(partial(store_failures, db)),
        rezone=rezone,
        mails=MailRoom(transports),
    )
    mail_retries = MailRetries(context)
    if dispatches:
        if settings.sending_pool_size:
            pools["sending"] = open_(max_size=settings.sending_pool_size)
        sending = Database(pools.get("sending", pools["requests"]))
        carriers: dict[str, Carrier] = {
            "webhook": WebhookCarrier(client, sealer, clock),
            "mail": MailCarrier(sending, clock, transports),
        }
        dispatchers.append(Dispatcher(sending, clock, carriers, [Reminders(sending), mail_retries]))
    key_usage = Tally("key_usage", partial(mark_keys_used, db))
    first = dispatchers[0] if dispatchers else None
    readings = (context.limiter.read, waiters.read, read_cache)
    monitor = Monitor(db, clock, pools, readings, place or Place())
    line = Line(settings.database_direct_url or dsn, CHANNEL, waiters.heard, list(pools.values()))
    return Engine(context, key_usage, first, mail_retries, monitor, pools, line, operators_client)

"""Whether this machine knows what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from app.clock import Clock
from app.core.zones import TZDATA_VERSION
from app.db.inspect import Inspection
from app.doctor.finding import Finding, fault, ok, warning
from app.doctor.sql import sql

CHECK: Final = "clock"
APART_TO_WORRY: Final = timedelta(seconds=1)  # how exact reminders are
APART_TO_STOP: Final = timedelta(seconds=30)  # by then reminders come, and leases end, visibly wrong
_MEND: Final = "Let both machines keep their time by NTP (`timedatectl set-ntp true`)."


def check_clock(clock: Clock, since: tuple[float, float]) -> list[Finding]:
    """`since` is what `readings` gave a while ago."""
    year, oldest = clock.now().year, int(TZDATA_VERSION[:4])
    if year < oldest:
        return [
            fault(
                CHECK,
                f"This machine's clock shows the year {year}, before its zone rules were published ({TZDATA_VERSION}).",
                "Set the clock, and let it be kept by NTP (`timedatectl set-ntp true`).",
            )
        ]
    wall, steady = readings(clock)
    jumped = (wall - since[0]) - (steady - since[1])
    if abs(jumped) > APART_TO_WORRY.total_seconds():
        return [
            warning(
                CHECK,
                f"The clock jumped by {jumped:+.1f} seconds within the last {steady - since[1]:.1f}.",
                "Have NTP slew the clock instead of setting it, and see that nothing else sets it.",
            )
        ]
    return [ok(CHECK, f"It is {clock.now():%Y-%m-%d %H:%M:%S} UTC.")]


def readings(clock: Clock) -> tuple[float, float]:
    """The clock, and one that never jumps, both in seconds."""
    return clock.now().timestamp(), time.monotonic()


def check_difference(clock: Clock) -> Callable[[Inspection], list[Finding]]:
    """A check of this machine's clock against the database's."""

    def check(at: Inspection) -> list[Finding]:
        before = clock.now()
        (theirs,) = at.one(sql.clock)
        after = clock.now()
        ahead = theirs - (before + (after - before) / 2)
        doubt = (after - before) / 2
        if abs(ahead) - doubt <= APART_TO_WORRY:
            return []
        seconds = f"{abs(ahead).total_seconds():,.0f} seconds {'ahead of' if ahead > timedelta() else 'behind'}"
        message = f"The database's clock is {seconds} this machine's: reminders and leases go by both."
        return [(fault if abs(ahead) - doubt > APART_TO_STOP else warning)(CHECK, message, _MEND)]

    return check

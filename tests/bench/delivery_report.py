"""The section on deliveries, on the page and on the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tests.bench.deliveries import (
    HANGING_AIM,
    INSTANT_AIM,
    P50_AIM,
    P99_AIM,
    RATE_AIM,
    Delivered,
    Deliveries,
)
from tests.bench.looking import AIM, Look
from tests.bench.text import fine, markdown, number

_HEADS: Final = ("Deliveries", "p50 ms", "p95 ms", "p99 ms", "all after s", "a second", "astray", "web µs",
                 "Postgres µs", "receiver µs", "met")  # fmt: skip
_LOOK_HEADS: Final = ("occurrences to come", "nothing due, p50 ms", "p99 ms", "all endpoints wait, p50 ms", "p99 ms",
                      "a reminder fires, p50 ms", "p99 ms", "met")  # fmt: skip
_SECTION: Final = re.compile(r"## Deliveries\n.*?(?=^## )", re.DOTALL | re.MULTILINE)
_NEXT: Final = "## Repeat it\n"


def delivery_table(deliveries: Deliveries) -> str:
    return markdown(_HEADS, [_row(part) for part in deliveries.parts])


def look_table(looks: Sequence[Look]) -> str:
    return markdown(_LOOK_HEADS, [_look_row(look) for look in looks])


def section(date: str, deliveries: Deliveries | None, looks: Sequence[Look]) -> str:
    """As Markdown; nothing where nothing was measured."""
    if deliveries is None:
        return ""
    share = max(part.rate for part in deliveries.parts) / deliveries.bare
    return f"""## Deliveries

Measured on {date}. One process writes, fires, signs, sends and records; a receiver of a few lines shares the machine
with it. Milliseconds are from the moment of a reminder, or from when a change was written, until the message has
arrived. *all after s* runs from the first of these moments to the last arrival; *astray* counts what was missing, came
twice, or came out of order. Changes are measured as their events are made over HTTP, by 16 clients as fast as they are
answered, so that *a second* is the pace of the writes; reminders fall due by the clock.

{delivery_table(deliveries)}

Aimed at: of reminders over a minute p50 under {P50_AIM:g} ms and p99 under {P99_AIM:g} ms; of those at one instant the
last within {INSTANT_AIM:g} s, at {RATE_AIM:,.0f} a second or more; where some endpoints hang, a p95 of the others
under {HANGING_AIM:g} times what it is without. The client and the signature alone, without outbox and record, make
{number(deliveries.bare)} posts a second to the same receiver; the fastest of the above is {share:.0%} of that.

What a look of the dispatcher takes as the database fills: one that finds nothing due, the same while an endpoint in
every calendar has a delivery that waits for another attempt, and one reminder put into the outbox. Aimed at is a p99
under {AIM:g} ms of the first two.

{look_table(looks)}

"""


def with_section(page: str, new: str) -> str:
    """The page with its section on deliveries replaced, or added before the last."""
    without = _SECTION.sub("", page)
    return without.replace(_NEXT, new + _NEXT, 1)


def _row(part: Delivered) -> tuple[str, ...]:
    return (
        part.title,
        fine(part.p50, 1),
        fine(part.p95, 1),
        fine(part.p99, 1),
        fine(part.seconds),
        number(part.rate),
        str(part.astray),
        number(part.web),
        number(part.postgres),
        number(part.receiver),
        _verdict(part.met),
    )


def _look_row(look: Look) -> tuple[str, ...]:
    figures = (look.p50, look.p99, look.waiting_p50, look.waiting_p99, look.firing_p50, look.firing_p99)
    return (f"{look.occurrences:,}", *(fine(each) for each in figures), _verdict(look.met))


def _verdict(met: bool | None) -> str:
    return "–" if met is None else "yes" if met else "no"

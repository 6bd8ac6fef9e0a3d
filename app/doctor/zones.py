"""Whether the rules of time zones are those of the locked package, and as new as Kalends needs them."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from typing import Final

from app.core.zones import TZDATA_VERSION, load_zone
from app.db.inspect import Inspection
from app.doctor.finding import Finding, fault, ok, warning
from app.doctor.sql import sql

CHECK: Final = "zone data"
SAMPLE: Final = {  # zones whose winter changed in 2026, and what their clocks show on its fifteenth of December
    "America/Vancouver": timedelta(hours=-7),
    "America/Winnipeg": timedelta(hours=-5),
}
_THAT_DAY: Final = datetime(2026, 12, 15, 12)


def check_rules() -> list[Finding]:
    if zoneinfo.TZPATH:
        return [
            fault(
                CHECK,
                "Zone rules would come from the system, whose release nobody knows.",
                "Report this: Kalends switches them off, and something switched them on.",
            )
        ]
    wrong = [name for name, offset in SAMPLE.items() if load_zone(name).utcoffset(_THAT_DAY) != offset]
    if wrong:
        return [
            fault(
                CHECK,
                f"The tzdata package ({TZDATA_VERSION}) does not know the present rules of {' and '.join(wrong)}.",
                "Install what requirements.lock names: `./scripts/serve` does so, or `pip install -U tzdata`.",
            )
        ]
    return [ok(CHECK, f"The rules are those of tzdata {TZDATA_VERSION}, from the package alone.")]


def check_stored(at: Inspection) -> list[Finding]:
    """Whether stored times were computed with the present rules."""
    older = {version: count for version, count in at.all(sql.tzdata) if version != TZDATA_VERSION}
    if not older:
        return []
    listed = ", ".join(f"{count:,} with {version}" for version, count in older.items())
    return [
        warning(
            CHECK,
            f"Calendars have times that were computed with other rules than tzdata {TZDATA_VERSION}: {listed}.",
            "Let `kalends serve` run: it computes them anew within a day, and logs what moves.",
        )
    ]

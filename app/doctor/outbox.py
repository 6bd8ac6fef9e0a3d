"""Whether what is owed is being sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.db.inspect import Inspection
from app.doctor.finding import Finding, fault, ok, warning
from app.doctor.sql import sql
from app.outbox.dispatcher import DEAD_AFTER
from app.settings import Settings

CHECK: Final = "outbox"
LATE: Final = 60  # seconds: what is due leaves within one where anything sends
COUNTED: Final = 10_000  # of what is late: more need not be told apart


def check_outbox(settings: Settings, *, runs: bool) -> Callable[[Inspection], list[Finding]]:
    """A check of what waits and who sends; `runs` is False where the database was started only to be looked at."""

    def check(at: Inspection) -> list[Finding]:
        late, since = at.one(sql.outbox, {"late": LATE, "most": COUNTED + 1})
        (sending,) = at.one(sql.dispatchers, {"dead_after": DEAD_AFTER})
        count = f"More than {COUNTED:,}" if late > COUNTED else f"{late:,}"
        waiting = f"{count} message{'' if late == 1 else 's'} overdue, since {since:%Y-%m-%d %H:%M} UTC" if late else ""
        if sending:
            alive = f"{sending} process{'' if sending == 1 else 'es'} send{'s' if sending == 1 else ''} what is owed"
            if not late:
                return [ok(CHECK, f"{alive}, and nothing is overdue.")]
            mend = "See the logs for what fails; more `kalends worker` processes send more at once."
            return [warning(CHECK, f"{alive}, with {waiting}.", mend)]
        who = "`kalends serve`" if settings.dispatch else "`kalends worker`, since KALENDS_DISPATCH is off"
        if late:
            return [(fault if runs else warning)(CHECK, f"Nothing sends, with {waiting}.", f"Start {who}.")]
        if runs and not settings.dispatch:
            return [warning(CHECK, "KALENDS_DISPATCH is off, and no worker sends instead.", f"Start {who}.")]
        return [ok(CHECK, "Nothing sends now, and nothing is overdue.")]

    return check

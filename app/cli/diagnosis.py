"""`kalends doctor`"""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from app.cli.command import Command
from app.cli.serving import DATABASE_NAME
from app.cli.terminal import paint, print_json, progress, say

if TYPE_CHECKING:
    from app.clock import Clock
    from app.doctor.finding import Finding

_COLOURS: Final = {"ok": "green", "warning": "yellow", "fault": "red"}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a list of {check, state, message, mend}")


def doctor(chosen: argparse.Namespace, clock: Clock | None = None) -> int | None:
    """Exit code 1 where there is a fault."""
    from app.clock import SystemClock
    from app.doctor.examine import examine

    findings: list[Finding] = []
    with (
        progress() as show,
        closing(examine(os.environ, clock or SystemClock(), database_name=DATABASE_NAME, show=show)) as examination,
    ):
        for finding in examination:
            findings.append(finding)
            if not chosen.json:
                show("")
                _print(finding)
    if chosen.json:
        print_json([asdict(finding) for finding in findings])
    faults, warned = (sum(finding.state == state for finding in findings) for state in ("fault", "warning"))
    say(f"{faults} fault{'' if faults == 1 else 's'}, {warned} warning{'' if warned == 1 else 's'}.")
    return 1 if faults else None


def _print(finding: Finding) -> None:
    state = paint(finding.state.ljust(7), _COLOURS[finding.state])
    print(f"{state}  {finding.check}: {finding.message}", flush=True)
    if finding.mend:
        print(f"{'':9}{paint(f'→ {finding.mend}', 'bold')}", flush=True)


COMMANDS: Final = (
    Command(
        "doctor",
        "examine settings, database, keys, clock, zone data, outbox and mail, and say how to mend what is wrong",
        doctor,
        _arguments,
        "Takes the same environment as serve. Changes nothing and sends nothing; it calls only what the settings name. "
        "An embedded Postgres that does not run is started for it. Ends with 1 where there is a fault.",
        ("kalends doctor", "kalends doctor --json | jq '.[] | select(.state == \"fault\")'"),
    ),
)

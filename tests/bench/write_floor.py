"""The floor under a write: pgbench with the statements of one recorded request, prepared, from 16 connections.

Statements that commit by themselves do so here. Of a transaction, the script locks the calendar, takes its seq, and
sends everything that is not asked for an answer with the commit in one pipeline, as Kalends does. Ids that must differ
are made of a random number. Values stand as literals: pgbench prepares each statement once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from psycopg.adapt import Transformer
from psycopg.conninfo import conninfo_to_dict

from app.db.binaries import find
from app.db.pool import open_pool
from app.refusal import Refusal
from tests.bench.recording import Statement

CONNECTIONS: Final = 16
_NUMBERED: Final = ("seq", "version")  # parameters that hold the number of the change
_PARAMETER: Final = re.compile(r"%\((\w+)\)s")
_TPS: Final = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


def find_pgbench() -> Path | None:
    """pgbench beside the embedded server, or on the PATH."""
    try:
        beside = find().postgres.with_name("pgbench")
    except Refusal:
        beside = Path()
    if beside.is_file():
        return beside
    elsewhere = shutil.which("pgbench")
    return Path(elsewhere) if elsewhere else None


def script(statements: Sequence[Statement], made: str | None = None) -> str:
    """The pgbench script of one write. `made` is the id the recorded request drew, to be drawn anew each time."""
    drawing = "\\set drawn random(1, 9000000000000000)"
    if not any(each.text == "begin" for each in statements):  # each of them commits by itself
        return "\n".join([drawing, *(_filled(each, made) + ";" for each in statements), ""])
    body = [each for each in statements if each.text not in ("begin", "commit")]
    answering = max((n for n, each in enumerate(body, 1) if _has_answer(each.text)), default=0)
    asked = [_filled(each, made) + ("\n\\gset" if " for update" in each.text else ";") for each in body[:answering]]
    sent = [_filled(each, made) + ";" for each in body[answering:]]
    return "\n".join([drawing, "begin;", *asked, "\\startpipeline", *sent, "commit;", "\\endpipeline", ""])


def transactions_per_second(pgbench: Path, dsn: str, script_file: Path, seconds: int) -> float:
    """Run the script; raises SystemExit with pgbench's words where it fails."""
    server = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    environment = {**os.environ, "PGHOST": server["host"], "PGPORT": server["port"], "PGUSER": server["user"]}
    environment["PGOPTIONS"] = _options(dsn)
    command = [str(pgbench), "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-T", str(seconds), "-f", str(script_file)]
    run = subprocess.run([*command, server["dbname"]], env=environment, capture_output=True, text=True, check=False)
    found = _TPS.search(run.stdout)
    if run.returncode or found is None:
        raise SystemExit(f"pgbench failed: {run.stderr[-2000:]}")
    return float(found[1])


def _options(dsn: str) -> str:
    """The planner's settings that Kalends' own connections have."""
    given = open_pool(dsn, min_size=0, max_size=1).kwargs
    return str(given["options"]) if isinstance(given, dict) else ""


def _has_answer(text: str) -> bool:
    return text.lstrip().lower().startswith(("select", "with"))


def _filled(statement: Statement, made: str | None) -> str:
    return _PARAMETER.sub(lambda found: _value(found[1], statement.params[found[1]], made), statement.text)


def _value(name: str, value: Any, made: str | None) -> str:
    if name in _NUMBERED and isinstance(value, int):
        return "(:seq + 1)"
    if isinstance(value, str):
        if made is None or made not in value:
            return _quoted(value)
        # An id of the same length as the one recorded, so that rows and indexes weigh the same.
        drawn = f"lpad(:drawn::text, {len(made)}, 'evt_bench000000000000000000000000')"
        return drawn if value == made else f"replace({_quoted(value)}, {_quoted(made)}, {drawn})"
    literal = Transformer().as_literal(value).decode().strip()
    quoted = re.fullmatch(r"'((?:[^'\\]|'')*)'(.*)", literal, re.DOTALL)
    return _quoted(quoted[1].replace("''", "'")) + quoted[2] if quoted else literal


def _quoted(text: str) -> str:
    """A literal in which pgbench sees neither variables (a colon before a letter) nor line ends."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return "E'" + re.sub(r"[:;\x00-\x1f]", lambda found: f"\\{ord(found[0]):03o}", escaped) + "'"

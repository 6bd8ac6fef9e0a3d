"""What processes cost, as /proc counts it. Where there is no /proc, every figure is nan."""

from __future__ import annotations

import os
from math import nan
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_PARENT, _USER, _SYSTEM, _REAPED_USER, _REAPED_SYSTEM = 1, 11, 12, 13, 14  # fields of stat behind the name, from 0


def cpu_seconds(pid: int) -> float:
    """Processor time of one process so far, all its threads together."""
    fields = _stat(pid)
    return _seconds(fields, _USER, _SYSTEM) if fields else nan


def family_cpu_seconds(pid: int) -> float:
    """Processor time of a process, its children, and those children that have ended: a Postgres and its backends."""
    parent = _stat(pid)
    if not parent:
        return nan
    children = (_stat(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit())
    own = _seconds(parent, _USER, _SYSTEM, _REAPED_USER, _REAPED_SYSTEM)
    return own + sum(_seconds(child, _USER, _SYSTEM) for child in children if child and int(child[_PARENT]) == pid)


def resident_megabytes(pid: int) -> float:
    """Memory of a process that is in RAM now, shared pages included."""
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return nan
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), nan)


def _stat(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _seconds(fields: list[str], *which: int) -> float:
    return sum(int(fields[index]) for index in which) / os.sysconf("SC_CLK_TCK")

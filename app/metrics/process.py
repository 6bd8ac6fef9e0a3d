"""What the system says of this process. Linux tells all of it; elsewhere what cannot be had is left out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from app.metrics import families

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_BEGAN: Final = time.time()


def read_process() -> None:
    """Bring the process's own gauges up to date; about 50 µs."""
    families.STARTED.set(round(_BEGAN, 3))
    times = os.times()
    families.CPU.set(round(times.user + times.system, 3))
    try:
        families.MEMORY.set(int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE)
        families.FILES.set(len(os.listdir("/proc/self/fd")))
    except OSError:
        return

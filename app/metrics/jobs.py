"""Counting the runs of jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.metrics import families


@contextmanager
def job_run(job: str) -> Iterator[None]:
    """One run of a job: how long it took, and whether it succeeded; a run that is stopped counts as neither."""
    began = time.perf_counter()
    try:
        yield
    except Exception:
        families.JOBS.observe(time.perf_counter() - began, job, "failed")
        raise
    families.JOBS.observe(time.perf_counter() - began, job, "succeeded")
    families.JOB_SUCCEEDED.set(round(time.time(), 3), job)

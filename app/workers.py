"""Work too slow for the event loop: one thread for what takes milliseconds, one for what takes seconds, so that however
much arrives, requests keep flowing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_thread: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kalends-work")
_long_thread: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kalends-long-work")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a pure function on the worker thread."""
    return await asyncio.get_running_loop().run_in_executor(_thread, lambda: function(*args, **kwargs))


async def in_long_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for a piece of work on a whole file, which must not hold up a read that waits for some milliseconds."""
    return await asyncio.get_running_loop().run_in_executor(_long_thread, lambda: function(*args, **kwargs))

"""How many files are imported and exported at once, and what may come as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.errors import Problem
from app.http.requests import AnyRequest, shown
from app.settings import RETRY_AFTER

AT_ONCE: Final = 2  # files of a process each way: each may take some hundred megabytes, and seconds of the long thread
WAIT_FOR_PLACE: Final = 30.0  # seconds
READ_WITHIN: Final = 60.0  # seconds for a body, so that a slow one does not hold the place of others for long
TAKEN: Final = frozenset(
    {
        "",
        "text/calendar",
        "application/ics",
        "application/octet-stream",
        "text/plain",
        "application/x-www-form-urlencoded",  # what curl says of --data-binary
    }
)


class Gate:
    """One of a process: the places of imports, and those of exports."""

    def __init__(self) -> None:
        self.imports: Final = asyncio.Semaphore(AT_ONCE)
        self.exports: Final = asyncio.Semaphore(AT_ONCE)

    @staticmethod
    @asynccontextmanager
    async def place(places: asyncio.Semaphore) -> AsyncIterator[None]:
        """Raises `unavailable` where none is free within half a minute."""
        try:
            async with asyncio.timeout(WAIT_FOR_PLACE):
                await places.acquire()
        except TimeoutError:
            raise _unavailable("Other files are being imported or exported just now.") from None
        try:
            yield
        finally:
            places.release()


async def body_of(request: AnyRequest) -> bytes:
    """The request's body. Raises `unavailable` where it does not come within a minute."""
    try:
        async with asyncio.timeout(READ_WITHIN):
            return await request.body()
    except TimeoutError:
        raise _unavailable("The body did not arrive in time.", Connection="close") from None


def charset_of(request: AnyRequest) -> str | None:
    """The charset that the Content-Type names. Raises `invalid_field` for a type that no calendar file has."""
    kind, *parameters = request.headers.get("content-type", "").split(";")
    if kind.strip().lower() not in TAKEN:
        raise Problem(
            "invalid_field",
            f"{shown(kind.strip())} is no Content-Type of a calendar file.",
            hint="Send the .ics file itself as the body, with Content-Type: text/calendar.",
            field="Content-Type",
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"') or None
    return None


def _unavailable(sentence: str, **headers: str) -> Problem:
    return Problem("unavailable", sentence, hint="Send it again.", headers={"Retry-After": str(RETRY_AFTER), **headers})

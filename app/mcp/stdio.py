"""`kalends mcp`: the same tools over standard input and output, performed at a deployment over the network.

Standard output carries the protocol alone; the library sees to it that nothing else gets there. What went wrong is told
to the client in results, and to a person on standard error.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Mapping
from typing import Final

import msgspec
from mcp.server.stdio import stdio_server

from app.mcp.calling import Answer
from app.mcp.remote import Remote
from app.mcp.server import make_server
from app.mcp.transport import WHOSE
from app.refusal import Refusal
from app.settings import DEFAULT_URL, client_url

_KEY: Final = re.compile(r"[!-~]{1,200}")


def serve_stdio(environ: Mapping[str, str]) -> None:
    """Serve until standard input ends. Raises a `Refusal` where the key is missing or dead, or the deployment cannot be
    reached: better at once than in the middle of a conversation."""
    try:
        url = client_url(environ.get("KALENDS_URL", "").strip() or DEFAULT_URL)
    except ValueError as fault:
        raise Refusal(f"KALENDS_URL {fault}", exit_code=2) from None
    key = environ.get("KALENDS_API_KEY", "").strip()
    if not key:
        raise Refusal(
            f"KALENDS_API_KEY is not set: set it to your agent's key. `curl -X POST {url}/agents` makes an agent.",
            exit_code=2,
        )
    if not _KEY.fullmatch(key):
        raise Refusal("KALENDS_API_KEY is not a key: copy the api_key once more.", exit_code=2)
    for stop in (signal.SIGINT, signal.SIGTERM):  # ends at once: nothing is kept here, and a thread waits for input
        signal.signal(stop, signal.SIG_DFL)
    asyncio.run(_serve(url, key))


async def _serve(url: str, key: str) -> None:
    caller = Remote(url, key)
    async with caller.client:
        _check(url, await caller(WHOSE))
        server = make_server(lambda _: caller)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())


def _check(url: str, answer: Answer) -> None:
    if answer.status == 200:
        return
    try:
        told = msgspec.json.decode(answer.body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        told = {}
    if "code" not in told:
        raise Refusal(f"{url} answers, but it is not Kalends: check KALENDS_URL.", exit_code=2)
    wrong_key = answer.status == 401
    told_so = " ".join(str(told[name]) for name in ("error", "hint") if name in told)
    raise Refusal(f"KALENDS_API_KEY: {told_so}" if wrong_key else told_so, exit_code=2 if wrong_key else 1)

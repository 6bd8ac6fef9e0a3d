"""What deliveries are held against: the client and the signature alone, posting to the same receiver, without a
database, an outbox or a record.

`python -m tests.bench.bare_client URL COUNT` prints how many a second.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from time import perf_counter, time
from typing import Final

import uvloop

from app.ids import new_id, new_secret
from app.net.client import HttpClient
from app.net.guard import Guard
from app.outbox.signing import headers_for
from app.webhooks.sending import USER_AGENT

AT_ONCE: Final = 64  # requests under way: as many as the client allows to one origin
BODY: Final = b'{"type":"event.upcoming","event":{"title":"Stand-up","description":"%s"}}' % (b"Agenda. " * 100)


def posts_per_second(url: str, count: int) -> float:
    """Of a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bare_client", url, str(count)]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


async def run(url: str, count: int) -> float:
    secret, left = new_secret("whsec"), iter(range(count))

    async def post_in_turn(client: HttpClient) -> None:
        for _ in left:
            headers = headers_for(new_id("dlv"), int(time()), BODY, [secret]) | {"Content-Type": "application/json"}
            reply = await client.request("POST", url, headers=headers, body=BODY)
            assert reply.status == 204, reply

    async with HttpClient(Guard.trusting(), user_agent=USER_AGENT) as client:
        began = perf_counter()
        await asyncio.gather(*[post_in_turn(client) for _ in range(AT_ONCE)])
        return count / (perf_counter() - began)


if __name__ == "__main__":
    print(uvloop.run(run(sys.argv[1], int(sys.argv[2]))))

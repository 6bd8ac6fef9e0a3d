"""Performing requests at a deployment over the network, as the program at an agent's side does."""

from __future__ import annotations

from typing import Final

from app.http.answers import encode
from app.mcp.calling import Answer, Request
from app.net.client import HttpClient
from app.net.guard import Guard
from app.net.reply import NOTHING_SENT, Reply

USER_AGENT: Final = "Kalends-MCP/1"
TIME_LIMIT: Final = 90.0  # seconds: waiting for changes takes up to 60, an import may take as long
ANSWER_MOST: Final = 32 * 1024 * 1024  # bytes: a page of 200 events with the longest texts has 13 MB


class Remote:
    """`url` is scheme, host and port of the deployment. `async with` its client."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._authorization = f"Bearer {key}"
        self.client = HttpClient(Guard.trusting(), user_agent=USER_AGENT)  # the user named the address

    async def __call__(self, request: Request) -> Answer:
        """Where there is no answer, one that says so: 503 `unavailable`."""
        reply = await self.client.request(
            request.method,
            self._url + request.target,
            headers={**request.headers, "authorization": self._authorization},
            body=request.body,
            timeout=TIME_LIMIT,
            read_most=ANSWER_MOST,
            keep_most=ANSWER_MOST,
        )
        if reply.status is None:
            return self._none(reply)
        return Answer(reply.status, reply.headers, reply.body)

    def _none(self, reply: Reply) -> Answer:
        nothing_sent = reply.error in NOTHING_SENT
        hint = (
            "Nothing was changed. Check KALENDS_URL, and that the deployment runs."
            if nothing_sent
            else "It may have been done all the same: look before you try again, or repeat it with its idempotency_key."
        )
        sentence = f"{self._url} did not answer: {(reply.detail or str(reply.error)).rstrip('.')}."
        body = encode({"error": sentence, "code": "unavailable", "hint": hint})
        return Answer(503, {"content-type": "application/json"}, body)

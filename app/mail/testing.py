"""Sending one mail over an agent's server, at once, to see whether it takes mail."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from app.core.mailbox import Mailbox
from app.db.database import Reader
from app.http.context import Context
from app.ids import new_id
from app.mail.agent_smtp import smtp_of_caller
from app.mail.mime import plain
from app.mail.transport import Transports
from app.net.guard import Guard
from app.net.sending import Failed

TEST_WITHIN: Final = 20.0  # seconds for the whole of it: somebody waits for the answer
AT_ONCE: Final = 3  # tests under way in a process: each keeps a connection, for the whole time limit perhaps
turn: Final = asyncio.Semaphore(AT_ONCE)
"""To be held around a test, from before its transaction on."""

_SUBJECT: Final = "Test of a mail server"
_TEXT: Final = "This is a test. The calendars of your agent can send mail over this server.\n"


async def test_smtp(at: Context, reader: Reader, key_hash: bytes, to: str | None) -> dict[str, Any]:
    """Send a mail to `to`, or to the server's own `from`. Raises `not_found` where the agent has no server; whatever
    the server does is the answer."""
    _, own = await smtp_of_caller(at, reader, key_hash)
    recipient = to or own.sender
    message_id = f"<{new_id('tst')}@{at.settings.email_domain}>"
    message = plain(Mailbox(own.sender), Mailbox(recipient), _SUBJECT, _TEXT, message_id, at.clock.now())
    transports = Transports(at.settings, at.sealer, Guard.of(at.settings), at.http_client)
    outcome = await transports.hand_in(own, message, recipient, TEST_WITHIN)
    if isinstance(outcome, Failed):
        return {"success": False, "message": outcome.message, "code": outcome.code, "to": recipient}
    return {
        "success": True,
        "message": f"The mail server {own.host}:{own.port} took the mail: {outcome.message}.",
        "code": 250,
        "to": recipient,
    }

"""An agent's own mail server: stored with its password sealed, which is never shown again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.agents.access import Caller, admitted
from app.agents.service import caller_of
from app.core.times import format_instant
from app.db.database import Database, Reader, Row, Transaction
from app.errors import Problem
from app.http.context import Context
from app.mail.schemas import SmtpSettings
from app.mail.sql import sql
from app.net.addresses import HOST_NAME, literal_address
from app.net.guard import permits, reach_of
from app.seal import Sealer
from app.settings import Settings
from app.smtp_server import SmtpServer, security_for

RESEAL_BITE: Final = 200  # rows read at once


@dataclass(frozen=True, slots=True)
class AgentSmtp:
    """A row of agent_smtp. `sender` is the address that mails come from."""

    agent_id: str
    host: str
    port: int
    username: str
    password_sealed: bytes
    sender: str
    secure: bool
    updated_at: datetime

    def server(self, sealer: Sealer) -> SmtpServer:
        """Raises `SealBroken` where the password does not open."""
        password = sealer.open(self.password_sealed, sealing_place(self.agent_id))
        security = security_for(self.host, self.port, secure=self.secure)
        return SmtpServer(self.host, self.port, self.username, password, security)


def sealing_place(agent_id: str) -> str:
    """What a password's seal is bound to."""
    return f"{agent_id}/smtp_password"


async def put_smtp(at: Context, tx: Transaction, key_hash: bytes, fields: SmtpSettings) -> dict[str, Any]:
    """The agent's mails go out over this server from now on, also those that wait. Raises `invalid_field` for a host
    that is none, or a literal address that this deployment does not call; names are judged at the socket."""
    now = at.clock.now()
    caller = await caller_of(tx, key_hash, now, "full")
    host = checked_host(fields.host, at.settings)
    sealed = at.sealer.seal(fields.password, sealing_place(caller.agent_id))
    smtp = AgentSmtp(caller.agent_id, host, fields.port, fields.username, sealed, fields.sender, fields.secure, now)
    tx.later(
        sql.put_smtp,
        {
            "agent_id": caller.agent_id,
            "host": smtp.host,
            "port": smtp.port,
            "username": smtp.username,
            "password_sealed": smtp.password_sealed,
            "sender": smtp.sender,
            "secure": smtp.secure,
            "now": now,
        },
    )
    return smtp_json(smtp)


async def get_smtp(at: Context, key_hash: bytes) -> dict[str, Any]:
    _, smtp = await smtp_of_caller(at, at.db, key_hash)
    return smtp_json(smtp)


async def delete_smtp(at: Context, tx: Transaction, key_hash: bytes) -> None:
    """Mails go out over the deployment's transport again, if it has one."""
    caller, _ = await smtp_of_caller(at, tx, key_hash)
    tx.later(sql.delete_smtp, {"agent_id": caller.agent_id})


async def smtp_of_caller(at: Context, reader: Reader, key_hash: bytes) -> tuple[Caller, AgentSmtp]:
    """The server of the agent behind a key of scope `full`. Raises `not_found` where it has none."""
    row = await reader.one(sql.smtp_of_caller, {"key_hash": key_hash, "now": at.clock.now()})
    caller = admitted(row, "full")
    assert row is not None
    if row[3] is None:
        raise Problem(
            "not_found",
            "This agent has no mail server of its own.",
            hint="Set one with PUT /agents/smtp; without it mail goes over the deployment's, if that has one.",
        )
    return caller, _of_row(row[3:])


async def smtp_of_agent(reader: Reader, agent_id: str) -> AgentSmtp | None:
    row = await reader.one(sql.smtp_of_agent, {"agent_id": agent_id})
    return None if row is None else _of_row(row)


async def reseal_passwords(db: Database, sealer: Sealer) -> int:
    """Seal anew, with the present first key, what an older key sealed. Returns the number of rows rewritten."""
    after, rewritten = "", 0
    while rows := await db.all(sql.sealed_passwords, {"after": after, "limit": RESEAL_BITE}):
        for agent_id, sealed in rows:
            if sealer.is_current(sealed):
                continue
            place = sealing_place(agent_id)
            fresh = sealer.seal(sealer.open(sealed, place), place)
            rewritten += await db.run(sql.reseal_password, {"agent_id": agent_id, "was": sealed, "password": fresh})
        after = rows[-1][0]
    return rewritten


def checked_host(text: str, settings: Settings) -> str:
    """A host as it is called: a name in lower case without a final dot, or an address in its usual spelling. Raises
    `invalid_field`."""
    bare = text.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    address = literal_address(bare)
    if address is not None:
        if not permits(reach_of(settings), address):
            raise _refused("host names a private or reserved address, which this deployment does not call.")
        return str(address)
    if not HOST_NAME.fullmatch(bare):
        raise _refused("host is neither a name nor an address.")
    return bare


def smtp_json(smtp: AgentSmtp) -> dict[str, Any]:
    """As the wire has it: never with the password."""
    return {
        "host": smtp.host,
        "port": smtp.port,
        "username": smtp.username,
        "from": smtp.sender,
        "secure": smtp.secure,
        "security": security_for(smtp.host, smtp.port, secure=smtp.secure),
        "updated_at": format_instant(smtp.updated_at),
    }


def _of_row(row: Row) -> AgentSmtp:
    return AgentSmtp(*row)


def _refused(sentence: str) -> Problem:
    return Problem("invalid_field", sentence, hint="Give a public host such as smtp.example.com.", field="host")

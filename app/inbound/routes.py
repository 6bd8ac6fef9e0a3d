"""Mail over HTTP: as its providers hand it in, and as its agent sees it."""

from __future__ import annotations

import re
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from hashlib import sha256
from typing import Final

from litestar import Response, Router, get, post
from litestar.params import FromPath

from app.db.database import Transaction
from app.errors import Problem
from app.http.answers import json_text
from app.http.context import Context, context
from app.http.limits import Limit, Standing
from app.http.requests import AnyRequest, bearer, choice, query_values, whole_number
from app.http.writes import write
from app.inbound import agentmail, listing, postmark
from app.inbound.answering import answer_of, ignored
from app.inbound.door import check_head, check_provider, door_of
from app.inbound.mail import Mail, Provider
from app.inbound.members import Members, parse
from app.inbound.service import Place, place_of_token, places_of_addresses, take_in, unknown_address
from app.logs import log
from app.settings import RETRY_AFTER
from app.workers import in_thread

LARGE: Final = 128 * 1024  # bytes of a body above which it is read off the event loop: a fraction of a millisecond
RECIPIENTS_SEEN: Final = 20_000  # characters of addresses that are looked through
_NOT_A_MAIL: Final = answer_of([ignored("not_a_mail", "This is neither a mail of Postmark's nor of AgentMail's.")])


@post("/inbound/{token:str}", status_code=200)
async def take_by_token(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    at = context(request)
    async with _faults_are_ours():
        place = await place_of_token(at, token)
        if place is None:
            return json_text(unknown_address())
        check_head(request, at.settings, needs_check=False)
        standing = await _admit(at, place)
        body = await door_of(request).body(request)
        members = await _parsed(body)
        if (refusal := _refusal(members)) is not None:
            return _answer(refusal, standing)
        provider = _provider(members)
        check_provider(request, at.settings, provider, body, at.clock.now(), needs_check=False)
        return _answer(await take_in(at, [place], await _mail(provider, members, body)), standing)


@post("/inbound", status_code=200)
async def take_by_address(request: AnyRequest) -> Response[bytes]:
    at = context(request)
    needs_check = not at.settings.is_loopback
    async with _faults_are_ours():
        check_head(request, at.settings, needs_check=needs_check)
        body = await door_of(request).body(request)
        members = await _parsed(body)
        if (refusal := _refusal(members)) is not None:
            return json_text(refusal)
        provider = _provider(members)
        check_provider(request, at.settings, provider, body, at.clock.now(), needs_check=needs_check)
        delivered_to, named = _recipients(provider, members, at.settings.email_domain)
        places = await places_of_addresses(at, delivered_to, named)
        if not places:
            return json_text(unknown_address())
        standings = [await _admit(at, place) for place in places]
        return _answer(await take_in(at, places, await _mail(provider, members, body)), standings[0])


@get("/calendars/{calendar_id:str}/inbound")
async def list_inbound(request: AnyRequest, calendar_id: FromPath[str]) -> Response[bytes]:
    key = bearer(request)
    values = query_values(request, ("status", "limit", "cursor"))
    status = choice(values, "status", listing.STATUSES)
    limit = whole_number(values, "limit", listing.MAILS_DEFAULT, least=1, most=listing.MAILS_MOST)
    return json_text(await listing.list_mails(context(request), key, calendar_id, status, limit, values.get("cursor")))


@post("/calendars/{calendar_id:str}/inbound/{mail_id:str}/retry", status_code=200)
async def retry_inbound(request: AnyRequest, calendar_id: FromPath[str], mail_id: FromPath[str]) -> Response[bytes]:
    at, key = context(request), bearer(request)
    query_values(request, ())

    async def use_case(tx: Transaction) -> str:
        return await listing.retry(at, tx, key, calendar_id, mail_id)

    async with door_of(request).retries:
        return await write(request, use_case)


@asynccontextmanager
async def _faults_are_ours() -> AsyncIterator[None]:
    """A fault of ours is answered so that the provider tries again: with anything else the mail might be lost."""
    try:
        yield
    except Problem:
        raise
    except Exception as fault:
        log("inbound.fault", error=repr(fault), trace=traceback.format_exc())
        raise Problem(
            "unavailable",
            "The mail could not be taken just now.",
            hint="Deliver it again.",
            headers={"Retry-After": str(RETRY_AFTER)},
        ) from fault


async def _admit(at: Context, place: Place) -> Standing | None:
    if not at.settings.rate_limits:
        return None
    limit = Limit("inbound", at.settings.rate_limit_inbound, 60)
    subject = sha256(place.id.encode()).digest()
    return await at.limiter.admit(subject, limit, at.clock.now().timestamp())


def _answer(text: str, standing: Standing | None) -> Response[bytes]:
    headers = {} if standing is None else {name.decode(): value.decode() for name, value in standing.headers}
    return json_text(text, headers=headers)


async def _parsed(body: bytes) -> Members:
    return await in_thread(parse, body) if len(body) > LARGE else parse(body)


def _provider(members: Members) -> Provider:
    return "agentmail" if agentmail.is_mail(members) else "postmark"


def _refusal(members: Members) -> str | None:
    """The answer to what is no mail that came in, and is not stored."""
    if agentmail.is_mail(members):
        kind = members.text("event_type") or ""
        if kind == agentmail.RECEIVED:
            return None
        sentence = f"Only {agentmail.RECEIVED} is taken in, and this is {kind[:60] or 'an event without a type'}."
        return answer_of([ignored("not_received", sentence)])
    return None if postmark.is_mail(members) else _NOT_A_MAIL


async def _mail(provider: Provider, members: Members, body: bytes) -> Mail:
    read = postmark.mail_of if provider == "postmark" else agentmail.mail_of
    return await in_thread(read, members, body) if len(body) > LARGE else read(members, body)


def _recipients(provider: Provider, members: Members, domain: str) -> tuple[list[str], list[str]]:
    """The calendars' ids, without prefix and in lower case, in the addresses of each kind."""
    source = postmark if provider == "postmark" else agentmail
    delivered_to, named = source.recipients_of(members)
    return _ids_in(delivered_to, domain), _ids_in(named, domain)


def _ids_in(texts: Sequence[str], domain: str) -> list[str]:
    text = "\n".join(texts)[:RECIPIENTS_SEEN].lower()
    return list(dict.fromkeys(_address(domain).findall(text)))


@lru_cache(maxsize=8)
def _address(domain: str) -> re.Pattern[str]:
    """A calendar's address at `domain`, with or without a `+tag`."""
    return re.compile(
        rf"(?<![a-z0-9.+_-])cal-([0-9a-z]{{1,40}})(?:\+[a-z0-9._=-]{{0,64}})?@{re.escape(domain)}(?![a-z0-9-]|\.[a-z0-9])"
    )


router = Router("/", route_handlers=[take_by_token, take_by_address, list_inbound, retry_inbound])

"""What of an event iCalendar's own properties cannot say, as the JSON that a VEVENT of ours carries.

A VEVENT says when, what and who in its standard properties, for every reader. What is added here makes an event come
back exactly: how its times were given, what the agent knows of it, and the odd text that iCalendar would bend.
docs/import-export.md describes the members.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.core.itip import format_moment, parse_moment
from app.core.series import MAX_RDATES
from app.core.times import MAX_LENGTH, MAX_YEAR, MIN_YEAR, Length, load_zone
from app.events.model import LATER, Attendee, Event, format_rdate, parse_rdate
from app.events.recurrence import served_rule
from app.events.schemas import DESCRIPTION_MOST, LOCATION_MOST, METADATA_DEPTH, METADATA_MOST, TITLE_MOST
from app.http.answers import encode
from app.ical.carry import is_plain_person, is_readable
from app.ical.limits import MAX_ATTENDEES, MAX_EXDATES, MAX_EXTRA, MAX_UID

_KEY: Final = re.compile(r"\d{8}(T\d{4}(\d{2})?b?)?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000|\x00")  # also as JSON escapes it
_LONGEST: Final = 400_000  # characters: a description, attendees and cancelled dates at their limits
_CHECK_MOST: Final = 1_000  # characters of what a mail's provider said of its sender

_Text = str | None | UnsetType
_Whole = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Instant = Annotated[int, Meta(ge=-2_208_988_800_000_000, le=32_503_680_000_000_000)]  # microseconds; 1900 to 3000


class Successor(msgspec.Struct, frozen=True):
    """The series that a split gave the dates from `key` on to."""

    uid: str
    key: str


class SenderCheck(msgspec.Struct, frozen=True, omit_defaults=False):
    """Of a text that came by mail: what was said of its sender then."""

    spf: str | None = None
    dkim: str | None = None
    dmarc: str | None = None
    organiser_is_sender: bool | None = None


class Remainder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Members are left out where they have their default; the texts, where the standard properties say them exactly."""

    start: str
    zone: str
    length: tuple[Annotated[int, Meta(ge=0)], Annotated[int, Meta(ge=0)]]
    all_day: bool = False
    zone_given: bool = False
    instant_given: bool = False
    rule: str | None = None
    rdates: tuple[str, ...] = ()
    start_counts: bool = False
    sequence: _Whole = 0
    asked_sequence: _Whole = 0
    exclusions: _Whole = 0
    excluded: _Instant | None = None
    created: _Instant
    updated: _Instant
    uid: str | UnsetType = UNSET
    recurrence_id: str | None = None
    key: str = ""
    cancelled: bool = False
    cancelled_dates: tuple[str, ...] = ()
    successor: Successor | None = None
    client_id: str | None = None
    metadata: dict[str, Any] | None = None
    response: Literal["accepted", "declined", "tentative"] | None = None
    withdrawn: bool = False
    untrusted: SenderCheck | None = None
    status: Literal["confirmed", "tentative", "cancelled"] | UnsetType = UNSET
    transparency: Literal["opaque", "transparent"] | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: _Text = UNSET
    location: _Text = UNSET
    attendees: tuple[Attendee, ...] | UnsetType = UNSET
    organiser: tuple[str | None, str | None] | UnsetType = UNSET
    extra: _Text = UNSET


class Hidden(msgspec.Struct, frozen=True, omit_defaults=True):
    """A date with a life of its own that its series does not make any more: a cancelled one, or with `row` a changed
    one, which are kept so that they come back as they were."""

    key: str
    cancelled: bool = False
    row: Remainder | None = None


_decode: Final = msgspec.json.Decoder(Remainder).decode
_decode_hidden: Final = msgspec.json.Decoder(Hidden).decode


def remainder_of(
    event: Event,
    vevent_uid: str,
    *,
    whole: bool = False,
    cancelled: bool = False,
    cancelled_dates: Sequence[str] = (),
    successor: Successor | None = None,
) -> Remainder:
    """What is to be said of a row; with `whole` all of it, for one that has no VEVENT."""
    return Remainder(
        start=format_rdate(event.start_wall),
        zone=event.zone,
        length=(event.length.days, event.length.seconds),
        all_day=event.all_day,
        zone_given=event.zone_given,
        instant_given=event.instant_given,
        rule=event.rule,
        rdates=event.rdates,
        start_counts=event.start_counts,
        sequence=event.sequence,
        asked_sequence=event.asked_sequence,
        exclusions=event.exclusions,
        excluded=None if event.excluded_at is None else _micros(event.excluded_at),
        created=_micros(event.created_at),
        updated=_micros(event.updated_at),
        uid=UNSET if event.uid == vevent_uid and is_readable(event.uid) else event.uid,
        recurrence_id=event.recurrence_id,
        key=event.key,
        cancelled=cancelled,
        cancelled_dates=tuple(cancelled_dates),
        successor=successor,
        client_id=event.client_id,
        metadata=None if event.metadata is None else msgspec.json.decode(event.metadata),
        response=event.response,  # type: ignore[arg-type]
        withdrawn=event.withdrawn,
        untrusted=_untrusted(event),
        status=event.status if whole or cancelled else UNSET,  # type: ignore[arg-type]
        transparency=event.transparency if whole else UNSET,  # type: ignore[arg-type]
        title=UNSET if not whole and is_readable(event.title) else event.title,
        description=_unless_readable(event.description, whole),
        location=_unless_readable(event.location, whole),
        attendees=UNSET if not whole and _are_plain(event.attendees) else event.attendees,
        organiser=UNSET if not whole and _is_plain_organiser(event) else (event.organiser_email, event.organiser_name),
        extra=event.extra if whole else UNSET,
    )


def as_json(remainder: Remainder | Hidden) -> str:
    return encode(remainder).decode()


def read_remainder(text: str) -> Remainder | None:
    """What `as_json` wrote; None for anything else."""
    try:
        return None if _is_unfit(text) else _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def read_hidden(text: str) -> Hidden | None:
    try:
        found = None if _is_unfit(text) else _decode_hidden(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if found is not None and _KEY.fullmatch(found.key) else None


def restored(base: Event, said: Remainder, calendar_zone: str, now: datetime) -> Event:
    """`base`, an event as its standard properties have it, made what it was. Raises ValueError or Problem for what no
    event of ours can be: a file is as hostile as anything that comes from outside."""
    event = known_again(base, said)
    wall = parse_rdate(said.start)
    if not isinstance(wall, datetime):
        raise ValueError("start")
    follows = said.all_day and not said.zone_given
    zone = calendar_zone if follows else load_zone(said.zone).key
    event = replace(
        event,
        all_day=said.all_day,
        start_wall=wall,
        zone=zone,
        zone_given=said.zone_given,
        instant_given=said.instant_given,
        length=Length(*said.length),
        rule=None if said.rule is None else served_rule(said.rule),
        rdates=tuple(sorted({format_rdate(parse_rdate(text)) for text in said.rdates[: MAX_RDATES + 1]})),
        start_counts=said.start_counts,
        sequence=said.sequence,
        asked_sequence=said.asked_sequence,
        exclusions=said.exclusions,
        excluded_at=None if said.excluded is None else min(_at(said.excluded), now),
        created_at=min(_at(said.created), now),
        updated_at=min(_at(said.updated), now),
        uid=base.uid if said.uid is UNSET else said.uid,
        recurrence_id=said.recurrence_id,
        key=said.key,
        withdrawn=said.withdrawn,
        status=base.status if said.status is UNSET else said.status,
        transparency=base.transparency if said.transparency is UNSET else said.transparency,
        title=base.title if said.title is UNSET else said.title,
        description=base.description if said.description is UNSET else said.description,
        location=base.location if said.location is UNSET else said.location,
        attendees=base.attendees if said.attendees is UNSET else said.attendees,
        organiser_email=base.organiser_email if said.organiser is UNSET else said.organiser[0],
        organiser_name=base.organiser_name if said.organiser is UNSET else said.organiser[1],
        extra=base.extra if said.extra is UNSET else said.extra,
    )
    _check(event, said)
    return event


def known_again(base: Event, said: Remainder) -> Event:
    """`base` with what no standard property can contradict: what the agent knows of the event. Raises ValueError."""
    metadata = None if said.metadata is None else encode(said.metadata).decode()
    if metadata is not None and (len(metadata.encode()) > METADATA_MOST or _depth(said.metadata) > METADATA_DEPTH):
        raise ValueError("metadata")
    if said.client_id is not None and not 0 < len(said.client_id) <= 255:
        raise ValueError("client_id")
    check = None if said.untrusted is None else as_check(said.untrusted)
    if check is not None and len(check) > _CHECK_MOST:
        raise ValueError("untrusted")
    return replace(base, metadata=metadata, client_id=said.client_id, response=said.response, sender_check=check)


def as_check(check: SenderCheck) -> str:
    return msgspec.json.encode(check).decode()


def _check(event: Event, said: Remainder) -> None:
    """Raises ValueError for what the table or an invariant of ours would refuse."""
    walls = [event.start_wall, *(parse_rdate(text) for text in event.rdates)]
    length = event.length
    ok = (
        all(MIN_YEAR <= wall.year <= MAX_YEAR for wall in walls)
        and all(wall.tzinfo is None and not wall.microsecond for wall in walls if isinstance(wall, datetime))
        and length.days * 86_400 + length.seconds <= MAX_LENGTH.total_seconds()
        and (not event.all_day or (length.days > 0 and length.seconds == 0 and event.start_wall.time() == _MIDNIGHT))
        and len(event.rdates) <= MAX_RDATES
        and not (event.all_day and any(isinstance(wall, datetime) for wall in walls[1:]))
        and len(said.cancelled_dates) <= MAX_EXDATES * 10
        and all(_KEY.fullmatch(key) for key in (*said.cancelled_dates, *filter(None, [event.key])))
        and not (event.key and (event.is_series or event.recurrence_id is not None or said.cancelled_dates))
        and 0 < len(event.title) <= TITLE_MOST
        and len((event.description or "").encode()) <= DESCRIPTION_MOST
        and len(event.location or "") <= LOCATION_MOST
        and len(event.attendees) <= MAX_ATTENDEES
        and all(_is_short(*msgspec.structs.astuple(each)) for each in event.attendees)
        and _is_short(event.organiser_email, event.organiser_name)
        and len(event.extra or "") <= MAX_EXTRA
        and 0 < len(event.uid.encode()) <= MAX_UID
        and not any(character < " " for character in event.uid)
        and _is_named(event)
        and (said.successor is None or _KEY.fullmatch(said.successor.key) is not None)
    )
    if not ok:
        raise ValueError("beyond the limits")


_MIDNIGHT: Final = datetime.min.time()


def _is_named(event: Event) -> bool:
    """Whether a recurrence id is one: a key with a sign behind it where the event goes on from there, else a moment."""
    text = event.recurrence_id
    if text is None:
        return True
    if event.goes_on:
        return _KEY.fullmatch(text.removesuffix(LATER)) is not None
    moment = parse_moment(text)
    return MIN_YEAR < moment.year < MAX_YEAR and format_moment(moment) == text


def _is_short(*texts: str | None) -> bool:
    return all(text is None or len(text) <= 320 for text in texts)


def _is_unfit(text: str) -> bool:
    return len(text) > _LONGEST or _NUL.search(text) is not None


def _untrusted(event: Event) -> SenderCheck | None:
    """Of what came by mail, by whatever way it came here."""
    if event.sender_check is not None:
        try:
            return msgspec.json.decode(event.sender_check, type=SenderCheck)
        except msgspec.MsgspecError:
            return SenderCheck()
    return SenderCheck() if event.source == "inbound_email" else None


def _unless_readable(text: str | None, whole: bool) -> _Text:
    return UNSET if not whole and (text is None or is_readable(text)) else text


def _are_plain(attendees: Sequence[Attendee]) -> bool:
    if len({each.email for each in attendees}) < len(attendees):
        return False
    return all(is_plain_person(each.email, each.name, each.role, each.partstat) for each in attendees)


def _is_plain_organiser(event: Event) -> bool:
    if event.organiser_email is None:
        return event.organiser_name is None
    return is_plain_person(event.organiser_email, event.organiser_name)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _at(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND

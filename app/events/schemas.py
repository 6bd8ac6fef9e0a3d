"""What the wire may carry about events: shapes and sizes. What times mean is `timing`'s business."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from app.errors import Problem
from app.http.requests import Body, shown

TITLE_MOST: Final = 500  # characters
LOCATION_MOST: Final = 500  # characters
DESCRIPTION_MOST: Final = 64 * 1024  # bytes of UTF-8
METADATA_MOST: Final = 16 * 1024  # bytes of JSON
METADATA_DEPTH: Final = 20  # levels; deeper than any real document, shallow enough for every reader's stack
ATTENDEES_MOST: Final = 50  # by API; mail may bring more
DATES_MOST: Final = 500  # exdates or rdates in one write: what is cancelled is logged date by date, in about 0.1 s
RULE_MOST: Final = 2000  # characters of recurrence
BATCH_MOST: Final = 200  # events in one batch: its answer stays below 1 MB, and its calendar is held for a moment
EXPLAINED_DEFAULT: Final = 10  # dates told from the start on, and as many from now on
EXPLAINED_MOST: Final = 50
TIME_MOST: Final = 64  # characters of anything that stands for a time

_ACTIVE_SCHEME: Final = re.compile(r"^(javascript|data|vbscript|file):", re.IGNORECASE)
_INVISIBLE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060\ufeff]+")


def is_active_address(location: str) -> bool:
    """Whether a location is an address that runs code, or opens a file, where somebody follows it."""
    return _ACTIVE_SCHEME.match(_INVISIBLE.sub("", location)) is not None


def _safe_location(text: str) -> str:
    if is_active_address(text):
        raise Problem(
            "invalid_field",
            "location must not be a javascript:, data:, vbscript: or file: address.",
            hint="Give a place in words, or an https:// address.",
            field="location",
        )
    return text


def _short_description(text: str) -> str:
    if len(text.encode()) > DESCRIPTION_MOST:
        sentence = f"description is larger than {DESCRIPTION_MOST // 1024} KB."
        raise Problem("invalid_field", sentence, field="description")
    return text


def _small_metadata(value: dict[str, Any]) -> dict[str, Any]:
    if len(msgspec.json.encode(value)) > METADATA_MOST:
        sentence = f"metadata is larger than {METADATA_MOST // 1024} KB of JSON."
        raise Problem("invalid_field", sentence, field="metadata")
    if _depth(value) > METADATA_DEPTH:
        sentence = f"metadata is nested more than {METADATA_DEPTH} levels deep."
        raise Problem("invalid_field", sentence, field="metadata")
    return value


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _address(text: str) -> str:
    """One mail address in lower case; not whether anybody reads it."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise Problem(
            "invalid_field",
            f"{text[:80]!r} is not an e-mail address: {error}",
            hint="Give plain addresses such as ada@example.com.",
            field="attendees",
        ) from None


def _unique(addresses: list[str]) -> list[str]:
    return list(dict.fromkeys(addresses))


Title = Annotated[str, Field(max_length=TITLE_MOST)]
Time = Annotated[str, Field(max_length=TIME_MOST)]
Description = Annotated[str, AfterValidator(_short_description)]
Location = Annotated[str, Field(max_length=LOCATION_MOST), AfterValidator(_safe_location)]
Metadata = Annotated[dict[str, Any], AfterValidator(_small_metadata)]
Attendees = Annotated[
    list[Annotated[str, AfterValidator(_address)]], Field(max_length=ATTENDEES_MOST), AfterValidator(_unique)
]
Recurrence = Annotated[str, Field(min_length=1, max_length=RULE_MOST)]
Dates = Annotated[list[Time], Field(max_length=DATES_MOST)]
Status = Literal["confirmed", "tentative", "cancelled"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Transparency = Literal["opaque", "transparent"]


_UTC_OFFSET: Final = re.compile(r"[+-](?:0[0-9]|1[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?")


def _weekday(text: object) -> object:
    """In small letters; what is no weekday is refused with the one it begins like."""
    if not isinstance(text, str):
        return text
    name = text.strip().lower()
    if name not in get_args(Weekday):
        near = next((day for day in get_args(Weekday) if len(name) > 1 and day.startswith(name[:2])), None)
        raise Problem(
            "invalid_field",
            f"{shown(text)!r} is not a weekday.",
            hint=f"Did you mean {near}?" if near else "Give it in full and in English, such as monday.",
            field="expect.weekday",
        )
    return name


def _utc_offset(text: str) -> str:
    """`+05:45`; `Z` stands for `+00:00`."""
    if text in ("Z", "z", "-00:00"):
        return "+00:00"
    if not _UTC_OFFSET.fullmatch(text):
        raise Problem(
            "invalid_field",
            f"{shown(text)!r} is not an offset from UTC.",
            hint="Write a sign, hours and minutes, such as -07:00 or +05:45; Z is +00:00.",
            field="expect.utc_offset",
        )
    return text.removesuffix(":00") if text.count(":") == 2 else text


def _two_ends() -> Problem:
    sentence = "end and duration say the same thing."
    return Problem("invalid_field", sentence, hint="Give one of them.", field="duration")


class Expect(Body):
    """What the caller holds to be true of the start; where it is not, nothing is written."""

    weekday: Annotated[Weekday, BeforeValidator(_weekday)] | None = None
    utc_offset: Annotated[str, AfterValidator(_utc_offset)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Expect:
        if self.weekday is None and self.utc_offset is None:
            raise Problem(
                "invalid_field",
                "expect says nothing.",
                hint='Give {"weekday": "monday"}, {"utc_offset": "-07:00"}, or both; or leave expect out.',
                field="expect",
            )
        return self


class EventFields(Body):
    """What creating and changing have in common."""

    description: Description | None = None
    metadata: Metadata | None = None
    location: Location | None = None
    status: Status | None = None
    transparency: Transparency | None = None
    attendees: Attendees | None = None
    recurrence: Recurrence | None = None
    rrule: Recurrence | None = None
    """CalDave's other name for recurrence."""
    all_day: bool | None = None
    timezone: Time | None = None
    exdates: Dates | None = None
    rdates: Dates | None = None
    duration: Time | None = None
    expect: Expect | None = None

    @model_validator(mode="after")
    def _one_name_one_end(self) -> EventFields:
        if {"recurrence", "rrule"} <= self.model_fields_set:
            raise Problem(
                "invalid_field",
                "recurrence and rrule are the same field.",
                hint="Give recurrence alone.",
                field="rrule",
            )
        if getattr(self, "end", None) is not None and self.duration is not None:
            raise _two_ends()
        return self

    @property
    def rule_given(self) -> bool:
        return not self.model_fields_set.isdisjoint({"recurrence", "rrule"})

    @property
    def rule(self) -> str | None:
        return self.recurrence if self.recurrence is not None else self.rrule


class EventCreate(EventFields):
    title: Title
    client_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """The caller's own name for the event, unique in its calendar: the same again returns the first."""
    start: Time
    end: Time | None = None

    @model_validator(mode="before")
    @classmethod
    def _required_in_order(cls, value: Any) -> Any:
        """title, start, end: the first one absent is the one to name."""
        if isinstance(value, dict):
            for name in ("title", "start", "end"):
                if value.get(name) is None and not (name == "end" and value.get("duration") is not None):
                    hint = "Give duration instead, if you like: PT30M." if name == "end" else None
                    raise Problem(
                        "missing_field",
                        f"{name} is required.",
                        hint=hint or f"Add {name} to the body.",
                        field=name,
                    )
        return value


class EventBatch(Body):
    events: Annotated[list[Any], Field(min_length=1, max_length=BATCH_MOST)]
    """Each is what `EventCreate` takes, and is checked by itself."""
    atomic: bool = False


class EventUpdate(EventFields):
    title: Title | None = None
    start: Time | None = None
    end: Time | None = None


class Explain(Body):
    """A series that is not written."""

    start: Time
    recurrence: Recurrence
    timezone: Time | None = None
    end: Time | None = None
    duration: Time | None = None
    all_day: bool | None = None
    exdates: Dates | None = None
    rdates: Dates | None = None
    limit: Annotated[int, Field(ge=1, le=EXPLAINED_MOST)] = EXPLAINED_DEFAULT

    @model_validator(mode="after")
    def _one_end(self) -> Explain:
        if self.end is not None and self.duration is not None:
            raise _two_ends()
        return self


class Respond(Body):
    response: Literal["accepted", "declined", "tentative"]

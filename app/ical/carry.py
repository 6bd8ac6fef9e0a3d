"""A VEVENT that carries everything: what iCalendar can say in its own properties, the rest in one of ours.

`X-KALENDS-EVENT;X-DIGEST=…:{…}` holds, as JSON, what no standard property can say (docs/import-export.md). The digest
is that of the VEVENT's other lines, in any order. Where it still fits when the file comes back, the JSON is the whole
truth; where somebody changed the VEVENT since, the standard properties are. `X-KALENDS-DATE` holds a date of a series
that no reader should show.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from app.ical.limits import MAX_EXTRA, MAX_EXTRA_LINE
from app.ical.lines import Block, line_of, unescape
from app.ical.text import escape, fold, mail_uri, parameter, printable, web_address
from app.ical.vevent import MODELLED
from app.ical.write import PRODID, VEvent, scheduled_vevent

OWN: Final = "X-KALENDS-EVENT"
HIDDEN: Final = "X-KALENDS-DATE"
_OURS: Final = frozenset((OWN, HIDDEN))
_MODELLED: Final = MODELLED - {"URL", "CONFERENCE"}
_DIGEST: Final = "X-DIGEST"
_END: Final = "END:VEVENT\r\n"
_NEVER_NESTED: Final = frozenset(
    ("VCALENDAR", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY", "VPOLL")
)
_MOST_NESTED: Final = 4  # components within one another that are carried; a VALARM is the first
_UNREADABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What a content line cannot hold, or a reader takes out."""
_TOKEN: Final = re.compile(r"[A-Z0-9-]{1,40}")
_PLAIN_ADDRESS: Final = re.compile(r"[a-z0-9._%+=-]{1,64}@[a-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True)
class Carried:
    """What was found in a VEVENT of what `carrying_vevent` writes. `is_exact` says that nothing else in it was changed
    since; `extra` are the lines that are not modelled, nested components behind them."""

    own: str | None
    is_exact: bool
    hidden: tuple[str, ...]
    extra: tuple[str, ...]


def carrying_vevent(event: VEvent, people: Sequence[str], extra: Iterable[str], own: str, hidden: Sequence[str]) -> str:
    """`vevent` with whole ORGANIZER and ATTENDEE lines, unfolded lines to carry verbatim, and JSON texts of ours.

    Raises ValueError where the event contradicts itself.
    """
    properties, nested = _parted(extra)
    plain = scheduled_vevent(event, event.modified, people).removesuffix(_END)
    plain += "".join(fold(line) for line in properties)
    plain += "".join(fold(f"{HIDDEN}:{_json(text)}") for text in hidden)
    nested_text = "".join(fold(line) for line in nested)
    unfolded = (plain + nested_text).replace("\r\n ", "").split("\r\n")
    digest = _digest(unfolded[1:-1])
    return "".join((plain, fold(f"{OWN};{_DIGEST}={digest}:{_json(own)}"), nested_text, _END))


def carried_by(event: Block) -> Carried:
    """What a whole VEVENT carries; to be asked before the VEVENT is repaired."""
    own = event.first(OWN)
    properties = [line.raw for line in event.lines if line.name != OWN]
    nested = [list(_flat(block, 1)) for block in event.blocks]
    hidden = tuple(line.text for line in event.all(HIDDEN))
    extra = [[line.raw] for line in event.lines if line.name not in _OURS and _is_extra(event, line.name, line.value)]
    is_exact = own is not None and own.params.get(_DIGEST) == _digest([*properties, *chain.from_iterable(nested)])
    return Carried(None if own is None else own.text, is_exact, hidden, _kept([*extra, *nested]))


def exported_calendar(name: str, zone_name: str, vtimezones: Iterable[str], vevents: Iterable[str]) -> str:
    """A calendar around VTIMEZONE and VEVENT texts that are whole. Without METHOD: it is no message to anybody."""
    title = escape(name)
    head = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{PRODID}\r\nCALSCALE:GREGORIAN\r\n"
        + fold("NAME:" + title)
        + fold("X-WR-CALNAME:" + title)
        + fold("X-WR-TIMEZONE:" + escape(zone_name))
    )
    return "".join((head, *vtimezones, *vevents, "END:VCALENDAR\r\n"))


def organiser_line(address: str, name: str | None) -> str:
    return fold(f"ORGANIZER{_name(name)}:{_address(address)}")


def attendee_line(address: str, name: str | None, role: str | None, partstat: str | None) -> str:
    shown = f";ROLE={role}" if role and _TOKEN.fullmatch(role) else ""
    shown += f";PARTSTAT={partstat}" if partstat and _TOKEN.fullmatch(partstat) else ""
    return fold(f"ATTENDEE{_name(name)}{shown}:{_address(address)}")


def is_readable(text: str) -> bool:
    """Whether a TEXT value comes back as it is: no character is lost, and no blank at either end."""
    return bool(text) and text == text.strip() and (text.isprintable() or _UNREADABLE.search(text) is None)


def is_plain_person(address: str, name: str | None, role: str | None = None, partstat: str | None = None) -> bool:
    """Whether `organiser_line` or `attendee_line` says the person so that reading gives the same again."""
    return (
        _PLAIN_ADDRESS.fullmatch(address) is not None
        and (name is None or (0 < len(name) <= 255 and name == " ".join(name.split()) and is_readable(name)))
        and all(word is None or _TOKEN.fullmatch(word) is not None for word in (role, partstat))
    )


def _address(address: str) -> str:
    return mail_uri(address) if "@" in address and ":" not in address else printable(address)


def _name(name: str | None) -> str:
    return f";CN={parameter(name)}" if name and not name.isspace() else ""


def _json(text: str) -> str:
    """JSON as a TEXT value: what a content line cannot hold is written in JSON's own way."""
    if _UNREADABLE.search(text) is not None:
        text = _UNREADABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return escape(text)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def _is_extra(event: Block, name: str, value: str) -> bool:
    """URL and CONFERENCE are read for the place where none is named, and are carried as well; the URL that is written
    of a location is not."""
    if name == "URL":
        location = event.first("LOCATION")
        return location is None or web_address(unescape(location.value)) != value
    return name not in _MODELLED


def _kept(pieces: Iterable[list[str]]) -> tuple[str, ...]:
    """The lines of whole properties and components, as far as there is room for them."""
    kept: list[str] = []
    left = MAX_EXTRA
    for piece in pieces:
        size = sum(len(line) + 1 for line in piece)
        if size <= left and all(len(line) <= MAX_EXTRA_LINE for line in piece):
            left -= size
            kept += piece
    return tuple(kept)


def _flat(block: Block, depth: int) -> Iterator[str]:
    if depth > _MOST_NESTED or block.kind in _NEVER_NESTED or not block.is_whole:
        return
    yield f"BEGIN:{block.kind}"
    for line in block.lines:
        yield line.raw
    for inner in block.blocks:
        yield from _flat(inner, depth + 1)
    yield f"END:{block.kind}"


def _parted(extra: Iterable[str]) -> tuple[list[str], list[str]]:
    """Properties and nested components of carried lines, without any that could end the VEVENT they stand in."""
    properties: list[str] = []
    nested: list[str] = []
    open_kinds: list[str] = []
    for raw in extra:
        line = line_of(printable(raw))
        if line is None or line.name in _OURS or (not open_kinds and line.name in _MODELLED):
            continue
        kind = line.value.strip().upper()
        if line.name == "BEGIN":
            if kind in _NEVER_NESTED:
                continue
            open_kinds.append(kind)
        elif line.name == "END":
            if not open_kinds or open_kinds[-1] != kind:
                continue
            open_kinds.pop()
            nested.append(line.raw)
            continue
        (nested if open_kinds else properties).append(line.raw)
    nested += [f"END:{kind}" for kind in reversed(open_kinds)]
    return properties, nested

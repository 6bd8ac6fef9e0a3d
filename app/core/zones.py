"""Time zones: one source of rules, the `tzdata` package, and what to offer for a name that is not one of its
names.

Importing this module switches zoneinfo's system path off for the process, so that two machines with different
system databases give the same instant for the same wall time.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from tzdata import IANA_VERSION

from app.core.zone_aliases import ALIASES
from app.errors import Problem

zoneinfo.reset_tzpath(to=())
ZoneInfo.clear_cache()  # a zone loaded before the line above may have come from the system

TZDATA_VERSION: Final[str] = IANA_VERSION
"""The release of the zone rules in use, such as `2026a`; stored with what is computed from it."""

_NOT_PLACES: Final = {"Factory", "localtime", "posixrules"}  # files of the database that name no zone
_NAMES: Final = frozenset(zoneinfo.available_timezones()) - _NOT_PLACES
_SHOWN_LENGTH: Final = 60  # characters of a caller's text that an error repeats; the longest zone name has 32
_OFFERED: Final = 3  # nearest names in a hint: more are not read
_CLOSE: Final = 0.72  # difflib's ratio: "Europe/Berln" passes, an unrelated word does not
_OFFSET: Final = re.compile(r"(?:utc|gmt)?_?([+-])0?([0-9]{1,2})(?::?00)?", re.ASCII)


def _folded(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def _city(name: str) -> str:
    return name.rpartition("/")[2]


def _rank(name: str) -> tuple[bool, str]:
    """Region/City before bare legacy names such as `Poland` or `US/Central`."""
    return (
        "/" not in name or name.startswith(("US/", "Etc/", "Brazil/", "Canada/", "Mexico/", "Chile/")),
        name,
    )


_BY_FOLDED: Final = {_folded(name): name for name in sorted(_NAMES)}
_BY_CITY: Final[dict[str, list[str]]] = {}
for _name in sorted(_NAMES, key=_rank):
    _BY_CITY.setdefault(_folded(_city(_name)), []).append(_name)


def nearest_zones(text: str) -> list[str]:
    """Up to three IANA names that `text` may have meant, the likeliest first; empty when nothing is near.

    Knows letter case, cities, common abbreviations (PST), Windows names, whole-hour offsets, and typing
    errors.
    """
    wanted = _folded(text[:_SHOWN_LENGTH])
    if not wanted:
        return []
    found: list[str] = []
    if name := _BY_FOLDED.get(wanted):
        found.append(name)
    found += ALIASES.get(wanted, ())
    if match := _OFFSET.fullmatch(wanted):
        reversed_sign = "-" if match[1] == "+" else "+"  # POSIX counts westward: Etc/GMT-2 is two hours east
        found.append(f"Etc/GMT{reversed_sign}{int(match[2])}")
    city = _city(wanted)
    found += _BY_CITY.get(city, ())
    found += ALIASES.get(city, ())
    if len(found) < _OFFERED and len(city) > 2:
        for known, names in _BY_CITY.items():
            if known.startswith(city) or (len(known) > 3 and city.startswith(f"{known}_")):
                found += names[:1]
    if not found:
        found += (_BY_FOLDED[near] for near in difflib.get_close_matches(wanted, _BY_FOLDED, 3, _CLOSE))
        for near in difflib.get_close_matches(city, [*_BY_CITY, *ALIASES], 3, _CLOSE):
            found += (*_BY_CITY.get(near, ())[:1], *ALIASES.get(near, ())[:1])
    return [name for name in dict.fromkeys(found) if name in _NAMES][:_OFFERED]


def zone_named(text: str) -> str | None:
    """The IANA name that `text` spells, letter case, blanks and underscores aside; None when it is none."""
    return text if text in _NAMES else _BY_FOLDED.get(_folded(text[:_SHOWN_LENGTH]))


def zones_called(text: str) -> tuple[str, ...]:
    """The zones that go by that name in some list or other: a city, an abbreviation, a Windows name. Typing errors are
    not forgiven; several mean that the name is ambiguous.
    """
    wanted = _folded(text[:_SHOWN_LENGTH])
    return tuple(dict.fromkeys((*ALIASES.get(wanted, ()), *_BY_CITY.get(wanted, ()))))


def all_zones() -> tuple[str, ...]:
    """Every IANA name, in order, places before legacy names."""
    return tuple(sorted(_NAMES, key=_rank))


@lru_cache(maxsize=1024)  # every name there is, with room to spare
def _load(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def load_zone(name: str) -> ZoneInfo:
    """The zone of that IANA name, always the same object for the same name.

    Raises `Problem("invalid_timezone")` for anything else, a value that is no text included.
    """
    if isinstance(name, str) and name in _NAMES:
        return _load(name)
    if not isinstance(name, str):
        raise Problem(
            "invalid_timezone",
            "A time zone is given as text.",
            "Use an IANA name such as “America/Denver” or “UTC”.",
        )
    near = nearest_zones(name)
    shown = name if len(name) <= _SHOWN_LENGTH else f"{name[:_SHOWN_LENGTH]}…"
    raise Problem(
        "invalid_timezone",
        f"“{shown}” is not an IANA time zone.",
        f"Did you mean {' or '.join(near)}?" if near else "Use an IANA name such as America/Denver or UTC.",
    )

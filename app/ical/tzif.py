"""Zones as the tzdata package has them (TZif, RFC 8536): what turned when, and the rule ever after."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Final, NamedTuple

from app.core.zones import load_zone

_HEADER: Final = struct.Struct(">4sc15x6L")


class Kind(NamedTuple):
    """A kind of local time: seconds east of UTC, whether the zone calls it saving time, its abbreviation."""

    offset: int
    saving: bool
    name: str


class Onset(NamedTuple):
    """The instant (in epoch seconds) from which a kind holds, and the kind that it ends."""

    at: int
    before: Kind
    kind: Kind


@dataclass(frozen=True, slots=True)
class ZoneData:
    """`first` holds before every onset; `footer` is the POSIX TZ rule that holds after the last one.

    An onset may change nothing: as the last one it tells since when the footer holds.
    """

    first: Kind
    onsets: tuple[Onset, ...]
    footer: str


@lru_cache(maxsize=64)  # a zone's data is some 10 KB of tuples; what is made from it is cached for longer
def load(zone_name: str) -> ZoneData:
    """The zone's data. Raises Problem `invalid_timezone` when tzdata has no zone of this name."""
    load_zone(zone_name)
    return parse(files("tzdata").joinpath("zoneinfo", *zone_name.split("/")).read_bytes())


def parse(data: bytes) -> ZoneData:
    """The 64-bit block and the footer of a TZif file. Raises ValueError below version 2."""
    if data[:4] != b"TZif" or data[4:5] < b"2":
        raise ValueError("These are not TZif data of version 2 or later.")
    # The first block repeats in 32 bits what the second has in 64: step over it.
    _, _, utc, standard, leaps, times, kinds, letters = _HEADER.unpack_from(data)
    at = _HEADER.size + times * 5 + kinds * 6 + letters + leaps * 8 + standard + utc
    _, _, utc, standard, leaps, times, kinds, letters = _HEADER.unpack_from(data, at)
    at += _HEADER.size
    instants = struct.unpack_from(f">{times}q", data, at)
    at += times * 8
    indexes = data[at : at + times]
    at += times
    records = list(struct.iter_unpack(">lBB", data[at : at + kinds * 6]))
    at += kinds * 6
    names = data[at : at + letters]
    at += letters + leaps * 12 + standard + utc
    found = [
        Kind(offset, bool(saving), names[begin : names.index(b"\0", begin)].decode("ascii"))
        for offset, saving, begin in records
    ]
    sequence = [found[0], *(found[index] for index in indexes)]
    onsets = tuple(
        Onset(instant, before, kind) for instant, (before, kind) in zip(instants, pairwise(sequence), strict=True)
    )
    return ZoneData(found[0], onsets, data[at:].strip(b"\n").decode("ascii"))

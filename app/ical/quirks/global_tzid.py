"""Mozilla, Evolution and libical: a TZID with a registry before it.

`/mozilla.org/20070129_1/Europe/Berlin`, `/freeassociation.sourceforge.net/Tzfile/Europe/Berlin`,
`/citadel.org/…/Europe/Berlin`, `posix/Europe/Berlin`: RFC 5545 3.8.3.1 lets a TZID that begins with a solidus name an
entry of a public registry, and there is none. The IANA name is its end.
"""

from __future__ import annotations

from app.core.zones import zone_named

_LONGEST = 3  # segments of an IANA name: America/Argentina/Buenos_Aires


def resolved(tzid: str) -> str | None:
    """The IANA zone whose name `tzid` ends in."""
    parts = tzid.strip("/").split("/")
    shortest = 1 if tzid.startswith("/") else 2
    for size in range(min(_LONGEST, len(parts)), shortest - 1, -1):
        if name := zone_named("/".join(parts[-size:])):
            return name
    return None

"""Lotus Notes, Zimbra and old Exchange: a URI as a parameter's value, without quotes.

`ORGANIZER;SENT-BY=mailto:aide@example.com:mailto:boss@example.com`, `DTSTART;TZID=tzone://Microsoft/Utc:20261209T100000`.
RFC 5545 3.1 wants a value with a colon quoted. The line's own value begins after the URI.
"""

from __future__ import annotations


def value_colon(raw: str, colon: int) -> int:
    """Where the head of a line ends whose first colon is at `colon`; that same one where it belongs to no URI."""
    if not (raw.startswith("//", colon + 1) or raw[colon - 7 : colon].lower() == "=mailto"):
        return colon
    if "=" not in raw[:colon].rpartition(";")[2]:
        return colon
    following = raw.find(":", colon + 1)
    return colon if following < 0 else following

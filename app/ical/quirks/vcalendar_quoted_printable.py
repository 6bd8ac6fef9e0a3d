"""vCalendar 1.0 (Nokia, Siemens, Outlook 2003 and Palm exports): ENCODING=QUOTED-PRINTABLE.

RFC 5545 3.2.7 knows 8BIT and BASE64 only, and Appendix A.1 dropped QUOTED-PRINTABLE. The value is decoded; a line that
ends in `=` goes on in the next one, which does not begin with a blank.
"""

from __future__ import annotations

import quopri
from collections.abc import Iterable, Iterator

from app.ical.decode import clean


def joined(lines: Iterable[str]) -> Iterator[str]:
    """The lines, soft line breaks undone."""
    held: list[str] = []
    for line in lines:
        if held:
            held.append(line)
            if not line.endswith("="):
                yield "".join([*(part[:-1] for part in held[:-1]), held[-1]])
                held = []
        elif line.endswith("=") and _is_encoded(line):
            held = [line]
        else:
            yield line
    if held:
        yield "".join(part.removesuffix("=") for part in held)


def _is_encoded(line: str) -> bool:
    return "QUOTED-PRINTABLE" in line.partition(":")[0].upper()


def decoded(head: str, value: str, charset: str | None) -> str:
    """The value of such a line, decoded; any other as it is."""
    if "QUOTED-PRINTABLE" not in head.upper():
        return value
    octets = quopri.decodestring(value.encode("utf-8", "replace"))
    name = "latin-1" if (charset or "").lower().startswith("iso-8859") else "utf-8"
    text = octets.decode(name, "replace").replace("\r\n", "\n").replace("\r", "\n")
    return clean(text)

"""The headers that keep browsers from doing more with an answer than it is meant for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

Header = tuple[bytes, bytes]

# Nothing of ours but a page has a reason to load anything, or to be shown in a frame; what is for one reader stays with
# that reader, and most answers are. A route that means otherwise says so itself.
_HEADERS: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),  # what is JSON or a calendar is never run as a script
    (b"referrer-policy", b"no-referrer"),  # addresses of feeds hold their token
    (b"cross-origin-resource-policy", b"same-origin"),  # no other site's page takes an answer in
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")  # seconds: a year


class Protection:
    """`is_https`: browsers are told to come back encrypted, since the public address is."""

    def __init__(self, *, is_https: bool) -> None:
        self._headers = (*_HEADERS, _HSTS) if is_https else _HEADERS

    def __call__(self, said: Iterable[Header]) -> list[Header]:
        """The headers to add to those that an answer has."""
        names = {name for name, _ in said}
        return [header for header in self._headers if header[0] not in names]

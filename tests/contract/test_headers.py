from __future__ import annotations

from typing import Final

from app.pages.catalogue import headers
from tests.contract.tour import Tour

# What any HTTP server sends, or what is said of one document.
COMMON: Final = {
    "access-control-allow-origin",
    "allow",
    "cache-control",
    "connection",
    "content-disposition",
    "content-length",
    "content-security-policy",
    "content-type",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "date",
    "referrer-policy",
    "server",
    "strict-transport-security",
    "vary",
    "x-content-type-options",
    "x-frame-options",
    "x-robots-tag",
}


def test_every_header_that_tells_a_caller_something_is_written_down(tour: Tour) -> None:
    answers = [*(stop.response for stop in tour.stops), *(response for _, response in tour.refusals)]
    sent = {name.lower() for response in answers for name in response.headers}
    assert sent - {name.lower() for name in headers.ANSWER} - COMMON == set()
    assert sent >= {"ratelimit", "ratelimit-policy", "retry-after", "etag", "x-request-id"}

"""The catalogue of operations: what the service serves over HTTP, written down once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Final

from app.pages.catalogue import (
    agents,
    calendars,
    deployment,
    events,
    failures,
    inbound,
    mail,
    manual,
    monitoring,
    people,
    safety,
    transfer,
    webhooks,
)
from app.pages.catalogue.shape import Operation

OPERATIONS: Final = (
    *agents.OPERATIONS,
    *calendars.OPERATIONS,
    *events.OPERATIONS,
    *safety.OPERATIONS,
    *calendars.WATCHING_OPERATIONS,
    *people.OPERATIONS,
    *webhooks.OPERATIONS,
    *inbound.OPERATIONS,
    *mail.OPERATIONS,
    *transfer.OPERATIONS,
    *failures.OPERATIONS,
    *manual.OPERATIONS,
    *deployment.OPERATIONS,
    *monitoring.OPERATIONS,
)

SECTIONS: Final[Mapping[str, tuple[Operation, ...]]] = {
    name: tuple(found) for name, found in groupby(OPERATIONS, key=lambda operation: operation.section)
}

# Codes that no operation has, because they are about requests that reach none.
BEYOND_OPERATIONS: Final = ("method_not_allowed",)

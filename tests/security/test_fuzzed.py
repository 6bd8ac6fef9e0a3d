"""Whatever is made up from the document, the service answers as the document says, and never with a fault."""

from __future__ import annotations

import os

import pytest

from tests.support.service import Service

CASES = int(os.environ.get("KALENDS_TEST_FUZZED_REQUESTS", "1"))  # of each operation; ./scripts/fuzz sends 200
SEED = int(os.environ.get("KALENDS_TEST_FUZZ_SEED", "20260302"))


def test_requests_made_up_from_the_document_are_answered_as_it_says(service: Service) -> None:
    pytest.importorskip("schemathesis", reason="it comes with the dev extra, which is not installed")
    from tests.security.fuzzing import agents, fuzz, operations

    faults, sent = [], 0
    with agents(service.url) as (agent, spare):
        for place, operation in enumerate(operations(service.url)):
            try:
                sent += fuzz(operation, agent, spare, CASES, SEED + place)
            except Exception as fault:
                faults.append(f"{operation.method.upper()} {operation.path}: {fault}")
    assert not faults, "\n\n".join(faults)
    assert sent > 40

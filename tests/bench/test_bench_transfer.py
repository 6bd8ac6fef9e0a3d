"""The pieces that measure import and export."""

from __future__ import annotations

import msgspec

from app.ical.files import open_file
from tests.bench.transfer import Transfer, many

FOUND = Transfer(10_000, 7.1, 4.2, 0.9, 5.0, 3.1, 61.0, True)


def test_the_file_has_events_of_every_kind_all_of_which_are_read() -> None:
    file = open_file(many(120).encode(), floating_zone="UTC")
    found = [entry.component for entry in file.entries(0, len(file))]
    assert len({component.uid for component in found if component is not None}) == 120
    assert None not in found
    assert any(component is not None and component.recurrence_id for component in found)


def test_the_table_says_whether_the_aims_were_met() -> None:
    assert "met: yes." in FOUND.table()
    assert "| Export, 7.1 MB | 0.90 s |" in FOUND.table()
    for worse in ({"others": 101.0}, {"own": 11.0}, {"export": 1.6}, {"same": False}):
        assert "met: no." in msgspec.structs.replace(FOUND, **worse).table()

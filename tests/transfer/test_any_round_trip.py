"""Whatever was written: export, import into an empty calendar, export again gives the same bytes."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import NOON
from tests.events.state import check_everything
from tests.events.writer import ZONES, Writer
from tests.support.service import Api, Calendar, Service
from tests.transfer.trips import agree, counts, exported, imported, twin

EXAMPLES: Final = int(os.environ.get("KALENDS_TEST_ROUND_TRIPS", "2"))


def test_after_any_writes_an_export_comes_back_byte_by_byte(shared_service: Service) -> None:
    service = shared_service
    service.clock.move_to(NOON)
    api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(st.data())
    def any_round_trip(data: st.DataObject) -> None:
        zone = data.draw(st.sampled_from(ZONES))
        calendar = Calendar(api, api.made("/calendars", name="Any", timezone=zone))
        writer = Writer(calendar, data)
        writer.begin()
        for _ in range(10):
            writer.write()
        file = exported(calendar)
        other = twin(service, "Any", zone)
        answer = imported(other, file)
        assert answer["ignored"] == 0, answer
        assert exported(other) == file
        agree(calendar, other)
        check_everything(service, other)
        again = imported(other, file)
        assert counts(again)[:2] == (0, 0), again
        assert again["ignored"] == 0, again
        assert exported(other) == file

    any_round_trip()

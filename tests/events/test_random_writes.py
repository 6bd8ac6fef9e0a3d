"""Whatever is written in whatever order, log, list, feed, upcoming and the stored rows tell one story."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import NOON
from tests.events.state import check_everything
from tests.events.writer import ZONES, Writer
from tests.support.service import Api, Calendar, Service


@pytest.mark.parametrize("writes", [4, 12])
def test_log_list_feed_and_tables_agree_after_any_writes(shared_service: Service, writes: int) -> None:
    service = shared_service
    service.clock.move_to(NOON)
    api = Api(service.url, Api(service.url, None).made("/agents")["api_key"])

    @settings(
        max_examples=12,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(st.data())
    def any_writes(data: st.DataObject) -> None:
        zone = data.draw(st.sampled_from(ZONES))
        calendar = Calendar(api, api.made("/calendars", name="Any", timezone=zone))
        writer = Writer(calendar, data)
        writer.begin()
        for _ in range(writes):
            writer.write()
        check_everything(service, calendar)

    any_writes()

from __future__ import annotations

import zoneinfo

import pytest

from app.core.times import TZDATA_VERSION, load_zone, nearest_zones
from app.errors import Problem


def test_zones_come_from_the_locked_package_and_never_from_the_system() -> None:
    assert zoneinfo.TZPATH == ()
    assert TZDATA_VERSION[:2] == "20"
    assert load_zone("America/Denver") is load_zone("America/Denver")


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Denver", "America/Denver"),
        ("america/denver", "America/Denver"),
        ("new york", "America/New_York"),
        ("PST", "America/Los_Angeles"),
        ("EST5", "America/New_York"),
        ("Berlin", "Europe/Berlin"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("Amercia/New_York", "America/New_York"),
        ("Kolkatta", "Asia/Kolkata"),
        ("San Francisco", "America/Los_Angeles"),
        ("UTC+2", "Etc/GMT-2"),
        ("utc", "UTC"),
    ],
)
def test_a_name_that_is_nearly_a_zone_is_refused_with_the_zone_it_means(text: str, zone: str) -> None:
    assert nearest_zones(text)[0] == zone
    with pytest.raises(Problem) as refused:
        load_zone(text)
    assert refused.value.code == "invalid_timezone"
    assert zone in (refused.value.hint or "")


@pytest.mark.parametrize(
    "name",
    ["", "Factory", "localtime", "posixrules", "../etc/passwd", "/etc/localtime", "America/../UTC", "posix/UTC",
     "right/UTC", "America", "UTC\0", "tzdata.zi", "x" * 100_000],
)  # fmt: skip
def test_files_and_paths_that_are_no_zones_are_refused(name: str) -> None:
    with pytest.raises(Problem) as refused:
        load_zone(name)
    assert refused.value.code == "invalid_timezone"
    assert len(refused.value.message) < 150
    assert refused.value.hint


@pytest.mark.parametrize("value", [None, 5, ["UTC"], {"zone": "UTC"}])
def test_a_zone_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(Problem) as refused:
        load_zone(value)  # type: ignore[arg-type]
    assert refused.value.code == "invalid_timezone"


def test_at_most_three_zones_are_offered() -> None:
    assert len(nearest_zones("a")) <= 3
    assert nearest_zones("qwertyuiop") == []
    assert len(set(nearest_zones("Central"))) == len(nearest_zones("Central")) <= 3


def test_every_zone_there_is_can_be_loaded_but_for_the_files_that_are_none() -> None:
    names = zoneinfo.available_timezones() - {"Factory", "localtime", "posixrules"}
    assert len(names) > 500
    assert all(load_zone(name).key == name for name in names)

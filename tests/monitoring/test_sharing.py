"""The numbers of several processes, put together."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from app.metrics.exposition import exposed, exposed_gauge
from app.metrics.families import FEED_READS, LAG, MEMORY
from app.metrics.instruments import Series
from app.metrics.sharing import FRESH_FOR, Place
from tests.monitoring.reading import read


@pytest.fixture(autouse=True)
def _counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven hits, three observations and some memory; put back afterwards."""
    monkeypatch.setattr(FEED_READS, "series", {("hit",): [7.0]})
    monkeypatch.setattr(MEMORY, "series", {(): [1000.0]})
    monkeypatch.setattr(LAG, "series", {(): LAG._empty()})
    for seconds in (0.0, 0.003, 5.0):
        LAG.observe(seconds)


def told(place: Place, name: str) -> Series:
    return place.picture()[name][1]


def test_counters_and_histograms_are_added_up_and_gauges_told_apart(tmp_path: Path) -> None:
    Place("web-2", tmp_path).publish()
    FEED_READS.add("hit", by=2)
    one = Place("web-1", tmp_path)
    assert told(one, FEED_READS.name) == {("hit",): [7 + 9]}
    assert told(one, LAG.name)[()][-1] == pytest.approx(2 * 5.003)
    assert told(one, MEMORY.name) == {("web-1",): [1000], ("web-2",): [1000]}


def test_of_a_process_that_is_gone_what_it_counted_stays_and_what_it_was_goes(tmp_path: Path) -> None:
    Place("web-2", tmp_path).publish()
    long_ago = time.time() - FRESH_FOR - 1
    os.utime(tmp_path / "web-2", (long_ago, long_ago))
    one = Place("web-1", tmp_path)
    assert told(one, FEED_READS.name) == {("hit",): [14]}
    assert told(one, MEMORY.name) == {("web-1",): [1000]}


def test_who_takes_a_place_goes_on_from_where_it_stood(tmp_path: Path) -> None:
    two = Place("web-2", tmp_path)
    two.publish()
    FEED_READS.series = {("hit",): [0.0]}  # as in a process that has just begun
    two.take()
    FEED_READS.add("hit")
    assert told(two, FEED_READS.name) == {("hit",): [8]}


def test_a_file_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "web-2").write_bytes(b"\xff\x00 half a fi")
    one = Place("web-1", tmp_path)
    one.publish()
    assert told(one, FEED_READS.name) == {("hit",): [7]}
    (tmp_path / "gone").mkdir()
    Place("web-1", tmp_path / "gone" / "further").publish()  # no reason to fail


def test_labels_are_written_so_that_any_text_can_be_read_back() -> None:
    odd = 'a "b" \\ c'
    lines = list(exposed_gauge("odd", 'It says "\\".', "label", [(odd, 1.5)]))
    assert lines[-1] == 'odd{label="a \\"b\\" \\\\ c"} 1.5'
    family = read("\n".join(lines) + "\n")["odd"]
    assert list(family.samples.values()) == [1.5]


def test_buckets_count_all_that_is_smaller() -> None:
    lines = list(exposed(LAG, LAG.series, ()))
    counts = [line.rsplit(" ", 1)[1] for line in lines if "_bucket" in line]
    assert counts == ["1", "2", "2", "2", "2", "2", "2", "2", "3"]
    assert lines[-1] == f"{LAG.name}_count 3"

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.seal import SealBroken, Sealer

OLD, NEW = "o" * 32, "n" * 32
PLACE = "cal_aaaaaaaaaaaa/feed"


@given(st.text(st.characters(codec="utf-8")))
def test_what_was_sealed_opens_in_its_place(secret: str) -> None:
    sealer = Sealer((NEW,))
    sealed = sealer.seal(secret, PLACE)
    assert sealer.open(sealed, PLACE) == secret
    assert sealer.open(memoryview(sealed).tobytes(), PLACE) == secret


def test_the_secret_does_not_show_and_no_two_seals_are_alike() -> None:
    sealer = Sealer((NEW,))
    seals = {sealer.seal("feed_secret_of_mine", PLACE) for _ in range(50)}
    assert len(seals) == 50
    assert not any(b"secret" in sealed for sealed in seals)


def test_a_sealed_value_does_not_open_in_another_place() -> None:
    sealer = Sealer((NEW,))
    sealed = sealer.seal("secret", PLACE)
    for place in ("cal_bbbbbbbbbbbb/feed", "cal_aaaaaaaaaaaa/inbound", ""):
        with pytest.raises(SealBroken, match="altered or moved"):
            sealer.open(sealed, place)


@pytest.mark.parametrize("index", [4, 10, 16, -1])
def test_an_altered_value_does_not_open(index: int) -> None:
    sealer = Sealer((NEW,))
    sealed = bytearray(sealer.seal("secret", PLACE))
    sealed[index] ^= 1
    with pytest.raises(SealBroken):
        sealer.open(bytes(sealed), PLACE)


@pytest.mark.parametrize("length", [0, 3, 4, 10, 16, 20])
def test_a_cut_value_does_not_open_and_breaks_nothing_else(length: int) -> None:
    sealer = Sealer((NEW,))
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal("secret", PLACE)[:length], PLACE)


def test_after_a_rotation_old_values_open_and_are_known_to_be_due() -> None:
    old = Sealer((OLD,)).seal("secret", PLACE)
    rotated = Sealer((NEW, OLD))
    assert rotated.open(old, PLACE) == "secret"
    assert not rotated.is_current(old)
    fresh = rotated.seal("secret", PLACE)
    assert rotated.is_current(fresh)
    assert Sealer((NEW,)).open(fresh, PLACE) == "secret"


def test_a_missing_key_is_told_with_the_next_step_and_without_the_key() -> None:
    old = Sealer((OLD,)).seal("secret", PLACE)
    with pytest.raises(SealBroken, match="append the old key") as caught:
        Sealer((NEW,)).open(old, PLACE)
    assert OLD not in str(caught.value)
    assert NEW not in str(caught.value)


def test_a_sealer_does_not_show_its_keys() -> None:
    sealer = Sealer((NEW, OLD))
    assert repr(sealer) == "Sealer(2 keys)"
    assert NEW not in str(vars(sealer))

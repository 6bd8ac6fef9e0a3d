"""Which addresses may be called, and from where: when a URL is stored, and when a socket is opened."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Problem
from app.net.addresses import is_loopback, is_public, literal_address
from app.net.guard import AddressRefused, Guard
from app.net.lookup import LookupFailed
from app.net.urls import check_webhook_url
from app.settings import Settings
from tests.net.servers import knowing

PUBLIC: Final = Settings(host="0.0.0.0")
START: Final = Settings()
DEPLOYMENTS: Final = (
    PUBLIC,
    START,
    replace(PUBLIC, allow_private_hosts=True),
    replace(START, allow_private_hosts=False),
)

# A letter for each: a public deployment, a start bound to loopback, allowed with 1, forbidden with 0.
ANYWHERE: Final = "yyyy"
ON_A_LOCAL_START: Final = "nyyn"
WHEN_ALLOWED: Final = "nnyn"
NEVER: Final = "nnnn"

HOSTS: Final = {
    # public
    "8.8.8.8": ANYWHERE,
    "9.255.255.255": ANYWHERE,
    "11.0.0.0": ANYWHERE,
    "100.63.255.255": ANYWHERE,
    "100.128.0.0": ANYWHERE,
    "172.15.255.255": ANYWHERE,
    "172.32.0.0": ANYWHERE,
    "192.167.255.255": ANYWHERE,
    "198.17.255.255": ANYWHERE,
    "198.20.0.0": ANYWHERE,
    "223.255.255.255": ANYWHERE,
    "134744072": ANYWHERE,  # 8.8.8.8
    "0x8.8.8.010": ANYWHERE,
    "8.8.8.8.": ANYWHERE,
    "[2606:4700:4700::1111]": ANYWHERE,
    "[2A00:1450::1]": ANYWHERE,
    "[::ffff:8.8.8.8]": ANYWHERE,
    "[64:ff9b::808:808]": ANYWHERE,
    "[64:ff9b::8.8.8.8]": ANYWHERE,
    # loopback
    "127.0.0.1": ON_A_LOCAL_START,
    "127.255.255.254": ON_A_LOCAL_START,
    "127.1": ON_A_LOCAL_START,
    "127.0.1": ON_A_LOCAL_START,
    "127.0.0.1.": ON_A_LOCAL_START,
    "2130706433": ON_A_LOCAL_START,
    "0x7f000001": ON_A_LOCAL_START,
    "0X7F.1": ON_A_LOCAL_START,
    "0177.0.0.1": ON_A_LOCAL_START,
    "017700000001": ON_A_LOCAL_START,
    "[::1]": ON_A_LOCAL_START,
    "[0:0:0:0:0:0:0:1]": ON_A_LOCAL_START,
    "[::ffff:127.0.0.1]": ON_A_LOCAL_START,
    "[::FFFF:7F00:1]": ON_A_LOCAL_START,
    # private, reserved, and what wraps such an address
    "0.0.0.0": WHEN_ALLOWED,
    "0": WHEN_ALLOWED,
    "0.1.2.3": WHEN_ALLOWED,
    "10.0.0.1": WHEN_ALLOWED,
    "10.1": WHEN_ALLOWED,
    "012.0.0.1": WHEN_ALLOWED,
    "0xa.0.0.1": WHEN_ALLOWED,
    "100.64.0.1": WHEN_ALLOWED,
    "100.100.100.200": WHEN_ALLOWED,
    "100.127.255.255": WHEN_ALLOWED,
    "168.63.129.16": WHEN_ALLOWED,
    "169.254.169.254": WHEN_ALLOWED,
    "169.254.169.254.": WHEN_ALLOWED,
    "2852039166": WHEN_ALLOWED,  # 169.254.169.254
    "0xa9.0376.43518": WHEN_ALLOWED,  # again
    "172.16.0.1": WHEN_ALLOWED,
    "172.31.255.255": WHEN_ALLOWED,
    "192.0.0.8": WHEN_ALLOWED,
    "192.0.0.192": WHEN_ALLOWED,
    "192.0.2.1": WHEN_ALLOWED,
    "192.88.99.1": WHEN_ALLOWED,
    "192.168.1.1": WHEN_ALLOWED,
    "198.18.0.1": WHEN_ALLOWED,
    "198.19.255.255": WHEN_ALLOWED,
    "198.51.100.1": WHEN_ALLOWED,
    "203.0.113.1": WHEN_ALLOWED,
    "224.0.0.1": WHEN_ALLOWED,
    "239.255.255.255": WHEN_ALLOWED,
    "240.0.0.1": WHEN_ALLOWED,
    "255.255.255.255": WHEN_ALLOWED,
    "[::]": WHEN_ALLOWED,
    "[::127.0.0.1]": WHEN_ALLOWED,
    "[::8.8.8.8]": WHEN_ALLOWED,
    "[::ffff:10.0.0.1]": WHEN_ALLOWED,
    "[::ffff:a9fe:a9fe]": WHEN_ALLOWED,
    "[::ffff:0:127.0.0.1]": WHEN_ALLOWED,
    "[64:ff9b::7f00:1]": WHEN_ALLOWED,
    "[64:ff9b::a9fe:a9fe]": WHEN_ALLOWED,
    "[64:ff9b:1::808:808]": WHEN_ALLOWED,
    "[100::1]": WHEN_ALLOWED,
    "[2001::1]": WHEN_ALLOWED,
    "[2001:0:808:808::1]": WHEN_ALLOWED,
    "[2001:2::1]": WHEN_ALLOWED,
    "[2001:10::1]": WHEN_ALLOWED,
    "[2001:20::1]": WHEN_ALLOWED,
    "[2001:db8::1]": WHEN_ALLOWED,
    "[2002:808:808::1]": WHEN_ALLOWED,
    "[2002:7f00:1::]": WHEN_ALLOWED,
    "[2606:4700::5efe:7f00:1]": WHEN_ALLOWED,
    "[2606:4700::200:5efe:10.0.0.1]": WHEN_ALLOWED,
    "[3ffe::1]": WHEN_ALLOWED,
    "[3fff::1]": WHEN_ALLOWED,
    "[4000::1]": WHEN_ALLOWED,
    "[5f00::1]": WHEN_ALLOWED,
    "[fc00::1]": WHEN_ALLOWED,
    "[fd00:ec2::254]": WHEN_ALLOWED,
    "[FE80::1]": WHEN_ALLOWED,
    "[fec0::1]": WHEN_ALLOWED,
    "[ff02::1]": WHEN_ALLOWED,
    # what no URL may have
    "[fe80::1%25eth0]": NEVER,
    "[fe80::1%eth0]": NEVER,
    "[::1%25lo]": NEVER,
    "[127.0.0.1]": NEVER,
    "[localhost]": NEVER,
    "[v1.127.0.0.1]": NEVER,
    "127.0.0.1%00": NEVER,
    "１２７.0.0.1": NEVER,
    "127。0。0。1": NEVER,
    "①②⑦.0.0.1": NEVER,
    "127.0.0.1@8.8.8.8": NEVER,
    "8.8.8.8\\@127.0.0.1": NEVER,
    "127.0.0.1..": NEVER,
}


def _stored(url: str, settings: Settings) -> str:
    try:
        check_webhook_url(url, settings)
    except Problem:
        return "n"
    return "y"


async def _called(host: str, settings: Settings) -> str:
    try:
        await Guard.of(settings, lookup=knowing()).resolve(host, 80)
    except AddressRefused:
        return "n"
    return "y"


@pytest.mark.parametrize(("host", "verdicts"), HOSTS.items())
def test_a_host_may_be_stored_where_it_may_be_called(host: str, verdicts: str) -> None:
    assert "".join(_stored(f"http://{host}:8080/x", settings) for settings in DEPLOYMENTS) == verdicts
    if verdicts is not NEVER:
        bare = host.strip("[]")
        assert "".join(asyncio.run(_called(bare, settings)) for settings in DEPLOYMENTS) == verdicts


@pytest.mark.parametrize("host", ["１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "fe80::1%eth0", "::1%lo"])
def test_full_width_digits_and_zones_do_not_get_past_a_socket(host: str) -> None:
    assert asyncio.run(_called(host, PUBLIC)) == "n"


@pytest.mark.parametrize("host", ["", ".", "a..b", "a b", "a%00b", "a\x00b", "x" * 64, "a." * 200, "\udc80"])
def test_what_cannot_be_a_name_is_not_looked_up(host: str) -> None:
    with pytest.raises(LookupFailed):
        asyncio.run(_called(host, PUBLIC))


@pytest.mark.parametrize(
    ("answers", "verdicts"),
    [
        (["8.8.8.8"], ANYWHERE),
        (["8.8.8.8", "2606:4700:4700::1111"], ANYWHERE),
        (["127.0.0.1", "::1"], ON_A_LOCAL_START),
        (["::ffff:127.0.0.1"], ON_A_LOCAL_START),
        (["8.8.8.8", "127.0.0.1"], ON_A_LOCAL_START),
        (["8.8.8.8", "10.0.0.1"], WHEN_ALLOWED),
        (["10.0.0.1", "8.8.8.8"], WHEN_ALLOWED),
        (["2606:4700:4700::1111", "fd00::1"], WHEN_ALLOWED),
        (["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "169.254.169.254"], WHEN_ALLOWED),
        (["fe80::1%eth0"], WHEN_ALLOWED),
        (["0.0.0.0"], WHEN_ALLOWED),
    ],
)
def test_a_name_is_judged_by_all_of_its_addresses(answers: Sequence[str], verdicts: str) -> None:
    async def called(settings: Settings) -> str:
        try:
            places = await Guard.of(settings, lookup=knowing(hooks=list(answers))).resolve("Hooks.example.", 443)
        except AddressRefused:
            return "n"
        assert len(places) == len(answers)
        return "y"

    assert "".join(asyncio.run(called(settings)) for settings in DEPLOYMENTS) == verdicts


def test_hosts_that_the_operator_configured_may_be_anywhere() -> None:
    guard = Guard.trusting(lookup=knowing(mail=["10.0.0.25", "8.8.8.8"]))
    places = asyncio.run(guard.resolve("mail.example", 25))
    assert [(str(place.address), place.port) for place in places] == [("10.0.0.25", 25), ("8.8.8.8", 25)]


def test_a_name_without_addresses_says_so() -> None:
    with pytest.raises(LookupFailed, match=r"hooks\.example has no address"):
        asyncio.run(Guard.of(PUBLIC, lookup=knowing(hooks=[])).resolve("hooks.example", 443))


@given(st.ip_addresses(v=4))
def test_what_python_calls_private_is_never_public(address: ipaddress.IPv4Address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_public(address)
    spelt = {str(address), str(int(address)), hex(int(address)), f"{address}."}
    assert {literal_address(text) for text in spelt} == {address}


@given(st.ip_addresses(v=4))
def test_an_address_that_ipv6_maps_is_judged_as_itself(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    assert (is_public(mapped), is_loopback(mapped)) == (is_public(address), is_loopback(address))
    assert is_public(ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address))) is is_public(
        address
    )
    for prefix in ("::", "2002:", "::ffff:0:", "64:ff9b:1::"):
        wrapped = (
            f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1" if prefix == "2002:" else f"{prefix}{address}"
        )
        assert not is_public(ipaddress.IPv6Address(wrapped))


@given(st.ip_addresses(v=6))
def test_what_python_calls_private_in_ipv6_is_never_public(address: ipaddress.IPv6Address) -> None:
    if address.ipv4_mapped:
        return  # judged as IPv4, above
    if not address.is_global or address.is_multicast or address.is_site_local:
        assert not is_public(address)

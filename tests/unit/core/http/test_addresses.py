from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.http.addresses import _IPV4_REFUSED, _IPV6_REFUSED, refusal_reason

PRIVATE_NETWORKS = [network for network, _name in _IPV4_REFUSED]

private_ipv4 = st.sampled_from(PRIVATE_NETWORKS).flatmap(
    lambda network: st.integers(int(network.network_address), int(network.broadcast_address)).map(IPv4Address)
)


def wrapped(prefix: str, shift: int = 0) -> "st.SearchStrategy[IPv6Address]":
    base = int(IPv6Address(prefix))
    return private_ipv4.map(lambda inner: IPv6Address(base | int(inner) << shift))


REFUSED = [
    # IPv4, first and last of each range and the well-known ones within
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "100.100.100.200",
    "127.0.0.0", "127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254", "169.254.170.2",
    "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.9", "192.0.0.192", "192.0.0.255",
    "192.0.2.0", "192.0.2.255", "192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0",
    "198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255", "224.0.0.0", "224.0.0.1",
    "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255",
    # IPv6
    "::", "::1", "::2", "fc00::", "fd00:ec2::254", "fd20:ce::254", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::",
    "fe80::1", "febf:ffff::1", "fec0::", "fec0::1", "feff::1", "ff00::", "ff02::1", "ff0e::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff::1", "3fff::1", "3fff:fff:ffff::1",
    "100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::1", "2001::", "2001:0:ffff::1", "2001:1::1", "2001:2::1",
    "2001:3::1", "2001:4:112::1", "2001:10::1", "2001:1f:ffff::1", "2001:20::1", "2001:2f:ffff::1", "2001:30::1",
    "2001:1ff:ffff::1", "2002::", "2002:808:808::1", "2002:ffff:ffff::1", "3ffe::1", "5f00::1", "64:ff9b::8.8.8.8",
    "64:ff9b:1::1", "64:ff9b:1:ffff::8.8.8.8", "64:ff9b:2::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", "::127.0.0.1", "::8.8.8.8", "1::1", "400::1", "1fff::1", "4000::1",
    "8000::1", "bfff::1", "c000::1", "e000::1", "f000::1", "fe00::1", "fe80::1%eth0", "2606:4700::1111%1",
    "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:192.168.0.1", "2606:4700::5efe:169.254.169.254",
]  # fmt: skip

PUBLIC = [
    # the neighbours of every refused range
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
    "191.255.255.255", "192.0.1.0", "192.0.1.255", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
    "223.255.255.255", "1.1.1.1", "8.8.8.8",
    "2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2001:4860:4860::8888", "2001:ffff::1", "2003::1",
    "2606:4700:4700::1111", "2620:4f:8000::1", "2a00:1450::1", "3ffd:ffff::1", "3fff:1000::1",
    "2606:4700::5efe:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_non_public_addresses_are_refused(text: str) -> None:
    assert refusal_reason(ip_address(text)) is not None


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_not_refused(text: str) -> None:
    assert refusal_reason(ip_address(text)) is None


@pytest.mark.parametrize("network", [network for network, _name in (*_IPV4_REFUSED, *_IPV6_REFUSED)], ids=str)
def test_every_range_is_refused_from_end_to_end(network: IPv4Network) -> None:
    middle = network[network.num_addresses // 2]
    assert all(refusal_reason(address) for address in (network[0], middle, network[-1]))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("::ffff:0:8.8.8.8", "IPv4-translated"),
        ("::8.8.8.8", "IPv4-compatible"),
        ("64:ff9b::8.8.8.8", "NAT64"),
        ("2002:808:808::", "6to4"),
        ("2001::1", "Teredo"),
        ("fec0::1", "site-local"),
        ("2606:4700::5efe:10.0.0.1", "ISATAP (private)"),
        ("169.254.169.254", "link-local"),
    ],
)
def test_the_reason_names_the_range(text: str, reason: str) -> None:
    assert refusal_reason(ip_address(text)) == reason


@given(
    st.one_of(
        wrapped("::ffff:0:0"),
        wrapped("::ffff:0:0:0"),
        wrapped("::"),
        wrapped("64:ff9b::"),
        wrapped("64:ff9b:1::"),
        wrapped("64:ff9b:1:abcd::"),
        wrapped("2002::", shift=80),
        wrapped("2001::"),
        wrapped("2001::", shift=64),
        wrapped("2606:4700::5efe:0:0"),
        wrapped("2606:4700::200:5efe:0:0"),
        wrapped("fe80::5efe:0:0"),
    )
)
def test_no_wrapper_carries_a_private_ipv4_address_past_the_guard(address: IPv6Address) -> None:
    assert refusal_reason(address) is not None


@given(private_ipv4)
def test_teredo_clients_hide_their_address_inverted(inner: IPv4Address) -> None:
    assert refusal_reason(IPv6Address(int(IPv6Address("2001::")) | (int(inner) ^ 0xFFFF_FFFF))) is not None


@given(st.ip_addresses())
def test_nothing_passes_that_the_standard_library_knows_to_be_special(address: IPv4Address | IPv6Address) -> None:
    special = (
        not address.is_global
        or address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
    if special:
        assert refusal_reason(address) is not None


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_only_global_unicast_is_public(address: IPv6Address) -> None:
    if refusal_reason(address) is None:
        assert 0x2000 <= int(address) >> 112 <= 0x3FFF

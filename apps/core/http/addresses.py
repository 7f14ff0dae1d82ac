"""Which IP addresses belong to the public Internet, by an explicit table.

Sources: the IANA special-purpose registries (iana-ipv4-special-registry, iana-ipv6-special-registry), the IANA
multicast registries and RFC 6890. Python 3.11's `is_global` passes multicast, 6to4, NAT64, IPv4-compatible and
site-local addresses, so it is not asked. Every range in which IPv6 carries an IPv4 address is refused whole.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

_IPV4_REFUSED: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),  # Azure's host agent, reachable from its machines alone
        ("169.254.0.0/16", "link-local"),  # with the metadata service at 169.254.169.254
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),  # with the broadcast address 255.255.255.255
    )
)

# The first match names the range; the last line closes everything that is not global unicast, assigned or not.
_IPV6_REFUSED: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), name)
    for network, name in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard-only"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmarking"),
        ("2001:10::/28", "ORCHID"),
        ("2001:20::/28", "ORCHIDv2"),
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3ffe::/16", "6bone (withdrawn)"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),  # with the metadata service at fd00:ec2::254
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("::/3", "reserved"),
        ("4000::/2", "reserved"),
        ("8000::/1", "reserved"),
    )
)

# ISATAP (RFC 5214) puts an IPv4 address behind this marker under any prefix, a global one as well.
_ISATAP_MARKERS = frozenset({0x0000_5EFE, 0x0200_5EFE})


def refusal_reason(address: IPAddress) -> str | None:
    """The name of the non-public range that `address` lies in, or None when it is public."""
    if isinstance(address, IPv4Address):
        return next((name for network, name in _IPV4_REFUSED if address in network), None)
    if address.scope_id is not None:
        return "zone id"
    reason = next((name for network, name in _IPV6_REFUSED if address in network), None)
    if reason is None and (embedded := isatap_ipv4(address)) is not None:
        inner = refusal_reason(embedded)
        return f"ISATAP ({inner})" if inner else None
    return reason


def isatap_ipv4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside an ISATAP interface identifier, or None for any other address."""
    interface = int(address) & 0xFFFF_FFFF_FFFF_FFFF
    return IPv4Address(interface & 0xFFFF_FFFF) if interface >> 32 in _ISATAP_MARKERS else None

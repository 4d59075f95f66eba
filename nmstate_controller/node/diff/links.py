"""What interfaces of each type have of their own, field by field.

Sources: the nmstate crate's `ifaces::*` (serde attributes, `sanitize`) and `query_apply::*` (`sanitize_*_for_verify`).
What is not listed is compared as it is.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.diff import ports
from nmstate_controller.node.diff.base import BASE
from nmstate_controller.node.diff.difference import JSON, Difference
from nmstate_controller.node.diff.fields import (
    EXACT,
    Field,
    Scope,
    interface_name,
    keyed,
    leaf,
    ordered,
    section,
    skip,
    unless_on,
    unordered,
)
from nmstate_controller.node.diff.values import (
    address,
    boolean,
    choice,
    integer,
    mac,
    mapping,
    number,
    text,
)

_NO_PKEY: Final = 0xFFFF


def _unless_zero(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """Zero keeps what is there (`VrfInterface::merge_table_id`)."""
    if integer(desired) != 0:
        yield from EXACT(scope, desired, current)


def _rounded(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """A kernel of 250 Hz may round these down by one (`is_interger_rounded_up`)."""
    wanted, actual = integer(desired), integer(current)
    if wanted is None or actual is None or wanted - actual != 1:
        yield from EXACT(scope, desired, current)


def _ageing_time(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """While the spanning tree changes, the kernel ages addresses in twice the forward delay."""
    options = mapping(mapping(scope.current.get("bridge")).get("options"))
    tree = mapping(options.get("stp"))
    delay = integer(tree.get("forward-delay"))
    changing = boolean(tree.get("enabled")) is True and delay is not None and integer(current) == 2 * delay
    if not changing:
        yield from EXACT(scope, desired, current)


def _ovs_stp(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """A bare boolean stands for `enabled` (`ovs_stp_deserializer`)."""
    switch = boolean(desired)
    yield from section({})(scope, desired if switch is None else {"enabled": switch}, current)


def _libreswan(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """`nm-auto-defaults` is true where the document is silent, and always shown."""
    if isinstance(desired, Mapping) and "nm-auto-defaults" in mapping(current):
        desired = {"nm-auto-defaults": True, **desired}
    yield from section({"ipsec-interface": leaf(text)})(scope, desired, current)


def _qos(value: JSON) -> JSON:
    entry = mapping(value)
    return [number(entry.get("from")), number(entry.get("to"))]


def _id(_scope: Scope, value: JSON) -> str | None:
    read = integer(mapping(value).get("id"))
    return None if read is None else str(read)


_PROMISCUOUS: Final[Mapping[str, str]] = {"accept-all-mac": "promiscuous"}
_ON_INTERFACE: Final = {"base-iface": interface_name}

_BOND_OPTIONS: Final = section(
    {
        "ad_actor_system": leaf(mac),
        "ad_select": leaf(choice("stable", "bandwidth", "count")),
        "all_slaves_active": leaf(choice("dropped", "delivered")),
        "arp_all_targets": leaf(choice("any", "all")),
        "arp_ip_target": leaf(default=""),
        "arp_validate": leaf(choice("none", "active", "backup", "all", "filter", "filter_active", "filter_backup")),
        "balance_slb": leaf(default=False),
        "fail_over_mac": leaf(choice("none", "active", "follow")),
        "lacp_rate": leaf(choice("slow", "fast")),
        "ns_ip6_target": ordered(address),
        "primary": interface_name,
        "primary_reselect": leaf(choice("always", "better", "failure")),
        "xmit_hash_policy": leaf(choice("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac")),
    },
    aliases={"balance-slb": "balance_slb"},
)
_BOND: Final = section(
    {
        "mode": leaf(
            choice(
                "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb",
                "balance-alb", lacp="802.3ad",
            )
        ),
        "options": _BOND_OPTIONS,
        "port": ports.BOND,
        "ports-config": ports.BOND_CONFIG,
    },
    aliases=ports.PORTS,
)  # fmt: skip
_BRIDGE_OPTIONS: Final = section(
    {
        "gc-timer": skip,
        "hello-timer": skip,
        "group-addr": leaf(mac),
        "mac-ageing-time": _ageing_time,
        "multicast-last-member-interval": _rounded,
        "multicast-membership-interval": _rounded,
        "multicast-querier-interval": _rounded,
        "multicast-query-response-interval": _rounded,
        "multicast-startup-query-interval": _rounded,
        "multicast-router": leaf(
            choice("disabled", "auto", "enabled", disabled="disabled", auto="auto", enabled="enabled")
        ),
    },
    aliases={"group-forward-mask": "group-fwd-mask"},
)
_ABOUT_APPLYING: Final = {"allow-extra-ports": skip, "allow-extra-patch-ports": skip}
_LINUX_BRIDGE: Final = section(
    {**_ABOUT_APPLYING, "options": _BRIDGE_OPTIONS, "port": ports.LINUX_BRIDGE}, aliases=ports.PORTS
)
_OVS_BRIDGE: Final = section(
    {
        **_ABOUT_APPLYING,
        "options": section({"stp": _ovs_stp, "fail-mode": leaf(default=""), "datapath": leaf(default="")}),
        "port": ports.ovs_bridge,
    },
    aliases=ports.PORTS,
)
_VLAN: Final = section(
    {
        **_ON_INTERFACE,
        "protocol": leaf(default="802.1q"),
        "registration-protocol": leaf(default="none"),
        "reorder-headers": leaf(default=True),
        "loose-binding": leaf(default=False),
        "ingress-qos-map": unordered(_qos),
        "egress-qos-map": unordered(_qos),
    }
)
_MAC_VLAN: Final = section(_ON_INTERFACE, aliases=_PROMISCUOUS)
_VIRTUAL_FUNCTION: Final = section({"id": skip, "iface-name": skip, "mac-address": leaf(mac)})
_ETHERNET: Final = unless_on(
    "auto-negotiation",
    frozenset({"speed", "duplex"}),
    section(
        {"sr-iov": section({"max-vfs": skip, "vfs": keyed(_id, _VIRTUAL_FUNCTION, extra=lambda _scope, _value: False)})}
    ),
)
OWN: Final[Mapping[str, Field]] = {
    "bridge": _LINUX_BRIDGE,
    "dpdk": section(
        {"n_rxq_desc": leaf(default=0), "n_txq_desc": leaf(default=0)},
        aliases={"n_rxq": "rx-queue", "dpdk-lsc-interrupt": "lsc-interrupt"},
    ),
    "ethernet": _ETHERNET,
    "hsr": section(
        {
            "port1": interface_name,
            "port2": interface_name,
            "interlink": interface_name,
            "supervision-address": skip,
            "protocol": leaf(choice(**{"hsr-2010": "hsr"})),
        }
    ),
    "infiniband": section({**_ON_INTERFACE, "pkey": leaf(number, _NO_PKEY)}),
    "ip-tunnel": section(
        {
            **_ON_INTERFACE,
            "local": leaf(address),
            "remote": leaf(address),
            "ip6tun-flags": unordered(without=frozenset({"cap-xmit", "cap-rcv", "cap-per-packet"})),
        }
    ),
    "ipvlan": section(_ON_INTERFACE),
    "libreswan": _libreswan,
    "link-aggregation": _BOND,
    "mac-vlan": _MAC_VLAN,
    "mac-vtap": _MAC_VLAN,
    "macsec": section(_ON_INTERFACE),
    "patch": section({}),
    "veth": section({"peer": interface_name}),
    "vlan": _VLAN,
    "vrf": section({"port": ports.ports(), "route-table-id": _unless_zero}, aliases=ports.PORTS),
    "vxlan": section({**_ON_INTERFACE, "local": leaf(address), "remote": leaf(address)}),
}
"""What only some types have. The names of the sections are unique, but for `bridge`."""

OVERRIDES: Final[Mapping[str, Mapping[str, Field]]] = {
    "ovs-bridge": {"bridge": _OVS_BRIDGE, "mtu": skip, "ipv4": skip, "ipv6": skip},
    "vrf": {"mac-address": skip},
}
"""What means something else, or nothing, for one type."""


def link(scope: Scope) -> Iterator[Difference]:
    """What differs between the two sides of `scope`, which are there, and of the same type."""
    fields = {**BASE, **OWN, **OVERRIDES.get(str(scope.current.get("type")), {})}
    yield from section(fields, aliases={"bond": "link-aggregation"})(scope, scope.desired, scope.current)

"""What every interface may have, whatever its type.

Sources: the nmstate crate's `ifaces::base`, `ifaces::ethtool`, `ifaces::alt_name`, `query_apply::base`. What is not
listed is compared as it is.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.diff import ports
from nmstate_controller.node.diff.addresses import ip
from nmstate_controller.node.diff.difference import JSON, Difference
from nmstate_controller.node.diff.fields import (
    Field,
    Scope,
    interface_name,
    leaf,
    section,
    skip,
    unless_on,
    unordered,
)
from nmstate_controller.node.diff.values import mac, mapping, mappings, pci

_FEATURES: Final[Mapping[str, str]] = {
    "rx": "rx-checksum",
    "rx-checksumming": "rx-checksum",
    "ufo": "tx-udp-fragmentation",
    "tso": "tx-tcp-segmentation",
    "tcp-segmentation-offload": "tx-tcp-segmentation",
    "gso": "tx-generic-segmentation",
    "generic-segmentation-offload": "tx-generic-segmentation",
    "gro": "rx-gro",
    "generic-receive-offload": "rx-gro",
    "lro": "rx-lro",
    "large-receive-offload": "rx-lro",
    "rxvlan": "rx-vlan-hw-parse",
    "rx-vlan-offload": "rx-vlan-hw-parse",
    "txvlan": "tx-vlan-hw-insert",
    "tx-vlan-offload": "tx-vlan-hw-insert",
    "ntuple": "rx-ntuple-filter",
    "ntuple-filters": "rx-ntuple-filter",
    "rxhash": "rx-hashing",
    "receive-hashing": "rx-hashing",
}
"""ethtool's own names (`ethtool::ETHTOOL_FEATURE_CLI_ALIAS`)."""

_COPIES_MAC: Final = ("bond", "linux-bridge", "ovs-interface")


def _wait_ip(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """Means nothing on a port, which has no IP (`BaseInterface::can_have_ip`)."""
    controller = scope.current.get("controller")
    holder = scope.names.kernel(controller) if isinstance(controller, str) else None
    on_vrf = holder is not None and holder.get("type") == "vrf"
    if not controller or on_vrf or scope.current.get("type") == "ovs-interface":
        yield from leaf(default="any")(scope, desired, current)


def _copied_mac(scope: Scope, desired: JSON, _current: JSON, /) -> Iterator[Difference]:
    """The MAC address of another interface, its permanent one first (`apply_copy_mac_from`)."""
    if scope.current.get("type") not in _COPIES_MAC:
        return
    source = scope.names.kernel(scope.names.kernel_name(desired)) if isinstance(desired, str) else None
    found = mapping(source)
    wanted = found.get("permanent-mac-address") or found.get("mac-address")
    if wanted is None or mac(wanted) != mac(scope.current.get("mac-address")):
        yield from scope.differ(desired, scope.current.get("mac-address"))


def _alternative_names(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """Names to have, and names not to have; others do not matter (`alt_name_pre_verify`)."""
    if not isinstance(desired, list | tuple):
        yield from scope.differ(desired, current)
        return
    actual = {str(one.get("name")): one for one in mappings(current)}
    for value in desired:
        entry = mapping(value)
        name = str(entry.get("name"))
        if (entry.get("state") == "absent") == (name in actual):
            yield from scope.item(name).differ(value, actual.get(name))


def _profile_name(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """Not shown when it is the interface's own (`nm::show`)."""
    yield from leaf(default=scope.current.get("name"))(scope, desired, current)


_ETHTOOL: Final = section(
    {
        "feature": section({}, aliases=_FEATURES),
        "fec": unless_on("auto", frozenset({"mode"}), section({})),
    }
)

BASE: Final[Mapping[str, Field]] = {
    "name": skip,
    "type": skip,
    "state": skip,
    "driver": skip,
    "permanent-mac-address": skip,
    "min-mtu": skip,
    "max-mtu": skip,
    "802.1x": section({}),
    "accept-all-mac-addresses": leaf(default=False),
    "alt-names": _alternative_names,
    "controller": interface_name,
    "copy-mac-from": _copied_mac,
    "description": leaf(default=""),
    "dispatch": section({"post-activation": leaf(default=""), "post-deactivation": leaf(default="")}),
    "ethtool": _ETHTOOL,
    "identifier": leaf(default="name"),
    "ipv4": ip(ipv6=False),
    "ipv6": ip(ipv6=True),
    "lldp": section({"enabled": leaf(default=False), "neighbors": skip}),
    "mac-address": leaf(mac),
    "mptcp": section({"address-flags": unordered()}),
    "ovs-db": ports.OVSDB,
    "pci-address": leaf(pci),
    "profile-name": _profile_name,
    "wait-ip": _wait_ip,
}
"""What every interface may have (`BaseInterface`)."""

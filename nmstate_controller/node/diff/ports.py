"""Ports of bonds, bridges and VRFs: complete lists, less what nmstate leaves alone.

Source: the nmstate crate's `query_apply::inter_ifaces` (`remove_ignored_ifaces`, `remove_unknown_type_port`,
`process_allow_extra_*`), `ifaces::bridge_vlan`, `ifaces::ovs` (`create_ovs_iface_for_empty_ports`).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.diff.difference import JSON, Difference
from nmstate_controller.node.diff.fields import (
    Field,
    Scope,
    keyed,
    leaf,
    section,
    skip,
    string_map,
)
from nmstate_controller.node.diff.values import boolean, integer, items, mapping

PORTS: Final[Mapping[str, str]] = {"ports": "port"}
MAX_TAG: Final = 4095


def _name(value: JSON) -> str | None:
    name = mapping(value).get("name") if isinstance(value, Mapping) else value
    return name if isinstance(name, str) else None


def _key(scope: Scope, value: JSON) -> str | None:
    name = _name(value)
    return scope.names.kernel_name(name) if name is not None else None


def _extra(scope: Scope, value: JSON) -> bool:
    """Whether a port that the document does not list must go."""
    name = _name(value)
    bridge = mapping(scope.desired.get("bridge"))
    if boolean(bridge.get("allow-extra-ports")) is True:
        return False
    if name is None:
        return True
    if boolean(bridge.get("allow-extra-patch-ports")) is True and scope.names.is_patch(name):
        return False
    return not scope.names.left_alone(name)


def ports(item: Field = skip) -> Field:
    """A list of names, or of maps with a name. What the document itself ignores is no port of anything."""
    compare_all = keyed(_key, item, _extra)

    def compare(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
        if isinstance(desired, list | tuple):
            desired = [one for one in desired if not scope.names.ignored_by_request(_name(one))]
        yield from compare_all(scope, desired, current)

    return compare


def tags(value: JSON) -> JSON:
    """Trunk tags, single or in ranges, as one sorted list of numbers."""
    if not isinstance(value, list | tuple):
        return value
    found: set[int] = set()
    for item in items(value):
        entry = mapping(item)
        limits = mapping(entry.get("id-range"))
        low, high = integer(limits.get("min")), integer(limits.get("max"))
        single = integer(entry.get("id"))
        if single is not None:
            found.add(single)
        elif low is not None and high is not None and high <= MAX_TAG:
            found.update(range(low, high + 1))
        else:
            return value
    return sorted(found)


_VLAN: Final = section(
    {"enable-native": leaf(default=False), "mode": leaf(), "tag": leaf(default=0), "trunk-tags": leaf(tags, [])}
)


def _vlan(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """VLAN filtering of one port; an empty section resets it (`LinuxBridgePortConfig::is_changed`)."""
    if isinstance(desired, Mapping) and not mapping(desired) and mapping(current):
        yield from scope.differ(desired, current)
    yield from _VLAN(scope, desired, current)


BOND: Final = ports()
BOND_CONFIG: Final = ports(section({"name": skip}))
LINUX_BRIDGE: Final = ports(section({"name": skip, "vlan": _vlan}))
OVSDB: Final = section({"external_ids": string_map, "other_config": string_map})

_OVS_BOND: Final = section(
    {
        "port": ports(section({"name": skip})),
        "bond-downdelay": leaf(default=0),
        "bond-updelay": leaf(default=0),
        "ovs-db": OVSDB,
    },
    aliases=PORTS,
)
_OVS_PORTS: Final = ports(
    section({"name": skip, "link-aggregation": _OVS_BOND, "vlan": _vlan}, aliases={"bond": "link-aggregation"})
)


def ovs_bridge(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """An OVS bridge without ports gets an internal one of its own name."""
    if isinstance(desired, list | tuple) and not desired:
        desired = [{"name": scope.desired.get("name")}]
    yield from _OVS_PORTS(scope, desired, current)

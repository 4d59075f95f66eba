"""The ports that a controller lists, whatever its type, in any spelling that libnmstate accepts.

Sources: the nmstate crate's `ports()` of `ifaces::{bond,linux_bridge,ovs,vrf,hsr}` and their serde aliases.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from nmstate_controller.node.diff.difference import JSON
from nmstate_controller.node.diff.names import Interface
from nmstate_controller.node.diff.values import items, mapping
from nmstate_controller.node.validate.problem import shown

_BOND: Final = ("link-aggregation", "bond")
_PORTS: Final = ("port", "ports")
_SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "bond": _BOND,
    "linux-bridge": ("bridge",),
    "ovs-bridge": ("bridge",),
    "vrf": ("vrf",),
}


@dataclass(frozen=True, slots=True)
class Port:
    """A port by name, and its path below the controller: `bridge.port[eth1]`."""

    path: str
    name: str


def ports(type_: str, controller: Interface) -> list[Port]:
    """What `controller`, of that type, lists as its ports. None for what is no controller."""
    if type_ == "hsr":
        section = mapping(controller.get("hsr"))
        return [
            Port(f"hsr.{key}", str(section[key])) for key in ("port1", "port2") if isinstance(section.get(key), str)
        ]
    if type_ not in _SECTIONS:
        return []
    key, own = _either(controller, _SECTIONS[type_])
    keys: tuple[str, ...] = (*_PORTS, "ports-config") if type_ == "bond" else _PORTS
    return list(_listed(key, mapping(own), keys))


def _listed(path: str, section: Mapping[str, JSON], keys: tuple[str, ...]) -> Iterator[Port]:
    key, listed = _either(section, keys)
    for item in items(listed):
        entry: Mapping[str, JSON] = mapping(item) if isinstance(item, Mapping) else {"name": item}
        bond, members = _either(entry, _BOND)
        name = entry.get("name")
        below = f"{path}.{key}[{shown(str(name))}]"
        if members is not None:
            yield from _listed(f"{below}.{bond}", mapping(members), _PORTS)  # the bond of an OVS bridge is no interface
        elif isinstance(name, str):
            yield Port(below, name)


def _either(section: Mapping[str, JSON], keys: tuple[str, ...]) -> tuple[str, JSON]:
    """The first of `keys` that there is, with its value."""
    key = next((key for key in keys if section.get(key) is not None), keys[0])
    return key, section.get(key)

"""What a virtual interface cannot be made with.

NetworkManager refuses some of it in its own words for its own profile, and waits for minutes for the device of the
rest. Sources: IEEE 802.1Q, RFC 7348; Linux `register_vlan_device`, `netdev_rx_handler_register`, of which an interface
has one; run on NetworkManager 1.42.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.diff.values import integer
from nmstate_controller.node.validate.document import Document, Entry
from nmstate_controller.node.validate.problem import Problem, part, shown

_LARGEST_ID: Final[Mapping[str, int]] = {"vlan": 4094, "vxlan": 2**24 - 1}
"""Types with an `id` in a section that is called as the type is; the least is 0."""

_MAC_VLANS: Final = frozenset({"mac-vlan", "mac-vtap"})
_TAKES_ALL: Final = frozenset({"linux-bridge", "bond"})
"""Controllers that take all that their ports receive, as a MAC VLAN does of its base."""


def virtual(document: Document) -> Iterator[Problem]:
    """VLAN and VXLAN ids beyond their range, a VXLAN without UDP port, a MAC VLAN without mode or on a port."""
    held = {port.name: entry.name for entry in document.up if entry.type in _TAKES_ALL for port in entry.ports}
    for entry in document.up:
        section = part(entry.wanted, entry.type)
        path = f"{entry.path}.{entry.type}"
        yield from _id(entry, path)
        if entry.type == "vxlan" and integer(section.get("destination-port")) == 0:
            yield Problem(f"{path}.destination-port", "must be 1 to 65535; NetworkManager takes 0 for 8472")
        is_made = entry.type in _MAC_VLANS and entry.current is None
        if is_made and section.get("mode") == "unknown":
            yield Problem(f"{path}.mode", "must be vepa, bridge, private, passthru or source")
        base = section.get("base-iface")
        if is_made and isinstance(base, str) and base in held:
            message = f"{shown(base)} is a port of {shown(held[base])}, and the kernel takes no MAC VLAN on it"
            yield Problem(f"{path}.base-iface", message)


def _id(entry: Entry, path: str) -> Iterator[Problem]:
    most = _LARGEST_ID.get(entry.type)
    wanted = integer(part(entry.wanted, entry.type).get("id"))
    if most is not None and wanted is not None and not 0 <= wanted <= most:
        yield Problem(f"{path}.id", f"must be 0 to {most}")

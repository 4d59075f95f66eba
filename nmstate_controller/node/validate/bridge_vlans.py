"""VLAN ids of a Linux bridge's ports, which NetworkManager drops when no VLAN has them, and libnmstate waits for.

Source: run on NetworkManager 1.42; the kernel reserves 0 and 4095 (`br_vlan_valid_id`).
"""

from collections.abc import Iterator
from typing import Final

from nmstate_controller.node.diff.names import Interface
from nmstate_controller.node.diff.values import boolean, integer, mappings
from nmstate_controller.node.validate.document import Document
from nmstate_controller.node.validate.problem import Problem, part, shown

_LARGEST: Final = 4094


def bridge_vlans(document: Document) -> Iterator[Problem]:
    """Tags of ports beyond 1 to 4094, and ranges from a larger to a smaller one."""
    for entry in document.up:
        if entry.type != "linux-bridge":
            continue
        bridge = part(entry.wanted, "bridge")
        key = "port" if bridge.get("port") is not None else "ports"
        for port in mappings(bridge.get(key)):
            path = f"{entry.path}.bridge.{key}[{shown(str(port.get('name')))}].vlan"
            for field, number in _tags(part(port, "vlan")):
                if number is not None and not 1 <= number <= _LARGEST:
                    yield Problem(f"{path}.{field}", f"must be 1 to {_LARGEST}")
            yield from _backward(part(port, "vlan"), path)


def _tags(vlan: Interface) -> Iterator[tuple[str, int | None]]:
    """The tags that count: a trunk port shows one that does not."""
    if vlan.get("mode") == "access" or boolean(vlan.get("enable-native")) is True:
        yield "tag", integer(vlan.get("tag"))
    for position, trunk in enumerate(mappings(vlan.get("trunk-tags"))):
        yield f"trunk-tags[#{position}].id", integer(trunk.get("id"))
        yield f"trunk-tags[#{position}].id-range.max", integer(part(trunk, "id-range").get("max"))


def _backward(vlan: Interface, path: str) -> Iterator[Problem]:
    for position, trunk in enumerate(mappings(vlan.get("trunk-tags"))):
        least, most = (integer(part(trunk, "id-range").get(key)) for key in ("min", "max"))
        if least is not None and most is not None and least > most:
            yield Problem(f"{path}.trunk-tags[#{position}].id-range", "min must not be larger than max")

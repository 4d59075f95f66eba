"""Numbers that identify a virtual interface on the wire and do not fit there.

NetworkManager refuses them, in its own words for its own profile. Sources: IEEE 802.1Q, RFC 7348, Linux
`register_vlan_device`.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.checks.document import Document
from nmstate_controller.node.checks.problem import Problem, part
from nmstate_controller.node.matcher.values import integer

_MOST: Final[Mapping[str, int]] = {"vlan": 4094, "vxlan": 2**24 - 1}
"""Types with an `id` in a section that is called as the type is, and the largest; the least is 0."""


def identifiers(document: Document) -> Iterator[Problem]:
    """VLAN and VXLAN ids out of range, and no UDP port."""
    for entry in document.up:
        most = _MOST.get(entry.type)
        wanted = integer(part(entry.wanted, entry.type).get("id"))
        if most is not None and wanted is not None and not 0 <= wanted <= most:
            yield Problem(f"{entry.path}.{entry.type}.id", f"must be 0 to {most}")
        if entry.type == "vxlan" and integer(part(entry.wanted, "vxlan").get("destination-port")) == 0:
            yield Problem(f"{entry.path}.vxlan.destination-port", "must be 1 to 65535; NetworkManager takes 0 for 8472")

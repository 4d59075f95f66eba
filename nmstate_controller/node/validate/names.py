"""Names of interfaces that the document creates: the kernel's rules, and NetworkManager's, which are a bit stricter.

Sources: Linux `dev_valid_name`, NetworkManager `nm_utils_ifname_valid_kernel`.
"""

from collections.abc import Iterator
from typing import Final

from nmstate_controller.node.validate.document import VIRTUAL_FUNCTION, Document, Entry
from nmstate_controller.node.validate.problem import Problem, part, shown

_BYTES: Final = 15
"""IFNAMSIZ less the NUL at the end."""

_RESERVED: Final = frozenset({".", "..", "all", "default"})

_CREATED: Final = frozenset(
    {
        "bond", "dummy", "hsr", "infiniband", "ip-tunnel", "ipvlan", "linux-bridge", "mac-vlan", "mac-vtap", "macsec",
        "ovs-interface", "veth", "vlan", "vrf", "vxlan",
    }
)  # fmt: skip
"""Types whose interfaces the kernel makes under the name that the document gives."""


def names(document: Document) -> Iterator[Problem]:
    """Names that no interface can have. What is on the node already has a good name."""
    for entry in document.entries:
        if not entry.name:
            yield Problem(f"{entry.path}.name", "is empty")
    for entry in document.up:
        if _is_created(entry):
            yield from _name(f"{entry.path}.name", entry.name)
        peer = part(entry.wanted, "veth").get("peer") if entry.type == "veth" else None
        if peer == entry.name and entry.current is None:
            yield Problem(f"{entry.path}.veth.peer", f"{shown(entry.name)} cannot be its own peer")
        if isinstance(peer, str) and not document.on_node(peer):
            yield from _name(f"{entry.path}.veth.peer", peer)


def _is_created(entry: Entry) -> bool:
    """Whether the kernel makes it; what DPDK makes or what only Open vSwitch knows may have a longer name."""
    if entry.current is not None or entry.type not in _CREATED:
        return False
    if entry.wanted.get("identifier", "name") != "name" or entry.name.startswith(VIRTUAL_FUNCTION):
        return False
    return not (entry.type == "ovs-interface" and ("patch" in entry.wanted or "dpdk" in entry.wanted))


def _name(path: str, name: str) -> Iterator[Problem]:
    size = len(name.encode(errors="surrogatepass"))
    if not name:
        yield Problem(path, "is empty")
    elif size > _BYTES:
        yield Problem(path, f"{shown(name)} has {size} bytes, and the kernel takes no more than {_BYTES}")
    elif any(character in "/:%" or character.isspace() for character in name):
        yield Problem(path, f'{shown(name)} has a character that no name may have: white space, "/", ":" or "%"')
    elif name in _RESERVED:
        yield Problem(path, f"{name} is a reserved name")

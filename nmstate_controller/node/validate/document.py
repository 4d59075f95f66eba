"""A document beside the node's report: which interface is which, and which names there will be.

Sources: the nmstate crate's `iface` (what an absent interface keeps), `ifaces::inter_ifaces` (`Interfaces::push`,
`get_ignored_ifaces`, `InterfaceNameSearch`), `ifaces::inter_ifaces_controller` (`auto_managed_controller_ports`).
Where the crate's rules are fine, these are coarse to the lenient side: a name that might mean something does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from nmstate_controller.node.diff.difference import JSON
from nmstate_controller.node.diff.names import Interface, Names, is_untyped, key_of, kind
from nmstate_controller.node.diff.values import integer, mappings
from nmstate_controller.node.validate.ports import Port, ports
from nmstate_controller.node.validate.problem import part, shown

_STAYS: Final = frozenset({"ethernet", "infiniband", "loopback", "unknown"})
"""Types that are there, though down, when they are absent (`Interface::is_virtual`)."""

VIRTUAL_FUNCTION: Final = "sriov:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One interface of the document, the node's interface that it means, if any, and the path for messages."""

    path: str
    wanted: Interface
    current: Interface | None
    name: str
    state: str
    """As spelled; `up` where it is left out. Any other spelling of it is `unknown`, and left alone."""
    type: str
    """The type, from the node where the document leaves it out; `unknown` if neither tells."""
    ports: Sequence[Port]
    """What it lists as its ports; nothing unless it is to be up."""


def _entry(path: str, wanted: Interface, current: Interface | None) -> Entry:
    state = wanted.get("state", "up")
    type_ = next((one for one in map(_type, (wanted, current or {})) if one != "unknown"), "unknown")
    listed = ports(type_, wanted) if state == "up" else []
    spelled = state if isinstance(state, str) else "unknown"
    return Entry(path, wanted, current, str(wanted.get("name")), spelled, type_, listed)


def _type(interface: Interface) -> str:
    given = interface.get("type")
    return given if isinstance(given, str) else "unknown"


class Document:
    """Desired over current."""

    def __init__(self, desired: Mapping[str, Any], current: Mapping[str, Any]) -> None:
        """`desired` has been through `text` and `shape`."""
        self.desired = desired
        self._wanted = mappings(desired.get("interfaces"))
        self._shown = mappings(current.get("interfaces"))
        self._by_key = {key_of(interface): interface for interface in self._shown}
        self.entries = [_entry(self._path(one), one, self._locate(one)) for one in self._wanted]
        self.up = [entry for entry in self.entries if entry.state == "up"]

    def _path(self, wanted: Interface) -> str:
        name, own = key_of(wanted)
        shared = own and len(self._wanted_namespaces[name]) > 1
        return f"interfaces[{shown(name)} {shown(own)}]" if shared else f"interfaces[{shown(name)}]"

    @cached_property
    def _wanted_namespaces(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, own in map(key_of, self._wanted):
            found.setdefault(name, set()).add(own)
        return found

    @cached_property
    def _names(self) -> Names:
        return Names(self._wanted, self._shown)

    @cached_property
    def _labels(self) -> frozenset[str]:
        """Profile names that stand for an interface that a MAC address identifies."""
        found = (one.get("profile-name") for one in self._shown if one.get("identifier") == "mac-address")
        return frozenset(name for name in found if isinstance(name, str))

    def _locate(self, wanted: Interface) -> Interface | None:
        """As Names.locate, which takes a pass over the whole report, but fast in the usual case."""
        name, own = key_of(wanted)
        usual = wanted.get("identifier", "name") == "name" and not name.startswith(VIRTUAL_FUNCTION)
        if not usual or name in self._labels or name in self._alternative:
            return self._names.locate(wanted).current
        found = self._by_key.get((name, own))
        if found is None and is_untyped(wanted):
            return self._names.locate(wanted).current
        return found

    @cached_property
    def _alternative(self) -> frozenset[str]:
        return frozenset(_alternative(self._shown))

    @cached_property
    def there(self) -> frozenset[str]:
        """Every name that an interface goes by once the document is applied, and not a few that none does."""
        staying = (one for one in self._shown if str(one.get("name")) not in self.gone)
        return frozenset(
            {
                "lo",
                *(str(one.get("name")) for one in staying),
                *(one.name for one in self.entries if one.state not in ("absent", "ignore") or one.current),
                *_alternative([*self._shown, *self._wanted]),
                *(str(one["profile-name"]) for one in [*self._shown, *self._wanted] if "profile-name" in one),
                *self._made_by_naming(),
            }
        )

    def _made_by_naming(self) -> Iterator[str]:
        """Peers of veths, and internal ports of OVS bridges."""
        for entry in self.up:
            peer = part(entry.wanted, "veth").get("peer")
            if isinstance(peer, str):
                yield peer
            if entry.type == "ovs-bridge":
                yield from (port.name for port in entry.ports)

    @cached_property
    def gone(self) -> frozenset[str]:
        """Names that the document makes absent. What the kernel keeps, such as an Ethernet device, is not gone."""
        return self.absent - {entry.name for entry in self.entries if _stays(entry)}

    @cached_property
    def absent(self) -> frozenset[str]:
        """Names that the document makes absent, what the kernel keeps included: a port that is down is no port."""
        absent = {entry.name for entry in self.entries if entry.state == "absent"}
        return frozenset(absent - {entry.name for entry in self.entries if entry.state != "absent"})

    @cached_property
    def removed_by_down(self) -> frozenset[str]:
        """Names of virtual interfaces that the document has down: that removes them (`InterfaceState::Down`)."""
        down = (one for one in self.entries if one.state == "down")
        return frozenset(one.name for one in down if kind({"type": one.type}) not in _STAYS)

    @cached_property
    def ignored(self) -> frozenset[str]:
        """Names that nmstate may take out of every list of ports."""
        by_request = {entry.name for entry in self.entries if entry.state == "ignore"}
        named = {entry.name for entry in self.entries}
        return frozenset(
            by_request | {str(one.get("name")) for one in self._shown if one.get("state") == "ignore"} - named
        )

    @cached_property
    def attached(self) -> frozenset[str]:
        """Names of all ports that the document lists."""
        return frozenset(port.name for entry in self.up for port in entry.ports)

    def kernel_interface(self, name: str) -> Interface | None:
        """What the node has under that kernel name."""
        return self._by_key.get((name, ""))

    def on_node(self, name: str) -> bool:
        """Whether the node has a kernel interface of that name."""
        return (name, "") in self._by_key

    @cached_property
    def makes_functions(self) -> bool:
        """Whether the document may make SR-IOV virtual functions, whose names only the kernel knows."""
        for entry in self.up:
            functions = part(part(entry.wanted, "ethernet"), "sr-iov").get("total-vfs")
            if functions is not None and integer(functions) != 0:
                return True
        return False


def _alternative(interfaces: list[Interface]) -> Iterator[str]:
    for interface in interfaces:
        for alternative in mappings(interface.get("alt-names")) if "alt-names" in interface else ():
            yield str(alternative.get("name"))


def _stays(entry: Entry) -> bool:
    return entry.current is not None and kind(entry.current) in _STAYS


def named(value: JSON) -> str | None:
    """A name in a document, if it is one."""
    return value if isinstance(value, str) and value else None

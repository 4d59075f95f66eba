"""Which interfaces a document touches: those that it names, and those that change because of them.

Sources: the nmstate crate's `ifaces::inter_ifaces_controller` (ports that come and go), `ifaces::inter_ifaces`
(`mark_orphan_interface_as_absent`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from nmstate_controller.node.diff.difference import JSON
from nmstate_controller.node.diff.names import Interface, Key, Names, is_untyped, key_of, kind
from nmstate_controller.node.diff.values import boolean, mapping, mappings
from nmstate_controller.node.validate.ports import ports

_GONE: Final = ("absent", "down")
_NOT_OURS: Final = ("ignore", "unknown")
_SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "bond": ("link-aggregation", "bond"),
    "linux-bridge": ("bridge",),  # and those of Open vSwitch
    "vrf": ("vrf",),
    "hsr": ("hsr",),
}
_LISTS: Final = ("port", "ports", "ports-config", "port1", "port2")
_FAMILIES: Final = ("ipv4", "ipv6")


def named(interfaces: JSON) -> list[Interface]:
    """The interfaces of a list that have a name."""
    return [one for one in mappings(interfaces) if isinstance(one.get("name"), str)]


def ports_of(controller: Interface) -> list[str]:
    """The ports that an interface lists, as it spells them."""
    types = (type_ for type_, sections in _SECTIONS.items() if any(section in controller for section in sections))
    return [port.name for type_ in types for port in ports(type_, controller)]


def lists_ports(controller: Interface) -> bool:
    """Whether it says which ports there are to be, if only that there are none."""
    sections = (mapping(controller.get(section)) for sections in _SECTIONS.values() for section in sections)
    return any(key in section for section in sections for key in _LISTS)


def is_gone(interface: Interface) -> bool:
    """Whether it is to be no more, or no more than a device that is down."""
    return interface.get("state") in _GONE


class Touched:
    """What a document touches of the interfaces that are known: those of a node, or originals.

    That an original is touched is found without the node: its ports, its controller and its peer are in it.
    """

    def __init__(self, desired: Mapping[str, JSON], known: Sequence[Interface]) -> None:
        wanted = named(desired.get("interfaces"))
        self.names = Names(wanted, known)
        self.known = {key_of(one): one for one in known}
        entries = {key: entry for entry in wanted for key in self._meant(entry)}
        self.named = {key: entry for key, entry in entries.items() if entry.get("state") not in _NOT_OURS}
        self.ignored = entries.keys() - self.named.keys()
        self.gone = self._gone()
        self.holders = {
            port: name
            for (name, _), entry in self.named.items()
            if not is_gone(entry)
            for port in self._ports(entry)
            if not self.names.ignored_by_request(port)
        }
        self.lost = frozenset(self._lost())
        self.keys = self._keys(desired)

    def entry(self, key: Key) -> Interface:
        """What the document says of an interface itself."""
        return self.named.get(key, {})

    def controller(self, one: Interface) -> str:
        """The controller of a known interface; an empty string for none. Not every show tells it with the port."""
        given = one.get("controller")
        if isinstance(given, str):
            return given
        name, own = key_of(one)
        return "" if own else self._known_holders.get(name, "")

    @cached_property
    def _known_holders(self) -> Mapping[str, str]:
        """The known controller that lists a port; the first of several."""
        holders: dict[str, str] = {}
        for (name, _), one in self.known.items():
            for port in ports_of(one):
                holders.setdefault(port, name)
        return holders

    def on_vrf(self, name: str) -> bool:
        """Whether a VRF holds the interface, or is to."""
        known = self.known.get((name, ""), {})
        for holder in (self.holders.get(name), self.controller(known) if known else None):
            if holder and "vrf" in {**self.known.get((holder, ""), {}), **self.entry((holder, ""))}:
                return True
        return False

    def _meant(self, entry: Interface) -> list[Key]:
        located = self.names.locate(entry).current
        if entry.get("state") == "absent" and is_untyped(entry):
            everything = self.names.every(str(entry["name"]))
            if everything:
                return [key_of(one) for one in everything]
        return [key_of(located or entry)]

    def _ports(self, controller: Interface) -> list[str]:
        return [self.names.kernel_name(port) for port in ports_of(controller)]

    def _gone(self) -> set[str]:
        """Names of interfaces that go, also with the virtual one that they stand on."""
        up = {name for (name, _), entry in self.named.items() if not is_gone(entry)}
        gone = {name for (name, _), entry in self.named.items() if is_gone(entry)} - up
        lost = gone
        while lost:
            virtual = [name for name in lost if not _is_hardware(self.known.get((name, ""), {}))]
            fallen = {name for (name, _), one in self.known.items() if not set(virtual).isdisjoint(_bases(one))}
            peers = (mapping(self.known.get((name, ""), {}).get("veth")).get("peer") for name in lost)
            lost = {*fallen, *(peer for peer in peers if isinstance(peer, str))} - gone - up
            gone |= lost
        return gone

    def _keys(self, desired: Mapping[str, JSON]) -> frozenset[Key]:
        found = {(name, "") for name in {*self.gone, *self.holders, *self.lost, *self._needed(desired)}}
        found |= {*self._robbed(), *self._joined()}
        peers = {(name, "") for name in self._peers()}
        # What is to be left alone now, an earlier document may have changed: it does not go back yet.
        return frozenset({key for key in found if key in self.known} | peers | self.named.keys() | self.ignored)

    def _held(self, key: Key) -> set[str]:
        """The ports that a known controller has."""
        name, _ = key
        listed = self._ports(self.known.get(key, {}))
        return {*listed, *(port for (port, _), one in self.known.items() if one.get("controller") == name)}

    def _lost(self) -> Iterator[str]:
        """Ports that a controller of the document has no more."""
        for key, entry in self.named.items():
            bridge = mapping(entry.get("bridge"))
            lost: set[str] = set()
            if is_gone(entry):
                lost = self._held(key)
            elif lists_ports(entry) and boolean(bridge.get("allow-extra-ports")) is not True:
                lost = self._held(key) - set(self._ports(entry))
            extra_patches = boolean(bridge.get("allow-extra-patch-ports")) is True
            for port in lost:
                if not self.names.left_alone(port) and not (extra_patches and self.names.is_patch(port)):
                    yield port

    def _robbed(self) -> Iterator[Key]:
        """Controllers that the document does not name, but takes a port from."""
        for key, one in self.known.items():
            if key not in self.named and any(self._leaves(port, one) for port in self._ports(one)):
                yield key

    def _joined(self) -> Iterator[Key]:
        """Controllers that get a port by what the document says of the port."""
        for (port, _), entry in self.named.items():
            controller = entry.get("controller")
            if isinstance(controller, str) and not is_gone(entry):
                for one in self.names.every(self.names.kernel_name(controller)):
                    if port not in self._ports(one):
                        yield key_of(one)

    def _leaves(self, port: str, controller: Interface) -> bool:
        name = str(controller.get("name"))
        if port in self.gone or self.holders.get(port, name) != name:
            return True
        entry = self.entry((port, ""))
        given = entry.get("controller")
        if isinstance(given, str) and self.names.kernel_name(given) != name:
            return True
        # With an address of its own it cannot be a port, but for that of a VRF.
        addressed = (boolean(mapping(entry.get(family)).get("enabled")) is True for family in _FAMILIES)
        return "vrf" not in controller and kind(controller) != "hsr" and any(addressed)

    def _peers(self) -> Iterator[str]:
        """The other ends of veth pairs that are made, changed or removed."""
        for key, entry in self.named.items():
            known = self.known.get(key, {})
            peers = [mapping(entry.get("veth")).get("peer")]
            if "veth" in entry:
                peers.append(mapping(known.get("veth")).get("peer"))
            yield from (self.names.kernel_name(peer) for peer in peers if isinstance(peer, str))

    def _needed(self, desired: Mapping[str, JSON]) -> Iterator[str]:
        """What would be absent, if it went back, and has something of the document on it."""
        references: list[JSON] = [
            route.get("next-hop-interface")
            for route in mappings(mapping(desired.get("routes")).get("config"))
            if "state" not in route
        ]
        for entry in self.named.values():
            if not is_gone(entry):
                references += [entry.get("controller"), *_bases(entry)]
        for name in references:
            if isinstance(name, str):
                kernel_name = self.names.kernel_name(name)
                if self.known.get((kernel_name, ""), {}).get("state") == "absent":
                    yield kernel_name


def _bases(interface: Interface) -> list[str]:
    """The interface that another one stands on, such as a VLAN's."""
    given = (mapping(section).get("base-iface") for section in interface.values())
    return [name for name in given if isinstance(name, str)]


def _is_hardware(interface: Interface) -> bool:
    return kind(interface) in ("ethernet", "infiniband") and not {"veth", "infiniband"} & set(interface)

"""Which interface of the node a name in a document means.

A name may be the kernel's, an alternative one, a profile's, an SR-IOV VF's (`sriov:<pf>:<id>`), or only a label where
the MAC or PCI address identifies. Source: the nmstate crate's `ifaces::inter_ifaces` (`resolve_*`,
`InterfaceNameSearch`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from nmstate_controller.node.diff.difference import JSON
from nmstate_controller.node.diff.values import Reader, integer, items, mac, mapping, mappings, pci

Interface = Mapping[str, JSON]

Key: TypeAlias = tuple[str, str]
"""Name and namespace: the kernel has one interface of a name, and each type of user space may have another."""

USERSPACE: Final = frozenset({"ovs-bridge", "ipsec"})
"""Types that nmstate knows and the kernel does not."""

_KERNEL: Final = frozenset(
    {
        "bond", "dummy", "ethernet", "hsr", "infiniband", "ip-tunnel", "ipvlan", "linux-bridge", "loopback",
        "mac-vlan", "mac-vtap", "macsec", "ovs-interface", "vlan", "vrf", "vxlan", "xfrm",
    }
)  # fmt: skip

_IN_KERNEL: Final = _KERNEL | {"veth", "tun", "unknown"}

_IDENTIFIERS: Final[Mapping[str, Reader]] = {"pci-address": pci, "permanent-mac-address": mac, "mac-address": mac}
"""What finds an interface whatever its name."""


def kind(interface: Interface) -> str:
    """The type, a veth being an ethernet (`unify_veth_and_eth`); `unknown` when nmstate has to find out."""
    given = interface.get("type")
    if given == "veth":
        return "ethernet"
    return given if isinstance(given, str) and given in _KERNEL | USERSPACE else "unknown"


def namespace(interface: Interface) -> str:
    """Empty for the kernel's; else the type, whose names live apart (`InterfaceType::is_userspace`).

    So do those of every type that nmstate does not know, such as wireguard and team.
    """
    given = interface.get("type")
    if not isinstance(given, str) or given in _IN_KERNEL:
        return ""
    return given


def key_of(interface: Interface) -> Key:
    """What identifies an interface on a node, and an entry in a document (`Interfaces::push`)."""
    return str(interface.get("name")), namespace(interface)


def is_untyped(interface: Interface) -> bool:
    """Whether the name alone says which is meant: the kernel's, else any of that name (`Interfaces::get_iface`)."""
    return not isinstance(given := interface.get("type"), str) or given == "unknown"


@dataclass(frozen=True, slots=True)
class Located:
    """The node's interface that a document means, or None, and whether its name was only a label."""

    current: Interface | None
    by_label: bool = False


class Names:
    """The names of one node's interfaces, and of those that a document is about to add."""

    def __init__(self, desired: Iterable[Interface] = (), current: Iterable[Interface] = ()) -> None:
        self._desired = list(desired)
        self._all = sorted(current, key=lambda one: (str(one.get("name")), str(one.get("type"))))
        self._by_name: dict[str, list[Interface]] = {}
        for one in self._all:
            self._by_name.setdefault(str(one.get("name")), []).append(one)
        self._kernel = {str(one.get("name")): one for one in self._all if not namespace(one)}
        self._wanted = {str(one.get("name")): one for one in self._desired}
        self._labelled = {
            str(one.get("profile-name")): one
            for one in self._kernel.values()
            if one.get("identifier") == "mac-address" and "profile-name" in one
        }
        self._alternative: dict[str, str] = {}
        self._profile: dict[str, list[str]] = {}
        for interface in [*self._kernel.values(), *self._desired]:
            name = str(interface.get("name"))
            for alternative in mappings(interface.get("alt-names")):
                if alternative.get("state") != "absent":
                    self._alternative[str(alternative.get("name"))] = name
            if "profile-name" in interface:
                self._profile.setdefault(str(interface["profile-name"]), []).append(name)

    def kernel_name(self, name: str) -> str:
        """The kernel's name for `name`; `name` itself when nothing, or more than one thing, goes by it."""
        if name in self._kernel:
            return name
        if name.startswith("sriov:"):
            return self._virtual_function(name) or name
        if name in self._alternative:
            return self._alternative[name]
        label = self._wanted.get(name)
        if label is not None:
            located = self.locate(label).current
            return str(located.get("name")) if located else name
        kernel_names = set(self._profile.get(name, ()))
        return kernel_names.pop() if len(kernel_names) == 1 else name

    def kernel(self, name: str) -> Interface | None:
        """What the node has under the kernel name `name`."""
        return self._kernel.get(name)

    def every(self, name: str) -> list[Interface]:
        """All that the node has under `name`: an OVS bridge and its internal port share one."""
        return self._by_name.get(name, [])

    def left_alone(self, name: str) -> bool:
        """Whether nmstate keeps its hands off: `state: ignore` and not asked for otherwise (`get_ignored_ifaces`)."""
        if name in self._wanted:
            return self._wanted[name].get("state") == "ignore"
        current = self._kernel.get(name)
        return current is None or current.get("state") == "ignore" or current.get("type", "unknown") == "unknown"

    def ignored_by_request(self, name: str | None) -> bool:
        """Whether the document itself says `state: ignore` for `name`."""
        return name is not None and self._wanted.get(name, {}).get("state") == "ignore"

    def is_patch(self, name: str) -> bool:
        """Whether `name` is an OVS patch port."""
        return any("patch" in one for one in self.every(name))

    def locate(self, wanted: Interface) -> Located:
        """The interface on the node that `wanted` describes."""
        name = str(wanted.get("name"))
        absent = wanted.get("state") == "absent"
        identifier = wanted.get("identifier", "name")
        if name.startswith("sriov:"):
            return Located(self._kernel.get(self._virtual_function(name) or name))
        if name in self._labelled:
            return Located(self._labelled[name], by_label=True)
        if identifier == "pci-address" and not absent:
            return self._by("pci-address", pci(wanted.get("pci-address")), wanted)
        if identifier == "mac-address" and not absent and "profile-name" not in wanted:
            address = mac(wanted.get("mac-address"))
            permanent = self._by("permanent-mac-address", address, wanted)
            return permanent if permanent.current else self._by("mac-address", address, wanted)
        return Located(self._named(name, wanted) or self._kernel.get(self._alternative.get(name, name)))

    def _by(self, key: str, value: JSON, wanted: Interface) -> Located:
        for one in self._identified.get((key, value), ()) if isinstance(value, str) else ():
            if kind(wanted) in ("unknown", kind(one)):
                return Located(one, by_label=one.get("name") != wanted.get("name"))
        return Located(None)

    @cached_property
    def _identified(self) -> Mapping[tuple[str, str], list[Interface]]:
        """The kernel's interfaces by the kind of an address, and the address."""
        found: dict[tuple[str, str], list[Interface]] = {}
        for one in self._kernel.values():
            for key, read in _IDENTIFIERS.items():
                value = read(one.get(key))
                if isinstance(value, str):
                    found.setdefault((key, value), []).append(one)
        return found

    def _named(self, name: str, wanted: Interface) -> Interface | None:
        if own := namespace(wanted):
            return next((one for one in self.every(name) if namespace(one) == own), None)
        found = self._kernel.get(name)
        return found if found or not is_untyped(wanted) else next(iter(self.every(name)), None)

    def _virtual_function(self, name: str) -> str | None:
        _, _, reference = name.partition(":")
        physical, _, number = reference.rpartition(":")
        ethernet = mapping(mapping(self._kernel.get(physical)).get("ethernet"))
        for function in items(mapping(ethernet.get("sr-iov")).get("vfs")):
            found = mapping(function)
            if found.get("id") == integer(number) and found.get("iface-name"):
                return str(found["iface-name"])
        return None

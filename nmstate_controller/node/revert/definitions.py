"""What is remembered of one interface: its definition as nmstate takes it back, without what only looks like one."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final

from nmstate_controller.api.models import State
from nmstate_controller.node.diff.difference import JSON
from nmstate_controller.node.diff.names import USERSPACE, Interface, kind
from nmstate_controller.node.diff.values import boolean, integer, items, mapping, mappings

_READ_ONLY: Final = frozenset({"driver", "max-mtu", "min-mtu", "statistics"})
_IF_NAMED: Final = frozenset({"accept-all-mac-addresses", "ethernet", "ethtool", "lldp", "wait-ip"})
"""Given back to nmstate these are pinned in the profile, so they are kept only where the document changes them."""
_HARDWARE: Final = ("ethernet", "infiniband")
_FOREVER: Final = "forever"
_LIFETIMES: Final = ("valid-life-time", "valid-left", "valid-lft")
_VOLATILE: Final = frozenset({"preferred-life-time", "preferred-left", "preferred-lft", *_LIFETIMES})
_OF_THE_LOOPBACK: Final = ("lo", "1", "0x1")
_NEUTRAL: Final[Mapping[str, JSON]] = {
    "accept-all-mac-addresses": False,
    "description": "",
    "dispatch": {"post-activation": "", "post-deactivation": ""},
    "ethtool": {},
    "identifier": "name",
    "ipv4": {"enabled": False},
    "ipv6": {"enabled": False},
    "lldp": {"enabled": False},
    "mptcp": {"address-flags": []},
    "wait-ip": "any",
}
"""What a section is where libnmstate shows none. Left out it would leave in place what the document put there."""


def absent(name: str, type_: JSON) -> State:
    """The original of an interface that is not there."""
    return {"name": name, **({"type": type_} if isinstance(type_, str) else {}), "state": "absent"}


def original(found: Interface, wanted: Interface, controller: str) -> State:
    """What `found`, a node's interface, is to be again after the document's entry `wanted` for it, if there is one."""
    if kind(found) == "unknown":
        return {key: found[key] for key in ("name", "type", "state") if key in found}
    kept: dict[str, Any] = {key: value for key, value in found.items() if _is_kept(key, found, wanted)}
    if found.get("state") == "ignore":
        # NetworkManager had no hand in it. It cannot be told to let go again, but to run what there was.
        kept["state"] = "up"
    for family in ("ipv4", "ipv6"):
        if family in kept:
            kept[family] = _ip(mapping(kept[family]))
    if "bridge" in kept:
        kept["bridge"] = _bridge(mapping(kept["bridge"]), linux=kind(found) == "linux-bridge")
    if "ovs-db" in kept:
        kept["ovs-db"] = _ovs_db(mapping(kept["ovs-db"]))
    kept.update((key, value) for key, value in _undoing(found, wanted) if key in wanted)
    if controller or kind(found) not in {*USERSPACE, "loopback", "ovs-interface"}:
        kept["controller"] = controller
    return kept


def amended(old: State, now: State, wanted: Interface) -> State:
    """`old`, the first original, and of `now` the sections that it left out and the document is the first to change."""
    if old.get("state") == "absent":
        return old
    return {**{key: value for key, value in now.items() if key in wanted}, **old}


def applicable(stored: Interface) -> State:
    """A stored original as the entry of a document. A device that is down is no more than that."""
    if stored.get("state", "up") != "up":
        return {key: stored[key] for key in ("name", "type", "state") if key in stored}
    identified = stored.get("identifier") == "pci-address"
    left_out = {"permanent-mac-address"} if identified else {"permanent-mac-address", "pci-address"}
    return {key: value for key, value in stored.items() if key not in left_out}


def _is_kept(key: str, found: Interface, wanted: Interface) -> bool:
    """The permanent MAC and the PCI address are: a later document may call the interface by them."""
    if key in _READ_ONLY:
        return False
    if key == "mac-address" and kind(found) in _HARDWARE and "veth" not in found:
        return key in wanted or "copy-mac-from" in wanted or found.get("identifier") == key
    return key not in _IF_NAMED or key in wanted


def _undoing(found: Interface, wanted: Interface) -> Iterator[tuple[str, JSON]]:
    yield from ((key, value) for key, value in _NEUTRAL.items() if key not in found)
    yield "lldp", {"enabled": boolean(mapping(found.get("lldp")).get("enabled")) is True}
    yield "profile-name", found.get("profile-name", found.get("name"))
    added = [{"name": name, "state": "absent"} for name in _names(wanted) if name not in _names(found)]
    yield "alt-names", [*items(found.get("alt-names")), *added]
    hardware, asked = mapping(found.get("ethernet")), mapping(wanted.get("ethernet"))
    functions = {key: value for key, value in mapping(hardware.get("sr-iov")).items() if key != "max-vfs"}
    kept = {key: value for key, value in hardware.items() if key != "sr-iov"}
    yield "ethernet", {**kept, "sr-iov": functions or {"total-vfs": 0}} if "sr-iov" in asked else kept


def _names(interface: Interface) -> list[str]:
    return [str(one.get("name")) for one in mappings(interface.get("alt-names"))]


def _ip(section: Mapping[str, JSON]) -> Mapping[str, JSON]:
    if "address" not in section:
        return section
    rest = {key: value for key, value in section.items() if key != "address"}
    if boolean(section.get("enabled")) is not True:
        return rest
    static = [
        {key: value for key, value in one.items() if key not in _VOLATILE}
        for one in mappings(section["address"])
        if not _comes_by_itself(one)
    ]
    if boolean(section.get("dhcp")) is not True and boolean(section.get("autoconf")) is not True:
        return {**rest, "address": static}
    # An endless lease looks like a static address: neither pinned nor removed.
    return rest if static else {**rest, "address": []}


def _comes_by_itself(address: Mapping[str, JSON]) -> bool:
    """Leased, announced, link-local, or set by another program, which marks its own by a protocol."""
    leased = any(address.get(key, _FOREVER) != _FOREVER for key in _LIFETIMES)
    if leased or str(address.get("protocol", "lo")) not in _OF_THE_LOOPBACK:
        return True
    try:
        parsed = ip_address(str(address.get("ip")))
    except ValueError:
        return False
    return parsed.version == 6 and parsed.is_link_local


def _bridge(section: Mapping[str, JSON], *, linux: bool) -> Mapping[str, JSON]:
    options = {key: value for key, value in mapping(section.get("options")).items() if not key.endswith("-timer")}
    tree = mapping(options.get("stp"))
    delay = integer(tree.get("forward-delay"))
    if boolean(tree.get("enabled")) is True and delay and integer(options.get("mac-ageing-time")) == 2 * delay:
        options.pop("mac-ageing-time")  # only while the spanning tree changes
    kept: dict[str, JSON] = {**section, **({"options": options} if "options" in section else {})}
    if linux and "port" in section:
        # A port without VLAN filtering shows none; left out, the document's would stay.
        kept["port"] = [{"vlan": {}, **port} for port in mappings(section["port"])]
    return kept


def _ovs_db(section: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Without NetworkManager's own marks."""
    return {
        name: {key: value for key, value in mapping(values).items() if not key.startswith("NM.")}
        for name, values in section.items()
    }

"""References to interfaces: bases, ports, next hops and where to copy a MAC address from.

A base that is not there keeps libnmstate waiting for two minutes, a port that is absent for one; the others it refuses
sooner, but not by the field. A base that NetworkManager does not manage is fine, and so, mostly, is such a port.
Source: the nmstate crate's `ifaces::*` (`parent`), `ifaces::inter_ifaces` (`mark_orphan_interface_as_absent`,
`apply_copy_mac_from`), `ifaces::inter_ifaces_controller` (`handle_changed_ports`), `route`.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.diff.difference import JSON
from nmstate_controller.node.diff.values import mappings
from nmstate_controller.node.validate.document import VIRTUAL_FUNCTION, Document, Entry, named
from nmstate_controller.node.validate.ports import ports
from nmstate_controller.node.validate.problem import Problem, is_network, part, shown

_BASE_REQUIRED: Final[Mapping[str, bool]] = {
    "vlan": True,
    "mac-vlan": True,
    "mac-vtap": True,
    "macsec": True,
    "vxlan": False,
    "infiniband": False,
    "ipvlan": False,
    "ip-tunnel": False,
}
"""Types with a `base-iface`, in a section that is called as the type is, and whether an empty one is wrong."""

_COPIES_MAC: Final = frozenset({"bond", "linux-bridge", "ovs-interface"})
"""For other types libnmstate passes over `copy-mac-from` (`COPY_MAC_ALLOWED_IFACE_TYPES`)."""


def references(document: Document) -> Iterator[Problem]:
    """Names of interfaces that will not be there when they are needed."""
    for entry in document.up:
        yield from _base(document, entry)
        yield from _ports(document, entry)
        source = named(entry.wanted.get("copy-mac-from"))
        if entry.type in _COPIES_MAC and source is not None:
            yield from _missing(document, f"{entry.path}.copy-mac-from", source)
    yield from _circles(document)
    yield from _routes(document)


def _circles(document: Document) -> Iterator[Problem]:
    """Circular references, for which libnmstate waits as for a base that is not there."""
    standing = {entry.name: entry for entry in document.up if entry.type in _BASE_REQUIRED and not _keeps_base(entry)}
    seen: set[str] = set()
    for name in standing:
        walk: dict[str, None] = {}
        base: str | None = name
        while base in standing and base not in seen and base not in walk:
            walk[base] = None
            base = named(_base_of(standing[base]))
        if base in walk:
            entry = standing[base]
            yield Problem(f"{entry.path}.{entry.type}.base-iface", f"circular base-iface reference: {shown(base)}")
        seen.update(walk)


def _base_of(entry: Entry) -> JSON:
    return part(entry.wanted, entry.type).get("base-iface")


def _keeps_base(entry: Entry) -> bool:
    """Whether it exists on that base, whatever that is now called, or in which namespace it is."""
    return _base_of(entry) == part(entry.current, entry.type).get("base-iface")


def _base(document: Document, entry: Entry) -> Iterator[Problem]:
    if entry.type not in _BASE_REQUIRED:
        return
    base = _base_of(entry)
    path = f"{entry.path}.{entry.type}.base-iface"
    if not isinstance(base, str):
        return
    if base in document.gone:
        yield _absent(path, base)
    elif base in document.removed_by_down:
        yield Problem(path, f"{shown(base)} is down in the same desiredState, which removes a virtual interface")
    elif _keeps_base(entry):
        return
    elif not base:
        if _BASE_REQUIRED[entry.type]:
            yield Problem(path, "is empty")
    else:
        yield from _missing(document, path, base)


def _ports(document: Document, entry: Entry) -> Iterator[Problem]:
    had = {port.name for port in ports(entry.type, entry.current)} if entry.current else set()
    for port in entry.ports:
        path = f"{entry.path}.{port.path}"
        if port.name in document.absent:
            yield _absent(path, port.name)
        elif entry.type != "ovs-bridge" and port.name not in had and port.name not in document.ignored:
            yield from _missing(document, path, port.name)


def _routes(document: Document) -> Iterator[Problem]:
    for position, route in enumerate(mappings(part(document.desired, "routes").get("config"))):
        interface = named(route.get("next-hop-interface"))
        if interface is None or "state" in route:
            continue
        destination = route.get("destination")
        label = destination if is_network(destination) else f"#{position}"
        path = f"routes.config[{label}].next-hop-interface"
        if interface in document.gone:
            yield _absent(path, interface)
        else:
            yield from _missing(document, path, interface)


def _missing(document: Document, path: str, name: str) -> Iterator[Problem]:
    unknowable = name.startswith(VIRTUAL_FUNCTION) or document.makes_functions
    if name and name not in document.there and not unknowable:
        yield Problem(path, f"{shown(name)} does not exist on the node and is not in desiredState")


def _absent(path: str, name: str) -> Problem:
    return Problem(path, f"{shown(name)} is absent in the same desiredState")

"""The section `interfaces`: which interface is meant, and whether its state is as asked for.

Source: the nmstate crate's `query_apply::inter_ifaces` (`verify`) and `ifaces::inter_ifaces` (`MergedInterfaces::new`).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from nmstate_controller.node.diff.difference import JSON, Difference, difference
from nmstate_controller.node.diff.fields import Scope
from nmstate_controller.node.diff.links import link
from nmstate_controller.node.diff.names import Interface, Key, Names, is_untyped, key_of, kind
from nmstate_controller.node.diff.values import items, mapping, mappings

_NOT_COMPARED: Final = ("ignore", "unknown")
_STAYS: Final = frozenset({"ethernet", "infiniband", "loopback", "unknown", "veth"})
"""Types that nmstate does not remove, or cannot tell (`Interface::is_virtual`); a veth is an ethernet to it."""
_LOOPBACK_MTU: Final = 65536
_LOOPBACK_ADDRESSES: Final = frozenset({"127.0.0.1", "::1"})


def interfaces(desired: JSON, current: JSON, names: Names) -> Iterator[Difference]:
    """What differs among the interfaces that the document names. Of two entries for one interface the last wins."""
    wanted: dict[Key, Interface] = {}
    for position, entry in enumerate(items(desired)):
        interface = mapping(entry)
        if isinstance(interface.get("name"), str):
            wanted[key_of(interface)] = interface
        else:
            yield difference(f"interfaces[#{position}]", entry, None)
    if desired is not None and not isinstance(desired, list | tuple):
        yield difference("interfaces", desired, current)
    of_name = Counter(name for name, _ in wanted)
    for (name, own), interface in wanted.items():
        label = f"{name} {own}" if own and of_name[name] > 1 else name
        yield from _interface(f"interfaces[{label}]", interface, names)


def _interface(path: str, wanted: Interface, names: Names) -> Iterator[Difference]:
    state = wanted.get("state", "up")
    if state in _NOT_COMPARED:
        return
    located = names.locate(wanted)
    current = located.current
    if state == "absent":
        everything = names.every(str(wanted["name"])) if is_untyped(wanted) else []
        for one in everything or ([current] if current else []):
            if not _gone(one):
                yield difference(f"{path}.state", state, one.get("state"))
        return
    if current is None:
        if state != "down":
            yield difference(f"{path}.state", state, None)
        return
    if state != current.get("state"):
        yield difference(f"{path}.state", state, current.get("state"))
    if state == "down":
        return
    if kind(wanted) != kind(current) and wanted.get("type", "unknown") not in ("unknown", current.get("type")):
        yield difference(f"{path}.type", wanted.get("type"), current.get("type"))
        return
    if located.by_label:
        wanted = {"profile-name": wanted["name"], **wanted}
    yield from link(Scope(path, names, wanted, current))


def _gone(current: Interface) -> bool:
    """What cannot be removed is as absent as it gets when nothing runs it, the loopback when it is as it was made."""
    if current.get("type") == "loopback":
        families = (mapping(current.get(family)) for family in ("ipv4", "ipv6"))
        addresses = {str(entry.get("ip")) for family in families for entry in mappings(family.get("address"))}
        return addresses <= _LOOPBACK_ADDRESSES and current.get("mtu") == _LOOPBACK_MTU
    return current.get("type", "unknown") in _STAYS and current.get("state") in ("down", "ignore")

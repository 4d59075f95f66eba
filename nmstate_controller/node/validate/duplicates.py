"""What is listed twice: libnmstate silently keeps one, or calls a port overbooked by one and the same controller.

Sources: the nmstate crate's `ifaces::inter_ifaces` (`Interfaces::deserialize`: the last entry wins),
`ifaces::inter_ifaces_controller` (`check_overbook_ports`), `query_apply::ip` (`sanitize_addrs_for_verify`).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from nmstate_controller.node.diff.difference import JSON
from nmstate_controller.node.diff.names import Interface, key_of
from nmstate_controller.node.diff.values import address, integer, mappings
from nmstate_controller.node.validate.document import Document, Entry
from nmstate_controller.node.validate.problem import Problem, part, shown

_LIFETIMES: Final = frozenset({"valid-life-time", "valid-left", "valid-lft"})


def duplicates(document: Document) -> Iterator[Problem]:
    """Interfaces, ports and static addresses that are listed more than once."""
    yield from _interfaces(document)
    yield from _ports(document)
    for entry in document.up:
        yield from _addresses(entry)


def _interfaces(document: Document) -> Iterator[Problem]:
    seen = set()
    for entry in document.entries:
        key = key_of(entry.wanted)
        if key in seen:
            yield Problem(entry.path, f"{shown(entry.name)} is listed twice; nmstate would take only the last")
        seen.add(key)


def _ports(document: Document) -> Iterator[Problem]:
    holders: dict[str, Entry] = {}
    for entry in document.up:
        seen = set()
        for port in entry.ports:
            path = f"{entry.path}.{port.path}"
            holder = holders.setdefault(port.name, entry)
            if port.name in document.ignored:
                continue
            if port.name in seen:
                yield Problem(path, f"{shown(port.name)} is listed twice")
            elif holder is not entry:
                yield Problem(path, f"{shown(port.name)} is also a port of {shown(holder.name)}")
            seen.add(port.name)


def _addresses(entry: Entry) -> Iterator[Problem]:
    for family in ("ipv4", "ipv6"):
        if family not in entry.wanted:
            continue
        wanted = _static(entry.wanted, family)
        if len(set(wanted)) == len(wanted):
            continue
        current = Counter(_static(entry.current or {}, family))
        for label, count in Counter(wanted).items():
            if count > max(1, current[label]):
                yield Problem(f"{entry.path}.{family}.address[{label}]", f"{label} is listed twice")


def _static(interface: Interface, family: str) -> list[str]:
    """Addresses with their prefix lengths, without those that come and go by themselves."""
    listed = mappings(part(interface, family).get("address"))
    lasting = [one for one in listed if _LIFETIMES.isdisjoint(one)]
    return [_label(one.get("ip"), one.get("prefix-length")) for one in lasting] if len(lasting) > 1 else []


def _label(ip: JSON, prefix_length: JSON) -> str:
    length = integer(prefix_length)
    return f"{shown(str(address(ip)))}/{'?' if length is None else length}"

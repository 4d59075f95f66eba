"""MTUs that the kernel does not take: libnmstate finds out by waiting for them to come into effect.

Sources: the nmstate crate's `ifaces::base` (`validate_mtu`); Linux `vlan_dev_change_mtu`, `macvlan_change_mtu`,
`vxlan_change_mtu`, `br_dev_setup`, `bond_setup`, `veth_setup`, `vrf_setup`. What is not certain is not judged.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.diff.names import Interface
from nmstate_controller.node.diff.values import integer
from nmstate_controller.node.validate.document import Document, Entry, named
from nmstate_controller.node.validate.ports import ports
from nmstate_controller.node.validate.problem import Problem, part, shown

_OVERHEAD: Final[Mapping[str, int]] = {"vlan": 0, "mac-vlan": 0, "mac-vtap": 0, "vxlan": 50}
"""Types whose MTU is no larger than their base's less so many bytes; with IPv6 a VXLAN needs 20 more."""

_MOST: Final[Mapping[str, int]] = {"linux-bridge": 65535, "bond": 65535, "veth": 65535, "vrf": 65575}
"""The largest MTU of a new interface; one that is there shows its own."""

_OWN: Final = frozenset({"ethernet", "veth", "dummy", "bond", "infiniband"})
"""Types whose MTU stays what it is when the document does not tell; others may follow their base or their ports."""

_DEFAULT: Final = 1500
_UNTOLD: Final = frozenset({"veth", "dummy"})
"""Types that get the default when they are made without an MTU."""


def mtu(document: Document) -> Iterator[Problem]:
    """MTUs beyond what the device takes, or what the interface below carries."""
    named_as = {str(side.get("name")): one for one in document.entries for side in (one.current or {}, one.wanted)}
    for entry in document.up:
        wanted = integer(entry.wanted.get("mtu"))
        if wanted is None or wanted == integer((entry.current or {}).get("mtu")):
            continue
        path = f"{entry.path}.mtu"
        least, most = _limits(entry)
        if most is not None and not least <= wanted <= most:
            span = f"{least} to {most}" if least else f"at most {most}"
            yield Problem(path, f"must be {span}, which is what {shown(entry.name)} takes")
        elif entry.type in _OVERHEAD:
            yield from _above_base(document, named_as, entry, wanted)


def _limits(entry: Entry) -> tuple[int, int | None]:
    if entry.current is None:
        return 0, _MOST.get(entry.type)
    least, most = (integer(entry.current.get(key)) for key in ("min-mtu", "max-mtu"))
    return (0, None) if least is None else (least, most)


def _above_base(document: Document, named_as: Mapping[str, Entry], entry: Entry, wanted: int) -> Iterator[Problem]:
    sections = (part(side, entry.type) for side in (entry.wanted, entry.current))
    base = next((found for section in sections if (found := named(section.get("base-iface")))), None)
    carried = None if base is None else _carried(document, named_as.get(base), base)
    if base is not None and carried is not None and wanted > carried - _OVERHEAD[entry.type]:
        most = carried - _OVERHEAD[entry.type]
        yield Problem(
            f"{entry.path}.mtu", f"must be at most {most}, because {shown(base)}, its base, has an MTU of {carried}"
        )


def _carried(document: Document, entry: Entry | None, base: str) -> int | None:
    """The MTU that `base`, which is `entry` of the document, will have; None where that is not certain."""
    current = document.kernel_interface(base)
    if entry is None:
        return integer(current.get("mtu")) if current and not _follows_what_changes(document, current) else None
    told = integer(entry.wanted.get("mtu"))
    if entry.state != "up" or "mtu" in entry.wanted:
        return told if entry.state == "up" else None
    if entry.current is None:
        return _DEFAULT if entry.type in _UNTOLD else None
    return integer(entry.current.get("mtu")) if entry.type in _OWN else None


def _follows_what_changes(document: Document, current: Interface) -> bool:
    """Whether an interface that the document does not name may get another MTU by what it does name."""
    type_, name = str(current.get("type")), current.get("name")
    if type_ in _OWN:
        return False
    below = {port.name for port in ports(type_, current)} | {part(current, type_).get("base-iface")}
    return any(one.name in below or one.wanted.get("controller") == name for one in document.entries)

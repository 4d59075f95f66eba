"""How long spanning tree keeps the ports of a bridge from forwarding after a change. Pure functions.

A port that comes up first listens and then learns, each for the bridge's forward delay (IEEE 802.1D). Until then
nothing gets through it, whatever else is right, and to probe for less says nothing about the change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nmstate_controller.node.diff import differences
from nmstate_controller.node.diff.names import Interface
from nmstate_controller.node.diff.values import boolean, integer, mapping, mappings
from nmstate_controller.node.validate.ports import ports

FORWARD_DELAY_SECONDS: Final = 15
"""Where neither the document nor the node says it: the kernel's, NetworkManager's and Open vSwitch's default."""

_ON_BY_DEFAULT: Final[Mapping[str, bool]] = {"linux-bridge": True, "ovs-bridge": False}
"""Types of bridges, and whether a new one has STP on when the document leaves that out."""

_PHASES: Final = 2


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge with STP on, and for how many seconds its ports forward nothing."""

    name: str
    seconds: int


def held_back(document: Mapping[str, Any], before: Mapping[str, Any]) -> list[Bridge]:
    """The bridges on which `document` makes spanning tree start over, at least on one port, on a node that is `before`.

    It does for a bridge that is new, gets STP or another port, and for a port whose own settings change.
    """
    wanted, current = _by_name(document), _by_name(before)
    # A port that it names may be that of a bridge that it does not.
    controllers = [side.get(name, {}).get("controller") for side in (wanted, current) for name in wanted]
    names = dict.fromkeys([*wanted, *map(str, controllers)])
    found = []
    for name in names:
        new, old = wanted.get(name, {}), current.get(name, {})
        kind = next((str(one) for one in (new.get("type"), old.get("type")) if str(one) in _ON_BY_DEFAULT), None)
        if kind is None or new.get("state", "up") != "up" or not _has_stp(kind, new, old):
            continue
        had = {port.name for port in ports(kind, old)}
        attached = {port.name for port in ports(kind, new)} | {
            port for port, entry in wanted.items() if entry.get("controller") == name
        }
        was_forwarding = old.get("state") == "up" and _has_stp(kind, {}, old)
        if (attached - had) or (had and not was_forwarding) or _change(had, wanted, before):
            found.append(Bridge(name, _PHASES * _forward_delay(new, old)))
    return found


def _by_name(document: Mapping[str, Any]) -> dict[str, Interface]:
    return {str(entry.get("name")): entry for entry in mappings(document.get("interfaces"))}


def _stp(bridge: Interface) -> Mapping[str, Any]:
    """Open vSwitch's may be a boolean instead of a map."""
    stp = mapping(mapping(bridge.get("bridge")).get("options")).get("stp")
    return mapping(stp) if isinstance(stp, Mapping) else {"enabled": stp}


def _has_stp(kind: str, new: Interface, old: Interface) -> bool:
    told = (boolean(_stp(bridge).get("enabled")) for bridge in (new, old))
    return next((one for one in told if one is not None), _ON_BY_DEFAULT[kind])


def _forward_delay(new: Interface, old: Interface) -> int:
    told = (integer(_stp(bridge).get("forward-delay")) for bridge in (new, old))
    return next((one for one in told if one is not None), FORWARD_DELAY_SECONDS)


def _change(had: set[str], wanted: Mapping[str, Interface], before: Mapping[str, Any]) -> bool:
    """Whether the document changes one of these ports, which may take its link down for a moment."""
    entries = [wanted[port] for port in had if port in wanted]
    return bool(entries) and bool(differences({"interfaces": entries}, before))

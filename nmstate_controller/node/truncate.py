"""Makes a report fit the room that is left in its object, and says what it leaves out. Pure functions.

What goes first is what is missed least: `SHEDDING` is the order. The interface of a default route is the last one to
go, for it is how the node is reached.
"""

from collections.abc import Callable
from typing import Any, Final

from pydantic_core import to_json

from nmstate_controller.api.models import State

_DEFAULT_ROUTES: Final = ("0.0.0.0/0", "::/0")


def size(document: Any) -> int:
    """Bytes of a document as the API carries it."""
    return len(to_json(document))


def fit(state: State, room: int) -> tuple[State, list[str]]:
    """`state` in at most `room` bytes, and what had to go, in words; `state` itself and nothing when it fits."""
    missing: list[str] = []
    if size(state) <= room:
        return state, missing
    for words, shed in SHEDDING:
        state, count = shed(state)
        if not count:
            continue
        missing.append(words.format(count))
        if size(state) <= room:
            return state, missing
    state, count = _fewer_interfaces(state, room)
    missing.append(f"{count} interfaces")
    if size(state) <= room:
        return state, missing
    return {}, ["everything"]


def _without(key: str) -> Callable[[State], tuple[State, int]]:
    """A step that takes one section from every interface."""

    def shed(state: State) -> tuple[State, int]:
        interfaces = state.get("interfaces", [])
        count = sum(key in interface for interface in interfaces)
        kept = [{name: value for name, value in found.items() if name != key} for found in interfaces]
        return {**state, "interfaces": kept}, count

    return shed


def _only_default_routes(state: State) -> tuple[State, int]:
    routes = state.get("routes")
    if not isinstance(routes, dict):
        return state, 0
    kept = {
        kind: [route for route in found if route.get("destination") in _DEFAULT_ROUTES]
        for kind, found in routes.items()
    }
    gone = sum(len(found) for found in routes.values()) - sum(len(found) for found in kept.values())
    return {**state, "routes": kept}, gone


def _no_rules(state: State) -> tuple[State, int]:
    rules = state.get("route-rules", {}).get("config", [])
    return {key: value for key, value in state.items() if key != "route-rules"}, len(rules)


def _fewer_interfaces(state: State, room: int) -> tuple[State, int]:
    """As many interfaces as fit: those of default routes, then hardware, then the rest, each by name."""
    interfaces = state.get("interfaces", [])
    routes = state.get("routes", {})
    ways_out = {route.get("next-hop-interface") for found in routes.values() for route in found}

    def importance(interface: State) -> tuple[bool, bool]:
        return interface.get("name") not in ways_out, interface.get("type") != "ethernet"

    left = room - size({**state, "interfaces": []})
    kept: set[int] = set()
    for interface in sorted(interfaces, key=importance):
        left -= size(interface) + 1
        if left < 0:
            break
        kept.add(id(interface))
    return {**state, "interfaces": [found for found in interfaces if id(found) in kept]}, len(interfaces) - len(kept)


SHEDDING: Final = (
    ("ethtool of {} interfaces", _without("ethtool")),
    ("lldp of {} interfaces", _without("lldp")),
    ("statistics of {} interfaces", _without("statistics")),
    ("{} routes", _only_default_routes),
    ("{} route rules", _no_rules),
)
"""What is left out first, in this order; interfaces go after that, and at the very end everything."""

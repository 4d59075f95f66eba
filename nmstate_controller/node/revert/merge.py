"""One document of two: what is desired, and the originals that go back. What they disagree about is settled here."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nmstate_controller.api.models import State
from nmstate_controller.node.diff.difference import JSON
from nmstate_controller.node.diff.names import Interface, key_of, kind
from nmstate_controller.node.diff.values import mapping, mappings
from nmstate_controller.node.revert.definitions import applicable
from nmstate_controller.node.revert.touching import is_gone, lists_ports, named, ports_of

_LISTS: Final = ("interfaces", "routes", "route-rules")


def merged(desired: State, returning: State, waiting: State) -> State:
    """`desired` with all of `returning`, originals of which it names none. Those of `waiting` go back later."""
    document = dict(desired)
    everything = named(desired.get("interfaces"))
    up = {str(one.get("name")) for one in everything if one.get("state", "up") == "up"}
    later = {str(one.get("name")) for one in [*everything, *named(waiting.get("interfaces"))]} - up
    interfaces = _settled(everything, [applicable(one) for one in named(returning.get("interfaces"))], later)
    if interfaces:
        _extend(document, "interfaces", interfaces)
    gone = {name for (name, own), one in _by_key([*everything, *interfaces]).items() if not own and is_gone(one)}
    for section in ("routes", "route-rules"):
        entries = mappings(mapping(returning.get(section)).get("config"))
        kept = [one for one in entries if "state" in one or str(one.get("next-hop-interface", "")) not in gone]
        if kept and isinstance(desired.get(section) or {}, Mapping):
            whole = dict(desired.get(section) or {})
            _extend(whole, "config", kept)
            document[section] = whole
    for section, value in returning.items():
        if section not in _LISTS and (not desired.get(section) or isinstance(desired[section], Mapping)):
            document[section] = {**value, **(desired.get(section) or {})}
    return document


def _extend(section: State, key: str, entries: Sequence[Mapping[str, JSON]]) -> None:
    """What is no list is left for libnmstate to refuse."""
    there = section.get(key)
    if there is None or isinstance(there, list | tuple):
        section[key] = [*(there or ()), *entries]


def _by_key(interfaces: Sequence[Interface]) -> dict[tuple[str, str], Interface]:
    return {key_of(one): one for one in interfaces}


def _settled(wanted: Sequence[Interface], returning: Sequence[State], later: set[str]) -> list[State]:
    """`returning` with one controller for each port, and none that is not there. Those of `later` take their ports."""
    document = _by_key([*wanted, *returning])
    gone = {name for (name, _), one in document.items() if is_gone(one)}
    gone -= {name for (name, _), one in document.items() if not is_gone(one)}
    choice = {str(one.get("name")): str(one.get("controller", "")) for one in returning}
    holders: dict[str, str] = {}
    for one in [*wanted, *returning]:
        for port in ports_of(one) if not is_gone(one) else ():
            holders.setdefault(port, str(one.get("name")))
            if choice.get(port) == one.get("name") and not any(port in ports_of(other) for other in wanted):
                holders[port] = str(one.get("name"))
    lists = {str(one.get("name")) for one in document.values() if lists_ports(one)}
    settled = []
    for one in returning:
        name, controller = str(one.get("name")), one.get("controller")
        entry = _without_ports(one, {port for port, holder in holders.items() if holder != name})
        if one.get("state") == "up" and (controller is not None or name in holders):
            held = holders.get(name, "" if controller in lists or controller in gone else controller)
            entry["controller"] = held
            if held in later:
                del entry["controller"]
            if held == "" and kind(one) == "ovs-interface":
                entry = {"name": name, "type": one["type"], "state": "absent"}  # it cannot be without a bridge
        settled.append(entry)
    return settled


def _without_ports(controller: State, others: set[str]) -> State:
    """A controller that does not list the ports of `others`."""
    if others.isdisjoint(ports_of(controller)):
        return dict(controller)
    result: dict[str, Any] = {}
    for key, value in controller.items():
        section = dict(value) if isinstance(value, Mapping) else value
        for lists in ("port", "ports", "ports-config") if isinstance(section, dict) else ():
            if isinstance(section.get(lists), list):
                section[lists] = [one for one in section[lists] if _name(one) not in others]
        result[key] = section
    return result


def _name(port: JSON) -> JSON:
    return port.get("name") if isinstance(port, Mapping) else port

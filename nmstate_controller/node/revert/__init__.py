"""What was on a node before a document changed it, and how it goes back (removalPolicy Revert). Pure functions.

Originals are an nmstate document themselves. Per entry the oldest one counts: whatever later documents do to an entry,
it goes back to what it was before the first of them. An entry is an interface, a route, a route rule, the DNS
configuration, or the host name. It is touched by a document that names it, or that changes it by naming another one: a
port's controller, the other end of a veth pair, the interface of a route.

    touching      which interfaces a document touches
    definitions   what is remembered of an interface
    routes        the same for routes and route rules
    merge         originals that go back, beside what is desired

`remember` is called before a document is applied, `with_dropped` makes the document to apply, `forget` is called when
that has succeeded. The section of Open vSwitch's and OVN's settings is not among the entries.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from nmstate_controller.api.models import State
from nmstate_controller.node.diff.difference import HIDDEN, JSON, SECRETS
from nmstate_controller.node.diff.names import Interface, key_of
from nmstate_controller.node.diff.values import items, mapping, mappings
from nmstate_controller.node.revert.definitions import absent, amended, original
from nmstate_controller.node.revert.merge import merged
from nmstate_controller.node.revert.routes import Routes, Rules
from nmstate_controller.node.revert.touching import Touched, is_gone, named
from nmstate_controller.node.validate.problem import shown

__all__ = ["dropped", "forget", "remember", "unrevertable", "with_dropped"]

_ENTRIES: Final = (Routes, Rules)
_RESOLVER: Final = ("server", "search", "options")


def remember(originals: State | None, desired: State, before: State) -> State:
    """`originals`, and those of the entries that `desired` touches for the first time.

    `before` is what `libnmstate.show()` returned, in full, before `desired` is applied.
    """
    old = originals or {}
    touched = Touched(desired, named(before.get("interfaces")))
    sections: dict[str, Any] = {"interfaces": _remembered_interfaces(named(old.get("interfaces")), touched)}
    for kind in _ENTRIES:
        entries = kind(desired, touched).remembered(mappings(mapping(old.get(kind.section)).get("config")), before)
        sections[kind.section] = {"config": entries} if entries else None
    for section, find in _SERVICES.items():
        there = mapping(old.get(section))
        sections[section] = there or (find(mapping(before.get(section))) if _names(desired, section) else None)
    return _document(sections)


def dropped(originals: State | None, desired: State | None) -> State:
    """The part of `originals` that `desired` does not touch: all of them if it is empty."""
    return _split(originals or {}, desired or {})[1]


def forget(originals: State | None, desired: State | None) -> State | None:
    """The part of `originals` that is still to be remembered once `with_dropped` has been applied; None for nothing."""
    return _split(originals or {}, desired or {})[0] or None


def with_dropped(desired: State | None, originals: State | None) -> State:
    """The document to apply: `desired`, and the original of every entry that it does not touch any more."""
    waiting, returning = _split(originals or {}, desired or {})
    return merged(desired or {}, returning, waiting)


def unrevertable(desired: State, before: State) -> list[str]:
    """Paths of what cannot be given back, because libnmstate shows no secrets: `interfaces[eth1].802.1x`, sorted.

    An interface to which the document gives a secret is among them, also if there is none before.
    """
    wanted = [one for one in named(desired.get("interfaces")) if one.get("state") != "ignore" and not is_gone(one)]
    found = {path for one in wanted for path in _secret(one, _gives_secret)}
    stored = named(remember(None, desired, before).get("interfaces"))
    return sorted(found | {path for one in stored for path in _secret(one, _holds_hidden)})


def _remembered_interfaces(old: list[Interface], touched: Touched) -> list[State]:
    kept: dict[Any, State] = {key_of(one): dict(one) for one in old}
    for key in sorted(touched.keys):
        found, wanted = touched.known.get(key), touched.entry(key)
        if key in touched.ignored:
            continue
        if found is not None:
            define = original(found, wanted, touched.controller(found))
            kept[key] = amended(kept[key], define, wanted) if key in kept else define
        elif key not in kept and not is_gone(wanted):
            name, _ = key
            kept[key] = absent(name, wanted.get("type", None if wanted else "veth"))
    return list(kept.values())


def _split(originals: State, desired: State) -> tuple[State, State]:
    """What `desired` touches of `originals`, and the rest."""
    interfaces = named(originals.get("interfaces"))
    touched = Touched(desired, interfaces)
    parts: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for one in interfaces:
        parts[key_of(one) not in touched.keys].setdefault("interfaces", []).append(one)
    for kind in _ENTRIES:
        entries = kind(desired, touched)
        for entry in mappings(mapping(originals.get(kind.section)).get("config")):
            part = parts[not entries.touches(entry)]
            part.setdefault(kind.section, {"config": []})["config"].append(entry)
    for section in _SERVICES:
        if mapping(originals.get(section)):
            parts[not _names(desired, section)][section] = mapping(originals[section])
    return parts


def _document(sections: Mapping[str, Any]) -> State:
    return {key: value for key, value in sections.items() if value}


def _names(desired: Mapping[str, JSON], section: str) -> bool:
    """Whether a document says something of DNS, or of the host name."""
    given = mapping(desired.get(section))
    return "config" in given or (section == "hostname" and "running" in given)


def _dns(shown_: Mapping[str, JSON]) -> State:
    """All lists: one that is left out stays as it is."""
    config = mapping(shown_.get("config"))
    return {"config": {key: list(items(config.get(key))) for key in _RESOLVER}}


def _hostname(shown_: Mapping[str, JSON]) -> State | None:
    name = shown_.get("config") or shown_.get("running")
    return {"config": name} if name else None


_SERVICES: Final = {"dns-resolver": _dns, "hostname": _hostname}


def _secret(interface: Interface, found: Callable[[JSON], bool]) -> Iterator[str]:
    sections = (key for key, value in interface.items() if found({key: value}))
    yield from (f"interfaces[{shown(str(interface['name']))}].{key}" for key in sections)


def _gives_secret(value: JSON) -> bool:
    if isinstance(value, Mapping):
        return any((key in SECRETS and item is not None) or _gives_secret(item) for key, item in value.items())
    return any(_gives_secret(item) for item in items(value))


def _holds_hidden(value: JSON) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_hidden(item) for item in value.values())
    return value == HIDDEN or any(_holds_hidden(item) for item in items(value))

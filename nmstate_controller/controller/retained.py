"""What an object configured on its node and no longer names (`status.retained`). Loop only.

Entries are told by what libnmstate shows of them, never by what a document calls them: an interface by its name, a
route by destination, next hop, interface and table, a rule by all of it. What is not on the node any more is forgotten.

An interface of hardware stays on the node whatever becomes of its configuration. It counts once a document gave it
settings (a bare name, `state: up` or being a port is none), until one removes it by `state: absent` or names it with
nothing but disabled sections.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from nmstate_controller.api.models import State
from nmstate_controller.node.diff.names import Interface, Key, key_of, kind
from nmstate_controller.node.diff.values import boolean, mapping, mappings
from nmstate_controller.node.revert.routes import Routes, Rules
from nmstate_controller.node.revert.touching import Touched, named
from nmstate_controller.node.validate.problem import shown as printable_name

LIMIT: Final = 64
"""Entries of status.retained; one more says how many there are beside them."""

_IN_MESSAGE: Final = 5
_ENTRIES: Final = (Routes, Rules)
_HARDWARE: Final = ("ethernet", "infiniband", "loopback")
_NO_SETTINGS: Final = frozenset(
    {"name", "type", "state", "identifier", "profile-name", "description", "controller", "pci-address"}
)


@dataclasses.dataclass(frozen=True)
class Record:
    """`configured`: what the object has configured and is on the node; `retained`: what of that it no longer names."""

    configured: list[str]
    retained: list[str]


@dataclasses.dataclass
class _Mentions:
    """What a document has to do with the entries on the node. `named` includes the others."""

    named: set[str] = dataclasses.field(default_factory=set)
    configured: set[str] = dataclasses.field(default_factory=set)
    removed: set[str] = dataclasses.field(default_factory=set)


def record(known: Iterable[str] | None, desired: State, applied: State, shown: State) -> Record:
    """The record for a node that was found to be what is asked.

    `known`: `configured` of the record before. `applied`: `desired`, and with removalPolicy Revert what goes back.
    `shown`: what `libnmstate.show()` returned since then, in full.
    """
    mentions = _mentions(desired, shown)
    returned = _mentions(applied, shown).named - mentions.named if applied != desired else set()
    known = set(known or ()) - returned - mentions.removed
    configured = (known & set(_labels(shown)) if known else set()) | mentions.configured
    return Record(sorted(configured), sorted(configured - mentions.named))


class Recorder:
    """`record`, made again only when the document or the entries on the node are others than the last time."""

    def __init__(self) -> None:
        self._about: tuple[State, State, frozenset[str]] | None = None
        self._last = Record([], [])

    def record(self, known: list[str] | None, desired: State, applied: State, shown: State) -> Record:
        """As the function does it."""
        about = (desired, applied, frozenset(_labels(shown)))
        if about != self._about or (known or []) != self._last.configured:
            self._about, self._last = about, record(known, desired, applied, shown)
        return self._last


def bounded(retained: list[str]) -> list[str]:
    """As many entries as status has room for."""
    rest = len(retained) - LIMIT
    return [*retained[:LIMIT], f"and {rest} more"] if rest > 0 else retained


def in_words(retained: list[str] | None) -> str:
    """The end of a sentence about the node; empty when nothing is retained."""
    if not retained:
        return ""
    names = ", ".join(
        entry.removeprefix("interfaces[").removesuffix("]") if entry.startswith("interfaces[") else entry
        for entry in retained[:_IN_MESSAGE]
    )
    more = " and more, see status.retained" if len(retained) > _IN_MESSAGE else ""
    return f"; no longer in desiredState but still on the node: {names}{more}"


def _mentions(document: State, shown: State) -> _Mentions:
    found = _Mentions()
    if not document:
        return found
    touched = Touched(document, named(shown.get("interfaces")))
    for key, interface in touched.known.items():
        _mention_interface(found, touched, key, interface)
    for section in _ENTRIES:
        entries = section(document, touched)
        for entry in _configs(shown, section.section):
            if entries.names(entry):
                found.named.add(_label(section, entry))
            if entries.adds(entry):
                found.configured.add(_label(section, entry))
    for label, section_name in _services(shown):
        if "config" in mapping(document.get(section_name)):
            found.named.add(label)
            found.configured.add(label)
    return found


def _mention_interface(found: _Mentions, touched: Touched, key: Key, interface: Interface) -> None:
    entry = touched.named.get(key)
    name, own = key
    if entry is None:
        if key in touched.ignored or (name in touched.holders and not own):
            found.named.add(_interface_label(key))
        return
    label = _interface_label(key)
    found.named.add(label)
    settings = [value for setting, value in entry.items() if setting not in _NO_SETTINGS and value is not None]
    if entry.get("state") == "absent":
        found.removed.add(label)
    elif not _is_hardware(interface) or entry.get("state") == "down" or not all(map(_is_off, settings)):
        found.configured.add(label)
    elif settings:
        found.removed.add(label)


def _labels(shown: State) -> Iterator[str]:
    """Of all that is on the node."""
    yield from (_interface_label(key_of(interface)) for interface in named(shown.get("interfaces")))
    for section in _ENTRIES:
        yield from (_label(section, entry) for entry in _configs(shown, section.section))
    yield from (label for label, _ in _services(shown))


def _configs(shown: State, section: str) -> list[Mapping[str, Any]]:
    return [entry for entry in mappings(mapping(shown.get(section)).get("config")) if "state" not in entry]


def _services(shown: State) -> Iterator[tuple[str, str]]:
    """Label and section of what is configured of the node as a whole."""
    if any(mapping(mapping(shown.get("dns-resolver")).get("config")).values()):
        yield "dns-resolver", "dns-resolver"
    if name := mapping(shown.get("hostname")).get("config"):
        # One that something else has set since is another entry.
        yield f"hostname[{printable_name(str(name))}]", "hostname"


def _interface_label(key: Key) -> str:
    name, own = key
    return f"interfaces[{printable_name(f'{name} {own}' if own else name)}]"


def _label(section: type[Routes | Rules], entry: Mapping[str, Any]) -> str:
    return f"{section.section}.config[{section.label(entry)}]"


def _is_hardware(interface: Interface) -> bool:
    return kind(interface) in _HARDWARE and interface.get("type") != "veth" and "veth" not in interface


def _is_off(setting: Any) -> bool:
    return boolean(mapping(setting).get("enabled")) is False

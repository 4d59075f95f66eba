"""What a device cannot do or be given, which libnmstate finds out by waiting for it to come into effect.

Sources: Linux `is_valid_ether_addr`; the nmstate crate's `nispor::ethernet` and `nispor::ethtool`: what is not shown is
not there, and fails to verify.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.diff.names import kind
from nmstate_controller.node.validate.document import Document, Entry
from nmstate_controller.node.validate.problem import Problem, part, shown

_MAC: Final = re.compile(r"[\da-f]{2}(:[\da-f]{2}){5}", re.IGNORECASE)
_NO_MAC: Final = "00:00:00:00:00:00"
_GROUP_BIT: Final = 1

_HAVE_MAC: Final = frozenset({"ethernet", "veth", "dummy", "bond", "linux-bridge", "vlan", "mac-vlan", "mac-vtap"})
"""Types with a MAC address of six bytes, which can be set."""

_LINK_MODE: Final = ("auto-negotiation", "speed", "duplex")
_ETHTOOL: Final = ("pause", "ring", "coalesce")


def hardware(document: Document) -> Iterator[Problem]:
    """MAC addresses that no interface can have, and settings that the device does not have."""
    for entry in document.up:
        yield from _mac(entry)
        if _is_shown_as_it_is(entry):
            yield from _link_mode(entry)
            yield from _ethtool(entry)


def _mac(entry: Entry) -> Iterator[Problem]:
    wanted = entry.wanted.get("mac-address")
    if not isinstance(wanted, str) or entry.type not in _HAVE_MAC:
        return
    if entry.wanted.get("identifier", "name") == "mac-address":
        return
    path = f"{entry.path}.mac-address"
    if not _MAC.fullmatch(wanted):
        yield Problem(path, "must be six pairs of hexadecimal digits with colons between them, as 02:00:00:00:00:01")
    elif int(wanted[:2], 16) & _GROUP_BIT:
        yield Problem(path, "must not be a multicast address: its first byte must be even")
    elif wanted == _NO_MAC:
        yield Problem(path, "must not be all zeros")


def _is_shown_as_it_is(entry: Entry) -> bool:
    """Whether what the node shows of it is what the device can do: a driver may tell nothing while the link is down."""
    current = entry.current
    return current is not None and current.get("state") == "up" and kind(current) == kind({"type": entry.type})


def _link_mode(entry: Entry) -> Iterator[Problem]:
    wanted, current = (part(side, "ethernet") for side in (entry.wanted, entry.current))
    if any(current.get(key) is not None for key in _LINK_MODE):
        return
    for key in _LINK_MODE:
        if wanted.get(key) is not None:
            yield Problem(f"{entry.path}.ethernet.{key}", _lacks(entry, "speed, duplex and auto-negotiation"))


def _ethtool(entry: Entry) -> Iterator[Problem]:
    wanted, current = (part(side, "ethtool") for side in (entry.wanted, entry.current))
    for key in _ETHTOOL:
        if isinstance(wanted.get(key), Mapping) and current.get(key) is None:
            yield Problem(f"{entry.path}.ethtool.{key}", _lacks(entry, key))


def _lacks(entry: Entry, what: str) -> str:
    return f"the driver of {shown(entry.name)} does not let {what} be set; currentState shows none of it"

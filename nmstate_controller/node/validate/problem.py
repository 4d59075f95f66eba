"""A refusal, and what of a document may be said in it."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nmstate_controller.errors import printable
from nmstate_controller.node.diff.difference import JSON

_LABEL_LIMIT: Final = 64
_PATH_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` is the field, as users write it: `interfaces[eth1.100].vlan.base-iface`. The middle of a long one goes."""

    path: str
    reason: str

    def __str__(self) -> str:
        half = _PATH_LIMIT // 2
        path = self.path if len(self.path) <= _PATH_LIMIT else f"{self.path[:half]}…{self.path[-half:]}"
        return f"{path}: {self.reason}"


def shown(name: str) -> str:
    """A name from the document, fit for a sentence: printable, and not endless."""
    name = printable(name)
    return name if len(name) <= _LABEL_LIMIT else name[: _LABEL_LIMIT - 1] + "…"


def part(section: Mapping[str, JSON] | None, key: str) -> Mapping[str, JSON]:
    """The map under `key`, nulls included; an empty one if there is none. Cheaper than `values.mapping`."""
    value = section.get(key) if section else None
    return value if isinstance(value, Mapping) else {}


def described(value: JSON) -> str:
    """What kind of value it is, for a sentence that must not show the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, (int, float)):
        return "a number"
    return "a map" if isinstance(value, Mapping) else "a list"


def is_network(value: JSON) -> bool:
    """Whether `value` is an IP address or network, and so may be shown."""
    try:
        return isinstance(value, str) and bool(ipaddress.ip_interface(value))
    except ValueError:
        return False

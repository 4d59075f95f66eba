"""The spellings that nmstate accepts of one value, read into the one it shows.

Every reader is total: what it cannot read it gives back as it is (or None, where it says so), so that a malformed value
is a difference and never an exception. Source: the nmstate crate's `deserializer`, `ip`, `pci_address`.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from nmstate_controller.node.diff.difference import HIDDEN, JSON

Reader = Callable[[JSON], JSON]

_TRUE: Final = frozenset({"1", "true", "yes", "on", "y"})
_FALSE: Final = frozenset({"0", "false", "no", "off", "n"})
_PCI: Final = re.compile(r"(?:([0-9a-f]{1,8}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-9]{1,3})", re.IGNORECASE)
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,20}")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]{1,16}")


def boolean(value: JSON) -> bool | None:
    """True or False for any accepted spelling, None for anything else (`option_bool_or_string`)."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, str)):
        text = str(value).lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
    return None


def integer(value: JSON) -> int | None:
    """An int for a number or a decimal or 0x… string, None for anything else (`option_u64_or_string`)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        if _DECIMAL.fullmatch(value):
            return int(value)
        if _HEXADECIMAL.fullmatch(value):
            return int(value, 16)
    return None


def number(value: JSON) -> JSON:
    """As `integer`, but what is none is given back as it is."""
    read = integer(value)
    return value if read is None else read


def text(value: JSON) -> JSON:
    """A scalar as the string that OVSDB keeps (`ovs::value_to_hash_map`)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def mac(value: JSON) -> JSON:
    """Upper case."""
    return value.upper() if isinstance(value, str) else value


def address(value: JSON) -> JSON:
    """An IP address in its canonical form; the zone of a link-local one (`%eth1`) is kept."""
    if not isinstance(value, str):
        return value
    host, percent, zone = value.partition("%")
    try:
        return f"{ipaddress.ip_address(host)}{percent}{zone}"
    except ValueError:
        return value


def network(value: JSON) -> JSON:
    """A network with its host bits cleared; an address is a network of one (`ip::sanitize_ip_network`)."""
    if not isinstance(value, str) or "%" in value:
        return value
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        return value


def token(value: JSON) -> JSON:
    """An IPv6 interface identifier; the empty one is `::` (`ip::sanitize_ipv6_token_to_string`)."""
    return address(value or "::") if isinstance(value, str) else value


def pci(value: JSON) -> JSON:
    """`0000:00:1f.4`, also for the short `00:1f.4` (`pci_address::PciAddress`)."""
    found = _PCI.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return value
    domain, bus, slot, function = found.groups()
    return f"{int(domain or '0', 16):04x}:{int(bus, 16):02x}:{int(slot, 16):02x}.{int(function)}"


def choice(*names: str, **other: str) -> Reader:
    """A reader for an enum whose `names` may also be given as their number, or under an `other` name."""
    numbers = {str(position): name for position, name in enumerate(names)}

    def read(value: JSON) -> JSON:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            return value
        name = str(value)
        return numbers.get(name) or other.get(name.lower()) or value

    return read


def same(desired: JSON, current: JSON) -> bool:
    """Whether `current`, whose types are the true ones, holds all of `desired`, however that is spelled.

    Maps may hold more, lists may not (`state::get_json_value_difference`). A hidden secret equals every secret.
    """
    if desired is None:
        return True
    if HIDDEN in (desired, current) and isinstance(desired, str) and isinstance(current, str):
        return True
    if isinstance(current, bool):
        return boolean(desired) is current
    if isinstance(current, int):
        return integer(desired) == current
    if isinstance(current, Mapping):
        return isinstance(desired, Mapping) and all(same(item, current.get(key)) for key, item in desired.items())
    if isinstance(current, Sequence) and not isinstance(current, str):
        return (
            isinstance(desired, Sequence)
            and not isinstance(desired, str)
            and len(desired) == len(current)
            and all(same(mine, theirs) for mine, theirs in zip(desired, current, strict=True))
        )
    return type(desired) is type(current) and desired == current


def mapping(value: JSON) -> Mapping[str, JSON]:
    """`value` without the keys that are null, if it is a map, and an empty map otherwise."""
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, Mapping) else {}


def items(value: JSON) -> Iterator[JSON]:
    """The items of a list, nothing for anything else."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from value


def mappings(value: JSON) -> list[Mapping[str, JSON]]:
    """The maps in a list, each as `mapping` gives it."""
    return [mapping(item) for item in items(value) if isinstance(item, Mapping)]

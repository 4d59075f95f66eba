"""The section `route-rules.config`: policy routing rules that must be there, and patterns that must not.

Source: the nmstate crate's `route_rule` (`is_match`, `sanitize`), `query_apply::route_rule`, `nispor::route_rule`.
It is stricter than the crate's own verification in one thing: a selector that the document leaves out is not there
either, so that a rule for one network is not taken for a rule for all.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Final

from nmstate_controller.node.diff.difference import JSON, Difference, difference
from nmstate_controller.node.diff.groups import Entry, Groups
from nmstate_controller.node.diff.names import Names
from nmstate_controller.node.diff.values import integer, items, mapping, mappings, network, same

Rule = Mapping[str, JSON]

_MAIN_TABLE: Final = 254
_ALIASES: Final[Mapping[str, str]] = {"suppress_prefixlength": "suppress-prefix-length"}
_NETWORKS: Final = frozenset({"ip-from", "ip-to"})
_BETWEEN: Final = ("ip-from", "ip-to", "family")
_EVERYTHING: Final = ("", "0.0.0.0/0", "::/0")
_SELECTORS: Final = ("ip-from", "ip-to", "fwmark", "iif", "action", "suppress-prefix-length")
_NUMBERS: Final = frozenset({"fwmark", "fwmask", "priority", "route-table", "suppress-prefix-length"})
_ANY_PRIORITY: Final = -1
_ALL_BITS: Final = 0xFFFFFFFF


def rules(desired: JSON, current: JSON, names: Names) -> Iterator[Difference]:
    """What differs between the `config` of both sides. A rule that must not be there is told of once."""
    actual = [_read(rule) for rule in mappings(mapping(current).get("config"))]
    wanted: list[tuple[JSON, Rule]] = []
    for position, entry in enumerate(items(mapping(desired).get("config"))):
        if isinstance(entry, Mapping):
            wanted.append((entry, _read(mapping(entry))))
        else:
            yield difference(f"route-rules.config[#{position}]", entry, None)
    about = Groups(by_priority, actual).near
    alike = Groups(by_selectors, actual).near
    between = Groups(_by_networks, actual).near
    present = Groups(by_selectors, (rule for _, rule in wanted if "state" not in rule))
    told: set[int] = set()
    for entry, rule in wanted:
        if rule.get("state") == "absent":
            for found in about(rule):
                if id(found) in told or not _unwanted(rule, found, names):
                    continue
                told.add(id(found))
                if not any(_is(one, found) for one in present.near(found)):
                    yield difference(f"route-rules.config[absent {label(rule)}]", entry, found)
        elif "state" in rule:
            yield difference(f"route-rules.config[{label(rule)}].state", rule["state"], None)
        elif not any(_is(rule, found) for found in alike(rule)):
            at_its_priority = about(rule) if by_priority(rule) is not None else ()
            nearest = _nearest(rule, at_its_priority, between(rule))
            yield difference(f"route-rules.config[{label(rule)}]", entry, nearest)


def _read(rule: Rule) -> Rule:
    """Networks and numbers in one form; a network of everything is none, unless a pattern asks for just that."""
    read: dict[str, JSON] = {}
    for alias, value in rule.items():
        key = _ALIASES.get(alias, alias)
        if key in _NETWORKS:
            read[key] = network(value)
        elif key in _NUMBERS and integer(value) is not None:
            read[key] = integer(value)
        else:
            read[key] = value
    if "family" not in read:
        given = [str(read[key]) for key in sorted(_NETWORKS) if read.get(key)]
        if given:
            read["family"] = "ipv6" if ":" in given[0] else "ipv4"
    return read


def _is(wanted: Rule, found: Rule) -> bool:
    """Whether `found` is the rule that the document wants."""
    if not all(_selects(key, wanted.get(key)) == _selects(key, found.get(key)) for key in _SELECTORS):
        return False
    if wanted.get("family") not in (None, found.get("family")) or not _masked(wanted, found):
        return False
    priority = wanted.get("priority", -1)
    if priority != -1 and priority != (found.get("priority") or 0):
        return False
    table = wanted.get("route-table")
    if table is None and "action" not in wanted:
        table = _MAIN_TABLE
    known = {*_SELECTORS, "family", "priority", "route-table", "fwmask", "state"}
    rest = all(same(value, found.get(key)) for key, value in wanted.items() if key not in known)
    return rest and table in (None, 0, found.get("route-table"))


def by_priority(rule: Entry) -> Hashable:
    """The priority of a rule or a pattern of rules; None for any."""
    priority = integer(rule.get("priority"))
    return None if priority == _ANY_PRIORITY else priority


def by_selectors(rule: Entry) -> Hashable:
    """What two rules share when they may be one."""
    read = _read(rule)
    return tuple(repr(_selects(key, read.get(key))) for key in _SELECTORS)


def _selects(key: str, value: JSON) -> JSON:
    if key in _NETWORKS and value in _EVERYTHING:
        return None
    return (value or None) if key == "fwmark" else value


def _masked(wanted: Rule, found: Rule) -> bool:
    """A mark without a mask is compared in all its bits; no mark, no mask."""
    if not wanted.get("fwmark"):
        return True
    return (wanted.get("fwmask") or _ALL_BITS) == (found.get("fwmask") or _ALL_BITS)


def _unwanted(pattern: Rule, found: Rule, names: Names) -> bool:
    """Whether `found` is among those that `pattern` forbids; what the pattern leaves out is any."""
    incoming = found.get("iif")
    if isinstance(incoming, str) and names.kernel(incoming) is not None and names.left_alone(incoming):
        return False
    for key, value in pattern.items():
        actual = found.get(key)
        if key == "state" or (key == "priority" and value == -1) or (key == "route-table" and value == 0):
            continue
        if key == "family" and actual is None:
            continue
        if key in _NETWORKS:
            matches = (None if value in _EVERYTHING else value) == (None if actual in _EVERYTHING else actual)
        elif key in ("fwmark", "fwmask", "priority"):
            matches = value == (actual or 0)
        else:
            matches = same(value, actual)
        if not matches:
            return False
    return True


def _nearest(wanted: Rule, at_its_priority: Sequence[Rule], between_its_networks: Sequence[Rule]) -> JSON:
    """A rule at the same priority, or for the same networks, to show what there is instead."""
    for keys, near in ((("priority", "family"), at_its_priority), (_BETWEEN, between_its_networks)):
        if any(key in wanted for key in keys[:-1]):
            for found in near:
                if all(wanted.get(key) == found.get(key) for key in keys):
                    return found
    return None


def _by_networks(rule: Entry) -> Hashable:
    return tuple(repr(rule.get(key)) for key in _BETWEEN[:-1])


def label(rule: Rule) -> str:
    """What people call it: `from 192.0.2.0/24 table 200 priority 1000`."""
    names = {
        "family": "", "ip-from": "from", "ip-to": "to", "iif": "iif", "fwmark": "fwmark", "action": "",
        "route-table": "table", "priority": "priority",
    }  # fmt: skip
    shown = {key: hex(value) if key == "fwmark" and isinstance(value, int) else value for key, value in rule.items()}
    return " ".join(f"{word} {shown[key]}".strip() for key, word in names.items() if key in shown)

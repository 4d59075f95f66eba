"""Routes and route rules that a document adds, removes, or takes the ground from.

Entries are compared as the matcher does. What was added is remembered as a pattern that removes it, all else as it is.
"""

import json
from collections.abc import Hashable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, ClassVar, Final

from nmstate_controller.api.models import State
from nmstate_controller.node.diff.difference import JSON, Difference
from nmstate_controller.node.diff.groups import Entry, Groups, by_destination
from nmstate_controller.node.diff.routes import label as route_label
from nmstate_controller.node.diff.routes import routes
from nmstate_controller.node.diff.rules import by_priority, by_selectors, rules
from nmstate_controller.node.diff.rules import label as rule_label
from nmstate_controller.node.diff.values import address, boolean, integer, mapping, mappings, network, number
from nmstate_controller.node.revert.touching import Touched, is_gone

_MAIN_TABLE: Final = 254
_IDENTITY: Final = frozenset(
    {"destination", "next-hop-address", "next-hop-interface", "table-id", "vrf-name", "route-type"}
)
_ON_LINK: Final = ("", "0.0.0.0", "::")  # noqa: S104 (what a route without a gateway shows)


class Entries:
    """The entries of one section that a document touches."""

    section: ClassVar[str]

    def __init__(self, desired: Mapping[str, JSON], touched: Touched) -> None:
        wanted = [one for one in mappings(mapping(desired.get(self.section)).get("config")) if one]
        self._touched = touched
        self._added = [one for one in wanted if "state" not in one and self._identity(one) is not None]
        self._near_added = Groups(self._identity, self._added).near
        self._near_patterns = Groups(self._subject, (one for one in wanted if one.get("state") == "absent")).near

    def touches(self, entry: Entry) -> bool:
        """`entry` is a node's, or an original."""
        return self.names(entry) or ("state" not in entry and self._falls(entry))

    def names(self, entry: Entry) -> bool:
        """Whether the document says something of the entry itself."""
        if self.adds(entry):
            return True
        return "state" not in entry and any(self._differs(one, entry) for one in self._near_patterns(entry))

    def adds(self, entry: Entry) -> bool:
        """Whether the document asks for the entry."""
        return any(self._is(one, entry) for one in self._near_added(entry))

    @staticmethod
    def label(entry: Entry) -> str:
        """What people call a node's entry."""
        raise NotImplementedError

    def remembered(self, originals: list[Entry], before: Mapping[str, JSON]) -> list[Entry]:
        """`originals` and what there is to be added to them, for a node with the report `before`."""
        known = Groups(self._subject, originals)
        found = mappings(mapping(before.get(self.section)).get("config"))
        new = [
            one
            for one in found
            if "state" not in one and self.touches(one) and not any(self._covers(old, one) for old in known.near(one))
        ]
        everything = [*originals, *new]
        near = Groups(self._identity, (one for one in everything if "state" not in one)).near
        patterns = {_spelled(one) for one in originals}
        for wanted in self._added:
            pattern = self._pattern(wanted)
            there = any(not self._differs(wanted, one) for one in near(wanted))
            if not there and _spelled(pattern) not in patterns:
                everything.append(pattern)
                patterns.add(_spelled(pattern))
        return everything

    def _differs(self, wanted: Entry, entry: Entry) -> bool:
        return any(self._compare({"config": [wanted]}, {"config": [entry]}))

    def _is(self, wanted: Entry, entry: Entry) -> bool:
        """Whether they are one entry, whatever else they say."""
        return not self._differs(wanted, entry)

    def _covers(self, old: Entry, found: Entry) -> bool:
        """Whether the original of `found` is known: the document's predecessors added it, or changed it."""
        return self._differs(old, found) if old.get("state") == "absent" else self._is(found, old)

    def _falls(self, _entry: Entry) -> bool:
        return False

    def _identity(self, entry: Entry) -> Hashable:
        """What two entries share when they are one; None for what is no entry."""
        raise NotImplementedError

    def _subject(self, entry: Entry) -> Hashable:
        """What an entry shares with a pattern that is about it; None for a pattern that may be about any."""
        raise NotImplementedError

    def _compare(self, desired: JSON, current: JSON) -> Iterator[Difference]:
        raise NotImplementedError

    def _pattern(self, wanted: Entry) -> State:
        """What removes the entry that `wanted` adds."""
        raise NotImplementedError


class Routes(Entries):
    """An entry is a destination by a next hop on an interface in a table."""

    section = "routes"

    def _identity(self, entry: Entry) -> Hashable:
        return by_destination(entry)

    _subject = _identity

    @staticmethod
    def label(entry: Entry) -> str:
        return route_label({key: value for key, value in entry.items() if key in _IDENTITY})

    def _compare(self, desired: JSON, current: JSON) -> Iterator[Difference]:
        return routes(desired, current, self._touched.names)

    def _is(self, wanted: Entry, entry: Entry) -> bool:
        return super()._is({key: value for key, value in wanted.items() if key in _IDENTITY}, entry)

    def _covers(self, old: Entry, found: Entry) -> bool:
        # A pattern without a gateway forbids those by one as well, but was made for a route without.
        return super()._covers(old, found) and _gateway(old) == _gateway(found)

    def _pattern(self, wanted: Entry) -> State:
        pattern: dict[str, Any] = {key: value for key, value in wanted.items() if key in _IDENTITY - {"vrf-name"}}
        pattern["destination"] = network(wanted.get("destination"))
        name = wanted.get("next-hop-interface")
        if isinstance(name, str):
            pattern["next-hop-interface"] = self._touched.names.kernel_name(name)
        via = address(pattern.pop("next-hop-address", ""))
        if via not in _ON_LINK:
            pattern["next-hop-address"] = via
        table = integer(wanted.get("table-id"))
        if table:
            pattern["table-id"] = table
        elif "vrf-name" in wanted or (
            isinstance(name, str) and self._touched.on_vrf(str(pattern["next-hop-interface"]))
        ):
            pattern.pop("table-id", None)  # the VRF's
        else:
            pattern["table-id"] = _MAIN_TABLE
        if "route-type" in wanted:
            pattern.pop("next-hop-interface", None)  # IPv4 knows none for it, whatever the document says
        return {**pattern, "state": "absent"}

    def _falls(self, entry: Entry) -> bool:
        """Whether the interface that the route needs goes, becomes a port, or loses the network of the gateway."""
        name = entry.get("next-hop-interface")
        if not isinstance(name, str) or "route-type" in entry:
            return False
        touched = self._touched
        if (name, "") not in touched.keys:
            return False
        given = touched.entry((name, ""))
        if name in touched.gone or is_gone(given) or name in touched.holders or given.get("controller"):
            return True
        if name in touched.lost or not given:
            return name in touched.lost
        family = mapping(given.get("ipv6" if ":" in str(entry.get("destination")) else "ipv4"))
        if boolean(family.get("enabled")) is False:
            return True
        automatic = boolean(family.get("dhcp")) is True or boolean(family.get("autoconf")) is True
        return automatic or ("address" in family and not _reaches(family, entry.get("next-hop-address")))


def _gateway(route: Entry) -> JSON:
    via = address(route.get("next-hop-address"))
    return None if via in _ON_LINK else via


def _reaches(family: Mapping[str, JSON], gateway: JSON) -> bool:
    if gateway is None or gateway in _ON_LINK:
        return True
    for one in mappings(family.get("address")):
        try:
            own = ip_network(f"{one.get('ip')}/{number(one.get('prefix-length'))}", strict=False)
            if ip_address(str(gateway)) in own:
                return True
        except ValueError:
            continue
    return False


def _spelled(entry: Entry) -> str:
    return json.dumps(entry, sort_keys=True)


class Rules(Entries):
    """An entry is all that a rule selects by."""

    section = "route-rules"

    def _identity(self, entry: Entry) -> Hashable:
        return by_selectors(entry)

    def _subject(self, entry: Entry) -> Hashable:
        return by_priority(entry)

    @staticmethod
    def label(entry: Entry) -> str:
        return rule_label(entry)

    def _compare(self, desired: JSON, current: JSON) -> Iterator[Difference]:
        return rules(desired, current, self._touched.names)

    def _pattern(self, wanted: Entry) -> State:
        table = {} if "action" in wanted or integer(wanted.get("route-table")) else {"route-table": _MAIN_TABLE}
        return {**wanted, **table, "state": "absent"}

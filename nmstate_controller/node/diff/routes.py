"""The section `routes.config`: routes that must be there, and patterns of routes that must not.

Source: the nmstate crate's `route` (`is_match`, `sanitize`), `query_apply::route` (`verify`), `nispor::route`. It is
stricter than the crate's own verification in what cannot be meant otherwise: a route without a next hop is not one by
a gateway, one without a table is in the main one, and a metric that is given counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from nmstate_controller.node.diff.difference import JSON, Difference, difference
from nmstate_controller.node.diff.groups import Groups, by_destination
from nmstate_controller.node.diff.names import Names
from nmstate_controller.node.diff.values import (
    Reader,
    address,
    integer,
    items,
    mapping,
    mappings,
    network,
    number,
    same,
)

Route = Mapping[str, JSON]

_MAIN_TABLE: Final = 254
_IPV6_METRIC: Final = 1024
_ON_LINK: Final = (None, "", "0.0.0.0", "::")  # noqa: S104 (what a route without a gateway shows)
_READERS: Final[Mapping[str, Reader]] = {"destination": network, "next-hop-address": address, "source": address}
_APART: Final = frozenset({"state", "metric", "table-id", "next-hop-interface", "next-hop-address", "route-type"})
"""Keys with a meaning of their own; all others are compared where the document has them."""
_OFF_BY_DEFAULT: Final = frozenset({"quickack", "lock-mtu"})


def routes(desired: JSON, current: JSON, names: Names) -> Iterator[Difference]:
    """What differs between the `config` of both sides. A route that must not be there is told of once."""
    actual = Groups(by_destination, (_read(route) for route in mappings(mapping(current).get("config"))))
    wanted: list[tuple[JSON, Route]] = []
    for position, entry in enumerate(items(mapping(desired).get("config"))):
        if isinstance(entry, Mapping):
            wanted.append((entry, _named(_read(mapping(entry)), names)))
        else:
            yield difference(f"routes.config[#{position}]", entry, None)
    present = Groups(by_destination, (route for _, route in wanted if "state" not in route))
    told: set[int] = set()
    for entry, route in wanted:
        near = actual.near(route)
        if route.get("state") == "absent":
            for found in near:
                if id(found) in told or not _unwanted(route, found):
                    continue
                told.add(id(found))
                if not any(_is(one, found, names) for one in present.near(found)):
                    yield difference(f"routes.config[absent {label(route)}]", entry, found)
        elif "state" not in route:
            if not any(_is(route, found, names) for found in near):
                yield difference(f"routes.config[{label(route)}]", entry, _nearest(route, near))
        elif route["state"] != "ignore":
            yield difference(f"routes.config[{label(route)}].state", route["state"], None)


def _read(route: Route) -> Route:
    return {key: _READERS[key](value) if key in _READERS else value for key, value in route.items()}


def _named(route: Route, names: Names) -> Route:
    name = route.get("next-hop-interface")
    return {**route, "next-hop-interface": names.kernel_name(name)} if isinstance(name, str) else route


def _ipv6(route: Route) -> bool:
    return ":" in str(route.get("destination"))


def _is(wanted: Route, found: Route, names: Names) -> bool:
    """Whether `found` is the route that the document wants."""
    special = wanted.get("route-type")
    if special != found.get("route-type"):
        return False
    if special is None and _gateway(wanted) != _gateway(found):
        return False
    # A blackhole has no interface in IPv4, whatever the document says, and lo in IPv6, if the document says nothing.
    anywhere = special is not None and ("next-hop-interface" not in wanted or not _ipv6(wanted))
    if not anywhere and wanted.get("next-hop-interface") != found.get("next-hop-interface"):
        return False
    return _in_table(wanted, found, names) and _by_metric(wanted, found) and _rest_is(wanted, found)


def _gateway(route: Route) -> JSON:
    via = route.get("next-hop-address")
    return None if via in _ON_LINK else via


def _in_table(wanted: Route, found: Route, names: Names) -> bool:
    given = integer(wanted.get("table-id")) or 0
    table = integer(found.get("table-id")) or _MAIN_TABLE
    if given:
        return table == given
    return "vrf-name" in wanted or table in _default_tables(wanted, names)


def _default_tables(wanted: Route, names: Names) -> set[int]:
    """The main table, unless the interface is in a VRF or its profile names another one."""
    interface = mapping(names.kernel(str(wanted.get("next-hop-interface"))))
    holder = mapping(names.kernel(str(interface.get("controller"))))
    family = mapping(interface.get("ipv6" if _ipv6(wanted) else "ipv4"))
    others = (mapping(holder.get("vrf")).get("route-table-id"), family.get("auto-route-table-id"))
    return {_MAIN_TABLE, *(table for table in map(integer, others) if table)}


def _by_metric(wanted: Route, found: Route) -> bool:
    metric = integer(wanted.get("metric"))
    if "metric" in wanted and metric is None:
        return False
    if metric is None or metric < 0:
        return True
    default = _IPV6_METRIC if _ipv6(found) else 0
    return (metric or default) == (integer(found.get("metric")) or default)


def _rest_is(wanted: Route, found: Route) -> bool:
    return all(_equal(key, value, found.get(key)) for key, value in wanted.items() if key not in _APART)


def _equal(key: str, wanted: JSON, found: JSON) -> bool:
    return same(wanted, False if found is None and key in _OFF_BY_DEFAULT else found)


def _unwanted(pattern: Route, found: Route) -> bool:
    """Whether `found` is among those that `pattern` forbids: what it leaves out is any, and the metric never counts."""
    if found.get("state") == "ignore":
        return False
    for key, value in pattern.items():
        if key in ("state", "metric") or (key == "destination" and value == ""):
            continue
        if key == "next-hop-address" and value == "":
            matches = _gateway(found) is None
        elif key == "table-id":
            matches = not integer(value) or integer(value) == integer(found.get(key))
        else:
            matches = _equal(key, value, found.get(key))
        if not matches:
            return False
    return True


def _nearest(wanted: Route, actual: Sequence[Route]) -> JSON:
    """A route to the same place, to show what there is instead."""
    there = [found for found in actual if found.get("destination") == wanted.get("destination")]
    here = [found for found in there if found.get("next-hop-interface") == wanted.get("next-hop-interface")]
    return next(iter(here or there), None)


def label(route: Route) -> str:
    """What people call it: `198.51.100.0/24 via 192.0.2.1 dev eth1 metric 100`."""
    words = [str(route.get("route-type", "")), str(route.get("destination", ""))]
    for word, key in (("via", "next-hop-address"), ("dev", "next-hop-interface"), ("vrf", "vrf-name")):
        if route.get(key) not in _ON_LINK:
            words.append(f"{word} {route[key]}")
    if integer(route.get("table-id")) not in (None, 0, _MAIN_TABLE):
        words.append(f"table {number(route['table-id'])}")
    if (integer(route.get("metric")) or -1) >= 0:
        words.append(f"metric {number(route['metric'])}")
    return " ".join(word for word in words if word)

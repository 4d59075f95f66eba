"""The sections that are about the node as a whole: DNS, host name, and the settings of Open vSwitch and OVN.

Source: the nmstate crate's `dns`, `query_apply::dns`, `query_apply::hostname`, `query_apply::ovs`, `query_apply::ovn`.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.diff.difference import JSON, Difference
from nmstate_controller.node.diff.fields import Field, Scope, leaf, ordered, section, skip, string_map, unordered
from nmstate_controller.node.diff.values import address, mapping, mappings

_RESOLVER: Final = {"server": ordered(address), "search": ordered(), "options": unordered()}
_OVSDB: Final = ("external_ids", "other_config")


def _resolver(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """Lists that are not given stay as they are; when none is given, all must be empty."""
    if isinstance(desired, Mapping) and not mapping(desired):
        desired = {key: [] for key in _RESOLVER}
    yield from section(_RESOLVER)(scope, desired, current)


def _ovsdb(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """A section with neither map asks for both to be empty (`OvsDbGlobalConfig::is_purge`)."""
    if isinstance(desired, Mapping) and not mapping(desired):
        desired = {key: {} for key in _OVSDB}
    yield from section(dict.fromkeys(_OVSDB, string_map))(scope, desired, current)


def _mappings(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """OVN's bridge of each local network; others stay."""
    if not isinstance(desired, list | tuple):
        yield from scope.differ(desired, current)
        return
    actual = {str(one.get("localnet")): one for one in mappings(current)}
    for value in desired:
        entry = mapping(value)
        localnet = str(entry.get("localnet"))
        found = actual.get(localnet)
        absent = entry.get("state") == "absent"
        if (found is not None) if absent else (found is None or found.get("bridge") != entry.get("bridge")):
            yield from scope.item(localnet).differ(value, found)


SERVICES: Final[Mapping[str, Field]] = {
    "dns-resolver": section({"config": _resolver, "running": skip}),
    "hostname": section({"config": leaf(), "running": leaf()}),
    "ovn": section({"bridge-mappings": _mappings}),
    "ovs-db": _ovsdb,
}

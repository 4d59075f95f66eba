"""Whether a document asks that there be no DNS server. Pure functions.

Source: the nmstate crate's `dns` (`DnsClientState::is_purge`, `MergedDnsState`).
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

from nmstate_controller.node.diff.values import boolean, items, mapping, mappings

_AUTOMATIC: Final = (("ipv4", "dhcp"), ("ipv6", "dhcp"), ("ipv6", "autoconf"))


def removes_name_servers(document: Mapping[str, Any]) -> bool:
    """Whether `document` takes away the DNS servers that are configured: `config: {}`, or an empty list of them."""
    config = mapping(document.get("dns-resolver")).get("config")
    if not isinstance(config, Mapping):
        return False
    told = mapping(config)
    return not any(items(told["server"])) if "server" in told else not told


def may_get_name_servers(document: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether with `document`, on a node that is `before`, DHCP or router advertisements may bring some anyway."""
    current = {str(one.get("name")): one for one in mappings(before.get("interfaces"))}
    wanted = {str(one.get("name")): one for one in mappings(document.get("interfaces"))}
    return any(
        _is_automatic(wanted.get(name, {}), current.get(name, {})) for name in dict.fromkeys(chain(current, wanted))
    )


def _is_automatic(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> bool:
    if wanted.get("state", current.get("state", "up")) != "up":
        return False
    for family, key in _AUTOMATIC:
        section = {**mapping(current.get(family)), **mapping(wanted.get(family))}
        switched = (boolean(section.get(one)) for one in ("enabled", key))
        if all(switched) and boolean(section.get("auto-dns", True)) is not False:
            return True
    return False

"""IPv4 and IPv6 of an interface. Source: the nmstate crate's `ip` (`sanitize`) and `query_apply::ip`."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final

from nmstate_controller.node.diff.difference import JSON, Difference
from nmstate_controller.node.diff.fields import EXACT, Field, Scope, leaf, skip
from nmstate_controller.node.diff.values import address as canonical
from nmstate_controller.node.diff.values import boolean, choice, integer, items, mapping, number, token

_FOREVER: Final = "forever"
_OWN_PROTOCOLS: Final = frozenset({"lo", "ra", "kernel_ll", "1", "2", "3", "0x1", "0x2", "0x3"})
_HOST: Final = frozenset({"127.0.0.1/8", "::1/128"})
_MAIN_TABLE: Final = 254
_DEFAULT_METRIC: Final = -1

_BOOLEAN_DEFAULT: Final[Mapping[str, bool]] = {
    "dhcp": False,
    "autoconf": False,
    "auto-dns": True,
    "auto-gateway": True,
    "auto-routes": True,
    "dhcp-send-hostname": True,
}
_AUTO_ONLY: Final = frozenset(
    {"auto-dns", "auto-gateway", "auto-routes", "auto-route-table-id", "dhcp-send-hostname", "dhcp-custom-hostname"}
)
"""Void unless DHCP or autoconf is on (`InterfaceIpv4::sanitize`, `InterfaceIpv6::sanitize`)."""
_KEPT_WHEN_DISABLED: Final = frozenset({"enabled", "forwarding", "addr-gen-mode", "dhcp-duid", "token"})
_DHCP4_ONLY: Final = _AUTO_ONLY | {"auto-route-metric", "dhcp-client-id"}


def _table(value: JSON) -> JSON:
    return integer(value) or _MAIN_TABLE if integer(value) is not None else value


def ip(*, ipv6: bool) -> Field:
    """The section `ipv4` or `ipv6`. A section that is not shown is a disabled stack."""

    def compare(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
        if not isinstance(desired, Mapping):
            yield from scope.differ(desired, current)
            return
        wanted = _ipsec(scope, mapping(desired))
        actual = _ipsec(scope, mapping(current))
        if boolean(actual.get("enabled")) is not True:
            actual = {key: value for key, value in actual.items() if key in _KEPT_WHEN_DISABLED}
        if _stack_counts(wanted, ipv6=ipv6):
            yield from EXACT(scope.at("enabled"), wanted["enabled"], actual.get("enabled", False))
        if boolean(wanted.get("enabled")) is False:
            if boolean(wanted.get("forwarding")) is False:
                yield from EXACT(scope.at("forwarding"), wanted["forwarding"], actual.get("forwarding", False))
        else:
            for key in _valid(wanted, actual, ipv6=ipv6):
                yield from _FIELDS.get(key, EXACT)(scope.at(key), wanted[key], actual.get(key))

    return compare


def _ipsec(scope: Scope, section: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """For IPsec `dhcp: false` means IPv4 disabled (`IpsecInterface::sanitize`)."""
    if scope.current.get("type") == "ipsec" and boolean(section.get("dhcp")) is False and "enabled" in section:
        return {"enabled": False}
    return section


def _stack_counts(wanted: Mapping[str, JSON], *, ipv6: bool) -> bool:
    """With an empty list of IPv4 addresses `enabled` depends on the routes (`sanitize_desired_for_verify`)."""
    if "enabled" not in wanted:
        return False
    listed = wanted.get("address")
    return ipv6 or boolean(wanted["enabled"]) is not True or listed is None or bool(_static(listed))


def _valid(wanted: Mapping[str, JSON], actual: Mapping[str, JSON], *, ipv6: bool) -> Iterator[str]:
    """The keys that mean something in the state that the document asks for, merged over the current one."""
    merged = {**actual, **wanted}
    dhcp = boolean(merged.get("dhcp")) is True
    auto = dhcp or (ipv6 and boolean(merged.get("autoconf")) is True)
    void = {"enabled"}
    if not auto:
        void |= _AUTO_ONLY
    if not ipv6 and not dhcp:
        void |= _DHCP4_ONLY
    if ipv6 and boolean(wanted.get("autoconf")) is False:
        void.add("auto-route-metric")
    if boolean(merged.get("dhcp-send-hostname")) is False:
        void.add("dhcp-custom-hostname")
    yield from (key for key in wanted if key not in void)


def _metric(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """-1 leaves the choice to the backend."""
    if integer(desired) != _DEFAULT_METRIC:
        yield from EXACT(scope, desired, current)


def _addresses(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """The complete list of static addresses, in any order."""
    if not isinstance(desired, list | tuple):
        yield from scope.differ(desired, current)
        return
    wanted, actual = _static(desired), _static(current)
    everything = {_key(item): item for item in items(current)}
    for key, item in wanted.items():
        if key not in actual:
            yield from scope.item(key).differ(item, everything.get(key))
    for key, item in actual.items():
        if key not in wanted and key in _extra(scope, actual):
            yield from scope.item(key).differ(None, item)


def _extra(scope: Scope, actual: Mapping[str, JSON]) -> set[str]:
    """Those of `actual` that must be in the document's list."""
    family = "ipv6" if scope.path.endswith(".ipv6.address") else "ipv4"
    wanted, current = (mapping(side.get(family)) for side in (scope.desired, scope.current))
    if boolean(wanted.get("allow-extra-address")) is True:
        return set()
    if boolean(current.get("dhcp")) is True or boolean(current.get("autoconf")) is True:
        return set()  # a lease may be endless, and then looks like a static address
    loopback = scope.current.get("type") == "loopback"
    return {
        key for key, item in actual.items() if not (loopback and key in _HOST) and mapping(item).get("protocol") != "ra"
    }


def _static(addresses: JSON) -> dict[str, JSON]:
    """Without those that come by themselves: leased, link-local IPv6, and set by other programs."""
    return {_key(item): item for item in items(addresses) if not _automatic(mapping(item))}


def _automatic(item: Mapping[str, JSON]) -> bool:
    lifetime = next((item[key] for key in ("valid-life-time", "valid-left", "valid-lft") if key in item), _FOREVER)
    protocol = item.get("protocol")
    if lifetime != _FOREVER or (protocol is not None and str(protocol) not in _OWN_PROTOCOLS):
        return True
    try:
        parsed = ipaddress.ip_address(str(item.get("ip")))
    except ValueError:
        return False
    return parsed.version == 6 and parsed.is_link_local


def _key(item: JSON) -> str:
    address = mapping(item)
    return f"{canonical(address.get('ip'))}/{number(address.get('prefix-length'))}"


_FIELDS: Final[Mapping[str, Field]] = {
    **{key: leaf(default=default) for key, default in _BOOLEAN_DEFAULT.items()},
    "address": _addresses,
    "addr-gen-mode": leaf(choice(**{"eui64": "eui64", "stable-privacy": "stable-privacy"})),
    "allow-extra-address": skip,
    "auto-route-metric": _metric,
    "auto-route-table-id": leaf(_table, 0),
    "dhcp-client-id": leaf(choice(ll="ll", **{"iaid+duid": "iaid+duid"})),
    "dhcp-custom-hostname": leaf(default=""),
    "dhcp-duid": leaf(choice(llt="llt", en="en", ll="ll", uuid="uuid")),
    "prefix-route-metric": _metric,
    "token": leaf(token, "::"),
}

"""Addresses that a change takes off the node without saying so: those of an interface that becomes a port. Pure."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from nmstate_controller.errors import listed
from nmstate_controller.node.diff.names import Interface
from nmstate_controller.node.diff.values import address, boolean, mapping, mappings
from nmstate_controller.node.validate.ports import ports

_FAMILIES: Final = ("ipv4", "ipv6")
_KEEPS_PORTS_IP: Final = "vrf"
_SHOWN: Final = 3


def displaced(document: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """For each interface with addresses that `document` makes a port and gives to no interface, a part of a sentence.

    Silent about a family for which the document asks DHCP or router advertisements: the address may come back by these.
    """
    wanted, current = _by_name(document), _by_name(before)
    moving = {
        port: controller
        for port, controller in _controllers(wanted, current)
        if port in current and current[port].get("controller") != controller
    }
    dynamic = {family for family in _FAMILIES for entry in wanted.values() if _is_dynamic(mapping(entry.get(family)))}
    kept = {ip for entry in wanted.values() if entry.get("state", "up") == "up" for _, ip, _ in _addresses(entry)}
    kept |= {ip for name, entry in current.items() if name not in moving for _, ip, _ in _addresses(entry)}
    said = []
    for port, controller in sorted(moving.items()):
        lost = [
            f"{ip}/{length}"
            for family, ip, length in _addresses(current[port])
            if ip not in kept and family not in dynamic
        ]
        if lost:
            verb = "was" if len(lost) == 1 else "were"
            said.append(f"{port} became a port of {controller}; {listed(lost, _SHOWN)} {verb} no longer on the node")
    return said[:_SHOWN]


def _by_name(document: Mapping[str, Any]) -> dict[str, Interface]:
    return {str(entry.get("name")): entry for entry in mappings(document.get("interfaces"))}


def _controllers(wanted: Mapping[str, Interface], current: Mapping[str, Interface]) -> Iterator[tuple[str, str]]:
    """Ports of the document that can have no address, with their controllers."""

    def kind(name: str) -> str:
        told = (mapping(side.get(name)).get("type") for side in (wanted, current))
        return str(next((one for one in told if one not in (None, "unknown")), "unknown"))

    for name, entry in wanted.items():
        if entry.get("state", "up") != "up":
            continue
        if kind(name) != _KEEPS_PORTS_IP:
            yield from ((port.name, name) for port in ports(kind(name), entry))
        controller = entry.get("controller")
        if isinstance(controller, str) and controller and kind(controller) != _KEEPS_PORTS_IP:
            yield name, controller


def _addresses(interface: Interface) -> Iterator[tuple[str, str, Any]]:
    """Family, address and prefix length; without the link-local ones, which every interface has."""
    for family in _FAMILIES:
        for one in mappings(mapping(interface.get(family)).get("address")):
            ip = str(address(one.get("ip")))
            try:
                is_local = ipaddress.ip_address(ip.partition("%")[0]).is_link_local
            except ValueError:
                continue
            if not is_local:
                yield family, ip, one.get("prefix-length")


def _is_dynamic(section: Mapping[str, Any]) -> bool:
    return any(boolean(section.get(key)) for key in ("dhcp", "autoconf"))

"""IPv4 switched on with nothing to be switched on for, which libnmstate finds out by waiting for it.

IPv6 needs nothing: it has a link-local address. An empty list of addresses is no mistake either: libnmstate takes it
for IPv4 switched off (`query_apply::ip`, `sanitize_desired_for_verify`). Source: the nmstate crate's `ip` (`merge_ip`).
"""

from collections.abc import Iterator

from nmstate_controller.node.diff.names import USERSPACE
from nmstate_controller.node.diff.values import boolean, mappings
from nmstate_controller.node.validate.document import Document, Entry, named
from nmstate_controller.node.validate.problem import Problem, part, shown


def addresses(document: Document) -> Iterator[Problem]:
    """IPv4 enabled without an address, DHCP, a route, or anything that is there already."""
    routed = _routed(document)
    for entry in document.up:
        if entry.name in routed:
            continue
        if "ipv4" in entry.wanted and _can_have_ip(entry, document.attached) and _is_idle(entry):
            reason = f"is true, but there is neither an address nor dhcp: true, and {shown(entry.name)} has no IPv4 now"
            yield Problem(f"{entry.path}.ipv4.enabled", reason)


def _routed(document: Document) -> set[str | None]:
    """Interfaces with an IPv4 route, which need no address since NetworkManager 1.46; an older one says so at once."""
    routes = mappings(part(document.desired, "routes").get("config"))
    return {
        named(route.get("next-hop-interface"))
        for route in routes
        if "state" not in route and ":" not in str(route.get("destination"))
    }


def _can_have_ip(entry: Entry, attached: frozenset[str]) -> bool:
    """A port has none, and libnmstate says so at once (`BaseInterface::can_have_ip`)."""
    if entry.type in USERSPACE or entry.type == "loopback":
        return False
    is_port = entry.name in attached or "controller" in entry.wanted or bool((entry.current or {}).get("controller"))
    return not is_port or entry.type == "ovs-interface"


def _is_idle(entry: Entry) -> bool:
    wanted = part(entry.wanted, "ipv4")
    current = part(entry.current, "ipv4")
    if boolean(wanted.get("enabled")) is not True or wanted.get("address") is not None:
        return False
    if wanted.get("dhcp") is not None and boolean(wanted["dhcp"]) is not False:
        return False
    return boolean(current.get("enabled")) is not True

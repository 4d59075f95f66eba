"""Whether the nmstate crate reads a document: its parser, without what comes after it."""

from typing import Any, Final

import libnmstate

# nmstate 2.2.62, `enum InterfaceType` in iface.rs, without Other(String).
INTERFACE_TYPES: Final = (
    "bond",
    "dummy",
    "ethernet",
    "hsr",
    "infiniband",
    "ip-tunnel",
    "ipsec",
    "ipvlan",
    "linux-bridge",
    "loopback",
    "mac-vlan",
    "mac-vtap",
    "macsec",
    "ovs-bridge",
    "ovs-interface",
    "tun",
    "unknown",
    "veth",
    "vlan",
    "vrf",
    "vxlan",
    "xfrm",
)

# Read without looking at what is in it, until the interface's type on the node is known; there is none such on a node.
_UNREAD: Final = {"tun", "unknown"}


def parses(document: Any) -> str | None:
    """What the crate's parser has against the document; None if it takes it."""
    try:
        # An empty policy is not held against the current state, which is only parsed.
        libnmstate.gen_net_state_from_policy({}, document)
    except libnmstate.NmstateError as error:
        return str(error)
    return None


def reads(document: Any) -> bool:
    """Whether libnmstate takes the document and all that is in it, as far as that does not depend on the node.

    More than `parses`: what is thrown away unread has to be sound too, and so have addresses, which are text to the
    parser.
    """
    return parses(document) is None and _interfaces_are_sound(document) and _addresses_are_sound(document)


def _interfaces_are_sound(document: Any) -> bool:
    # One that is absent has to be one that could be up, and one without a type, which gets that of the interface on the
    # node, has to be sound as one of them.
    for interface in document.get("interfaces", []):
        up = {key: value for key, value in interface.items() if (key, value) != ("state", "absent")}
        known = up.get("type") in INTERFACE_TYPES and up["type"] not in _UNREAD
        candidates = [up] if known else [{**up, "type": kind} for kind in INTERFACE_TYPES if kind not in _UNREAD]
        if all(parses({"interfaces": [candidate]}) is not None for candidate in candidates):
            return False
    return True


def _addresses_are_sound(document: Any) -> bool:
    dns = (document.get("dns-resolver") or {}).get("config") or {}
    servers = [
        server for server in dns.get("server") or [] if "%" not in server
    ]  # whose interface would have to be there
    routes = [
        # All else can be wrong in ways that only the node knows. No address at all is documented as a choice of routes.
        {field: route[field] for field in ("destination", "next-hop-address", "source") if route.get(field)}
        for route in (document.get("routes", {}).get("config") or [])
    ]
    sections = {
        "dns-resolver": {"config": {"server": servers}},
        "routes": {"config": [{**route, "state": "absent"} for route in routes]},
    }
    try:
        libnmstate.generate_differences(sections, {})
    except libnmstate.NmstateError:
        return False
    return True

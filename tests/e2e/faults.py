"""What is wrong with a document: parts that a node must not be left with."""

from tests.e2e.cases import OFF, bridge, static
from tests.e2e.drafts import CARDS, Draft
from tests.e2e.parts import SILENT, Part, default_route, ethernet

TCP_PORT = 7
"""Where the tests have somebody answer on each address of a node."""


def wrong_dns(draft: Draft) -> None:
    draft.dns = {"server": [SILENT], "search": []}


def wrong_gateway(draft: Draft) -> None:
    draft.routes = [route for route in draft.routes if route.get("destination") != "0.0.0.0/0"]
    draft.routes.append(default_route("10.88.0.250", draft.here.own_interface))


def wrong_address(draft: Draft) -> bool:
    name = draft.here.own_interface
    draft.interfaces[name] = {"name": name, "state": "up", "ipv4": static("10.99.0.7", 24)}
    return True


def no_address(draft: Draft) -> bool:
    """The card that the node is reached by becomes a port of a bridge, and its address is forgotten."""
    return draft.here.own_interface == "eth0" and draft.add(bridge("br-ex", "eth0"), "eth0")


def own_down(draft: Draft) -> bool:
    draft.routes = [route for route in draft.routes if route["next-hop-interface"] != draft.here.own_interface]
    draft.interfaces[draft.here.own_interface] = {"name": draft.here.own_interface, "state": "down"}
    return True


def no_port(draft: Draft) -> bool:
    return draft.add(bridge("br1", "nosuch0"))


def no_sr_iov(draft: Draft) -> bool:
    name = draft.choose(CARDS)
    return name is not None and draft.add(ethernet(name, ethernet={"sr-iov": {"total-vfs": 2}}))


def mtu_too_large(draft: Draft) -> bool:
    # UML's own network device takes no more than 1500.
    return draft.add(ethernet("eth0", mtu=9000))


def multicast_mac(draft: Draft) -> bool:
    name = draft.choose(CARDS)
    return name is not None and draft.add(ethernet(name, **{"mac-address": "01:00:5e:00:00:01"}))


def tcp_lost(draft: Draft) -> bool:
    """What the user's own probe asks for is taken away."""
    names = [name for name in CARDS if draft.here.addresses(name)]
    name = draft.choose(names)
    if name is None:
        return False
    host = draft.here.addresses(name)[0]
    draft.probes = [{"type": "tcp", "host": host, "port": TCP_PORT, "timeoutSeconds": 3}]
    return draft.add(ethernet(name, ipv4=OFF, ipv6=OFF))


WRONG: dict[str, tuple[Part, int]] = {
    "DNS that does not answer": (wrong_dns, 6),
    "wrong gateway": (wrong_gateway, 4),
    "wrong own address": (wrong_address, 4),
    "own address forgotten": (no_address, 3),
    "own interface down": (own_down, 2),
    "no such port": (no_port, 2),
    "SR-IOV without SR-IOV": (no_sr_iov, 1),
    "MTU too large": (mtu_too_large, 1),
    "multicast MAC": (multicast_mac, 1),
    "TCP lost": (tcp_lost, 5),
}

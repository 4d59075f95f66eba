"""Documents that follow each other on a node, by what they are about: each was a way to be left with something else."""

import os

from tests.e2e.cases import OFF, absent, bond, bridge, static
from tests.e2e.documents import Document
from tests.e2e.parts import GATEWAY, SILENT, default_route, ethernet
from tests.lab import Json

DUMMY: Json = {"name": "dum1", "type": "dummy", "state": "up"}
NO_ANSWER: Json = {"dns-resolver": {"config": {"server": [SILENT]}}}
ROLLBACKS = 5 if os.environ.get("SOAK") else 2
OWN_GATEWAY: Json = {"routes": {"config": [default_route(GATEWAY, "eth0")]}}
WRONG_GATEWAY: Json = {"routes": {"config": [default_route("10.88.0.250", "eth0")]}}


def right(desired: Json) -> Document:
    return Document("right", desired, ("right",))


def wrong(what: str, desired: Json) -> Document:
    return Document(what, desired, (), what)


def trunk(*tags: int) -> Json:
    return bridge("br1", "eth1", vlan={"mode": "trunk", "trunk-tags": [{"id": tag} for tag in tags]})


def vlan(base: str, tag: int) -> Json:
    return {"name": f"{base}.{tag}", "type": "vlan", "state": "up", "vlan": {"base-iface": base, "id": tag}}


def routed(metric: int, priority: int) -> Json:
    """An address with two routes and a rule."""
    hop = {"next-hop-address": "192.0.2.1", "next-hop-interface": "eth1"}
    return {
        "interfaces": [ethernet("eth1", ipv4=static("192.0.2.10", 24))],
        "routes": {
            "config": [
                {"destination": "198.51.100.0/24", "metric": metric, **hop},
                {"destination": "203.0.113.0/24", "table-id": 200, **hop},
            ]
        },
        "route-rules": {"config": [{"ip-from": "192.0.2.0/24", "priority": priority, "route-table": 200}]},
    }


def stories(own: str) -> dict[str, list[Document]]:
    """What is done to a node of that address, by what it is about."""
    own_address = ethernet("eth0", ipv4=static(own, 24))
    return {
        "the gateway again, and a DNS server that does not answer": [
            wrong("DNS", {**OWN_GATEWAY, **NO_ANSWER}),
            wrong("gateway", WRONG_GATEWAY),
        ],
        "SR-IOV on a card without, and then what it can": [
            wrong("SR-IOV", {"interfaces": [ethernet("eth1", ethernet={"sr-iov": {"total-vfs": 2}})]}),
            right({"interfaces": [ethernet("eth1", mtu=1400)]}),
        ],
        "rollbacks in a row": [
            wrong("address", {"interfaces": [ethernet("eth0", ipv4=static(f"10.99.0.{number}", 24))]})
            for number in range(1, 1 + ROLLBACKS)
        ],
        "a change of eth0 after its rollback": [
            wrong("address", {"interfaces": [ethernet("eth0", ipv4=static("10.99.0.7", 24))]}),
            right({"interfaces": [own_address, vlan("eth0", 9)], **OWN_GATEWAY}),
        ],
        "what was rolled back is asked for again": [
            wrong("DNS", {"interfaces": [DUMMY, ethernet("eth3", ipv4=static("192.0.2.30", 24))], **NO_ANSWER}),
            right({"interfaces": [DUMMY, ethernet("eth3", ipv4=static("192.0.2.30", 24))]}),
        ],
        "a port changes its controller": [
            right({"interfaces": [bridge("br1", "eth1"), bond("bond1", "eth2")]}),
            wrong("DNS", {"interfaces": [bond("bond1", "eth1", "eth2")], **NO_ANSWER}),
            right({"interfaces": [bridge("br1"), bond("bond1", "eth1", "eth2")]}),
            right({"interfaces": [*absent("bond1"), bridge("br2", "eth1", "eth2")]}),
        ],
        "what is absent comes back": [
            right({"interfaces": [bond("bond1", "eth2"), vlan("bond1", 9), bridge("br1", "eth1"), DUMMY]}),
            wrong("gateway", {"interfaces": absent("bond1.9", "bond1", "br1", "dum1"), **WRONG_GATEWAY}),
            right({"interfaces": absent("bond1.9", "bond1", "br1", "dum1")}),
        ],
        "absent is what never was": [
            right(
                {
                    "interfaces": [
                        {"name": "vrf9", "type": "vrf", "state": "absent"},
                        {"name": "eth1.9", "type": "vlan", "state": "absent"},
                        {"name": "bond9", "type": "bond", "state": "absent"},
                        DUMMY,
                    ]
                }
            ),
        ],
        "the address moves onto a bridge, and the gateway is wrong": [
            wrong(
                "gateway",
                {
                    "interfaces": [{**bridge("br-ex", "eth0"), "ipv4": static(own, 24)}, ethernet("eth0", ipv4=OFF)],
                    "routes": {"config": [default_route("10.88.0.250", "br-ex")]},
                },
            ),
            right(
                {
                    "interfaces": [{**bridge("br-ex", "eth0"), "ipv4": static(own, 24)}, ethernet("eth0", ipv4=OFF)],
                    "routes": {"config": [default_route(GATEWAY, "br-ex")]},
                }
            ),
        ],
        "a trunk gets other VLANs": [
            right({"interfaces": [trunk(101, 102)]}),
            wrong("DNS", {"interfaces": [trunk(103)], **NO_ANSWER}),
        ],
        "routes and rules change": [
            right(routed(77, 1000)),
            wrong("DNS", {**routed(78, 1001), **NO_ANSWER}),
        ],
        "a VRF takes a port of a bridge": [
            right({"interfaces": [bridge("br1", "eth1", "eth2")]}),
            wrong(
                "address",
                {
                    "interfaces": [
                        {
                            "name": "vrf1",
                            "type": "vrf",
                            "state": "up",
                            "vrf": {"port": ["eth2"], "route-table-id": 1001},
                        },
                        bridge("br1", "eth1"),
                        ethernet("eth0", ipv4=static("10.99.0.7", 24)),
                    ]
                },
            ),
        ],
    }


# Of which the power is cut at the end: what was done last must outlast it.
CUT = {
    "a change of eth0 after its rollback",
    "what was rolled back is asked for again",
    "a port changes its controller",
}

# What somebody does by hand, and the document that comes upon it; several at once, for a power cut takes its time.
HANDS: dict[str, tuple[str, Document]] = {
    "what is asked for is there": (
        """ip address add 192.0.2.10/24 dev eth1; ip link add dum1 type dummy; ip link set dum1 up
        ip link add br1 type bridge; ip link set eth2 master br1; ip link set br1 up""",
        right(
            {
                "interfaces": [
                    ethernet("eth1", ipv4=static("192.0.2.10", 24), ipv6=OFF),
                    DUMMY,
                    bridge("br1", "eth2"),
                ]
            }
        ),
    ),
    "a port is down, and there are an address and a route": (
        """ip link set eth3 down; ip address add 10.89.0.5/24 dev eth0
        ip route add 172.16.5.0/24 via 10.88.0.1 dev eth0""",
        wrong("address", {"interfaces": [bridge("br1", "eth3"), ethernet("eth0", ipv4=static("10.99.0.7", 24))]}),
    ),
}

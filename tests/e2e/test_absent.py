"""What is absent in a document is absent on the node, there before or not: libnmstate alone is the measure.

node01 gets each document from its agent, node02 from libnmstate itself, on disk; then both are to be the same.
"""

import itertools
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.cases import bond, bridge, static
from tests.e2e.parts import TYPES
from tests.lab import Json, Node, condition
from tests.met import unmet
from tests.oracle import SETTLE_SECONDS, Snapshot, differences, node_facts, settled

_MAC = r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b"
_UUID = r"\b[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\b"
# What makes one node another.
_OWN = {r"10\.88\.0\.1[12]": "OWN", r"node0[12]": "NODE", _UUID: "UUID", _MAC: "MAC", r"fe80::[0-9a-f:]+": "LINK-LOCAL"}

# NetworkManager's own metrics depend on what was active before.
_DRAWN = {r" metric [1-9]\d\d+": ""}

_ADDRESS = {"name": "eth1", "type": "ethernet", "state": "up", "ipv4": static("192.0.2.10", 24)}
_ROUTE = {"destination": "198.51.100.0/24", "next-hop-address": "192.0.2.1", "next-hop-interface": "eth1"}
_RULE = {"ip-from": "192.0.2.0/24", "priority": 1000, "route-table": 200}

# The document that makes the thing, and the one by which it is absent.
THINGS: dict[str, tuple[Json, Json]] = {
    name: ({"interfaces": [entry]}, {"interfaces": [{"name": entry["name"], "type": entry["type"], "state": "absent"}]})
    for name, entry in {
        "linux-bridge": bridge("br7", "eth2"),
        "bond": bond("bond7", "eth3"),
        "vlan": {"name": "eth1.7", "type": "vlan", "state": "up", "vlan": {"base-iface": "eth1", "id": 7}},
        "vrf": {"name": "vrf7", "type": "vrf", "state": "up", "vrf": {"port": ["dummy9"], "route-table-id": 1007}},
        "dummy": {"name": "dummy8", "type": "dummy", "state": "up"},
        "vxlan": {
            "name": "vxlan7",
            "type": "vxlan",
            "state": "up",
            "vxlan": {"base-iface": "eth1", "id": 7, "remote": "192.0.2.99"},
        },
        "veth": {"name": "veth7", "type": "veth", "state": "up", "veth": {"peer": "veth7peer"}},
        "mac-vlan": {
            "name": "macvlan7",
            "type": "mac-vlan",
            "state": "up",
            "mac-vlan": {"base-iface": "eth1", "mode": "bridge", "promiscuous": True},
        },
    }.items()
}
THINGS |= {
    f"{name} by name": (made, {"interfaces": [{"name": gone["interfaces"][0]["name"], "state": "absent"}]})
    for name, (made, gone) in THINGS.items()
    if name in ("linux-bridge", "bond", "vlan", "vrf")
}
THINGS["ethernet"] = (
    {"interfaces": [_ADDRESS]},
    {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "absent"}]},
)
THINGS["route"] = (
    {"interfaces": [_ADDRESS], "routes": {"config": [_ROUTE]}},
    {"routes": {"config": [{**_ROUTE, "state": "absent"}]}},
)
THINGS["routes of an interface"] = (
    THINGS["route"][0],
    {"routes": {"config": [{"next-hop-interface": "eth1", "state": "absent"}]}},
)
THINGS["rule"] = (
    {"interfaces": [_ADDRESS], "route-rules": {"config": [_RULE]}},
    {"route-rules": {"config": [{**_RULE, "state": "absent"}]}},
)

# The port of the VRF, so that each has ports of its own and all can be there at once.
THINGS["vrf"][0]["interfaces"].insert(0, {"name": "dummy9", "type": "dummy", "state": "up"})
THINGS["vrf by name"] = (THINGS["vrf"][0], THINGS["vrf by name"][1])


def together(*names: str) -> tuple[Json, Json]:
    """Several things in one document."""
    found: tuple[Json, Json] = {}, {}
    for name in names:
        for whole, part in zip(found, THINGS[name], strict=True):
            whole.setdefault("interfaces", []).extend(
                entry for entry in part.get("interfaces", []) if entry not in whole["interfaces"]
            )
            for section in ("routes", "route-rules"):
                config = part.get(section, {}).get("config", [])
                if config:
                    whole.setdefault(section, {"config": []})["config"] += config
    return found


if not os.environ.get("SOAK"):
    # One by one costs minutes.
    THINGS = {
        "every kind": together(*(name for name in THINGS if name in TYPES)),
        "every kind by name": together(*(name for name in THINGS if name.endswith(" by name"))),
        "ethernet": THINGS["ethernet"],
        "a route and a rule": together("route", "rule"),
        "routes of an interface": THINGS["routes of an interface"],
    }

_MTUS = itertools.cycle(range(1300, 1400))

APPLY = """
import json, libnmstate
try:
    libnmstate.apply(json.loads({document!r}))
except libnmstate.error.NmstateError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture(scope="module")
def pair(nodes: list[Node]) -> Iterator[list[Node]]:
    """Both nodes, afterwards as they were."""
    yield nodes
    for node in nodes:
        node.reset()


def apply(node: Node, document: Json) -> str:
    """libnmstate's own way, on disk; what it raises, or nothing."""
    return node.python(APPLY.format(document=json.dumps(document))).strip()


def by_agent(node: Node, document: Json) -> str:
    """The agent's way; Ready's message, or nothing when it is Configured."""
    ready = node.verdict(node.desire(**document), seconds=240)
    return "" if ready["reason"] == "Configured" else f"{ready['reason']}: {ready['message']}"


def without_what_tells_nodes_apart(found: Snapshot) -> Snapshot:
    """A snapshot that can be compared with another node's."""
    text = json.dumps(found)
    for pattern, word in {**_OWN, **_DRAWN}.items():
        text = re.sub(pattern, word, text)
    known: Snapshot = json.loads(text)
    return known


def settled_and_met(node: Node, document: Json) -> tuple[Snapshot, list[str]]:
    """What a node is in the end, and what of the document is not so."""
    return without_what_tells_nodes_apart(settled(node)), unmet(document, node_facts(node))


@pytest.mark.timeout(int(600 + SETTLE_SECONDS))
@pytest.mark.parametrize("is_there", [True, False], ids=["there", "not-there"])
@pytest.mark.parametrize("thing", THINGS)
def test_absent_beside_something_new_ends_as_with_libnmstate_alone(
    pair: list[Node], thing: str, is_there: bool
) -> None:
    made, gone = THINGS[thing]
    beside = {"name": "dummy7", "type": "dummy", "state": "up", "mtu": next(_MTUS)}
    document = {**gone, "interfaces": [*gone.get("interfaces", []), beside]}
    with ThreadPoolExecutor(2) as pool:
        # Nothing is desired meanwhile, or the agent would keep it up.
        for node in pair:
            node.verdict(node.patch({"desiredState": None}))
        if is_there:
            assert list(pool.map(apply, pair, [made, made])) == ["", ""]
        for_agent, bare = pool.submit(by_agent, pair[0], document), pool.submit(apply, pair[1], document)
        assert (for_agent.result(), bare.result()) == ("", "")
        (by_the_agent, missing), (alone, not_even) = pool.map(settled_and_met, pair, [document, document])

    assert not_even == []
    assert missing == []
    assert differences(alone, by_the_agent) == []
    assert condition(pair[0].object()["status"], "Ready")["reason"] == "Configured"

"""Bad input is told by name, leaves the node alone, and does not get in the way of what comes after."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.cases import bridge
from tests.lab import Json, Lab, Node, condition, eventually
from tests.oracle import Snapshot, assert_same, settled, undone
from tests.soak.hostile import HAND_MADE, TRAPS, deep_json, unreadable

GOOD: Json = {"interfaces": [{"name": "dummy7", "type": "dummy", "state": "up"}]}


def ethernet(**more: Any) -> Json:
    return {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "up", **more}]}


def uplink(**more: Any) -> Json:
    return {"interfaces": [{"name": "eth0", "type": "ethernet", "state": "up", **more}]}


def vlan(id_: int | str = 7, **more: Any) -> Json:
    return {"interfaces": [{"name": "v7", "type": "vlan", "vlan": {"base-iface": "eth1", "id": id_}, **more}]}


def vxlan(id_: int = 7, **more: Any) -> Json:
    tunnel = {"base-iface": "eth1", "id": id_, "remote": "192.0.2.9"}
    return {"interfaces": [{"name": "x7", "type": "vxlan", "vxlan": tunnel, **more}]}


# NetworkManager takes it from 1.46 on, and that before says so at once.
ROUTE = {"routes": {"config": [{"destination": "198.51.100.0/24", "next-hop-interface": "eth1"}]}}

# Name of the case, document, and what the user must be told of.
BAD = [
    ("an unknown key", ethernet(mtuu=1400), "mtuu"),
    ("a wrong type", ethernet(mtu={"bytes": 1400}), "mtu"),
    ("a word for a number", ethernet(mtu="abc"), "mtu"),
    ("an unknown port", {"interfaces": [bridge("br7", "nosuch0")]}, "nosuch0"),
    ("a bad address", ethernet(ipv4={"enabled": True, "address": [{"ip": "1.2.3", "prefix-length": 24}]}), "ip"),
    ("no address", ethernet(ipv4={"enabled": True, "dhcp": False}), "ipv4"),
    (
        "a VLAN on nothing",
        {"interfaces": [{"name": "v7", "type": "vlan", "state": "up", "vlan": {"base-iface": "nosuch0", "id": 7}}]},
        "base-iface",
    ),
    (
        "a bad bond mode",
        {"interfaces": [{"name": "b7", "type": "bond", "state": "up", "link-aggregation": {"mode": "quick"}}]},
        "mode",
    ),
    (
        "a next hop on nothing",
        {"routes": {"config": [{"destination": "198.51.100.0/24", "next-hop-interface": "nosuch0"}]}},
        "next-hop-interface",
    ),
    ("a type that nobody knows", {"interfaces": [{"name": "br9", "type": "linux-brige"}]}, "interfaces[br9].type"),
    ("a route by an interface without IPv4", {**ethernet(ipv4={"enabled": True}), **ROUTE}, "ipv4"),
    ("a VLAN with a larger MTU than its base", vlan(mtu=9000), "interfaces[v7].mtu"),
    ("an MTU that is too large for a VXLAN", vxlan(mtu=1500), "interfaces[x7].mtu"),
    ("an MTU that no bridge has", {"interfaces": [{**bridge("br7", "eth1"), "mtu": 70000}]}, "interfaces[br7].mtu"),
    ("an MTU that the device does not take", ethernet(mtu=70000), "interfaces[eth1].mtu"),
    ("VLAN 5000", vlan(5000), "vlan.id"),
    ("VLAN 4095, as text", vlan("4095"), "vlan.id"),
    (
        "an access port in VLAN 5000",
        {"interfaces": [bridge("br7", "eth1", vlan={"mode": "access", "tag": 5000})]},
        "interfaces[br7].bridge.port[eth1].vlan.tag",
    ),
    ("a VXLAN of 25 bits", vxlan(2**24), "vxlan.id"),
    ("a multicast MAC address", ethernet(**{"mac-address": "03:00:00:00:00:01"}), "interfaces[eth1].mac-address"),
    ("a MAC address without colons", ethernet(**{"mac-address": "020000000007"}), "interfaces[eth1].mac-address"),
    ("speed of a card that has none", uplink(ethernet={"speed": 1000}), "interfaces[eth0].ethernet.speed"),
    ("pause of a card that has none", uplink(ethtool={"pause": {"rx": True}}), "interfaces[eth0].ethtool.pause"),
    ("rings of a card that has none", uplink(ethtool={"ring": {"rx": 256}}), "interfaces[eth0].ethtool.ring"),
    ("FEC of a card that has none", ethernet(ethtool={"fec": {"auto": True}}), "interfaces[eth1].ethtool"),
    ("an interface twice", {"interfaces": [*GOOD["interfaces"], *GOOD["interfaces"]]}, "dummy7"),
    ("a NUL character", ethernet(description="a\0b"), "description"),
    ("a name that is too long", {"interfaces": [{"name": "n" * 200_000, "type": "dummy"}]}, "name"),
    ("a number that is too long", ethernet(mtu="9" * 200_000), "mtu"),
    ("no interface name", {"interfaces": [{"type": "dummy"}]}, "name"),
    ("an unknown section", {"interfacez": []}, "interfacez"),
    ("null for an interface", {"interfaces": [None]}, "interfaces"),
    ("a list for a section", {"dns-resolver": []}, "dns-resolver"),
    ("a list", [1, 2], "desiredState"),
    ("a string", "interfaces", "desiredState"),
]


# Of what is hostile, what an apiserver takes, and an agent refuses soon.
FEW = [
    "long unknown key",
    "long name of an Open vSwitch bridge",
    "10,000 interfaces with a mistake in the last",
    "10,000 absent routes",
    "5,000 levels",
    "a path of long keys",
    "escape sequences",
    "empty names",
    "its own base",
    "booleans for words",
]


@pytest.fixture(scope="module")
def untouched(nodes: list[Node]) -> Iterator[Node]:
    """node01, which none of these documents changes, so that it need not be set back after each."""
    yield nodes[0]
    nodes[0].reset()


@pytest.fixture(scope="module")
def before(untouched: Node) -> Snapshot:
    """What it was before all of them."""
    return settled(untouched)


@pytest.mark.parametrize(("document", "named"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_is_refused_by_name(untouched: Node, before: Snapshot, document: Any, named: str) -> None:
    node = untouched
    done = node.try_replace(document)
    if done.returncode != 0:
        assert named in done.stderr
    else:
        ready = node.verdict(json.loads(done.stdout)["metadata"]["generation"], seconds=30)
        assert (ready["status"], ready["reason"]) == ("False", "InvalidDesiredState")
        assert named in ready["message"]
        assert len(ready["message"]) <= 1024
        assert condition(node.object()["status"], "Stalled")["status"] == "True"
    assert_same(node, before)


def test_what_a_card_that_is_down_turns_out_to_lack_is_tried_once(node: Node) -> None:
    with undone(node):
        ready = node.verdict(node.desire(*ethernet(ethtool={"pause": {"rx": True}})["interfaces"]), seconds=180)
        assert (ready["status"], ready["reason"]) == ("False", "InvalidDesiredState")
        assert "interfaces[eth1].ethtool.pause" in ready["message"]
    assert node.object()["status"]["lastApply"]["attempts"] == 1


@pytest.mark.parametrize("nothing", [{}, None], ids=["empty", "null"])
def test_nothing_is_nothing_desired(node: Node, nothing: Any) -> None:
    assert node.verdict(node.replace(nothing))["reason"] == "NothingDesired"


def test_a_good_document_works_after_a_bad_one_and_events_tell_of_both(lab: Lab, node: Node) -> None:
    # One that has not used up its budget of events on the documents before.
    node.agent("restart")
    with undone(node):
        assert node.verdict(node.desire(**ethernet(mtuu=1400)))["status"] == "False"
    node.configured(node.desire(**GOOD))

    assert "dummy7" in node.links()
    eventually(
        lambda: lab.kubectl("describe", "nns", node.name).stdout.partition("\nEvents:")[2],
        lambda events: "InvalidDesiredState" in events and "Applied" in events and "dummy7" in events,
        "kubectl describe shows both events",
    )


@pytest.fixture
def patient(node: Node) -> Iterator[Node]:
    """The node, with Python's JSON as deep as need be, and afterwards an agent that has not told of anything yet."""
    with deep_json():
        yield node
    node.agent("restart")


@pytest.mark.timeout(3600)
def test_what_is_hostile_gets_a_verdict_from_one_and_the_same_agent(patient: Node) -> None:
    node = patient
    pids, before = agents(node), settled(node)
    everything = {**HAND_MADE, **json.loads(json.dumps(TRAPS, default=str))}
    for name in everything if os.environ.get("SOAK") else FEW:
        started = time.monotonic()
        done = node.try_replace(everything[name])
        if done.returncode != 0:
            print(f"\nrefused: {name}: {done.stderr[:200]}")
            continue
        generation = json.loads(done.stdout)["metadata"]["generation"]
        status = eventually(
            lambda: node.object()["status"],
            lambda status, generation=generation: judged(status, generation),  # type: ignore[misc]
            f"document {name} has a verdict",
            seconds=180,
        )
        for found in status["conditions"]:
            assert unreadable(found["message"]) is None, (name, unreadable(found["message"]), found)
        assert agents(node) == pids, name
        assert_same(node, before)
        print(f"\n{time.monotonic() - started:.1f} s: {name}: {condition(status, 'Ready')['message'][:200]}")


def agents(node: Node) -> str:
    """The pids of what runs the agent."""
    return node.run("pgrep", "-f", "nmstate_controller run")


def judged(status: Json, generation: int) -> bool:
    """Whether there is a first verdict on a generation, if only that it is tried again."""
    ready = condition(status, "Ready")
    return ready.get("observedGeneration") == generation and ready["status"] != "Unknown"

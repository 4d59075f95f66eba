"""What something else changes on a configured node is corrected, or told; what is dropped goes back with Revert."""

import os
import time
from collections.abc import Callable

import pytest

from tests.e2e.cases import OFF, absent, addresses, bridge, static
from tests.lab import Json, Lab, Node, condition, eventually
from tests.oracle import assert_same, node_facts, settled
from tests.words import dangling

# How long the apiserver stays away: minutes in `make soak`.
AWAY_SECONDS = 300 if os.environ.get("SOAK") else 5

ADDRESS: Json = {"name": "eth1", "type": "ethernet", "state": "up", "ipv4": static("192.0.2.10", 24), "mtu": 1400}
DOCUMENT: list[Json] = [ADDRESS, bridge("br7", "eth2")]
UNDO: list[Json] = [{"name": "eth1", "type": "ethernet", "state": "up", "ipv4": OFF, "mtu": 1500}, *absent("br7")]

HANDS: dict[str, tuple[str, Callable[[Node], bool]]] = {
    "bridge deleted": (
        "nmcli connection delete br7; ip link delete br7 2>/dev/null || true",
        lambda n: n.ports("br7") == {"eth2"},
    ),
    "address removed": (
        "ip address flush dev eth1",
        lambda node: addresses(node, "eth1") == {"192.0.2.10/24"},
    ),
    "MTU": ("ip link set eth1 mtu 1300", lambda node: node.links()["eth1"]["mtu"] == 1400),
    "link down": ("ip link set eth1 down", lambda node: "UP" in node.links()["eth1"]["flags"]),
}


@pytest.fixture
def configured(node: Node) -> Node:
    """node01 with an address, an MTU and a bridge."""
    node.configured(node.desire(*DOCUMENT))
    return node


@pytest.mark.parametrize("hand", HANDS)
def test_what_is_changed_by_hand_is_corrected(configured: Node, hand: str) -> None:
    command, holds = HANDS[hand]
    node = configured
    before = node.metric("nmstate_controller_drift_corrections_total")
    node.shell(command)

    eventually(
        lambda: node.metric("nmstate_controller_drift_corrections_total"),
        lambda count: count > before,
        "the correction is counted",
    )
    eventually(lambda: holds(node), bool, f"{hand} is corrected")
    assert addresses(node, "eth1") == {"192.0.2.10/24"}
    ready = condition(node.object()["status"], "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "Configured")
    node.configured(node.desire(*UNDO))


def test_drift_is_told_and_left_alone_with_the_policy_report(lab: Lab, configured: Node) -> None:
    node = configured
    node.configured(node.patch({"driftPolicy": "Report"}))
    applied = node.metric('nmstate_controller_apply_total{result="Configured"}')
    node.shell("ip link set eth1 mtu 1300")
    status = eventually(
        lambda: node.object()["status"],
        lambda status: condition(status, "Ready")["reason"] == "Drifted",
        "the drift is told",
    )
    assert status["drift"] == [{"path": "interfaces[eth1].mtu", "desired": 1400, "current": 1300}]
    assert condition(status, "Stalled")["reason"] == "Drifted"
    assert node.links()["eth1"]["mtu"] == 1300
    assert node.metric('nmstate_controller_apply_total{result="Configured"}') == applied
    eventually(
        lambda: lab.kubectl_json("get", "events", "--field-selector", f"involvedObject.name={node.name}")["items"],
        lambda events: "DriftDetected" in {event["reason"] for event in events},
        "an event tells of the drift",
    )

    generation = node.patch({"driftPolicy": "Correct"})
    node.configured(generation)
    assert node.links()["eth1"]["mtu"] == 1400
    node.configured(node.desire(*UNDO))


def test_a_fight_is_given_up(configured: Node) -> None:
    node = configured
    generation = node.object()["metadata"]["generation"]
    # Some time after each correction, as whatever looks at a node now and then: at once it would fail to verify.
    script = "while sleep 1; do grep -qx 1400 /sys/class/net/eth1/mtu && sleep 6 && ip link set eth1 mtu 1300; done"
    with node.background(script):
        status = eventually(
            lambda: node.object()["status"],
            lambda status: condition(status, "Stalled").get("reason") == "DriftFought",
            "the fight is given up",
            seconds=240,
        )
        assert condition(status, "Ready")["observedGeneration"] == generation
        assert "interfaces[eth1].mtu" in condition(status, "Ready")["message"]
        applied = node.metric('nmstate_controller_apply_duration_seconds_count{phase="apply"}')
        looks = node.metric("nmstate_controller_show_duration_seconds_count")
        eventually(
            lambda: node.metric("nmstate_controller_show_duration_seconds_count"),
            lambda count: count > looks,
            "it still reports",
            seconds=90,
        )
        assert node.metric('nmstate_controller_apply_duration_seconds_count{phase="apply"}') == applied
    node.configured(node.desire(*UNDO))


def test_drift_is_corrected_while_the_api_is_away(lab: Lab, configured: Node) -> None:
    node = configured
    lab.command("apiserver", "stop")
    try:
        node.shell("ip link set eth1 mtu 1300")
        eventually(lambda: node.links()["eth1"]["mtu"], lambda mtu: mtu == 1400, "the node side goes on")
        time.sleep(AWAY_SECONDS)
    finally:
        lab.command("apiserver", "start")
    generation = node.object()["metadata"]["generation"]
    node.configured(generation)
    node.configured(node.desire(*UNDO))


def test_revert_puts_back_what_was_there_also_after_restarts(lab: Lab, node: Node) -> None:
    node.configured(node.desire({"name": "eth1", "type": "ethernet", "state": "up", "ipv4": static("192.0.2.7", 24)}))
    before = settled(node)
    node.configured(node.patch({"removalPolicy": "Revert", "desiredState": {"interfaces": [ADDRESS]}}))
    assert lab.kubectl_json("get", "nns", node.name)["metadata"]["finalizers"] == ["nmstate.io/revert"]
    node.configured(node.desire({**ADDRESS, "mtu": 1300}, bridge("br7", "eth2")))
    node.agent("restart")
    node.configured(node.desire({**ADDRESS, "mtu": 1300}))
    assert "br7" not in node.links()
    assert "master" not in node.links()["eth2"]

    uid = node.object()["metadata"]["uid"]
    lab.kubectl("delete", "nns", node.name, "--timeout=90s")
    eventually(
        node.object,
        lambda found: found.get("metadata", {}).get("uid", uid) != uid and "currentState" in found.get("status", {}),
        "the object is back",
    )
    # Profiles are written anew, and say the same in other words.
    assert_same(node, before, but=("file /etc/NetworkManager", "profile ", "device "))
    assert dangling(node_facts(node)) == []
    node.configured(node.desire({"name": "eth1", "type": "ethernet", "state": "up", "ipv4": OFF}))


def test_a_node_without_gateway_and_dns_is_configured_all_the_same(node: Node) -> None:
    node.shell("ip route delete default")
    node.configured(node.desire(bridge("br7", "eth1")))
    probes = node.object()["status"]["lastApply"]["probes"]
    assert {probe["type"] for probe in probes if probe["chosen"]} <= {"apiServer", "dns"}
    node.shell("nmcli device reapply eth0")

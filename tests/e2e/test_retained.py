"""What a user once configured and no longer names is told for as long as it is on the node."""

from tests.e2e.cases import absent, bridge, static
from tests.lab import Json, Node, condition, eventually

DUMMY: Json = {"name": "dummy7", "type": "dummy", "state": "up", "ipv4": static("192.0.2.77", 24)}
ROUTE: Json = {"destination": "198.51.100.0/24", "next-hop-address": "192.0.2.1", "next-hop-interface": "dummy7"}
LABEL = "routes.config[198.51.100.0/24 via 192.0.2.1 dev dummy7]"


def retained(node: Node) -> list[str]:
    """What is listed of what these tests configure; others before them may have left settings on hardware."""
    found: list[str] = node.object()["status"].get("retained", [])
    return [entry for entry in found if any(name in entry for name in ("br1", "dummy7", "eth2"))]


def message(node: Node) -> str:
    """What Ready says."""
    return str(condition(node.object()["status"], "Ready")["message"])


def test_what_a_merge_patch_drops_is_listed_until_it_is_absent(node: Node) -> None:
    node.configured(node.desire(bridge("br1", "eth1")))
    assert "interfaces[br1]" not in retained(node)

    node.configured(node.patch({"desiredState": {"interfaces": [DUMMY]}}))
    assert "br1" in node.links()
    assert "interfaces[br1]" in retained(node)
    assert "; no longer in desiredState but still on the node: " in message(node)
    assert "br1" in message(node)

    node.configured(node.desire(*absent("br1"), DUMMY))
    assert "br1" not in node.links()
    assert retained(node) == []


def test_what_is_removed_by_hand_is_listed_no_more_also_by_another_agent(node: Node) -> None:
    node.configured(node.desire(bridge("br1", "eth1"), DUMMY, routes={"config": [ROUTE]}))
    generation = node.replace(None)
    assert node.verdict(generation)["reason"] == "NothingDesired"
    everything = ["interfaces[br1]", "interfaces[dummy7]", LABEL]
    eventually(lambda: retained(node), lambda found: found == everything, "all of it is listed")
    node.agent("restart")
    eventually(
        lambda: node.metric_or("nmstate_controller_observed_generation", 0),
        lambda observed: observed == generation,
        "the new agent has spoken about this generation",
    )
    assert retained(node) == everything

    node.run("nmcli", "connection", "delete", "br1")
    eventually(lambda: retained(node), lambda found: found == everything[1:], "br1 is listed no more")
    assert "br1" not in message(node)
    node.run("nmcli", "connection", "delete", "dummy7")
    eventually(lambda: retained(node), lambda found: found == [], "nothing is listed any more")


def test_what_goes_back_is_not_listed(node: Node) -> None:
    wanted = {"interfaces": [bridge("br1", "eth1"), {"name": "eth2", "type": "ethernet", "mtu": 1400}]}
    node.configured(node.patch({"removalPolicy": "Revert", "desiredState": wanted}))
    node.verdict(node.replace(None))

    assert retained(node) == []
    assert "br1" not in node.links()
    assert node.links()["eth2"]["mtu"] == 1500

"""The commonest change of all: the node's own address moves onto a bridge over its uplink; STP is on by default."""

from tests.e2e.cases import static
from tests.e2e.test_safety import default_route, own, reachable, stalled
from tests.lab import Json, Node
from tests.oracle import undone


def uplink_bridge(**more: Json) -> Json:
    """A Linux bridge over eth0 that leaves STP to its default, which is on."""
    return {
        "name": "br-ex",
        "type": "linux-bridge",
        "state": "up",
        "bridge": {"port": [{"name": "eth0"}]},
        **more,
    }


def onto_bridge() -> Json:
    """The default route by the bridge."""
    return {"config": [{**default_route("10.88.0.1"), "next-hop-interface": "br-ex"}]}


def test_the_nodes_address_moves_onto_a_bridge_with_stp(node: Node) -> None:
    generation = node.desire(uplink_bridge(ipv4=static(own(node), 24)), routes=onto_bridge())

    node.configured(generation, seconds=180)
    assert node.links()["br-ex"]["linkinfo"]["info_data"]["stp_state"] == 1
    assert node.ports("br-ex") == {"eth0"}
    assert reachable(node)


def test_an_address_that_was_forgotten_on_the_way_is_named_beside_stp(node: Node) -> None:
    with undone(node):
        ready = stalled(node, node.desire(uplink_bridge()), "ConnectivityLost", seconds=240)

    assert f"eth0 became a port of br-ex; {own(node)}/24 was no longer on the node" in ready["message"]
    assert "br-ex: STP is on" in ready["message"]
    assert len(ready["message"]) <= 1024
    assert reachable(node)

"""The node's own address changes, and with it the way to the apiserver: the agent goes on hearing and telling."""

from tests.e2e.cases import static
from tests.lab import Json, Node
from tests.words import assert_true_words

OTHER = "10.88.0.111"
DUMMY: Json = {"name": "dummy7", "type": "dummy", "state": "up"}


def own(address: str) -> Json:
    return {
        "interfaces": [{"name": "eth0", "type": "ethernet", "state": "up", "ipv4": static(address, 24)}],
        "routes": {
            "config": [
                {"destination": "0.0.0.0/0", "next-hop-address": "10.88.0.1", "next-hop-interface": "eth0"},
            ]
        },
    }


def test_a_node_with_another_address_has_a_verdict_soon_and_hears_the_next_edit(node: Node) -> None:
    before = node.run("ip", "-4", "-o", "address", "show", "eth0").split()[3].partition("/")[0]
    try:
        node.configured(node.desire(**own(OTHER)), seconds=90)
        assert node.lab.answers(OTHER)
        assert_true_words(node)
        # A watch on a dead connection hears nothing for minutes.
        node.configured(node.desire(DUMMY, routes=own(OTHER)["routes"]), seconds=60)
        assert node.metric('nmstate_controller_watch_restarts_total{reason="renewed"}') >= 1
    finally:
        node.configured(node.desire(**own(before)), seconds=120)
    print(f"from edit to verdict {[round(seconds, 1) for seconds in node.seconds_to_verdict]} s")

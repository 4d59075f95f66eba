"""A device that goes away and comes back, as a virtual function or a card does, leaves nobody stranded."""

from tests.e2e.cases import static
from tests.lab import Json, Lab, Node, condition, eventually
from tests.words import assert_true_words

ETH3: Json = {"name": "eth3", "type": "ethernet", "state": "up", "mtu": 1400, "ipv4": static("192.0.2.30", 24)}
MAKE = (
    "ip link add eth3 address 02:00:00:00:03:01 type veth peer name peer3 address 02:00:00:00:03:02;"
    " ip link set peer3 up"
)


def waited_for(node: Node) -> Json:
    """The status once it says that the device is missing, and that it is waited for."""
    return eventually(
        lambda: dict(node.object()["status"]),
        lambda status: (
            condition(status, "Ready").get("reason") == "InvalidDesiredState"
            and condition(status, "Reconciling").get("reason") == "Retrying"
        ),
        "the device is waited for",
        seconds=90,
    )


def test_a_device_that_goes_is_waited_for_and_configured_when_it_is_back(lab: Lab, node: Node) -> None:
    generation = node.desire(ETH3)
    node.configured(generation)
    node.run("ip", "link", "del", "eth3")
    try:
        status = waited_for(node)
        assert "eth3" in condition(status, "Ready")["message"]
        assert not condition(status, "Stalled")
        # The next agent does not give up either.
        node.agent("restart")
        assert not condition(waited_for(node), "Stalled")
    finally:
        node.shell(MAKE)

    node.configured(generation, seconds=180)
    assert node.links()["eth3"]["mtu"] == 1400
    assert_true_words(node)
    lab.command("reboot", node.name, "--power-cut")
    node.configured(generation, seconds=180)
    assert_true_words(node)

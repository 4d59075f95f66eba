"""Which bridges of a change hold their ports back, and for how long."""

from typing import Any

import pytest

from nmstate_controller.node.spanning_tree import Bridge, held_back

Json = dict[str, Any]


def linux_bridge(*ports: str, stp: Any = None, **more: Any) -> Json:
    options = {} if stp is None else {"options": {"stp": stp}}
    return {
        "name": "br1",
        "type": "linux-bridge",
        "state": "up",
        "bridge": {**options, "port": [{"name": port} for port in ports]},
        **more,
    }


def ethernet(name: str, **more: Any) -> Json:
    return {"name": name, "type": "ethernet", "state": "up", "mtu": 1500, **more}


ON, OFF = {"enabled": True, "forward-delay": 15}, {"enabled": False, "forward-delay": 15}
NODE = [ethernet("eth0"), ethernet("eth1", controller="br1"), ethernet("eth2")]


def held(*wanted: Json, node: Json | None = None) -> int:
    before = {"interfaces": [*NODE, *([node] if node else [])]}
    return sum(bridge.seconds for bridge in held_back({"interfaces": list(wanted)}, before))


@pytest.mark.parametrize(
    ("wanted", "seconds"),
    [
        (linux_bridge("eth1"), 30),
        (linux_bridge("eth1", stp={}), 30),
        (linux_bridge("eth1", stp={"enabled": None}), 30),
        (linux_bridge("eth1", stp={"forward-delay": 4}), 8),
        (linux_bridge("eth1", stp={"enabled": "yes", "forward-delay": "0x2"}), 4),
        (linux_bridge("eth1", stp={"enabled": False}), 0),
        (linux_bridge("eth1", stp={"enabled": "off"}), 0),
        (linux_bridge(), 0),
        (linux_bridge("eth1", state="absent"), 0),
        (linux_bridge("eth1", state="down"), 0),
        ({**linux_bridge("eth1"), "type": "ovs-bridge"}, 0),
        ({**linux_bridge("eth1", stp=True), "type": "ovs-bridge"}, 30),
        ({**linux_bridge("eth1"), "type": "bond"}, 0),
    ],
)
def test_a_new_bridge_holds_its_ports_back_unless_stp_is_off(wanted: Json, seconds: int) -> None:
    assert held(wanted) == seconds


@pytest.mark.parametrize(
    ("wanted", "current", "seconds"),
    [
        (linux_bridge("eth1"), linux_bridge("eth1", stp=ON), 0),
        (linux_bridge("eth1", "eth2"), linux_bridge("eth1", stp=ON), 30),
        (linux_bridge("eth1", "eth2"), linux_bridge("eth1", stp=OFF), 0),
        (linux_bridge("eth1", stp={"enabled": True}), linux_bridge("eth1", stp=OFF), 30),
        (linux_bridge("eth1", stp={"enabled": True}), linux_bridge("eth1", stp={**OFF, "forward-delay": 7}), 14),
        (linux_bridge("eth1"), linux_bridge("eth1", stp=ON, state="down"), 30),
        (linux_bridge("eth1", mtu=1400), linux_bridge("eth1", stp=ON), 0),
        ({"name": "br1", "mtu": 1400}, linux_bridge("eth1", stp=ON), 0),
        (ethernet("eth2", controller="br1"), linux_bridge("eth1", stp=ON), 30),
        (ethernet("eth2", controller="br1"), linux_bridge("eth1", stp=OFF), 0),
        (ethernet("eth1"), linux_bridge("eth1", stp=ON), 0),
        (ethernet("eth1", mtu=1400), linux_bridge("eth1", stp=ON), 30),
        (ethernet("eth0", mtu=1400), linux_bridge("eth1", stp=ON), 0),
    ],
)
def test_a_bridge_that_is_there_does_where_a_port_starts_over(wanted: Json, current: Json, seconds: int) -> None:
    assert held(wanted, node=current) == seconds


def test_each_bridge_is_named() -> None:
    document = {"interfaces": [linux_bridge("eth1"), {**linux_bridge("eth2", stp={"forward-delay": 2}), "name": "br2"}]}

    assert held_back(document, {"interfaces": NODE}) == [Bridge("br1", 30), Bridge("br2", 4)]


@pytest.mark.parametrize("document", [{}, {"interfaces": None}, {"interfaces": [{"name": "br1", "type": "vlan"}]}])
def test_a_document_without_a_bridge_holds_nothing_back(document: Json) -> None:
    assert held_back(document, {}) == []

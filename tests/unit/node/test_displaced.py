"""What is said of addresses that are lost because their interface becomes a port."""

from typing import Any

import pytest

from nmstate_controller.node.displaced import displaced

Json = dict[str, Any]


def ip(*addresses: str, **more: Any) -> Json:
    listed = [{"ip": one.partition("/")[0], "prefix-length": int(one.partition("/")[2])} for one in addresses]
    return {"enabled": True, "address": listed, **more}


def bridge(**more: Any) -> Json:
    return {"name": "br-ex", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "eth0"}]}, **more}


ETH0 = {
    "name": "eth0",
    "type": "ethernet",
    "state": "up",
    "ipv4": ip("10.88.0.11/24"),
    "ipv6": ip("fe80::1/64", "2001:db8::11/64"),
}
BOTH = "eth0 became a port of br-ex; 10.88.0.11/24, 2001:db8::11/64 were no longer on the node"
ONE = "eth0 became a port of br-ex; 2001:db8::11/64 was no longer on the node"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ([bridge()], [BOTH]),
        ([bridge(ipv4=ip("10.88.0.11/25"))], [ONE]),
        ([bridge(ipv4=ip("10.88.0.11/24"), ipv6=ip("2001:DB8:0::11/64"))], []),
        ([bridge(ipv4={"enabled": True, "dhcp": True})], [ONE]),
        ([bridge(), {"name": "eth1", "ipv4": ip("10.88.0.11/24")}], [ONE]),
        ([{"name": "eth0", "controller": "br-ex"}], [BOTH]),
        ([{**bridge(), "type": "vrf", "vrf": {"port": ["eth0"]}}], []),
        (
            [{"name": "bond0", "type": "bond", "link-aggregation": {"ports": ["eth0"]}}],
            [BOTH.replace("br-ex", "bond0")],
        ),
        ([bridge(state="absent")], []),
        ([{**ETH0, "ipv4": ip("10.99.0.7/24")}], []),
    ],
)
def test_addresses_that_a_new_port_had_and_nobody_gets_are_named(wanted: list[Json], said: list[str]) -> None:
    assert displaced({"interfaces": wanted}, {"interfaces": [ETH0]}) == said


def test_a_port_that_was_one_before_has_lost_nothing() -> None:
    assert displaced({"interfaces": [bridge()]}, {"interfaces": [{**ETH0, "controller": "br-ex"}]}) == []


def test_an_address_that_another_interface_has_too_is_not_lost() -> None:
    eth1 = {"name": "eth1", "ipv4": ip("10.88.0.11/24"), "ipv6": ip("2001:db8::11/64")}

    assert displaced({"interfaces": [bridge()]}, {"interfaces": [ETH0, eth1]}) == []


def test_not_all_of_many_are_listed() -> None:
    eth0 = {**ETH0, "ipv4": ip(*(f"10.0.0.{last}/24" for last in range(1, 100))), "ipv6": {}}

    (said,) = displaced({"interfaces": [bridge()]}, {"interfaces": [eth0]})

    assert said.endswith("10.0.0.1/24, 10.0.0.2/24, 10.0.0.3/24 and 96 more were no longer on the node")

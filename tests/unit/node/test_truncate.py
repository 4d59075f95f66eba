"""A report that is too large loses detail in the documented order, and says so."""

from typing import Any

import pytest

from nmstate_controller.node.truncate import fit, size


def report(interfaces: int = 50, routes: int = 50) -> dict[str, Any]:
    def interface(name: str, kind: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": kind,
            "ethtool": {"feature": {"rx-gro": True}},
            "lldp": {"enabled": True, "neighbors": ["x" * 50]},
            "ipv4": {"enabled": True, "address": [{"ip": "192.0.2.1", "prefix-length": 24}]},
        }

    virtual = [interface(f"a{number}", "dummy") for number in range(interfaces)]
    default = {"destination": "0.0.0.0/0", "next-hop-interface": "z-uplink"}
    others = [{"destination": f"10.0.{number}.0/24", "next-hop-interface": "a1"} for number in range(routes)]
    return {
        "interfaces": [*virtual, interface("eth0", "ethernet"), interface("z-uplink", "bond")],
        "routes": {"running": [default, *others], "config": [default]},
    }


def names(state: dict[str, Any]) -> list[str]:
    return [interface["name"] for interface in state["interfaces"]]


def test_what_fits_is_left_alone() -> None:
    state = report()

    assert fit(state, size(state)) == (state, [])


def test_details_go_in_order() -> None:
    state = report()
    whole = size(state)

    _, first = fit(state, whole - 1)
    without_ethtool, _ = fit(state, whole - 1)
    _, second = fit(state, size(without_ethtool) - 1)
    without_lldp, _ = fit(state, size(without_ethtool) - 1)
    routeless, third = fit(state, size(without_lldp) - 1)

    assert first == ["ethtool of 52 interfaces"]
    assert second == [*first, "lldp of 52 interfaces"]
    assert third == [*second, "50 routes"]
    assert [route["destination"] for route in routeless["routes"]["running"]] == ["0.0.0.0/0"]


@pytest.mark.parametrize("room", [4000, 1000, 600, 450])
def test_the_interface_of_the_default_route_goes_last(room: int) -> None:
    state, missing = fit(report(), room)

    assert size(state) <= room
    assert "z-uplink" in names(state)
    if len(names(state)) > 1:
        assert "eth0" in names(state)
    assert missing[-1] == f"{52 - len(names(state))} interfaces"


def test_when_nothing_fits_nothing_is_left() -> None:
    assert fit(report(), 40)[0] == {}


def test_the_input_is_not_changed() -> None:
    state = report()

    fit(state, 500)

    assert state == report()

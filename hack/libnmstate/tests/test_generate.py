"""States made from states."""

import configparser
from typing import Any

import libnmstate
import pytest
from libnmstate.error import NmstateError, NmstateValueError

ETH1: dict[str, Any] = {"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1500}
BRIDGE: dict[str, Any] = {
    "name": "br0",
    "type": "linux-bridge",
    "state": "up",
    "bridge": {"port": [{"name": "eth1"}]},
}


def state(*interfaces: dict[str, Any]) -> dict[str, Any]:
    return {"interfaces": list(interfaces)}


def test_differences_of_a_state_to_itself_are_none() -> None:
    assert libnmstate.generate_differences(state(ETH1), state(ETH1)) == {"interfaces": []}


def test_differences_are_the_changed_properties_alone() -> None:
    wanted = ETH1 | {"mtu": 1400, "description": "uplink"}
    difference = libnmstate.generate_differences(state(wanted), state(ETH1 | {"description": "uplink"}))
    assert difference == state({"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1400})


def test_configurations_are_keyfiles_of_network_manager() -> None:
    files = libnmstate.generate_configurations(state(BRIDGE, ETH1))["NetworkManager"]
    contents = {}
    for name, content in files:
        contents[name] = configparser.ConfigParser()
        contents[name].read_string(content)
    assert set(contents) == {"br0.nmconnection", "eth1.nmconnection"}
    assert contents["br0.nmconnection"]["connection"]["type"] == "bridge"
    assert contents["eth1.nmconnection"]["ethernet"]["mtu"] == "1500"


@pytest.mark.parametrize(
    ("desired", "revert"),
    [
        (state(ETH1 | {"mtu": 1400}), state(ETH1)),
        (
            state(BRIDGE),
            state(
                {"name": "br0", "type": "linux-bridge", "state": "absent"},
                {"name": "eth1", "type": "ethernet", "state": "up"},
            ),
        ),
        ({}, state()),
    ],
    ids=["mtu", "bridge", "nothing"],
)
def test_a_revert_names_what_the_change_touches(desired: dict[str, Any], revert: dict[str, Any]) -> None:
    assert libnmstate.generate_revert(desired, state(ETH1)) == revert


def test_a_revert_of_a_state_that_does_not_fit_is_refused() -> None:
    with pytest.raises(NmstateValueError, match="Failed to find unknown type interface eth7"):
        libnmstate.generate_revert(state({"name": "eth7", "mtu": 1400}), state(ETH1))


def test_a_policy_is_filled_from_its_captures() -> None:
    policy = {
        "capture": {"uplink": 'interfaces.name == "eth1"'},
        "desired": state({"name": "{{ capture.uplink.interfaces.0.name }}", "mtu": 1400}),
    }
    result = libnmstate.gen_net_state_from_policy(policy, state(ETH1))
    assert result == state({"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1400})


def test_a_template_that_does_not_resolve_is_a_policy_error() -> None:
    policy = {"desired": state({"name": "{{ capture.nosuch.interfaces.0.name }}"})}
    with pytest.raises(NmstateError) as caught:
        libnmstate.gen_net_state_from_policy(policy, state(ETH1))
    assert type(caught.value) is NmstateError
    assert caught.value.kind == "PolicyError"
    assert str(caught.value) == f"PolicyError: {caught.value.msg}"

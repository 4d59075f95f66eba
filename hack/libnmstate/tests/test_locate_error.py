"""The place of what the parser refuses, also where the crate hides it from serde."""

from typing import Any

import libnmstate
import pytest
from libnmstate.error import NmstateValueError

Steps = list[str | int]


def interface(type_: str, **more: Any) -> dict[str, Any]:
    return {"interfaces": [{"name": "eth0", "type": "ethernet"}, {"name": "x0", "type": type_, **more}]}


X0: Steps = ["interfaces", 1]
ADDRESS = {"ip": "192.0.2.1", "prefix-length": 24}
PORT = {"name": "eth0", "vlan": {"mode": "trunk", "trunk-tags": [{"id": 101}, {"id": "x"}]}}
DIGIT = "invalid digit found in string"

PLACES: list[tuple[dict[str, Any], Steps, str]] = [
    # Seen by serde_path_to_error on the way.
    ({"hunter": 1}, ["hunter"], "unknown field `hunter`"),
    ({"interfaces": 5}, ["interfaces"], "invalid type: integer `5`, expected a sequence"),
    ({"routes": {"config": [{}, {"metric": "z"}]}}, ["routes", "config", 1, "metric"], DIGIT),
    ({"routes": {"config": [{"hunter": 1}]}}, ["routes", "config", 0, "hunter"], "unknown field `hunter`"),
    ({"route-rules": {"config": [{"priority": "z"}]}}, ["route-rules", "config", 0, "priority"], DIGIT),
    ({"dns-resolver": {"config": {"server": [5]}}}, ["dns-resolver", "config", "server", 0], "invalid type: integer"),
    # An interface is read from a Value.
    ({"interfaces": [{"type": "dummy"}]}, ["interfaces", 0], "missing field `name`"),
    (interface("ethernet", hunter=1), [*X0, "hunter"], "unknown field `hunter`"),
    (interface("dummy", mtu="abc"), [*X0, "mtu"], DIGIT),
    (interface("dummy", state="upp"), [*X0, "state"], "unknown variant `upp`"),
    ({"interfaces": [{"name": "x0", "type": 5}]}, ["interfaces", 0, "type"], "data did not match any variant"),
    (interface("macsec", macsec={"encrypt": True}), [*X0, "macsec"], "missing field `base-iface`"),
    (interface("bond", bond={"mode": 1, "port": ["eth0", 5]}), [*X0, "bond", "port", 1], "invalid type: integer"),
    (interface("vxlan", vxlan={"local": ["x"]}), [*X0, "vxlan", "local"], "invalid type: sequence"),
    # So is what is in one, once more.
    (interface("dummy", ipv4={"dhcp": "x"}), [*X0, "ipv4", "dhcp"], "Need to be boolean"),
    (interface("dummy", ipv4={"autoconf": True}), [*X0, "ipv4", "autoconf"], "autoconf is not allowed for IPv4"),
    (
        interface("dummy", ipv6={"address": [ADDRESS, {**ADDRESS, "prefix-length": "x"}]}),
        [*X0, "ipv6", "address", 1, "prefix-length"],
        DIGIT,
    ),
    (
        interface("linux-bridge", bridge={"port": [{"name": "eth1"}, PORT]}),
        [*X0, "bridge", "port", 1, "vlan", "trunk-tags", 1, "id"],
        "Failed to parse BridgePortTrunkTag id x as u16",
    ),
    (
        interface("ethernet", ethtool={"feature": {"rx-gro": "x"}}),
        [*X0, "ethtool", "feature", "rx-gro"],
        "Invalid feature value, should be boolean",
    ),
    # One field under two names.
    (
        interface("vrf", vrf={"port": [], "ports": [], "route-table-id": 5}),
        [*X0, "vrf", "ports"],
        "duplicate field `port`",
    ),
    (
        {"route-rules": {"config": [{"suppress-prefix-length": 0, "suppress_prefixlength": 0}]}},
        ["route-rules", "config", 0, "suppress_prefixlength"],
        "duplicate field",
    ),
    # No document at all.
    (interface("dummy", mtu=float("nan")), [*X0, "mtu"], "not a finite number"),
    (interface("dummy", **{"alt-names": [{"name": {1, 2}}]}), [*X0, "alt-names", 0, "name"], "a value of type set"),
    ({"routes": {None: 1}}, ["routes", "None"], "a key is a str, not NoneType"),
    ({"routes": {(): 1}}, ["routes"], "a key is a str, not tuple"),
]


@pytest.mark.parametrize(
    ("state", "steps", "reason"), PLACES, ids=[".".join(map(str, steps)) for _, steps, _ in PLACES]
)
def test_the_way_leads_to_what_is_refused(state: dict[str, Any], steps: Steps, reason: str) -> None:
    found = libnmstate.locate_error(state)

    assert found is not None
    assert found[0] == steps
    assert found[1].startswith(reason)


@pytest.mark.parametrize(("state", "reason"), [(state, reason) for state, _, reason in PLACES])
def test_the_reason_is_that_of_every_other_call(state: dict[str, Any], reason: str) -> None:
    with pytest.raises(NmstateValueError) as refused:
        libnmstate.generate_differences(state, {})

    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "state",
    [
        {},
        interface("dummy", mtu="0x5dc"),
        interface("bond", state="absent", mtu="not read"),
        {"interfaces": [{"name": "x0", "mtu": "not read without a type"}]},
    ],
)
def test_what_is_read_has_no_error(state: dict[str, Any]) -> None:
    assert libnmstate.locate_error(state) is None


def test_the_last_of_many_is_found() -> None:
    """Within seconds: the time grows with the document, not with its square."""
    addresses = [*[ADDRESS] * 20_000, {**ADDRESS, "ip": "x"}]

    found = libnmstate.locate_error(interface("dummy", ipv4={"address": addresses}))

    assert found is not None
    assert found[0] == [*X0, "ipv4", "address", 20_000, "ip"]


def test_what_is_no_dict_is_refused_as_a_whole() -> None:
    state: Any = []

    assert libnmstate.locate_error(state) == ([], "a state is a dict, not list")

"""The checks never refuse what a node shows, and never fail on what they do not understand."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmstate_controller.errors import InvalidDesiredState
from nmstate_controller.node.validate import check, locate

State = dict[str, Any]

REPORT: State = json.loads((Path(__file__).parent / "data" / "report.json").read_text())

NAMES = st.sampled_from(["eth0", "eth1", "eth2", "br0", "bond0", "eth1.100", "ovs0", "pod0", "alt1"])
TYPES = st.sampled_from(
    ["ethernet", "veth", "bond", "vlan", "linux-bridge", "ovs-bridge", "ovs-interface", "vrf", "hsr"]
)
KEYS = st.sampled_from(
    [
        "interfaces", "name", "type", "state", "routes", "config", "next-hop-interface", "destination", "vlan",
        "base-iface", "bridge", "port", "ports", "link-aggregation", "bond", "vrf", "hsr", "port1", "veth", "peer",
        "ipv4", "enabled", "address", "ip", "prefix-length", "identifier", "mac-address", "alt-names", "profile-name",
        "copy-mac-from",
        "ethernet", "sr-iov", "total-vfs", "controller", "password",
    ]
)  # fmt: skip
WORDS = st.one_of(
    NAMES, TYPES, st.sampled_from(["up", "absent", "ignore", "true", "mac-address", "sriov:eth0:1", ""]), st.text()
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)
DOCUMENTS = st.one_of(
    st.dictionaries(KEYS, JSON, max_size=4),
    st.builds(
        lambda entries, routes: {"interfaces": entries, "routes": {"config": routes}},
        st.lists(st.dictionaries(KEYS, JSON, max_size=5).map(lambda entry: {"name": "eth1", **entry}), max_size=3),
        st.lists(st.dictionaries(KEYS, JSON, max_size=4), max_size=2),
    ),
)


@given(desired=DOCUMENTS, current=DOCUMENTS)
def test_any_document_is_let_through_or_refused(desired: State, current: State) -> None:
    refusal = _refusal(desired, current)

    if refusal is not None:
        path, _, reason = refusal.partition(": ")
        assert path
        assert reason
        assert refusal.isprintable()


def _refusal(desired: State, current: State) -> str | None:
    try:
        check(desired, current)
    except InvalidDesiredState as refused:
        return str(refused)
    return None


@settings(max_examples=30)
@given(desired=DOCUMENTS)
def test_a_secret_is_never_told(desired: State) -> None:
    told = "correct horse battery"
    desired = {**desired, "x": [{"password": told, "psk": f"{told}\0"}, {"mka-cak": told}]}
    with pytest.raises(InvalidDesiredState) as refused:
        check(desired, REPORT)
    assert told not in str(refused.value)


@st.composite
def reports(draw: st.DrawFn) -> State:
    """What a node may show: devices, and VLANs, bridges and VRFs over some of them."""
    devices = draw(st.lists(st.sampled_from([f"eth{number}" for number in range(8)]), min_size=1, unique=True))
    shown: list[State] = []
    for name in devices:
        ipv4 = draw(
            st.sampled_from(
                [
                    {"enabled": False},
                    {"enabled": True, "dhcp": True, "address": []},
                    {"enabled": True, "dhcp": False, "address": [{"ip": "192.0.2.1", "prefix-length": 32}] * 2},
                ]
            )
        )
        state = draw(st.sampled_from(["up", "down", "ignore"]))
        shown.append({"name": name, "type": draw(st.sampled_from(["ethernet", "veth"])), "state": state, "ipv4": ipv4})
        if draw(st.booleans()):
            base = draw(st.sampled_from([name, "in-another-namespace", ""]))
            shown.append({"name": f"{name}.5", "type": "vlan", "state": "up", "vlan": {"id": 5, "base-iface": base}})
    free = list(devices)
    for name in draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True)):
        ports, free = free[:2], free[2:]
        shown.append(
            draw(
                st.sampled_from(
                    [
                        {"type": "linux-bridge", "bridge": {"port": [{"name": port} for port in ports]}},
                        {"type": "ovs-bridge", "bridge": {"port": [{"name": port} for port in [*ports, name]]}},
                        {"type": "vrf", "vrf": {"port": ports, "route-table-id": 5}},
                        {"type": "bond", "link-aggregation": {"mode": "802.3ad", "port": ports}},
                    ]
                )
            )
            | {"name": name, "state": "up"}
        )
    routes = [
        {"destination": "198.51.100.0/24", "next-hop-interface": one} for one in draw(st.sets(st.sampled_from(devices)))
    ]
    return {"interfaces": shown, "routes": {"config": routes}}


@given(report=reports(), data=st.data())
def test_what_a_node_reports_can_be_asked_for(report: State, data: st.DataObject) -> None:
    check(report, report)
    part = data.draw(st.lists(st.sampled_from(report["interfaces"]), unique_by=lambda one: str(one["name"])))
    check({"interfaces": part}, report)


@given(desired=DOCUMENTS)
def test_the_place_of_an_error_is_in_the_document(desired: State) -> None:
    found = locate(desired, REPORT)

    if found is not None:
        path, _, reason = found.partition(": ")
        assert path
        assert reason

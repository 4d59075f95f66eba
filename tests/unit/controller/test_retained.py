"""What an object configured and no longer names is listed for as long as it is on the node."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmstate_controller.controller.retained import LIMIT, Record, Recorder, bounded, in_words, record

State = dict[str, Any]

ETH1: State = {"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1500}
ETH2: State = {"name": "eth2", "type": "ethernet", "state": "up", "mtu": 1500}
BR1: State = {"name": "br1", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "eth1"}]}}
OVS0: State = {"name": "ovs0", "type": "ovs-bridge", "state": "up"}
OVS0_PORT: State = {"name": "ovs0", "type": "ovs-interface", "state": "up"}
ROUTE: State = {"destination": "198.51.100.0/24", "next-hop-address": "192.0.2.1", "next-hop-interface": "eth1"}
RULE: State = {"ip-from": "192.0.2.0/24", "priority": 1000, "route-table": 200}


def node(*interfaces: State, **sections: Any) -> State:
    return {"interfaces": [ETH1, ETH2, *interfaces], **sections}


def asked(*interfaces: State, **sections: Any) -> State:
    return {"interfaces": list(interfaces), **sections}


def after(*steps: tuple[State, State]) -> Record:
    """The record after these documents were configured one after the other, each on a node that then was like that."""
    found = Record([], [])
    for desired, shown in steps:
        found = record(found.configured, desired, desired, shown)
    return found


def retained(first: State, second: State, there: State) -> list[str]:
    """What is retained when one document takes the place of another, and the node stays as it is."""
    return after((first, there), (second, there)).retained


def test_what_is_named_is_configured_and_not_retained() -> None:
    assert after((asked(BR1), node(BR1))) == Record(["interfaces[br1]"], [])


def test_an_interface_that_is_no_longer_named_is_retained_as_long_as_it_is_there() -> None:
    other = {"name": "dummy1", "type": "dummy", "state": "up"}
    steps = [(asked(BR1), node(BR1)), (asked(other), node(BR1, other)), ({}, node(BR1, other))]

    assert after(*steps[:2]).retained == ["interfaces[br1]"]
    assert after(*steps).retained == ["interfaces[br1]", "interfaces[dummy1]"]
    assert after(*steps, ({}, node(other))).retained == ["interfaces[dummy1]"]
    assert after(*steps, ({}, node(other)), ({}, node(BR1, other))).retained == ["interfaces[dummy1]"]


def test_what_is_named_again_is_not_retained() -> None:
    again = [(asked(BR1), node(BR1)), ({}, node(BR1)), (asked(BR1), node(BR1))]

    assert after(*again).retained == []
    assert after(*again, ({}, node(BR1))).retained == ["interfaces[br1]"]


def test_what_is_asked_to_be_absent_or_ignored_is_named() -> None:
    for state in ("absent", "ignore"):
        assert retained(asked(BR1), asked({"name": "br1", "state": state}), node(BR1)) == []


def test_a_port_that_a_controller_lists_is_named() -> None:
    first = asked({"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1400})

    assert retained(first, asked(BR1), node(BR1)) == []


def test_a_controller_that_loses_a_port_to_another_is_retained() -> None:
    br2 = {"name": "br2", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "eth1"}]}}
    empty = {**BR1, "bridge": {"port": []}}

    assert after((asked(BR1), node(BR1)), (asked(br2), node(empty, br2))).retained == ["interfaces[br1]"]


@pytest.mark.parametrize(
    ("entry", "listed"),
    [
        ({}, False),
        ({"type": "ethernet", "state": "up"}, False),
        ({"state": "up", "profile-name": "eth1", "description": "uplink", "mtu": None}, False),
        ({"ipv4": {"enabled": False}, "ipv6": {"enabled": "false"}}, False),
        ({"mtu": 1400}, True),
        ({"ipv4": {"enabled": True, "dhcp": True}}, True),
        ({"ipv4": {"enabled": False}, "mtu": 1400}, True),
        ({"state": "down"}, True),
    ],
)
def test_hardware_is_retained_when_it_was_given_settings(entry: State, listed: bool) -> None:
    there = retained(asked({"name": "eth1", **entry}), {}, node())
    assert there == (["interfaces[eth1]"] if listed else [])


@pytest.mark.parametrize("entry", [{"state": "absent"}, {"ipv4": {"enabled": False}}])
def test_hardware_is_not_retained_once_its_settings_were_removed(entry: State) -> None:
    configured, removed = asked({"name": "eth1", "ipv4": {"enabled": True}}), asked({"name": "eth1", **entry})

    assert after((configured, node()), (removed, node()), ({}, node())).retained == []


def test_hardware_that_is_merely_named_keeps_what_it_was_given_before() -> None:
    configured, named = asked({"name": "eth1", "mtu": 1400}), asked({"name": "eth1", "state": "up"})

    assert after((configured, node()), (named, node())).retained == []
    assert after((configured, node()), (named, node()), ({}, node())).retained == ["interfaces[eth1]"]


def test_an_interface_is_known_whatever_a_document_calls_it() -> None:
    shown = node({**BR1, "mac-address": "02:00:00:00:00:01", "alt-names": [{"name": "the-bridge"}]})
    first = asked({"name": "the-bridge", "type": "linux-bridge", "state": "up"})

    assert after((first, shown)).configured == ["interfaces[br1]"]
    assert retained(first, asked(BR1), shown) == []


def test_open_vswitchs_namesakes_are_two() -> None:
    shown = node(OVS0, OVS0_PORT)

    assert retained(asked(OVS0, OVS0_PORT), asked(OVS0), shown) == ["interfaces[ovs0]"]
    assert retained(asked(OVS0, OVS0_PORT), asked(OVS0_PORT), shown) == ["interfaces[ovs0 ovs-bridge]"]


def test_routes_rules_dns_and_the_host_name_are_retained() -> None:
    shown = node(
        **{
            "routes": {"config": [{**ROUTE, "table-id": 254, "metric": 100}, {**ROUTE, "table-id": 200}]},
            "route-rules": {"config": [{**RULE, "family": "ipv4"}]},
            "dns-resolver": {"config": {"server": ["192.0.2.53"], "search": []}},
            "hostname": {"running": "node01", "config": "node01"},
        }
    )
    first = {
        "routes": {"config": [ROUTE]},
        "route-rules": {"config": [RULE]},
        "dns-resolver": {"config": {"server": ["192.0.2.53"]}},
        "hostname": {"config": "node01"},
    }

    assert after((first, shown)).retained == []
    assert retained(first, {}, shown) == [
        "dns-resolver",
        "hostname[node01]",
        "route-rules.config[ipv4 from 192.0.2.0/24 table 200 priority 1000]",
        "routes.config[198.51.100.0/24 via 192.0.2.1 dev eth1]",
    ]
    absent = {"routes": {"config": [{"state": "absent", "next-hop-interface": "eth1"}]}}
    assert not any("routes" in entry for entry in retained(first, absent, shown))
    assert after((first, shown), ({}, node())).retained == []


def test_a_metric_that_changes_makes_no_other_route() -> None:
    first, then = (node(routes={"config": [{**ROUTE, "table-id": 254, "metric": metric}]}) for metric in (100, 102))
    found = after(({"routes": {"config": [ROUTE]}}, first), ({}, then))

    assert found.retained == ["routes.config[198.51.100.0/24 via 192.0.2.1 dev eth1]"]


def test_what_goes_back_is_not_retained() -> None:
    desired = asked({"name": "eth2", "mtu": 1400})
    configured = record([], desired, desired, node())
    found = record(configured.configured, asked(BR1), asked(BR1, ETH2), node(BR1))

    assert found == Record(["interfaces[br1]"], [])


def test_the_list_is_bounded_and_the_message_short() -> None:
    everything = [f"interfaces[br{number}]" for number in range(LIMIT + 10)]

    assert bounded(everything) == [*everything[:LIMIT], "and 10 more"]
    assert bounded(everything[:LIMIT]) == everything[:LIMIT]
    assert in_words(None) == in_words([]) == ""
    assert in_words(["dns-resolver", "interfaces[br1]"]) == (
        "; no longer in desiredState but still on the node: dns-resolver, br1"
    )
    assert in_words(bounded(everything)).endswith(": br0, br1, br2, br3, br4 and more, see status.retained")


@given(
    st.dictionaries(st.sampled_from(["interfaces", "routes", "route-rules", "dns-resolver", "hostname"]), st.none()),
    st.sampled_from([{}, node(BR1), {"interfaces": None}, {"routes": {"config": None}, "hostname": {"config": ""}}]),
)
def test_sections_that_are_null_name_nothing(document: State, shown: State) -> None:
    assert record(None, document, document, shown) == Record([], [])


def test_the_recorder_says_what_the_function_says() -> None:
    recorder, known = Recorder(), None
    steps = [(asked(BR1), node(BR1)), ({}, node(BR1)), ({}, node(BR1)), (asked(BR1), node(BR1)), ({}, node())]
    for desired, shown in steps:
        found = recorder.record(known, desired, desired, shown)
        assert found == record(known, desired, desired, shown)
        known = found.configured

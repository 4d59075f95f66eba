"""What was there before a document goes back when its entry is dropped, and nothing else does."""

import copy
import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmstate_controller.node.diff import HIDDEN
from nmstate_controller.node.revert import dropped, forget, remember, unrevertable, with_dropped

Document = dict[str, Any]

REPORT: Final[Document] = json.loads((Path(__file__).parent / "data" / "report.json").read_text())

ETH1: Final[Document] = {
    "name": "eth1",
    "type": "ethernet",
    "state": "up",
    "driver": "virtio_net",
    "mac-address": "52:54:00:00:00:11",
    "permanent-mac-address": "52:54:00:00:00:11",
    "mtu": 1500,
    "min-mtu": 68,
    "max-mtu": 65535,
    "ethtool": {"feature": {"rx-gro": True}},
    "lldp": {"enabled": True, "neighbors": [["x"]]},
    "ipv4": {"enabled": True, "dhcp": False, "address": [{"ip": "192.0.2.1", "prefix-length": 24}]},
    "ipv6": {"enabled": False},
}
DEFAULT_ROUTE: Final[Document] = {
    "destination": "0.0.0.0/0",
    "next-hop-address": "192.0.2.254",
    "next-hop-interface": "eth1",
    "table-id": 254,
    "metric": 100,
}
NODE: Final[Document] = {"interfaces": [ETH1], "routes": {"config": [DEFAULT_ROUTE]}}


def up(name: str, type_: str = "ethernet", **sections: Any) -> Document:
    return {"name": name, "type": type_, "state": "up", **{key.replace("_", "-"): one for key, one in sections.items()}}


def bridge(name: str, *ports: str, **sections: Any) -> Document:
    return up(name, "linux-bridge", bridge={"port": [{"name": port} for port in ports]}, **sections)


def node(*interfaces: Document, **sections: Any) -> Document:
    return {"interfaces": list(interfaces), **sections}


def by_name(document: Document) -> dict[str, Document]:
    found = {one["name"]: one for one in document.get("interfaces", [])}
    assert len(found) == len(document.get("interfaces", [])), "named twice"
    return found


def restored(desired: Document, before: Document) -> dict[str, Document]:
    """The interfaces of the document that undoes `desired`."""
    return by_name(with_dropped(None, remember(None, desired, before)))


def test_an_interface_goes_back_to_its_whole_definition() -> None:
    assert restored(node(up("eth1", mtu=9000)), NODE)["eth1"] == {
        "name": "eth1",
        "type": "ethernet",
        "state": "up",
        "mtu": 1500,
        "controller": "",
        "ipv4": {"enabled": True, "dhcp": False, "address": [{"ip": "192.0.2.1", "prefix-length": 24}]},
        "ipv6": {"enabled": False},
    }


def test_what_the_document_changes_of_the_hardware_goes_back_too() -> None:
    desired = node(
        up("eth1", ethtool={}, lldp={"enabled": False}, description="x", mac_address="02:00:00:00:00:01"),
    )

    found = restored(desired, NODE)["eth1"]

    assert found["ethtool"] == ETH1["ethtool"]
    assert found["lldp"] == {"enabled": True}
    assert found["description"] == ""
    assert found["mac-address"] == ETH1["mac-address"]


def test_alternative_names_that_were_added_go() -> None:
    there = up("eth1", alt_names=[{"name": "uplink"}])
    desired = node(up("eth1", alt_names=[{"name": "uplink"}, {"name": "wan"}]))

    found = restored(desired, node(there))["eth1"]

    assert found["alt-names"] == [{"name": "uplink"}, {"name": "wan", "state": "absent"}]


def test_virtual_functions_that_were_made_go() -> None:
    desired = node(up("eth1", ethernet={"sr-iov": {"total-vfs": 2}}))

    assert restored(desired, NODE)["eth1"]["ethernet"] == {"sr-iov": {"total-vfs": 0}}


@pytest.mark.parametrize(
    ("family", "section", "expected"),
    [
        (
            "ipv4",
            {"enabled": True, "dhcp": True, "address": [{"ip": "192.0.2.7", "valid-life-time": "60sec"}]},
            {"enabled": True, "dhcp": True, "address": []},
        ),
        (
            "ipv4",  # perhaps an endless lease: neither pinned nor removed
            {"enabled": True, "dhcp": True, "address": [{"ip": "192.0.2.7", "prefix-length": 24}]},
            {"enabled": True, "dhcp": True},
        ),
        (
            "ipv6",
            {
                "enabled": True,
                "autoconf": False,
                "address": [
                    {"ip": "2001:db8::1", "prefix-length": 64, "valid-life-time": "forever"},
                    {"ip": "2001:db8::2", "prefix-length": 64, "protocol": "ra"},
                    {"ip": "fe80::1", "prefix-length": 64},
                ],
            },
            {"enabled": True, "autoconf": False, "address": [{"ip": "2001:db8::1", "prefix-length": 64}]},
        ),
        ("ipv4", {"enabled": False, "address": [{"ip": "192.0.2.7"}]}, {"enabled": False}),
    ],
)
def test_addresses_that_come_by_themselves_are_not_pinned(family: str, section: Document, expected: Document) -> None:
    there = {**up("eth1"), family: section}

    assert restored(node(up("eth1", mtu=1400)), node(there))["eth1"][family] == expected


def test_what_was_not_there_goes() -> None:
    assert restored(node(up("dummy1", "dummy")), NODE) == {
        "dummy1": {"name": "dummy1", "type": "dummy", "state": "absent"}
    }


def test_what_is_to_be_absent_and_is_has_no_original() -> None:
    assert remember(None, node({"name": "dummy1", "state": "absent"}), NODE) == {}


def test_what_is_to_be_left_alone_is() -> None:
    assert remember(None, node({**up("eth1"), "state": "ignore"}), NODE) == {}


def test_an_original_waits_while_its_interface_is_to_be_left_alone() -> None:
    originals = remember(None, node(up("eth1", mtu=9000)), NODE)

    assert dropped(originals, node({**up("eth1"), "state": "ignore"})) == {}


def test_a_bridge_goes_and_its_port_has_its_address_and_its_routes_again() -> None:
    originals = remember(None, node(bridge("br1", "eth1")), NODE)

    document = with_dropped({}, originals)

    found = by_name(document)
    assert found["br1"] == {"name": "br1", "type": "linux-bridge", "state": "absent"}
    assert found["eth1"]["controller"] == ""
    assert found["eth1"]["ipv4"] == ETH1["ipv4"]
    assert document["routes"] == {"config": [DEFAULT_ROUTE]}


def test_a_port_that_was_down_is_down_again() -> None:
    found = restored(node(bridge("br1", "eth1")), node({**ETH1, "state": "down"}))

    assert found["eth1"] == {"name": "eth1", "type": "ethernet", "state": "down"}


@pytest.mark.parametrize(
    "controller",
    [
        up("bond1", "bond", link_aggregation={"mode": "active-backup", "port": ["eth1"]}),
        up("bond1", "bond", bond={"mode": 1, "ports": ["eth1"]}),
        up("bond1", "bond", link_aggregation={"mode": 1, "ports-config": [{"name": "eth1", "priority": 1}]}),
        up("br1", "linux-bridge", bridge={"ports": [{"name": "eth1"}]}),
        up("br1", "ovs-bridge", bridge={"port": [{"name": "eth1"}, {"name": "br1"}]}),
        up("br1", "ovs-bridge", bridge={"port": [{"name": "bond1", "bond": {"ports": [{"name": "eth1"}]}}]}),
        up("vrf1", "vrf", vrf={"route-table-id": 100, "port": ["eth1"]}),
        up("hsr1", "hsr", hsr={"port1": "eth1", "port2": "eth2"}),
    ],
)
def test_ports_are_found_in_every_spelling(controller: Document) -> None:
    found = restored(node(controller), NODE)

    assert found["eth1"]["controller"] == ""
    assert found[controller["name"]]["state"] == "absent"


@pytest.mark.parametrize("told", [True, False], ids=["told by the port", "told by the bridge alone"])
def test_a_port_that_changes_bridges_goes_back_and_its_bridge_with_it(told: bool) -> None:
    ports = [up("eth1", **({"controller": "br0"} if told else {})), up("eth2", controller="br0")]
    before = node(bridge("br0", "eth1", "eth2"), *ports)

    found = restored(node(bridge("br1", "eth1")), before)

    assert set(found) == {"br0", "br1", "eth1"}
    assert found["eth1"]["controller"] == "br0"
    assert [port["name"] for port in found["br0"]["bridge"]["port"]] == ["eth1", "eth2"]


def test_a_port_that_its_bridge_loses_goes_back() -> None:
    before = node(bridge("br0", "eth1", "eth2"), up("eth1", controller="br0"), up("eth2", controller="br0"))

    found = restored(node(bridge("br0", "eth2")), before)

    assert found["eth1"]["controller"] == "br0"


def test_a_port_that_nmstate_leaves_alone_is_not_lost() -> None:
    pod = {"name": "veth1", "type": "veth", "state": "ignore", "controller": "br0"}

    assert set(restored(node(bridge("br0")), node(bridge("br0", "veth1"), pod))) == {"br0"}


def test_extra_ports_that_are_allowed_are_not_lost() -> None:
    desired = node(up("br0", "linux-bridge", bridge={"allow-extra-ports": True, "port": []}))

    assert set(restored(desired, node(bridge("br0", "eth1"), up("eth1", controller="br0")))) == {"br0"}


def test_a_bridge_that_is_removed_comes_back_with_its_ports_and_what_stood_on_it() -> None:
    vlan = up("br0.5", "vlan", vlan={"base-iface": "br0", "id": 5})
    before = node(bridge("br0", "eth1"), up("eth1", controller="br0"), vlan, up("eth2"))

    found = restored(node({"name": "br0", "state": "absent"}), before)

    assert set(found) == {"br0", "eth1", "br0.5"}
    assert found["br0.5"]["vlan"] == vlan["vlan"]


def test_the_vlan_filter_of_a_port_is_reset() -> None:
    before = node(bridge("br0", "eth1"), up("eth1", controller="br0"))

    assert restored(node(bridge("br0", "eth1")), before)["br0"]["bridge"]["port"] == [{"name": "eth1", "vlan": {}}]


def test_a_veth_is_one_thing_with_its_other_end() -> None:
    pair = up("veth1", "veth", veth={"peer": "veth2"})
    other = up("veth2", "veth", veth={"peer": "veth1"})

    made = restored(node(pair), NODE)
    removed = restored(node({"name": "veth1", "type": "ethernet", "state": "absent"}), node(pair, other))

    assert {name: one["state"] for name, one in made.items()} == {"veth1": "absent", "veth2": "absent"}
    assert {name: one["veth"] for name, one in removed.items()} == {"veth1": pair["veth"], "veth2": other["veth"]}


def test_a_port_still_taken_does_not_go_back() -> None:
    originals = remember(None, node(bridge("br1", "eth1"), up("eth1", mtu=9000)), NODE)

    assert dropped(originals, node(bridge("br1", "eth1"))) == {}
    assert by_name(dropped(originals, node(bridge("br1")))).keys() == {"eth1"}


def test_an_interface_goes_back_only_when_nothing_desired_stands_on_it() -> None:
    vlan = up("bond1.5", "vlan", vlan={"base-iface": "bond1", "id": 5})
    originals = remember(None, node(up("bond1", "bond"), vlan), node())

    assert dropped(originals, node(vlan)) == {}
    assert by_name(dropped(originals, node())).keys() == {"bond1", "bond1.5"}


def test_no_port_is_given_to_two_bridges_or_to_one_that_goes() -> None:
    originals = node(
        bridge("br0", "eth1", "eth2"),
        bridge("br1", "eth1"),
        {"name": "br2", "type": "linux-bridge", "state": "absent"},
        up("eth1", controller="br1"),
        up("eth2", controller="br2"),
        up("eth3", controller="br2"),
    )

    found = by_name(with_dropped(None, originals))

    assert [port["name"] for port in found["br0"]["bridge"]["port"]] == ["eth2"]
    assert [port["name"] for port in found["br1"]["bridge"]["port"]] == ["eth1"]
    assert {name: found[name]["controller"] for name in ("eth1", "eth2", "eth3")} == {
        "eth1": "br1",
        "eth2": "br0",
        "eth3": "",
    }


def test_a_bridge_that_a_port_joins_by_itself_goes_back_with_it() -> None:
    originals = remember(None, node(up("eth1", controller="br0")), node(bridge("br0"), up("eth1")))

    assert by_name(originals)["br0"]["bridge"]["port"] == []
    assert dropped(originals, node(up("eth1", controller="br0"))) == {}


def test_a_port_goes_back_without_its_bridge_while_that_waits() -> None:
    before = node(bridge("br0", "eth1", "eth2"), up("eth1", controller="br0"), up("eth2", controller="br0"))
    originals = remember(None, node({"name": "br0", "type": "linux-bridge", "state": "absent"}), before)

    desired = node({"name": "eth1", "type": "ethernet", "state": "down"})
    document = by_name(with_dropped(desired, originals))

    assert document.keys() == {"eth1", "eth2"}
    assert "controller" not in document["eth2"]
    assert [port["name"] for port in restored(desired, before)["br0"]["bridge"]["port"]] == ["eth1", "eth2"]


def test_the_oldest_original_wins_over_generations() -> None:
    first = remember(None, node(up("eth1", mtu=9000)), NODE)
    second = remember(first, node(up("eth1", mtu=8000, ethtool={})), node({**ETH1, "mtu": 9000}))

    found = by_name(second)["eth1"]

    assert found["mtu"] == 1500
    assert found["ethtool"] == ETH1["ethtool"], "no document has changed it before"


def test_what_the_node_calls_differently_is_one_interface() -> None:
    before = node(up("eth1", alt_names=[{"name": "uplink"}], mtu=1500))
    originals = remember(None, node(up("uplink", mtu=9000)), before)

    assert by_name(originals).keys() == {"eth1"}
    assert dropped(originals, node(up("uplink", mtu=9000))) == {}


def test_a_route_that_was_added_goes_and_no_other_does() -> None:
    added = {"destination": "198.51.100.7/24", "next-hop-address": "192.0.2.9", "next-hop-interface": "eth1"}
    desired = {"routes": {"config": [{**added, "metric": "50"}]}}

    originals = remember(None, desired, NODE)

    assert originals["routes"]["config"] == [
        {**added, "destination": "198.51.100.0/24", "table-id": 254, "state": "absent"}
    ]
    assert dropped(originals, {"routes": {"config": [{**added, "table-id": 254}]}}) == {}
    assert dropped(originals, {"routes": {"config": [{**added, "table-id": 7}]}}) == originals


def test_routes_that_were_removed_come_back() -> None:
    desired = {"routes": {"config": [{"next-hop-interface": "eth1", "state": "absent"}]}}

    originals = remember(None, desired, NODE)

    assert originals["routes"]["config"] == [DEFAULT_ROUTE]
    assert dropped(originals, desired) == {}
    assert dropped(originals, {}) == originals


def test_a_route_that_was_changed_is_replaced() -> None:
    desired = {"routes": {"config": [{**DEFAULT_ROUTE, "metric": 50}]}}

    assert remember(None, desired, NODE)["routes"]["config"] == [
        DEFAULT_ROUTE,
        {key: value for key, value in DEFAULT_ROUTE.items() if key != "metric"} | {"state": "absent"},
    ]


def test_a_route_that_is_there_already_stays() -> None:
    desired = {"routes": {"config": [DEFAULT_ROUTE]}}

    assert remember(None, desired, NODE)["routes"]["config"] == [DEFAULT_ROUTE]


@pytest.mark.parametrize(
    ("entry", "falls"),
    [
        (up("eth1", mtu=1400), False),
        (up("eth1", ipv4={"enabled": True, "address": [{"ip": "192.0.2.7", "prefix-length": "24"}]}), False),
        (up("eth1", ipv4={"enabled": True, "address": [{"ip": "198.51.100.1", "prefix-length": 24}]}), True),
        (up("eth1", ipv4={"enabled": False}), True),
        (up("eth1", ipv4={"enabled": True, "dhcp": True}), True),
        ({"name": "eth1", "state": "down"}, True),
        ({"name": "eth1", "type": "ethernet", "state": "absent"}, True),
        (up("vrf1", "vrf", vrf={"port": ["eth1"], "route-table-id": 5}), True),
    ],
)
def test_routes_come_back_that_fell_with_their_interface(entry: Document, falls: bool) -> None:
    assert ("routes" in remember(None, node(entry), NODE)) is falls


def test_no_route_is_put_on_an_interface_that_goes() -> None:
    originals = {
        "interfaces": [{"name": "eth1", "type": "dummy", "state": "absent"}],
        "routes": {"config": [DEFAULT_ROUTE]},
    }

    assert "routes" not in with_dropped(None, originals)


def test_the_table_of_a_vrf_is_not_taken_for_the_main_one() -> None:
    there = {**DEFAULT_ROUTE, "table-id": 100}
    before = node(
        up("eth1", controller="vrf1"),
        up("vrf1", "vrf", vrf={"port": ["eth1"], "route-table-id": 100}),
        routes={"config": [there]},
    )
    wanted = {key: value for key, value in DEFAULT_ROUTE.items() if key != "table-id"}
    desired: Document = {"routes": {"config": [wanted]}}

    empty = {**before, "routes": {"config": []}}
    made = remember(None, desired, empty)

    assert remember(None, desired, before)["routes"]["config"] == [there]
    assert remember(made, desired, before) == made
    assert dropped(made, desired) == {}


RULE: Final[Document] = {"family": "ipv4", "ip-from": "192.0.2.0/24", "priority": 1000, "route-table": 200}


def test_rules_go_and_come_back() -> None:
    before: Document = {"route-rules": {"config": [RULE]}}
    desired: Document = {
        "route-rules": {"config": [{"route-table": "200", "state": "absent"}, {"ip-to": "198.51.100.0/24"}]}
    }

    originals = remember(None, desired, before)

    assert originals["route-rules"]["config"] == [
        RULE,
        {"ip-to": "198.51.100.0/24", "route-table": 254, "state": "absent"},
    ]
    assert dropped(originals, desired) == {}
    assert dropped(originals, {"route-rules": desired["route-rules"]["config"]}) == originals


def test_a_rule_that_is_there_already_stays() -> None:
    desired = {"route-rules": {"config": [{"ip-from": "192.0.2.0/24", "route-table": 200}]}}

    assert remember(None, desired, {"route-rules": {"config": [RULE]}})["route-rules"]["config"] == [RULE]


def test_dns_goes_back_whole_and_the_host_name_too() -> None:
    before = {
        "dns-resolver": {"config": {"server": ["192.0.2.53"]}, "running": {"server": ["192.0.2.53", "192.0.2.54"]}},
        "hostname": {"running": "node01", "config": "node01.example.org"},
    }
    desired = {"dns-resolver": {"config": {"search": ["example.org"]}}, "hostname": {"config": "node02"}}

    originals = remember(None, desired, before)

    assert originals == {
        "dns-resolver": {"config": {"server": ["192.0.2.53"], "search": [], "options": []}},
        "hostname": {"config": "node01.example.org"},
    }
    assert dropped(originals, {"hostname": {"config": "node03"}}) == {"dns-resolver": originals["dns-resolver"]}
    assert with_dropped({"hostname": {"config": "node03"}}, originals) == {
        "dns-resolver": originals["dns-resolver"],
        "hostname": {"config": "node03"},
    }


def test_what_went_back_is_forgotten() -> None:
    originals = remember(None, node(bridge("br1", "eth1"), up("dummy1", "dummy")), NODE)

    assert by_name(forget(originals, node(up("dummy1", "dummy"))) or {}).keys() == {"dummy1"}
    assert forget(originals, None) is None
    assert forget(None, None) is None


def test_secrets_cannot_go_back() -> None:
    secured = {**up("eth0"), "802.1x": {"private-key-password": HIDDEN}}
    tunnel = up("tunnel1", "ipsec", libreswan={"psk": "secret"})

    assert unrevertable(node(up("eth0", mtu=1400), tunnel), node(secured)) == [
        "interfaces[eth0].802.1x",
        "interfaces[tunnel1].libreswan",
    ]
    assert unrevertable(node(bridge("br1", "eth0")), node(secured)) == ["interfaces[eth0].802.1x"]
    assert unrevertable(node(up("eth1", mtu=1400)), node(secured, ETH1)) == []
    assert unrevertable(node({**tunnel, "state": "ignore"}), node()) == []


def test_a_real_node_undoes_a_new_bridge() -> None:
    found = restored(node(bridge("br2", "eth1", "eth11")), REPORT)

    assert found["eth1"]["controller"] == "br1"
    assert [port["name"] for port in found["br1"]["bridge"]["port"]] == ["eth1", "eth2", "vethpod0"]
    assert not {"gc-timer", "hello-timer"} & found["br1"]["bridge"]["options"].keys()
    assert found["eth11"]["state"] == "down"
    assert found["br2"]["state"] == "absent"


KEYS: Final = st.sampled_from(
    [
        "name", "type", "state", "interfaces", "routes", "route-rules", "config",
        "bridge", "vrf", "port", "ports", "controller", "veth", "peer",
        "alt-names", "hsr", "port1", "link-aggregation", "bond", "destination", "next-hop-interface",
        "table-id", "ip-from", "ipv4", "ipv6", "address", "enabled", "vlan",
        "base-iface", "dns-resolver", "hostname", "server", "identifier", "mac-address", "profile-name",
        "ethernet", "sr-iov", "ovs-db", "external_ids",
    ]
)  # fmt: skip
SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["eth1", "br1", "br0", "absent", "up", "ignore", "veth", "linux-bridge", "ovs-bridge", "", HIDDEN]
    )
    | st.text(max_size=4)
)
ANYTHING: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
MALFORMED: Final = st.dictionaries(KEYS, ANYTHING, max_size=5) | st.fixed_dictionaries(
    {
        "interfaces": st.lists(st.dictionaries(KEYS, ANYTHING, max_size=6) | ANYTHING, max_size=4) | ANYTHING,
        "routes": st.fixed_dictionaries({"config": st.lists(ANYTHING, max_size=3) | ANYTHING}) | ANYTHING,
        "route-rules": st.fixed_dictionaries({"config": st.lists(ANYTHING, max_size=3) | ANYTHING}) | ANYTHING,
    }
)

NAMES: Final = st.sampled_from(["eth1", "eth2", "br0", "vrf0", "ovs0", "veth1"])
PORTS: Final = st.lists(st.sampled_from(["eth1", "eth2", "veth1"]), unique=True, max_size=3)
STATES: Final = st.sampled_from(["up", "up", "up", "down", "absent", "ignore"])
TYPES: Final = {"br0": "linux-bridge", "ovs0": "ovs-bridge", "vrf0": "vrf", "veth1": "veth", "veth2": "veth"}
SECTIONS: Final = ("routes", "route-rules")
DESTINATIONS: Final = st.sampled_from(["0.0.0.0/0", "198.51.100.0/24", "2001:db8::/32"])
ROUTES: Final = st.lists(
    st.fixed_dictionaries(
        {"destination": DESTINATIONS, "next-hop-interface": NAMES},
        optional={"table-id": st.sampled_from([254, "100"]), "metric": st.integers(1, 3), "state": st.just("absent")},
    ),
    max_size=3,
)
RULES: Final = st.lists(
    st.fixed_dictionaries(
        {"ip-from": DESTINATIONS},
        optional={"priority": st.integers(1, 3), "route-table": st.integers(253, 255), "state": st.just("absent")},
    ),
    max_size=3,
)
OTHERS: Final[st.SearchStrategy[Document]] = st.sampled_from(
    [{}, {"hostname": {"config": "a"}}, {"dns-resolver": {"config": {"search": ["b"]}}}]
)
COMMON: Final[st.SearchStrategy[Document]] = st.fixed_dictionaries(
    {},
    optional={
        "mtu": st.integers(1280, 1500),
        "description": st.just("x"),
        "ethtool": st.just({"ring": {"rx": 9}}),
        "ipv4": st.fixed_dictionaries({"enabled": st.booleans(), "dhcp": st.booleans()}),
        "alt-names": st.just([{"name": "uplink"}]),
    },
)


def listing(name: str, ports: list[str]) -> Document:
    """A controller's section that lists `ports`."""
    if name == "vrf0":
        return {"vrf": {"port": ports, "route-table-id": 100}}
    return {"bridge": {"port": [{"name": port} for port in ports]}}


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Documents about a handful of interfaces, so that generations meet."""
    interfaces = []
    for name in draw(st.lists(NAMES, unique=True, max_size=5)):
        interface: Document = {"name": name, "type": TYPES.get(name, "ethernet"), "state": draw(STATES)}
        if name in ("br0", "vrf0", "ovs0"):
            interface |= listing(name, draw(PORTS)) if draw(st.booleans()) else {}
        elif name == "veth1":
            interface["veth"] = {"peer": draw(st.sampled_from(["veth2", "veth3"]))}
        elif draw(st.booleans()):
            interface["controller"] = draw(st.sampled_from(["", "br0", "vrf0"]))
        interfaces.append(interface | draw(COMMON))
    return {
        "interfaces": interfaces,
        "routes": {"config": draw(ROUTES)},
        "route-rules": {"config": draw(RULES)},
        **draw(OTHERS),
    }


@st.composite
def nodes(draw: st.DrawFn) -> Document:
    """What show would say of a node: each port has one controller, each route its table, and nothing is absent."""
    names = ["eth1", "eth2", *draw(st.lists(st.sampled_from(["br0", "vrf0", "ovs0"]), unique=True))]
    if draw(st.booleans()):
        names += ["veth1", "veth2"]
    ports = [name for name in names if name in ("eth1", "eth2", "veth1")]
    holders = {port: draw(st.sampled_from(["", *(set(names) & {"br0", "vrf0", "ovs0"})])) for port in ports}
    interfaces = []
    for name in names:
        interface: Document = {"name": name, "type": TYPES.get(name, "ethernet"), "state": "up", **draw(COMMON)}
        if name in ("br0", "vrf0", "ovs0"):
            interface |= listing(name, [port for port in ports if holders[port] == name])
        elif name.startswith("veth"):
            interface["veth"] = {"peer": "veth2" if name == "veth1" else "veth1"}
        if holders.get(name):
            interface["controller"] = holders[name]
        interfaces.append(interface)
    routes = [{**one, "table-id": 254} for one in draw(ROUTES) if "state" not in one]
    rules = [{"route-table": 254, **one} for one in draw(RULES) if "state" not in one]
    return {"interfaces": interfaces, "routes": {"config": routes}, "route-rules": {"config": rules}, **draw(OTHERS)}


def entries(document: Document) -> list[str]:
    """Every entry, whole."""
    found = [*document.get("interfaces", ())]
    for section in SECTIONS:
        found += document.get(section, {}).get("config", ())
    found += [{key: document[key]} for key in ("dns-resolver", "hostname") if key in document]
    return sorted(json.dumps(one, sort_keys=True) for one in found)


@given(documents(), nodes(), documents(), nodes())
def test_the_oldest_wins(first: Document, before: Document, second: Document, later: Document) -> None:
    originals = remember(None, first, before)
    amended = remember(originals, second, later)

    found = by_name(amended)
    for name, one in by_name(originals).items():
        assert found[name].items() >= one.items()
    for section in SECTIONS:
        old = originals.get(section, {"config": []})["config"]
        assert amended.get(section, {"config": []})["config"][: len(old)] == old
    for section in {"dns-resolver", "hostname"} & originals.keys():
        assert amended[section] == originals[section]


@given(documents(), nodes(), documents(), nodes())
def test_to_remember_twice_is_to_remember_once(
    first: Document, before: Document, second: Document, later: Document
) -> None:
    originals = remember(remember(None, first, before), second, later)

    assert remember(originals, second, later) == originals


@given(documents(), nodes())
def test_after_its_own_change_a_document_finds_nothing_new(desired: Document, before: Document) -> None:
    originals = remember(None, desired, before)

    assert dropped(originals, desired) == {}
    assert with_dropped(desired, originals) == desired


@given(documents(), nodes(), documents())
def test_an_original_is_kept_or_goes_back(first: Document, before: Document, second: Document) -> None:
    originals = remember(None, first, before)

    parts = [*entries(dropped(originals, second)), *entries(forget(originals, second) or {})]

    assert sorted(parts) == entries(originals)
    assert dropped(forget(originals, second), second) == {}


@given(documents(), nodes(), documents())
def test_no_interface_is_named_twice_and_nothing_desired_is_changed(
    first: Document, before: Document, second: Document
) -> None:
    originals = remember(None, first, before)

    by_name(with_dropped(None, originals))
    document = with_dropped(second, originals)
    by_name(document)
    assert document["interfaces"][: len(second["interfaces"])] == second["interfaces"]


@given(documents(), nodes(), documents(), nodes())
def test_no_port_of_what_goes_back_has_two_controllers(
    first: Document, before: Document, second: Document, later: Document
) -> None:
    found = by_name(with_dropped(None, remember(remember(None, first, before), second, later)))

    listed: dict[str, str] = {}
    for name, one in found.items():
        for port in {**one.get("bridge", {}), **one.get("vrf", {})}.get("port", []):
            member = port["name"] if isinstance(port, dict) else port
            assert listed.setdefault(member, name) == name
    for name, one in found.items():
        holder: str = one.get("controller", "")
        assert holder == "" or found.get(holder, up(holder))["state"] == "up"
        assert one["state"] != "up" or name not in listed or holder == listed[name]


@settings(max_examples=300)
@given(MALFORMED | st.none(), MALFORMED, MALFORMED)
def test_nothing_raises(originals: Document | None, desired: Document, before: Document) -> None:
    arguments = copy.deepcopy((originals, desired, before))

    everything = remember(originals, desired, before)
    remember(everything, desired, before)
    dropped(everything, desired)
    with_dropped(desired, everything)
    with_dropped(None, everything)
    with_dropped(desired, originals)
    forget(originals, desired)
    unrevertable(desired, before)
    json.dumps(everything)

    assert (originals, desired, before) == arguments

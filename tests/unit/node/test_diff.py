"""What the matcher takes for equal and what not, for each type of interface and each section."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from nmstate_controller.node.diff import HIDDEN, Difference, differences

Document = dict[str, Any]

REPORT: Final[Document] = json.loads((Path(__file__).parent / "data" / "report.json").read_text())


def found(document: Document, report: Document = REPORT) -> list[str]:
    return [one.path for one in differences(document, report)]


def iface(name: str, **keys: Any) -> Document:
    return {"interfaces": [{"name": name, **{key.replace("_", "-"): value for key, value in keys.items()}}]}


def shown(name: str, kind: str = "ethernet", **keys: Any) -> Document:
    return iface(name, **{"type": kind, "state": "up", **keys})


EQUAL: Final[dict[str, Document]] = {
    "nothing": {},
    "a description of the document": {"description": "the rack's third node"},
    "null sections": {"interfaces": None, "routes": {"config": None}, "dns-resolver": None},
    "a missing type": iface("bond0", mtu="1500"),
    "a veth called ethernet": iface("veth0", type="ethernet", veth={"peer": "veth1"}),
    "mtu and MAC as typed": iface("eth0", mtu="0x5dc", mac_address="52:54:00:00:00:10", identifier="name"),
    "lower case MAC": iface("ib0.8001", mac_address="80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:8d:52:11"),
    "query-only values": iface("eth0", min_mtu=1, max_mtu=2, driver="x", permanent_mac_address="y"),
    "an ignored interface": iface("nosuch0", state="ignore", mtu=9000),
    "absent and not there": iface("nosuch0", state="absent", type="vlan"),
    "absent hardware that is down": iface("eth11", type="ethernet", state="absent"),
    "an untouched loopback, absent": iface("lo", state="absent"),
    "down hardware": iface("eth11", state="down", mtu=9000),
    "down and not there": iface("nosuch0", state="down"),
    "the last of two entries": {"interfaces": [{"name": "eth0", "mtu": 1}, {"name": "eth0", "mtu": 1500}]},
    "found by MAC address": iface("wan", identifier="mac-address", mac_address="52:54:00:00:00:1c", mtu=1500),
    "found by permanent MAC": iface("eth4", mac_address="52:54:00:00:00:13"),
    "found by profile of a MAC": iface("wan", mtu=1500),
    "found by alternative name": iface("uplink0", mtu=1500),
    "found as virtual function": iface("sriov:eth0:1", mac_address="00:11:22:33:00:ef"),
    "short PCI address": iface("eth0", pci_address="00:14.3"),
    "leased addresses are not the list's": iface("eth0", ipv4={"dhcp": "yes", "enabled": 1, "address": []}),
    "autoconf": iface("eth0", ipv6={"enabled": True, "autoconf": True, "dhcp": True, "auto-dns": True}),
    "default table of leased routes": iface("eth0", ipv4={"auto-route-table-id": 254, "dhcp-client-id": "LL"}),
    "an IPv6 token in another form": iface("eth0", ipv6={"token": "::0.0.250.193"}),
    "static addresses in any order": iface(
        "br1",
        ipv4={"address": [{"ip": "192.0.2.11", "prefix-length": "24"}, {"ip": "192.0.2.10", "prefix-length": 24}]},
        ipv6={"address": [{"ip": "2001:DB8:1:0::10", "prefix-length": 64}]},
    ),
    "what DHCP would have done, when it is off": iface("br1", ipv4={"dhcp": False, "auto-dns": False}),
    "a disabled stack's addresses": iface(
        "dummy0", ipv4={"enabled": False, "address": [{"ip": "192.0.2.1", "prefix-length": 24}]}
    ),
    "off is what is not shown": iface("dummy0", ipv6={"enabled": "off", "dhcp": False, "autoconf": False}),
    "the backend's metric": iface("br1", ipv4={"auto-route-metric": -1, "prefix-route-metric": "-1"}),
    "a bond by its numbers": iface(
        "bond0",
        type="bond",
        bond={
            "mode": 1,
            "options": {"miimon": "120", "xmit_hash_policy": 2, "use_carrier": "1"},
            "ports": ["eth4", "eth3"],
        },
    ),
    "options that are unset": iface("bond0", link_aggregation={"options": {"arp_ip_target": "", "balance-slb": "no"}}),
    "a bridge's ports by name": iface("br1", bridge={"port": [{"name": "eth2"}, {"name": "eth1"}]}),
    "trunk tags one by one": iface(
        "br1",
        bridge={
            "ports": [
                {
                    "name": "eth1",
                    "vlan": {"trunk-tags": [{"id": str(tag)} for tag in (205, 204, 203, 202, 201, 200, 101)]},
                },
                {"name": "eth2", "vlan": {"mode": "access", "tag": "10", "enable-native": False}},
            ]
        },
    ),
    "more ports allowed": iface("br1", bridge={"allow-extra-ports": True, "port": [{"name": "eth1"}]}),
    "no VLAN filtering": iface(
        "ovsbr0", type="ovs-bridge", bridge={"allow-extra-ports": True, "port": [{"name": "ovs0", "vlan": {}}]}
    ),
    "bridge options": iface(
        "br1",
        bridge={
            "options": {
                "group-forward-mask": "0",
                "multicast-router": 1,
                "gc-timer": 1,
                "multicast-startup-query-interval": 3126,
                "stp": {"enabled": "on", "priority": "32768"},
            }
        },
    ),
    "VLAN defaults": iface("bond0.101", vlan={"id": "0x65", "base-iface": "bond0", "egress-qos-map": []}),
    "VXLAN": iface("vxlan0", vxlan={"id": "102", "remote": "2001:db8:5:0::5", "destination-port": "4789"}),
    "an old key of MAC VLAN": iface("macvlan0", mac_vlan={"base-iface": "uplink0", "accept-all-mac": "no"}),
    "a VRF's kept table": iface("vrf0", mac_address="02:00:00:00:00:99", vrf={"ports": ["eth5"], "route-table-id": 0}),
    "a partition key": iface("ib0.8001", infiniband={"pkey": 32769, "base-iface": "ib0", "mode": "connected"}),
    "HSR's read-only address": iface("hsr0", hsr={"port1": "eth9", "supervision-address": "x", "multicast-spec": 40}),
    "a tunnel's read-only flags": iface("tunl1", ip_tunnel={"ip6tun-flags": ["use-orig-flowlabel"]}),
    "secrets that are hidden": {
        "interfaces": [
            {"name": "eth0", "802.1x": {"private-key-password": "hunter2", "identity": "client.example.org"}},
            {"name": "macsec0", "macsec": {"mka-cak": "50b71a8ef0bd5751ea76de6d6c98c03a"}},
            {"name": "hosta_conn", "type": "ipsec", "libreswan": {"psk": "hunter2", "ipsec-interface": 9}},
        ]
    },
    "features by ethtool's names": iface("eth0", ethtool={"feature": {"tso": "true", "gro": True, "rxvlan": "0"}}),
    "virtual functions": iface(
        "eth0", ethernet={"sr-iov": {"total-vfs": "2", "max-vfs": 1, "vfs": [{"id": "1", "trust": 1}]}}
    ),
    "a negotiated speed": iface("eth0", ethernet={"auto-negotiation": True, "speed": 10, "duplex": "half"}),
    "LLDP off where none is shown": iface("patch0", lldp={"enabled": False, "neighbors": []}),
    "MPTCP flags in any order": iface("eth0", mptcp={"address-flags": ["subflow", "signal"]}),
    "names to have and not to have": iface(
        "eth0", alt_names=[{"name": "uplink0"}, {"name": "nosuch", "state": "absent"}]
    ),
    "a port's wait-ip": iface("eth1", wait_ip="ipv4", controller="br1"),
    "its own profile name": iface("br1", profile_name="br1"),
    "a copied MAC": iface("br1", copy_mac_from="eth1"),
    "an OVS bridge": iface(
        "ovsbr0",
        type="ovs-bridge",
        mtu=9000,
        bridge={
            "allow-extra-patch-ports": True,
            "options": {"stp": False, "fail-mode": ""},
            "ports": [
                {"name": "ovs0"},
                {"name": "dpdk0"},
                {"name": "eth6", "vlan": {"trunk-tags": [{"id": 20}, {"id-range": {"min": 10, "max": "12"}}]}},
                {
                    "name": "ovsbond",
                    "bond": {"mode": "balance-slb", "bond-downdelay": 0, "ports": [{"name": "eth8"}, {"name": "eth7"}]},
                },
            ],
        },
    ),
    "OVSDB values": iface("ovs0", ovs_db={"external_ids": {"attached": 1, "gone": None}, "other_config": {}}),
    "DPDK by OVS's names": iface("dpdk0", dpdk={"n_rxq": 4, "dpdk-lsc-interrupt": True, "n_txq_desc": 0}),
    "the default route": {
        "routes": {
            "config": [
                {
                    "destination": "0.0.0.0/0",
                    "next-hop-interface": "br1",
                    "next-hop-address": "192.0.2.1",
                    "table-id": 0,
                    "metric": -1,
                }
            ]
        }
    },
    "a route with host bits": {"routes": {"config": [{"destination": "198.18.0.77/24", "next-hop-interface": "br1"}]}},
    "a route in its interface's VRF": {
        "routes": {
            "config": [
                {"destination": "198.18.2.0/24", "next-hop-interface": "eth5", "next-hop-address": "203.0.113.1"}
            ]
        }
    },
    "a blackhole": {"routes": {"config": [{"destination": "10.9.0.0/16", "route-type": "blackhole"}]}},
    "an absent route": {"routes": {"config": [{"state": "absent", "next-hop-interface": "eth0"}]}},
    "a changed gateway": {
        "routes": {
            "config": [
                {"state": "absent", "destination": "0.0.0.0/0", "next-hop-interface": "br1"},
                {"destination": "0.0.0.0/0", "next-hop-interface": "br1", "next-hop-address": "192.0.2.1"},
            ]
        }
    },
    "a rule": {"route-rules": {"config": [{"ip-from": "192.0.2.7/24", "route-table": "200", "priority": -1}]}},
    "a rule with a mark": {"route-rules": {"config": [{"family": "ipv4", "fwmark": 48, "route-table": 201}]}},
    "an absent rule": {"route-rules": {"config": [{"state": "absent", "route-table": 500}]}},
    "DNS": {
        "dns-resolver": {
            "config": {"server": ["2001:DB8:1:0::53", "192.0.2.53", "fe80:0::53%br1"], "options": ["ndots:2", "rotate"]}
        }
    },
    "DNS that is not given": {"dns-resolver": {"running": {"server": ["192.0.2.99"]}}},
    "host name": {"hostname": {"config": "node01.example.org"}},
    "OVN": {
        "ovn": {
            "bridge-mappings": [
                {"localnet": "tenantblue", "bridge": "ovsbr0", "state": "present"},
                {"localnet": "x", "state": "absent"},
            ]
        }
    },
    "OVSDB": {"ovs-db": {"external_ids": {"hostname": "node01", "gone": None}}},
}

DIFFERENT: Final[dict[str, tuple[Document, list[str]]]] = {
    "an interface to be made": (iface("nosuch0", type="vlan", vlan={"id": 1}), ["interfaces[nosuch0].state"]),
    "another type": (iface("bond0", type="linux-bridge", mtu=1), ["interfaces[bond0].type"]),
    "a type nmstate does not know": (iface("wg0", type="wireguard"), ["interfaces[wg0].state"]),
    "down, wanted up": (iface("eth11"), ["interfaces[eth11].state"]),
    "up, wanted down": (iface("eth0", state="down"), ["interfaces[eth0].state"]),
    "there, wanted absent": (iface("dummy0", state="absent"), ["interfaces[dummy0].state"]),
    "up hardware, wanted absent": (iface("eth0", type="ethernet", state="absent"), ["interfaces[eth0].state"]),
    "mtu": (iface("eth0", mtu=True), ["interfaces[eth0].mtu"]),
    "an unknown key": (iface("eth0", foo={"bar": 1}), ["interfaces[eth0].foo"]),
    "an unknown section": ({"capture": {"a": "b"}}, ["capture"]),
    "an unknown MAC": (iface("x", identifier="mac-address", mac_address="02:00:00:00:ff:ff"), ["interfaces[x].state"]),
    "a label still to be given": (
        iface("lan", identifier="mac-address", mac_address="52:54:00:00:00:33"),
        ["interfaces[lan].identifier", "interfaces[lan].mac-address", "interfaces[lan].profile-name"],
    ),
    "an address more and one less": (
        iface(
            "br1",
            ipv4={"address": [{"ip": "192.0.2.10", "prefix-length": 24}, {"ip": "192.0.2.12", "prefix-length": 24}]},
        ),
        ["interfaces[br1].ipv4.address[192.0.2.11/24]", "interfaces[br1].ipv4.address[192.0.2.12/24]"],
    ),
    "another prefix": (
        iface("br1", ipv6={"address": [{"ip": "2001:db8:1::10", "prefix-length": 63}]}),
        ["interfaces[br1].ipv6.address[2001:db8:1::10/63]", "interfaces[br1].ipv6.address[2001:db8:1::10/64]"],
    ),
    "a leased address, wanted static": (
        iface("eth0", ipv4={"dhcp": False, "address": [{"ip": "198.51.100.20", "prefix-length": 24}]}),
        ["interfaces[eth0].ipv4.address[198.51.100.20/24]", "interfaces[eth0].ipv4.dhcp"],
    ),
    "DHCP on a disabled stack": (
        iface("dummy0", ipv4={"enabled": True, "dhcp": True}),
        ["interfaces[dummy0].ipv4.dhcp", "interfaces[dummy0].ipv4.enabled"],
    ),
    "a disabled stack": (iface("br1", ipv6={"enabled": False}), ["interfaces[br1].ipv6.enabled"]),
    "bond options": (
        iface("bond0", link_aggregation={"mode": "802.3ad", "options": {"miimon": 100}, "port": ["eth3"]}),
        [
            "interfaces[bond0].link-aggregation.mode",
            "interfaces[bond0].link-aggregation.options.miimon",
            "interfaces[bond0].link-aggregation.port[eth4]",
        ],
    ),
    "a bond's key of nmstate 1": (
        iface("bond0", link_aggregation={"slaves": ["eth3", "eth4"]}),
        ["interfaces[bond0].link-aggregation.slaves"],
    ),
    "trunk tags": (
        iface(
            "br1",
            bridge={
                "port": [
                    {"name": "eth1", "vlan": {"trunk-tags": [{"id-range": {"min": 200, "max": 206}}]}},
                    {"name": "eth2"},
                ]
            },
        ),
        ["interfaces[br1].bridge.port[eth1].vlan.trunk-tags"],
    ),
    "VLAN filtering to be reset": (
        iface("br1", bridge={"port": [{"name": "eth1"}, {"name": "eth2", "vlan": {}}]}),
        ["interfaces[br1].bridge.port[eth2].vlan"],
    ),
    "a port to attach and one to detach": (
        iface("br1", bridge={"port": [{"name": "eth1"}, {"name": "veth0"}]}),
        ["interfaces[br1].bridge.port[eth2]", "interfaces[br1].bridge.port[veth0]"],
    ),
    "a bridge option": (
        iface("br1", bridge={"options": {"mac-ageing-time": 200, "stp": {"enabled": False}}}),
        ["interfaces[br1].bridge.options.mac-ageing-time", "interfaces[br1].bridge.options.stp.enabled"],
    ),
    "VLAN": (
        iface("bond0.101", vlan={"id": 102, "protocol": "802.1ad"}),
        ["interfaces[bond0.101].vlan.id", "interfaces[bond0.101].vlan.protocol"],
    ),
    "VRF": (
        iface("vrf0", vrf={"port": [], "route-table-id": 101}),
        ["interfaces[vrf0].vrf.port[eth5]", "interfaces[vrf0].vrf.route-table-id"],
    ),
    "IPsec without NetworkManager's defaults": (
        iface("hosta_conn", type="ipsec", libreswan={"nm-auto-defaults": False, "ikev2": "no"}),
        ["interfaces[hosta_conn].libreswan.ikev2", "interfaces[hosta_conn].libreswan.nm-auto-defaults"],
    ),
    "a virtual function": (
        iface("eth0", ethernet={"sr-iov": {"vfs": [{"id": 0, "trust": True}, {"id": 2}]}}),
        ["interfaces[eth0].ethernet.sr-iov.vfs[0].trust", "interfaces[eth0].ethernet.sr-iov.vfs[2]"],
    ),
    "an OVS bridge of its own port only": (
        iface("ovsbr0", type="ovs-bridge", bridge={"allow-extra-ports": True, "port": []}),
        ["interfaces[ovsbr0].bridge.port[ovsbr0]"],
    ),
    "OVSDB keys to remove": (
        iface("ovs0", ovs_db={"external_ids": {"attached": None}}),
        ["interfaces[ovs0].ovs-db.external_ids.attached"],
    ),
    "all OVSDB keys to remove": ({"ovs-db": {}}, ["ovs-db.external_ids", "ovs-db.other_config"]),
    "a controller to leave": (iface("eth1", controller=""), ["interfaces[eth1].controller"]),
    "an alternative name to drop": (
        iface("eth0", alt_names=[{"name": "uplink0", "state": "absent"}, {"name": "new0"}]),
        ["interfaces[eth0].alt-names[new0]", "interfaces[eth0].alt-names[uplink0]"],
    ),
    "a route by another gateway": (
        {
            "routes": {
                "config": [{"destination": "0.0.0.0/0", "next-hop-interface": "br1", "next-hop-address": "192.0.2.9"}]
            }
        },
        ["routes.config[0.0.0.0/0 via 192.0.2.9 dev br1]"],
    ),
    "a route with a gateway, wanted without": (
        {"routes": {"config": [{"destination": "198.18.3.0/24", "next-hop-interface": "br1"}]}},
        ["routes.config[198.18.3.0/24 dev br1]"],
    ),
    "a route in another table": (
        {
            "routes": {
                "config": [
                    {"destination": "198.18.1.0/24", "next-hop-interface": "br1", "next-hop-address": "192.0.2.2"}
                ]
            }
        },
        ["routes.config[198.18.1.0/24 via 192.0.2.2 dev br1]"],
    ),
    "a metric": (
        {"routes": {"config": [{"destination": "198.18.0.0/24", "next-hop-interface": "br1", "metric": "100"}]}},
        ["routes.config[198.18.0.0/24 dev br1 metric 100]"],
    ),
    "a route that is no route": ({"routes": {"config": ["default"]}}, ["routes.config[#0]"]),
    "routes to remove": (
        {
            "routes": {
                "config": [
                    {"state": "absent", "next-hop-interface": "br1", "table-id": 200},
                    {"state": "absent", "destination": "2001:db8:a:0::/48"},
                ]
            }
        },
        ["routes.config[absent 2001:db8:a::/48]", "routes.config[absent dev br1 table 200]"],
    ),
    "a rule for all": (
        {"route-rules": {"config": [{"family": "ipv4", "route-table": 200, "priority": 1000}]}},
        ["route-rules.config[ipv4 table 200 priority 1000]"],
    ),
    "a rule's priority": (
        {"route-rules": {"config": [{"ip-from": "192.0.2.0/24", "route-table": 200, "priority": 1}]}},
        ["route-rules.config[ipv4 from 192.0.2.0/24 table 200 priority 1]"],
    ),
    "rules to remove": (
        {"route-rules": {"config": [{"state": "absent", "priority": 77}]}},
        ["route-rules.config[absent priority 77]"],
    ),
    "DNS in another order": (
        {
            "dns-resolver": {
                "config": {"server": ["192.0.2.53", "2001:db8:1::53"], "search": ["example.net", "example.org"]}
            }
        },
        ["dns-resolver.config.search", "dns-resolver.config.server"],
    ),
    "DNS to be purged": (
        {"dns-resolver": {"config": {}}},
        ["dns-resolver.config.options", "dns-resolver.config.search", "dns-resolver.config.server"],
    ),
    "host name": ({"hostname": {"running": "other", "config": ""}}, ["hostname.config", "hostname.running"]),
    "OVN": (
        {
            "ovn": {
                "bridge-mappings": [
                    {"localnet": "tenantblue", "bridge": "br9"},
                    {"localnet": "tenantred", "state": "absent"},
                ]
            }
        },
        ["ovn.bridge-mappings[tenantblue]", "ovn.bridge-mappings[tenantred]"],
    ),
    "no list of interfaces": ({"interfaces": "eth0"}, ["interfaces"]),
    "an interface without a name": ({"interfaces": [{"mtu": 1}]}, ["interfaces[#0]"]),
}


@pytest.mark.parametrize("document", EQUAL.values(), ids=list(EQUAL))
def test_the_node_is_what_the_document_asks(document: Document) -> None:
    assert differences(document, REPORT) == []


@pytest.mark.parametrize(("document", "paths"), DIFFERENT.values(), ids=list(DIFFERENT))
def test_the_node_differs_in_just_these_paths(document: Document, paths: list[str]) -> None:
    assert found(document) == paths


def test_a_difference_has_the_document_s_spelling_and_the_node_s_value() -> None:
    assert differences(iface("eth0", mtu="9000"), REPORT) == [Difference("interfaces[eth0].mtu", "9000", 1500)]


def test_a_route_is_shown_with_what_is_there_instead() -> None:
    wanted = {"destination": "0.0.0.0/0", "next-hop-interface": "br1", "next-hop-address": "192.0.2.9"}
    (difference,) = differences({"routes": {"config": [wanted]}}, REPORT)
    assert difference.desired == wanted
    assert difference.current == REPORT["routes"]["config"][0]


def test_extra_addresses_may_be_allowed() -> None:
    only = {"address": [{"ip": "192.0.2.10", "prefix-length": 24}], "allow-extra-address": True}
    assert found(iface("br1", ipv4=only)) == []


def test_a_loopback_with_an_address_of_its_own_is_not_absent() -> None:
    more = {"enabled": True, "address": [{"ip": "192.0.2.1", "prefix-length": 32}]}
    assert found(iface("lo", state="absent"), shown("lo", "loopback", mtu=65536, ipv4=more)) == ["interfaces[lo].state"]


def test_addresses_of_other_programs_are_not_extra() -> None:
    report = shown(
        "br1", ipv4={"enabled": True, "address": [{"ip": "192.0.2.9", "prefix-length": 32, "protocol": "0x55"}]}
    )
    assert found(iface("br1", ipv4={"address": []}), report) == []


@pytest.mark.parametrize(
    ("section", "secret"),
    [
        ({"802.1x": {"password": "hunter2", "identity": "me"}}, "hunter2"),
        ({"802.1x": {"private-key": "pkcs11:token=a;pin-value=hunter2"}}, "hunter2"),
        ({"libreswan": {"psk": "hunter2"}}, "hunter2"),
        ({"macsec": {"mka-cak": "hunter2"}}, "hunter2"),
        ({"wireguard": {"private-key": "hunter2", "peer": [{"preshared-key": "hunter2"}]}}, "hunter2"),
    ],
)
def test_no_secret_is_shown_from_either_side(section: Document, secret: str) -> None:
    document = {"interfaces": [{"name": "eth0", **section}]}
    absent, other = shown("eth0"), json.loads(json.dumps(shown("eth0", **section)).replace(secret, "swordfish"))
    for report in (absent, other):
        told = differences(document, report)
        assert told != []
        assert secret not in repr(told)
        assert "swordfish" not in repr(told)
    assert found(document, shown("eth0", **section)) == []
    assert HIDDEN in repr(differences(document, absent))


def test_an_ageing_time_shortened_by_the_spanning_tree_is_no_difference() -> None:
    options = {"mac-ageing-time": 30, "stp": {"enabled": True, "forward-delay": 15}}
    wanted = iface("br1", bridge={"options": {"mac-ageing-time": 300}})
    assert found(wanted, shown("br1", "linux-bridge", bridge={"options": options})) == []
    options["stp"] = {"enabled": False, "forward-delay": 15}
    assert found(wanted, shown("br1", "linux-bridge", bridge={"options": options})) != []


def test_an_ovs_bridge_and_its_port_of_the_same_name_are_told_apart() -> None:
    report = {"interfaces": [
        {"name": "br0", "type": "ovs-bridge", "state": "up"},
        {"name": "br0", "type": "ovs-interface", "state": "up", "mtu": 1500},
    ]}  # fmt: skip
    wanted = {"interfaces": [
        {"name": "br0", "type": "ovs-bridge", "state": "absent"},
        {"name": "br0", "type": "ovs-interface", "mtu": 9000},
    ]}  # fmt: skip
    assert found(wanted, report) == ["interfaces[br0 ovs-bridge].state", "interfaces[br0].mtu"]
    assert found(iface("br0", state="absent"), report) == ["interfaces[br0].state", "interfaces[br0].state"]


def test_a_port_that_the_document_ignores_is_no_port() -> None:
    document = iface("br1", bridge={"port": [{"name": "eth1"}, {"name": "eth2"}, {"name": "nosuch0"}]})
    document["interfaces"].append({"name": "nosuch0", "state": "ignore"})
    assert found(document) == []


def test_the_order_is_the_same_every_time() -> None:
    document = {
        "interfaces": [{"name": name, "mtu": 1} for name in ("veth1", "eth0", "br1")],
        "hostname": {"config": "x"},
    }
    assert found(document) == sorted(found(document)) == found(document)


UNREADABLE: Final = ("unknown field", "invalid type", "unknown variant", "invalid value", "invalid digit")


@pytest.mark.parametrize("document", [*EQUAL.values()], ids=list(EQUAL))
def test_every_spelling_above_is_one_that_libnmstate_reads(document: Document) -> None:
    libnmstate = pytest.importorskip("libnmstate")
    document = {key: section for key, section in document.items() if key != "interfaces" or section is not None}
    report = json.loads(json.dumps(REPORT).replace(HIDDEN, "0" * 32))
    assert not [complaint for complaint in UNREADABLE if complaint in refusal(libnmstate, document, report)]


def refusal(libnmstate: Any, document: Document, report: Document) -> str:
    """Why libnmstate does not take the document; empty when it does."""
    try:
        libnmstate.generate_differences(document, report)
    except libnmstate.error.NmstateError as refused:
        return str(refused)
    return ""

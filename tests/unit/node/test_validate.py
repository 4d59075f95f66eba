"""What would take libnmstate minutes to refuse is refused at once, by one sentence with the path of the field."""

import json
from pathlib import Path
from typing import Any

import pytest

from nmstate_controller.errors import InvalidDesiredState
from nmstate_controller.node.validate import check
from tests.unit.work import lines_run

State = dict[str, Any]

REPORT: State = json.loads((Path(__file__).parent / "data" / "report.json").read_text())

ADDRESS = {"ip": "192.0.2.1", "prefix-length": 24}
NODE: State = {
    "interfaces": [
        {"name": "lo", "type": "loopback", "state": "up"},
        {"name": "eth0", "type": "ethernet", "state": "up", "ipv4": {"enabled": True, "address": [ADDRESS]}},
        {
            "name": "eth1",
            "type": "ethernet",
            "state": "up",
            "ipv4": {"enabled": False},
            "alt-names": [{"name": "alt1"}],
        },
        {"name": "eth2", "type": "ethernet", "state": "down", "ipv4": {"enabled": False}},
        {"name": "dhcp0", "type": "ethernet", "state": "up", "ipv4": {"enabled": True, "dhcp": True}},
        {"name": "du0", "type": "dummy", "state": "up"},
        {
            "name": "tuned0",
            "type": "ethernet",
            "state": "up",
            "mtu": 1500,
            "min-mtu": 68,
            "max-mtu": 9000,
            "ethernet": {"auto-negotiation": True},
            "ethtool": {"ring": {"rx": 256}},
        },
        {"name": "small0", "type": "linux-bridge", "state": "up", "mtu": 1400, "bridge": {"port": [{"name": "eth2"}]}},
        {"name": "pod0", "type": "veth", "state": "ignore"},
        {"name": "br0", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "elsewhere"}]}},
        {"name": "pod0.7", "type": "vlan", "state": "up", "vlan": {"id": 7, "base-iface": "pod0"}},
        {
            "name": "macid0",
            "type": "ethernet",
            "state": "up",
            "identifier": "mac-address",
            "profile-name": "uplink",
            "mac-address": "02:00:00:00:00:09",
            "pci-address": "0000:00:1f.6",
        },
    ]
}


def interfaces(*entries: State) -> State:
    return {"interfaces": list(entries)}


def vlan(base: object, name: str = "v5", **more: Any) -> State:
    return {"name": name, "type": "vlan", "vlan": {"id": 5, "base-iface": base}, **more}


def bridge(*ports: str, name: str = "br1", **more: Any) -> State:
    return {"name": name, "type": "linux-bridge", "bridge": {"port": [{"name": port} for port in ports]}, **more}


def tagged(vlan_: State, port: str = "eth1", *, name: str = "br1") -> State:
    return {"name": name, "type": "linux-bridge", "bridge": {"port": [{"name": port, "vlan": vlan_}]}}


def ovs(*ports: State, name: str = "ovs0") -> State:
    return {"name": name, "type": "ovs-bridge", "bridge": {"port": list(ports)}}


def bond(*ports: str, name: str = "bond0") -> State:
    return {"name": name, "type": "bond", "link-aggregation": {"mode": "active-backup", "port": list(ports)}}


def ethernet(name: str = "eth1", **more: Any) -> State:
    return {"name": name, "type": "ethernet", **more}


def dummy(name: str = "du1", **more: Any) -> State:
    return {"name": name, "type": "dummy", **more}


def route(**more: Any) -> State:
    return {"routes": {"config": [{"destination": "198.51.100.0/24", "next-hop-address": "192.0.2.9", **more}]}}


def absent(name: str, type_: str) -> State:
    return {"name": name, "type": type_, "state": "absent"}


NOWHERE = "nosuch0 does not exist on the node and is not in desiredState"

NO_IPV4 = (
    "interfaces[eth1].ipv4.enabled: is true, but there is neither an address nor dhcp: true, and eth1 has no IPv4 now"
)
UNSET = "be set; currentState shows none of it"
MODE = f"speed, duplex and auto-negotiation {UNSET}"
NO_VLAN = "interfaces[v5].vlan.id: must be 0 to 4094"
TOO_LONG = "and the kernel takes no more than 15"
TWICE = "is listed twice; nmstate would take only the last"

BAD: list[tuple[State, str]] = [
    # bases
    (interfaces(vlan("nosuch0", "eth1.100")), f"interfaces[eth1.100].vlan.base-iface: {NOWHERE}"),
    (interfaces(vlan("")), "interfaces[v5].vlan.base-iface: is empty"),
    (
        interfaces(vlan("du0"), absent("du0", "dummy")),
        "interfaces[v5].vlan.base-iface: du0 is absent in the same desiredState",
    ),
    (
        interfaces(vlan("du9"), absent("du9", "dummy")),
        "interfaces[v5].vlan.base-iface: du9 is absent in the same desiredState",
    ),
    (
        interfaces(vlan("du0"), dummy("du0", state="down")),
        "interfaces[v5].vlan.base-iface: du0 is down in the same desiredState, which removes a virtual interface",
    ),
    *(
        (
            interfaces({"name": "x0", "type": type_, type_: {"base-iface": "nosuch0"}}),
            f"interfaces[x0].{type_}.base-iface: {NOWHERE}",
        )
        for type_ in ("vxlan", "mac-vlan", "mac-vtap", "macsec", "infiniband", "ipvlan", "ip-tunnel")
    ),
    (
        interfaces({"name": "pod0.7", "vlan": {"base-iface": "nosuch0"}}),
        f"interfaces[pod0.7].vlan.base-iface: {NOWHERE}",
    ),
    # ports
    (interfaces(bridge("nosuch0")), f"interfaces[br1].bridge.port[nosuch0]: {NOWHERE}"),
    (
        interfaces({"name": "br1", "type": "linux-bridge", "bridge": {"ports": [{"name": "nosuch0"}]}}),
        f"interfaces[br1].bridge.ports[nosuch0]: {NOWHERE}",
    ),
    (interfaces(bond("eth1", "nosuch0")), f"interfaces[bond0].link-aggregation.port[nosuch0]: {NOWHERE}"),
    (
        interfaces({"name": "bond0", "type": "bond", "bond": {"mode": 1, "ports-config": [{"name": "nosuch0"}]}}),
        f"interfaces[bond0].bond.ports-config[nosuch0]: {NOWHERE}",
    ),
    (
        interfaces({"name": "vrf0", "type": "vrf", "vrf": {"ports": ["nosuch0"]}}),
        f"interfaces[vrf0].vrf.ports[nosuch0]: {NOWHERE}",
    ),
    (
        interfaces({"name": "hsr0", "type": "hsr", "hsr": {"port1": "eth1", "port2": "nosuch0"}}),
        f"interfaces[hsr0].hsr.port2: {NOWHERE}",
    ),
    (
        interfaces(bridge("eth2"), absent("eth2", "ethernet")),
        "interfaces[br1].bridge.port[eth2]: eth2 is absent in the same desiredState",
    ),
    (
        interfaces(ovs({"name": "int0"}), absent("int0", "ovs-interface")),
        "interfaces[ovs0].bridge.port[int0]: int0 is absent in the same desiredState",
    ),
    # other references
    (interfaces(bond("eth1") | {"copy-mac-from": "nosuch0"}), f"interfaces[bond0].copy-mac-from: {NOWHERE}"),
    (route(**{"next-hop-interface": "nosuch0"}), f"routes.config[198.51.100.0/24].next-hop-interface: {NOWHERE}"),
    (
        route(**{"next-hop-interface": "du0"}) | interfaces(absent("du0", "dummy")),
        "routes.config[198.51.100.0/24].next-hop-interface: du0 is absent in the same desiredState",
    ),
    (
        {"routes": {"config": [{"destination": "hunter2", "next-hop-interface": "nosuch0"}]}},
        f"routes.config[#0].next-hop-interface: {NOWHERE}",
    ),
    # duplicates
    (
        interfaces(ethernet(), ethernet(mtu=1400)),
        f"interfaces[eth1]: eth1 {TWICE}",
    ),
    (
        interfaces(ethernet(), {"name": "eth1"}),
        f"interfaces[eth1]: eth1 {TWICE}",
    ),
    (
        interfaces(ovs(), {"name": "ovs0", "type": "ovs-interface"}, ovs()),
        f"interfaces[ovs0 ovs-bridge]: ovs0 {TWICE}",
    ),
    (interfaces(bridge("eth1", "eth1")), "interfaces[br1].bridge.port[eth1]: eth1 is listed twice"),
    (interfaces(bond("eth1"), bridge("eth1")), "interfaces[br1].bridge.port[eth1]: eth1 is also a port of bond0"),
    (
        interfaces(ovs({"name": "ob", "bond": {"mode": "balance-slb", "ports": [{"name": "eth1"}]}}), bridge("eth1")),
        "interfaces[br1].bridge.port[eth1]: eth1 is also a port of ovs0",
    ),
    (
        interfaces(ovs({"name": "ob", "link-aggregation": {"port": [{"name": "eth1"}, {"name": "eth1"}]}})),
        "interfaces[ovs0].bridge.port[ob].link-aggregation.port[eth1]: eth1 is listed twice",
    ),
    (
        interfaces(ethernet(ipv4={"address": [ADDRESS, {"ip": "192.0.2.1", "prefix-length": "24"}]})),
        "interfaces[eth1].ipv4.address[192.0.2.1/24]: 192.0.2.1/24 is listed twice",
    ),
    (
        interfaces(
            ethernet(
                ipv6={
                    "address": [
                        {"ip": "2001:db8::1", "prefix-length": 64},
                        {"ip": "2001:DB8:0::1", "prefix-length": 64},
                    ]
                }
            )
        ),
        "interfaces[eth1].ipv6.address[2001:db8::1/64]: 2001:db8::1/64 is listed twice",
    ),
    # characters
    (
        interfaces(ethernet(description="a\0b")),
        "interfaces[eth1].description: must not have the control character U+0000",
    ),
    (interfaces(dummy("du\x1b1")), "interfaces[#0].name: must not have the control character U+001B"),
    (interfaces(dummy("du\ud8001")), "interfaces[#0].name: must not have the lone surrogate U+D800"),
    (interfaces(ethernet() | {"a\nb": 1}), "interfaces[eth1]: a key must not have the control character U+000A"),
    (
        {"dns-resolver": {"config": {"search": ["a\nnameserver 192.0.2.66"]}}},
        "dns-resolver.config.search[#0]: must not have the control character U+000A",
    ),
    (
        interfaces(ethernet() | {"802.1x": {"password": "hunter2\0"}}),
        "interfaces[eth1].802.1x.password: must not have the control character U+0000",
    ),
    # names
    (
        interfaces(dummy("averylongnamefordummy")),
        f"interfaces[averylongnamefordummy].name: averylongnamefordummy has 21 bytes, {TOO_LONG}",
    ),
    (
        interfaces(dummy("ääääääää")),
        f"interfaces[ääääääää].name: ääääääää has 16 bytes, {TOO_LONG}",
    ),
    *(
        (
            interfaces(dummy(name)),
            f'interfaces[{name}].name: {name} has a character that no name may have: white space, "/", ":" or "%"',
        )
        for name in ("a/b", "a b", "a:b", "a%d")
    ),
    (interfaces(dummy("default")), "interfaces[default].name: default is a reserved name"),
    (interfaces(dummy("")), "interfaces[].name: is empty"),
    (
        interfaces({"name": "ve0", "type": "veth", "veth": {"peer": "a peer"}}),
        'interfaces[ve0].veth.peer: a peer has a character that no name may have: white space, "/", ":" or "%"',
    ),
    # IPv4 without anything
    *(
        (
            interfaces(ethernet(ipv4=ipv4)),
            NO_IPV4,
        )
        for ipv4 in ({"enabled": True}, {"enabled": "yes", "dhcp": "off"}, {"enabled": True, "address": None})
    ),
    (
        interfaces(dummy(ipv4={"enabled": True, "dhcp": False})),
        NO_IPV4.replace("eth1", "du1"),
    ),
    (
        interfaces(ethernet(ipv4={"enabled": True})) | route(state="absent", **{"next-hop-interface": "eth1"}),
        NO_IPV4,
    ),
    # numbers on the wire
    *(
        (interfaces(vlan("eth1") | {"vlan": {"id": id_, "base-iface": "eth1"}}), NO_VLAN)
        for id_ in (4095, 5000, "0x1000")
    ),
    (
        interfaces({"name": "vx5", "type": "vxlan", "vxlan": {"id": 2**24}}),
        "interfaces[vx5].vxlan.id: must be 0 to 16777215",
    ),
    (
        interfaces({"name": "vx5", "type": "vxlan", "vxlan": {"id": 5, "destination-port": "0"}}),
        "interfaces[vx5].vxlan.destination-port: must be 1 to 65535; NetworkManager takes 0 for 8472",
    ),
    *(
        (
            interfaces({"name": "m5", "type": type_, type_: {"base-iface": "eth1", "mode": "unknown"}}),
            f"interfaces[m5].{type_}.mode: must be vepa, bridge, private, passthru or source",
        )
        for type_ in ("mac-vlan", "mac-vtap")
    ),
    *(
        (interfaces(tagged(vlan_)), f"interfaces[br1].bridge.port[eth1].vlan.{field}: must be 1 to 4094")
        for field, vlan_ in (
            ("tag", {"mode": "access", "tag": 0}),
            ("tag", {"mode": "access", "tag": "4095"}),
            ("tag", {"mode": "trunk", "enable-native": True, "tag": 5000}),
            ("trunk-tags[#1].id", {"mode": "trunk", "trunk-tags": [{"id": 1}, {"id": 4095}]}),
            ("trunk-tags[#0].id", {"mode": "trunk", "trunk-tags": [{"id": 0}]}),
            ("trunk-tags[#0].id-range.max", {"mode": "trunk", "trunk-tags": [{"id-range": {"min": 9, "max": 5000}}]}),
        )
    ),
    (
        interfaces(tagged({"mode": "trunk", "trunk-tags": [{"id-range": {"min": 20, "max": 10}}]})),
        "interfaces[br1].bridge.port[eth1].vlan.trunk-tags[#0].id-range: min must not be larger than max",
    ),
    # MTU
    (
        interfaces(vlan("tuned0", mtu=1501)),
        "interfaces[v5].mtu: must be at most 1500, because tuned0, its base, has an MTU of 1500",
    ),
    (
        interfaces(vlan("tuned0", mtu="1501")),
        "interfaces[v5].mtu: must be at most 1500, because tuned0, its base, has an MTU of 1500",
    ),
    (
        interfaces(vlan("du1", mtu=9000), dummy()),
        "interfaces[v5].mtu: must be at most 1500, because du1, its base, has an MTU of 1500",
    ),
    (
        interfaces(vlan("tuned0", mtu=1500), ethernet("tuned0", mtu=1400)),
        "interfaces[v5].mtu: must be at most 1400, because tuned0, its base, has an MTU of 1400",
    ),
    *(
        (
            interfaces({"name": "m5", "type": type_, type_: {"base-iface": "tuned0"}, "mtu": most + 1}),
            f"interfaces[m5].mtu: must be at most {most}, because tuned0, its base, has an MTU of 1500",
        )
        for type_, most in (("mac-vlan", 1500), ("mac-vtap", 1500), ("vxlan", 1450))
    ),
    (interfaces(ethernet("tuned0", mtu=67)), "interfaces[tuned0].mtu: must be 68 to 9000, which is what tuned0 takes"),
    (
        interfaces(ethernet("tuned0", mtu=9001)),
        "interfaces[tuned0].mtu: must be 68 to 9000, which is what tuned0 takes",
    ),
    (interfaces(bridge("eth1", mtu=70000)), "interfaces[br1].mtu: must be at most 65535, which is what br1 takes"),
    # hardware
    *(
        (interfaces(ethernet(**{"mac-address": mac})), f"interfaces[eth1].mac-address: must {why}")
        for mac, why in (
            ("01:00:5E:00:00:01", "not be a multicast address: its first byte must be even"),
            ("ff:ff:ff:ff:ff:ff", "not be a multicast address: its first byte must be even"),
            ("00:00:00:00:00:00", "not be all zeros"),
            ("02:11:22", "be six pairs of hexadecimal digits with colons between them, as 02:00:00:00:00:01"),
            ("02-11-22-33-44-55", "be six pairs of hexadecimal digits with colons between them, as 02:00:00:00:00:01"),
            ("021122334455", "be six pairs of hexadecimal digits with colons between them, as 02:00:00:00:00:01"),
        )
    ),
    (
        interfaces(bridge("eth1", **{"mac-address": "03:00:00:00:00:01"})),
        "interfaces[br1].mac-address: must not be a multicast address: its first byte must be even",
    ),
    *(
        (
            interfaces(ethernet(ethernet=wanted)),
            f"interfaces[eth1].ethernet.{key}: the driver of eth1 does not let {MODE}",
        )
        for key, wanted in (("speed", {"speed": 1000}), ("duplex", {"duplex": "full", "auto-negotiation": None}))
    ),
    *(
        (
            interfaces(ethernet(ethtool={key: {}})),
            f"interfaces[eth1].ethtool.{key}: the driver of eth1 does not let {key} {UNSET}",
        )
        for key in ("pause", "ring", "coalesce")
    ),
    # shapes
    ({"interfaces": None}, "interfaces: must be a list, not null"),
    ({"interfaces": {"eth1": {}}}, "interfaces: must be a list, not a map"),
    ({"interfaces": ["eth1"]}, "interfaces[#0]: must be a map, not a string"),
    ({"interfaces": [ethernet(), {"type": "dummy"}]}, "interfaces[#1].name: is missing"),
    ({"interfaces": [{"name": 5}]}, "interfaces[#0].name: must be a string, not a number"),
    ({"interfaces": [{"name": True}]}, "interfaces[#0].name: must be a string, not a boolean"),
    ({"routes": None}, "routes: must be a map, not null"),
    ({"route-rules": "hunter2"}, "route-rules: must be a map, not a string"),
]


@pytest.mark.parametrize(("desired", "sentence"), BAD, ids=[sentence.partition(": ")[0] for _, sentence in BAD])
def test_is_refused_with_the_path_of_the_field(desired: State, sentence: str) -> None:
    with pytest.raises(InvalidDesiredState) as refused:
        check(desired, NODE)

    assert str(refused.value) == sentence


LEGAL: dict[str, State] = {
    "nothing": {},
    "unknown top-level key": {"wifi": 1},
    "unknown key": interfaces(ethernet(wifi=1)),
    "missing type": interfaces({"name": "eth1", "mtu": "1400"}),
    "null type": interfaces({"name": "eth1", "type": None}),
    "spellings": interfaces(ethernet(mtu="0x578", ipv4={"enabled": "true", "dhcp": "1"}, ipv6=None)),
    "null section": interfaces(ethernet(ipv4=None, bridge=None)),
    "enum as a map": interfaces({"name": "eth1", "type": {"ethernet": None}, "state": {"up": None}}),
    "section as a list": interfaces({"name": "vrf0", "type": "vrf", "vrf": [["eth1"], 5]}) | {"routes": [None, None]},
    "empty list of ports": interfaces(bridge(), {"name": "b0", "type": "bond", "link-aggregation": {"mode": 1}}),
    # bases
    "base in the document": interfaces(vlan("du1"), dummy()),
    "base by its alternative name": interfaces(vlan("alt1")),
    "base by a new alternative name": interfaces(ethernet("eth2", **{"alt-names": [{"name": "new2"}]}), vlan("new2")),
    "base by its profile": interfaces(vlan("uplink")),
    "base by a new profile": interfaces(ethernet("eth2", **{"profile-name": "lan"}), vlan("lan")),
    "base is a virtual function": interfaces(vlan("sriov:eth1:0")),
    "base is a virtual function to be": interfaces(
        ethernet(ethernet={"sr-iov": {"total-vfs": "2"}}), vlan("eth1v0"), bridge("eth1v1")
    ),
    "base is an absent Ethernet device": interfaces(vlan("eth1"), absent("eth1", "ethernet")),
    "base is an Ethernet device that is down": interfaces(vlan("eth2"), ethernet("eth2", state="down")),
    "base is a veth peer": interfaces({"name": "ve0", "type": "veth", "veth": {"peer": "ve1"}}, vlan("ve1")),
    "base is an internal port": interfaces(ovs({"name": "int0"}), vlan("int0")),
    "base is left out": interfaces({"name": "v5", "type": "vlan", "vlan": {"id": 5}}),
    "base is null": interfaces(vlan(None)),
    "vxlan without base": interfaces({"name": "vx0", "type": "vxlan", "vxlan": {"id": 5, "base-iface": ""}}),
    "unmanaged base": interfaces(vlan("pod0")),
    "unmanaged base to become managed": interfaces(vlan("pod0"), {"name": "pod0", "type": "veth", "state": "up"}),
    "unmanaged base that becomes a port": interfaces(vlan("pod0"), bridge("pod0")),
    "unmanaged base of a VLAN that is there": interfaces(vlan("pod0", "pod0.7")),
    "base of an absent VLAN": interfaces(vlan("nosuch0", state="absent")),
    "base of a VLAN that is down": interfaces(vlan("nosuch0", state="down")),
    "base of an ignored VLAN": interfaces(vlan("nosuch0", state="ignore")),
    "section of another type": interfaces(ethernet(vlan={"base-iface": "nosuch0"})),
    "loopback as base": interfaces(vlan("lo")),
    # ports
    "ports": interfaces(bridge("eth1", "eth2")),
    "port in the document": interfaces(bridge("du1"), dummy()),
    "port by name in a VRF": interfaces({"name": "vrf0", "type": "vrf", "vrf": {"port": ["eth1"]}}),
    "internal port by naming": interfaces(ovs({"name": "anything"})),
    "bond in an OVS bridge": interfaces(
        ovs({"name": "ob", "link-aggregation": {"port": [{"name": "a"}, {"name": "b"}]}})
    ),
    "OVS bridge and port of one name": interfaces(ovs({"name": "ovs0"}), {"name": "ovs0", "type": "ovs-interface"}),
    "unmanaged port": interfaces(bridge("pod0")),
    "ignored port": interfaces(bridge("nosuch0"), {"name": "nosuch0", "type": "ethernet", "state": "ignore"}),
    "ignored port in two controllers": interfaces(bridge("pod0"), bridge("pod0", name="br2")),
    "port that the bridge has already": interfaces(bridge("elsewhere", name="br0")),
    "port of an absent controller": interfaces(bridge("nosuch0", state="absent"), bridge("eth1", name="br2")),
    "port moves": interfaces(bridge("eth1"), bridge(name="br0")),
    "bond with ports twice told": interfaces(
        {"name": "b0", "type": "bond", "bond": {"mode": 1, "port": ["eth1"], "ports-config": [{"name": "eth1"}]}}
    ),
    # other references
    "copy-mac-from": interfaces(bond("eth1") | {"copy-mac-from": "eth2"}),
    "copy-mac-from that does not count": interfaces(dummy(**{"copy-mac-from": "nosuch0"})),
    "absent route": route(state="absent", **{"next-hop-interface": "nosuch0"}),
    "ignored route": route(state="ignore", **{"next-hop-interface": "nosuch0"}),
    "route without interface": route(),
    "blackhole": {"routes": {"config": [{"destination": "198.51.100.0/24", "route-type": "blackhole"}]}},
    "running routes": {"routes": {"running": [{"destination": "0.0.0.0/0", "next-hop-interface": "nosuch0"}]}},
    "route through an interface to be": route(**{"next-hop-interface": "du1"}) | interfaces(dummy()),
    "rule about an interface that is not there": {"route-rules": {"config": [{"iif": "nosuch0", "route-table": 5}]}},
    "controller that is not there": interfaces(ethernet(controller="nosuch0")),
    # what is twice, but not the same
    "absent twice under two types": interfaces(absent("ovs0", "ovs-bridge"), absent("ovs0", "ovs-interface")),
    "two prefixes of one address": interfaces(
        ethernet(ipv4={"enabled": True, "address": [ADDRESS, {"ip": "192.0.2.1", "prefix-length": 32}]})
    ),
    "leased addresses": interfaces(
        ethernet(ipv4={"enabled": True, "address": [{**ADDRESS, "valid-life-time": "60sec"}, ADDRESS]})
    ),
    # characters
    "lines": interfaces(
        ethernet(
            description="a\n\tb",
            dispatch={"post-activation": "echo a\necho b\n"},
            lldp={"neighbors": [[{"x": "a\r\nb"}]]},
        )
    ),
    "OVSDB text": {"ovs-db": {"external_ids": {"a": "b\nc"}}},
    "secret with a tab": interfaces(ethernet() | {"802.1x": {"password": "a\tb"}}),
    "other scripts": interfaces(ethernet(description="Büro 🖧 \\n \\u0000")),
    # names
    "15 bytes": interfaces(dummy("a23456789012345")),
    "long name that is an alternative one": interfaces(ethernet("enp0s31f6-a-long-alternative-name", state="absent")),
    "long name as a label": interfaces(
        ethernet("the uplink of this/that node", identifier="mac-address", **{"mac-address": "02:00:00:00:00:09"})
    ),
    "long name of what the kernel does not know": interfaces(
        {"name": "a-very-long-ovs-bridge", "type": "ovs-bridge"},
        {"name": "a-very-long-patch-port", "type": "ovs-interface", "patch": {"peer": "x"}},
        {"name": "a-very-long-dpdk-port", "type": "ovs-interface", "dpdk": {"devargs": "0000:00:1f.6"}},
        {"name": "a very long connection", "type": "ipsec"},
    ),
    # IPv4
    "IPv4 enabled where it is": interfaces(ethernet("eth0", ipv4={"enabled": True})),
    "IPv4 enabled where DHCP is": interfaces(ethernet("dhcp0", ipv4={"enabled": True})),
    "IPv4 from DHCP to static": interfaces(ethernet("dhcp0", ipv4={"enabled": True, "dhcp": False})),
    "IPv4 by DHCP": interfaces(ethernet(ipv4={"enabled": True, "dhcp": True})),
    "IPv4 with an empty list": interfaces(ethernet(ipv4={"enabled": True, "dhcp": False, "address": []})),
    "IPv4 disabled": interfaces(ethernet(ipv4={"enabled": False})),
    "IPv4 of a port": interfaces(bridge("eth1"), ethernet(ipv4={"enabled": True})),
    "IPv4 of what is down": interfaces(ethernet(state="down", ipv4={"enabled": True})),
    "IPv4 of a next hop": interfaces(ethernet(ipv4={"enabled": True})) | route(**{"next-hop-interface": "eth1"}),
    # numbers
    "the last VLAN and VXLAN": interfaces(
        vlan("eth1") | {"vlan": {"id": "4094", "base-iface": "eth1"}},
        {"name": "vx5", "type": "vxlan", "vxlan": {"id": 2**24 - 1}},
    ),
    "VLAN 0": interfaces(vlan("eth1") | {"vlan": {"id": 0, "base-iface": "eth1"}}),
    "a bad VLAN that is absent": interfaces(absent("v5", "vlan") | {"vlan": {"id": 5000}}),
    "tags of ports": interfaces(
        tagged({"mode": "access", "tag": 4094}),
        tagged({"mode": "trunk", "tag": 0, "trunk-tags": [{"id-range": {"min": 1, "max": 4094}}]}, "eth2", name="br2"),
        tagged({}, "eth0", name="br3"),
    ),
    # MTU
    "MTU of the base": interfaces(vlan("tuned0", mtu=1500)),
    "MTU raised with the base": interfaces(vlan("tuned0", mtu=9000), ethernet("tuned0", mtu=9000)),
    "MTU of a base that does not tell": interfaces(vlan("eth1", mtu=9000)),
    "MTU of a base that is to be": interfaces(vlan("br1", mtu=9000), bridge("tuned0")),
    "MTU of a bridge that follows its port": interfaces(vlan("small0", mtu=1500), ethernet("eth2", mtu=1500)),
    "MTU of a tunnel": interfaces(
        {"name": "vx5", "type": "vxlan", "mtu": 1450, "vxlan": {"id": 5, "base-iface": "tuned0"}}
    ),
    "MTU of a tunnel without base": interfaces({"name": "vx5", "type": "vxlan", "mtu": 9000, "vxlan": {"id": 5}}),
    "MTU of a bridge above its port's": interfaces(bridge("tuned0", mtu=9000)),
    "MTU of a dummy": interfaces(dummy(mtu=100000)),
    # hardware
    "MAC addresses": interfaces(
        ethernet(**{"mac-address": "02:0a:0B:00:00:01"}), dummy(**{"mac-address": "fe:ff:ff:ff:ff:ff"})
    ),
    "MAC address that finds": interfaces(ethernet(identifier="mac-address", **{"mac-address": "02-00"})),
    "settings that the driver has": interfaces(
        ethernet(
            "tuned0", ethernet={"speed": 1000}, ethtool={"ring": {"rx": 128}, "feature": {"rx": True}, "pause": None}
        )
    ),
    "settings of what is down": interfaces(ethernet("eth2", ethernet={"speed": 1000}, ethtool={"ring": {"rx": 128}})),
    "settings of what is to be": interfaces(dummy(ethtool={"ring": {"rx": 128}})),
    "no settings": interfaces(ethernet(ethernet={}, ethtool={"fec": {"auto": True}})),
    "IPv6 enabled": interfaces(ethernet(ipv6={"enabled": True})),
    "IPv6 enabled with an empty list": interfaces(dummy(ipv6={"enabled": True, "address": []})),
}


@pytest.mark.parametrize("desired", LEGAL.values(), ids=LEGAL.keys())
def test_legal_documents_are_let_through(desired: State) -> None:
    check(desired, NODE)


@pytest.mark.parametrize("node", [NODE, REPORT], ids=["small", "every type"])
def test_what_a_node_reports_can_be_asked_for(node: State) -> None:
    check(node, node)


def test_a_label_means_the_interface_that_its_identifier_finds() -> None:
    by_mac = {"identifier": "mac-address", "mac-address": "02:00:00:00:00:09", "ipv4": {"enabled": True}}
    by_pci = {"identifier": "pci-address", "pci-address": "00:1f.6", "ipv4": {"enabled": True}}
    for label in ({"name": "a", **by_mac}, {"name": "b", **by_pci}, {"name": "uplink", "ipv4": {"enabled": True}}):
        with pytest.raises(InvalidDesiredState, match=rf"^interfaces\[{label['name']}\]\.ipv4\.enabled: "):
            check(interfaces(label), NODE)


def test_neither_argument_is_changed() -> None:
    desired, node = json.loads(json.dumps([REPORT, NODE]))

    check(desired, REPORT)

    assert [desired, node] == [REPORT, NODE]


@pytest.mark.parametrize("names", ["a", "ab", "abc"])
def test_what_stands_on_itself_is_refused_at_once(names: str) -> None:
    circle = [vlan(base, name) for name, base in zip(names, names[1:] + names[0], strict=True)]
    with pytest.raises(
        InvalidDesiredState, match=r"^interfaces\[a\]\.vlan\.base-iface: circular base-iface reference: a$"
    ):
        check(interfaces(*circle), NODE)
    elsewhere = interfaces({**vlan("a", "a"), "state": "up"})  # on what another namespace calls a
    check(elsewhere, elsewhere)
    check(interfaces(vlan("eth1", "a"), vlan("a", "b"), vlan("a", "c"), vlan("c", "d")), NODE)


def test_what_is_its_own_peer_is_refused_at_once() -> None:
    veth = {"name": "v5", "type": "veth", "veth": {"peer": "v5"}}
    with pytest.raises(InvalidDesiredState, match=r"^interfaces\[v5\]\.veth\.peer: v5 cannot be its own peer$"):
        check(interfaces(veth), NODE)
    there = interfaces({**veth, "state": "up"})  # its peer is in another namespace
    check(there, there)


def test_a_path_without_an_end_leaves_room_for_the_reason() -> None:
    value: Any = "\0"
    for _ in range(50):
        value = {"k" * 60: value}

    with pytest.raises(InvalidDesiredState) as refused:
        check(interfaces(ethernet("eth1", mtu=value)), NODE)

    assert str(refused.value).startswith("interfaces[eth1].mtu.kkk")
    assert str(refused.value).endswith("kkk: must not have the control character U+0000")
    assert len(str(refused.value)) < 400


def test_what_libnmstate_does_not_nest_is_refused_by_the_field() -> None:
    def deep(levels: int) -> State:
        return {"x": deep(levels - 1)} if levels else {}

    check({"x": deep(62)}, NODE)
    with pytest.raises(InvalidDesiredState, match=r"^x: is nested more than 64 levels deep$"):
        check({"x": deep(63)}, NODE)


def test_the_work_for_interfaces_grows_as_they_do() -> None:
    address = {"enabled": True, "dhcp": False, "address": [ADDRESS]}

    def work(count: int) -> int:
        node = interfaces(*(ethernet(f"e{number}", state="up", ipv4=address) for number in range(count)))
        desired = interfaces(*(vlan(f"e{number}", f"e{number}.5", ipv4=address) for number in range(count)))
        return lines_run(lambda: check(desired, node))

    # A hundred times, if it were each pair.
    assert work(1000) < 25 * work(100)


@pytest.mark.parametrize("type_", ["mac-vlan", "mac-vtap"])
def test_a_mac_vlan_on_a_port_of_a_bridge_or_bond_is_refused(type_: str) -> None:
    upper = {"name": "mv1", "type": type_, "state": "up", type_: {"base-iface": "eth1", "mode": "bridge"}}
    for controller in (
        {"name": "br1", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "eth1"}]}},
        {"name": "br1", "type": "bond", "state": "up", "link-aggregation": {"mode": "active-backup", "port": ["eth1"]}},
    ):
        with pytest.raises(
            InvalidDesiredState, match=rf"^interfaces\[mv1\]\.{type_}\.base-iface: eth1 is a port of br1"
        ):
            check({"interfaces": [controller, upper]}, NODE)
        check({"interfaces": [{**controller, "state": "absent"}, upper]}, NODE)

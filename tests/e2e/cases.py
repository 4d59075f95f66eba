"""One document for each kind of thing that is configured, how to see it in the kernel, and how to take it back.

Used by the end-to-end tests and by `hack/bench-apply`.
"""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from tests.lab import Json, Node


@dataclasses.dataclass(frozen=True)
class Case:
    """`seen` asserts that the node's kernel has what `document` asks; `undo` takes it back, and `gone` sees to that."""

    name: str
    document: Json
    seen: Callable[[Node], None]
    undo: Json
    gone: Callable[[Node], None]


def absent(*names: str) -> list[Json]:
    """Interfaces that shall not be."""
    return [{"name": name, "state": "absent"} for name in names]


def bridge(name: str, *ports: str, **port_options: Any) -> Json:
    """A linux-bridge without spanning tree."""
    return {
        "name": name,
        "type": "linux-bridge",
        "state": "up",
        "bridge": {
            "options": {"stp": {"enabled": False}},
            "port": [{"name": port, **port_options} for port in ports],
        },
    }


def bond(name: str, *ports: str) -> Json:
    """An active-backup bond that looks at its links every 120 ms."""
    return {
        "name": name,
        "type": "bond",
        "state": "up",
        "link-aggregation": {"mode": "active-backup", "port": list(ports), "options": {"miimon": 120}},
    }


def static(ip: str, prefix: int) -> Json:
    """An ipv4 or ipv6 section with one address."""
    return {"enabled": True, "dhcp": False, "address": [{"ip": ip, "prefix-length": prefix}]}


OFF: Json = {"enabled": False}


def _kind(node: Node, name: str) -> Json:
    found: Json = node.links()[name].get("linkinfo", {})
    return found


def _no(*names: str) -> Callable[[Node], None]:
    def gone(node: Node) -> None:
        assert not set(names) & node.links().keys()

    return gone


def _bond_seen(node: Node) -> None:
    info = _kind(node, "bond7")
    assert info["info_kind"] == "bond"
    assert (info["info_data"]["mode"], info["info_data"]["miimon"]) == ("active-backup", 120)
    assert node.ports("bond7") == {"eth2", "eth3"}


def _bond_in_bridge_seen(node: Node) -> None:
    _bond_seen(node)
    assert node.ports("br7") == {"bond7"}


def _vlan_seen(node: Node) -> None:
    _bond_seen(node)
    link = node.links()["bond7.100"]
    assert link["link"] == "bond7"
    assert link["linkinfo"]["info_data"]["id"] == 100


def _trunk_seen(node: Node) -> None:
    assert _kind(node, "br7")["info_data"]["vlan_filtering"] == 1
    found = json.loads(node.run("bridge", "-json", "-compressvlans", "vlan", "show", "dev", "eth1"))
    spans = {(vlan["vlan"], vlan.get("vlanEnd", vlan["vlan"])): vlan.get("flags", []) for vlan in found[0]["vlans"]}
    assert (101, 101) in spans
    assert (200, 209) in spans
    assert spans[(10, 10)] == ["PVID", "Egress Untagged"]


def addresses(node: Node, name: str) -> set[str]:
    """The global addresses of an interface."""
    found = node.links()[name]["addr_info"]
    return {f"{address['local']}/{address['prefixlen']}" for address in found if address["scope"] == "global"}


def _addresses_seen(node: Node) -> None:
    assert addresses(node, "eth1") == {"192.0.2.10/24", "2001:db8:1::10/64"}


def _no_addresses(node: Node) -> None:
    assert addresses(node, "eth1") == set()


def _routes_seen(node: Node) -> None:
    assert "via 192.0.2.1 dev eth1" in node.run("ip", "route", "show", "198.51.100.0/24")
    assert "via 192.0.2.1 dev eth1" in node.run("ip", "route", "show", "203.0.113.0/24", "table", "200")
    assert "from 192.0.2.0/24 lookup 200" in node.run("ip", "rule", "show", "priority", "1000")


def _no_routes(node: Node) -> None:
    assert node.run("ip", "route", "show", "198.51.100.0/24") == ""
    assert node.run("ip", "rule", "show", "priority", "1000") == ""
    _no_addresses(node)


def _dns_seen(node: Node) -> None:
    resolver = node.run("cat", "/etc/resolv.conf")
    assert [line.split()[1] for line in resolver.splitlines() if line.startswith("nameserver")] == [
        "10.88.0.1",
        "198.51.100.53",
    ]
    assert "search lab.test example.com" in resolver


def _no_dns(node: Node) -> None:
    assert "198.51.100.53" not in node.run("cat", "/etc/resolv.conf")


def _mtu(value: int) -> Callable[[Node], None]:
    def seen(node: Node) -> None:
        assert node.links()["eth1"]["mtu"] == value

    return seen


def _is(name: str, kind: str, **data: Any) -> Callable[[Node], None]:
    def seen(node: Node) -> None:
        info = _kind(node, name)
        assert info["info_kind"] == kind
        assert {key: info["info_data"][key] for key in data} == data

    return seen


def _dummy_seen(node: Node) -> None:
    assert _kind(node, "dummy7")["info_kind"] == "dummy"
    assert addresses(node, "dummy7") == {"192.0.2.77/32"}


def _veth_seen(node: Node) -> None:
    links = node.links()
    assert links["veth7"]["link"] == "veth7peer"
    assert "UP" in links["veth7peer"]["flags"]


def _vrf_seen(node: Node) -> None:
    assert _kind(node, "vrf7")["info_data"]["table"] == 1007
    assert node.ports("vrf7") == {"eth2"}


CASES = [
    Case(
        "bond over two ports",
        {"interfaces": [bond("bond7", "eth2", "eth3")]},
        _bond_seen,
        {"interfaces": absent("bond7")},
        _no("bond7"),
    ),
    Case(
        "bond as a bridge's port",
        {"interfaces": [bond("bond7", "eth2", "eth3"), bridge("br7", "bond7")]},
        _bond_in_bridge_seen,
        {"interfaces": absent("br7", "bond7")},
        _no("br7", "bond7"),
    ),
    Case(
        "VLAN on a bond",
        {
            "interfaces": [
                bond("bond7", "eth2", "eth3"),
                {"name": "bond7.100", "type": "vlan", "state": "up", "vlan": {"base-iface": "bond7", "id": 100}},
            ]
        },
        _vlan_seen,
        {"interfaces": absent("bond7.100", "bond7")},
        _no("bond7.100", "bond7"),
    ),
    Case(
        "bridge with VLAN filtering and a trunk port",
        {
            "interfaces": [
                bridge(
                    "br7",
                    "eth1",
                    vlan={
                        "mode": "trunk",
                        "enable-native": True,
                        "tag": 10,
                        "trunk-tags": [{"id": 101}, {"id-range": {"min": 200, "max": 209}}],
                    },
                )
            ]
        },
        _trunk_seen,
        {"interfaces": absent("br7")},
        _no("br7"),
    ),
    Case(
        "static addresses",
        {
            "interfaces": [
                {
                    "name": "eth1",
                    "type": "ethernet",
                    "state": "up",
                    "ipv4": static("192.0.2.10", 24),
                    "ipv6": {**static("2001:db8:1::10", 64), "autoconf": False},
                }
            ]
        },
        _addresses_seen,
        {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "up", "ipv4": OFF, "ipv6": OFF}]},
        _no_addresses,
    ),
    Case(
        "routes and a rule",
        {
            "interfaces": [
                {"name": "eth1", "type": "ethernet", "state": "up", "ipv4": static("192.0.2.10", 24), "ipv6": OFF}
            ],
            "routes": {
                "config": [
                    {
                        "destination": "198.51.100.0/24",
                        "next-hop-address": "192.0.2.1",
                        "next-hop-interface": "eth1",
                    },
                    {
                        "destination": "203.0.113.0/24",
                        "next-hop-address": "192.0.2.1",
                        "next-hop-interface": "eth1",
                        "table-id": 200,
                    },
                ]
            },
            "route-rules": {"config": [{"ip-from": "192.0.2.0/24", "priority": 1000, "route-table": 200}]},
        },
        _routes_seen,
        {
            "interfaces": [{"name": "eth1", "type": "ethernet", "state": "up", "ipv4": OFF}],
            "routes": {"config": [{"next-hop-interface": "eth1", "state": "absent"}]},
            "route-rules": {"config": [{"priority": 1000, "state": "absent"}]},
        },
        _no_routes,
    ),
    Case(
        "DNS",
        {"dns-resolver": {"config": {"server": ["10.88.0.1", "198.51.100.53"], "search": ["lab.test", "example.com"]}}},
        _dns_seen,
        {"dns-resolver": {"config": {"server": ["10.88.0.1"], "search": []}}},
        _no_dns,
    ),
    Case(
        "MTU",
        {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1400}]},
        _mtu(1400),
        {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1500}]},
        _mtu(1500),
    ),
    Case(
        "dummy",
        {"interfaces": [{"name": "dummy7", "type": "dummy", "state": "up", "ipv4": static("192.0.2.77", 32)}]},
        _dummy_seen,
        {"interfaces": absent("dummy7")},
        _no("dummy7"),
    ),
    Case(
        "veth pair",
        {"interfaces": [{"name": "veth7", "type": "veth", "state": "up", "veth": {"peer": "veth7peer"}}]},
        _veth_seen,
        {"interfaces": absent("veth7")},
        _no("veth7", "veth7peer"),
    ),
    Case(
        "VXLAN",
        {
            "interfaces": [
                {
                    "name": "vxlan7",
                    "type": "vxlan",
                    "state": "up",
                    "vxlan": {"base-iface": "eth1", "id": 7, "remote": "192.0.2.99", "destination-port": 4789},
                }
            ]
        },
        _is("vxlan7", "vxlan", id=7, remote="192.0.2.99", port=4789),
        {"interfaces": absent("vxlan7")},
        _no("vxlan7"),
    ),
    Case(
        "MAC VLAN",
        {
            "interfaces": [
                {
                    "name": "macvlan7",
                    "type": "mac-vlan",
                    "state": "up",
                    "mac-vlan": {"base-iface": "eth1", "mode": "bridge", "promiscuous": True},
                }
            ]
        },
        _is("macvlan7", "macvlan", mode="bridge"),
        {"interfaces": absent("macvlan7")},
        _no("macvlan7"),
    ),
    Case(
        "VRF",
        {
            "interfaces": [
                {"name": "vrf7", "type": "vrf", "state": "up", "vrf": {"port": ["eth2"], "route-table-id": 1007}}
            ]
        },
        _vrf_seen,
        {"interfaces": absent("vrf7")},
        _no("vrf7"),
    ),
]

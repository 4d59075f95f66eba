"""What the tests' own comparison takes for met and for saved, and that the generator makes the same again."""

import copy
from typing import Any

import pytest

from tests.e2e.cases import absent, bond, bridge, static
from tests.e2e.documents import make
from tests.lab import Json
from tests.met import unmet
from tests.words import dangling, unreported, unsaved

_ETC, _RUN = (f"/{folder}/NetworkManager/system-connections/{{}}.nmconnection" for folder in ("etc", "run"))


def link(name: str, *addresses: str, **more: Any) -> Json:
    found = [
        {"family": "inet", "local": ip.split("/")[0], "prefixlen": int(ip.split("/")[1]), "scope": "global"}
        for ip in addresses
    ]
    return {"ifname": name, "flags": ["UP"], "mtu": 1500, "address": "02:00:00:00:00:01", "addr_info": found, **more}


def profile(name: str, uuid: str, *lines: str) -> str:
    return "\n".join(("[connection]", f"uuid={uuid}", f"interface-name={name}", *lines))


FACTS: Json = {
    "links": [
        link("eth0", "10.88.0.11/24"),
        link("eth1", master="br1"),
        link("br1", linkinfo={"info_kind": "bridge", "info_data": {"stp_state": 0}}),
        link("eth0.9", link="eth0", linkinfo={"info_kind": "vlan", "info_data": {"id": 9}}),
    ],
    "routes4": [
        {"dst": "default", "gateway": "10.88.0.1", "dev": "eth0", "table": "main", "metric": 100, "protocol": "static"}
    ],
    "routes6": [],
    "rules4": [{"priority": 1000, "src": "192.0.2.0", "srclen": 24, "table": "200"}],
    "rules6": [],
    "files": {
        _ETC.format("eth0"): profile("eth0", "u0", "[ipv4]", "address1=10.88.0.11/24,10.88.0.1", "dns=10.88.0.1;"),
        _ETC.format("eth1"): profile("eth1", "u1", "master=br1"),
        _ETC.format("br1"): profile("br1", "u2"),
        "/etc/resolv.conf": "search lab.test\nnameserver 10.88.0.1",
    },
}
ROUTE = {"destination": "0.0.0.0/0", "next-hop-address": "10.88.0.1", "next-hop-interface": "eth0"}
ETH0 = {"name": "eth0", "type": "ethernet", "ipv4": static("10.88.0.11", 24)}

MET: dict[str, Json] = {
    "an address": {"interfaces": [ETH0]},
    "a bridge": {"interfaces": [bridge("br1", "eth1")]},
    "a VLAN": {"interfaces": [{"name": "eth0.9", "type": "vlan", "vlan": {"base-iface": "eth0", "id": "9"}}]},
    "what is not there": {"interfaces": absent("br9")},
    "a route": {"routes": {"config": [{**ROUTE, "table-id": 254, "metric": 100}]}},
    "no route": {"routes": {"config": [{**ROUTE, "next-hop-address": "10.88.0.9", "state": "absent"}]}},
    "a rule": {"route-rules": {"config": [{"ip-from": "192.0.2.0/24", "priority": 1000, "route-table": 200}]}},
    "DNS": {"dns-resolver": {"config": {"server": ["10.88.0.1"], "search": ["lab.test"]}}},
}
UNMET: dict[str, Json] = {
    "another address": {"interfaces": [{**ETH0, "ipv4": static("10.88.0.12", 24)}]},
    "another prefix": {"interfaces": [{**ETH0, "ipv4": static("10.88.0.11", 16)}]},
    "an address too many": {"interfaces": [{**ETH0, "ipv4": {"enabled": False}}]},
    "no such interface": {"interfaces": [{"name": "eth9", "state": "up"}]},
    "another kind": {"interfaces": [{"name": "br1", "type": "dummy"}]},
    "another MTU": {"interfaces": [{"name": "eth0", "mtu": "1400"}]},
    "a port too many": {"interfaces": [bridge("br1")]},
    "a port too few": {"interfaces": [bridge("br1", "eth1", "eth0")]},
    "a bond that is a bridge": {"interfaces": [bond("br1", "eth1")]},
    "another VLAN": {"interfaces": [{"name": "eth0.9", "type": "vlan", "vlan": {"base-iface": "eth0", "id": 8}}]},
    "what is still there": {"interfaces": absent("br1")},
    "another gateway": {"routes": {"config": [{**ROUTE, "next-hop-address": "10.88.0.9"}]}},
    "another metric": {"routes": {"config": [{**ROUTE, "metric": 7}]}},
    "another table": {"routes": {"config": [{**ROUTE, "table-id": 7}]}},
    "a route that is still there": {"routes": {"config": [{"next-hop-interface": "eth0", "state": "absent"}]}},
    "a rule that is still there": {"route-rules": {"config": [{"priority": 1000, "state": "absent"}]}},
    "another server": {"dns-resolver": {"config": {"server": ["10.88.0.9"]}}},
}


@pytest.mark.parametrize("what", MET)
def test_what_the_kernel_has_is_met(what: str) -> None:
    assert unmet(MET[what], FACTS) == []


@pytest.mark.parametrize("what", UNMET)
def test_what_the_kernel_has_not_is_unmet(what: str) -> None:
    assert unmet(UNMET[what], FACTS) != []


def test_what_stands_in_etc_is_saved() -> None:
    document = {"interfaces": [ETH0, bridge("br1", "eth1")], "routes": {"config": [ROUTE]}, **MET["DNS"]}
    assert unsaved(document, FACTS) == []


@pytest.mark.parametrize(
    ("document", "files"),
    [
        ({"interfaces": [ETH0]}, {_RUN.format("eth0"): profile("eth0", "u0")}),
        ({"interfaces": [ETH0]}, {_RUN.format("other"): profile("eth0", "u7")}),
        ({"interfaces": [ETH0]}, {_ETC.format("eth0"): ""}),
        ({"interfaces": [{**ETH0, "ipv4": static("10.88.0.1", 2)}]}, {}),
        ({"interfaces": [{"name": "eth0.9", "state": "up"}]}, {}),
        ({"routes": {"config": [{**ROUTE, "destination": "198.51.100.0/24"}]}}, {}),
        ({"dns-resolver": {"config": {"server": ["10.88.0.11"]}}}, {}),
    ],
    ids=["shadowed", "shadowed by another", "empty", "other address", "no profile", "no route", "no server"],
)
def test_what_a_boot_would_not_bring_back_is_unsaved(document: Json, files: Json) -> None:
    facts = {**FACTS, "files": {**FACTS["files"], **files}}
    assert unsaved(document, facts) != []


def test_what_networkmanager_made_up_shadows_nothing() -> None:
    text = profile("eth0", "u9", "[.nmmeta]", "nm-generated=true")
    facts = {**FACTS, "files": {**FACTS["files"], _RUN.format("eth0"): text}}
    assert unsaved({"interfaces": [ETH0]}, facts) == []


def test_a_port_waits_in_vain_for_a_controller_that_is_gone() -> None:
    facts = copy.deepcopy(FACTS)
    assert dangling(facts) == []
    facts["links"] = [link("eth0"), link("eth1")]
    del facts["files"][_ETC.format("br1")]
    assert dangling(facts) == [f"{_ETC.format('eth1')} is a port of br1, which is gone"]


def test_a_report_is_held_against_the_kernel() -> None:
    address = {"enabled": True, "address": [{"ip": "10.88.0.11", "prefix-length": 24}]}
    names = [{"name": name, "mtu": 1500} for name in ("eth1", "br1", "eth0.9")]
    report = {"interfaces": [{"name": "eth0", "ipv4": address}, *names]}
    assert unreported(report, FACTS) == []
    assert len(unreported({"interfaces": [{"name": "eth0", "mtu": 1400}, *names[1:]]}, FACTS)) == 3


def test_a_seed_makes_the_same_document_again() -> None:
    facts = {**FACTS, "links": [*FACTS["links"], link("eth2"), link("eth3")]}
    documents = [[make(f"1-{number}", facts, "10.88.0.11") for number in range(200)] for _ in range(2)]
    assert documents[0] == documents[1]
    assert {document.wrong is None for document in documents[0]} == {True, False}

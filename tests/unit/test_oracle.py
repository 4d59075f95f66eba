"""What the oracle of a rollback takes for a difference, and what not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.lab import Json
from tests.oracle import differences, keyfile, snapshot_of

_NM = "org.freedesktop.NetworkManager"
_PROFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"
_RUN = "/run/NetworkManager/system-connections"
FACTS: Json = {
    "hostname": "node01",
    "links": [
        {
            "ifname": "eth0",
            "ifindex": 2,
            "flags": ["UP", "LOWER_UP"],
            "operstate": "UP",
            "mtu": 1500,
            "address": "02:00:00:00:00:01",
            "addr_info": [{"family": "inet", "local": "192.0.2.10", "prefixlen": 24, "scope": "global"}],
        },
        {
            "ifname": "br0",
            "ifindex": 3,
            "flags": ["UP"],
            "mtu": 1500,
            "address": "9a:00:00:00:00:01",
            "linkinfo": {"info_kind": "bridge", "info_data": {"vlan_filtering": 1, "gc_timer": 3.5}},
            "addr_info": [{"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}],
        },
    ],
    "addr_gen": [],
    "sysfs": {"eth0": {"addr_assign_type": "0"}, "br0": {"addr_assign_type": "1"}},
    "routes4": [{"type": "unicast", "dst": "default", "gateway": "192.0.2.1", "dev": "eth0", "metric": 100}],
    "routes6": [{"type": "multicast", "dst": "ff00::/8", "dev": "eth0"}],
    "rules4": [{"priority": 1000, "src": "192.0.2.0", "srclen": 24, "table": "200"}],
    "rules6": [],
    "vlans": [{"ifname": "eth0", "vlans": [{"vlan": 1, "flags": ["PVID"]}]}],
    "files": {
        _PROFILE: "[connection]\nid=eth0\nuuid=u\ntimestamp=1\n\n[ipv4]\nmethod=manual\n",
        "/etc/resolv.conf": "nameserver 192.0.2.1",
    },
    "networkmanager": {
        "/org/freedesktop/NetworkManager": {_NM: {"Checkpoints": [], "GlobalDnsConfiguration": {}}},
        "/S/1": {
            f"{_NM}.Settings.Connection": {"Flags": 0, "Filename": _PROFILE},
            "settings": {"connection": {"id": "eth0", "uuid": "u", "timestamp": 1}, "ipv4": {"method": "manual"}},
        },
    },
}
Change = Callable[[Json], Any]

SAME: dict[str, Change] = {
    "a link's index": lambda facts: facts["links"][0].update(ifindex=9),
    "the carrier": lambda facts: facts["links"][0].update(operstate="DOWN", flags=["UP", "NO-CARRIER"]),
    "a bridge's timer": lambda facts: facts["links"][1]["linkinfo"]["info_data"].update(gc_timer=7.1),
    "a MAC that was drawn by lot, and its address": lambda facts: (
        facts["links"][1].update(address="9a:00:00:00:00:02"),
        facts["links"][1]["addr_info"][0].update(local="fe80::2"),
    ),
    "an address on its way": lambda facts: facts["links"][0]["addr_info"][0].update(tentative=True),
    "how long a lease lasts": lambda facts: facts["links"][0]["addr_info"][0].update(valid_life_time=7),
    "when a route expires": lambda facts: facts["routes4"][0].update(expires=7, flags=["linkdown"]),
    "when a profile was last up": lambda facts: (
        facts["files"].update({_PROFILE: facts["files"][_PROFILE].replace("timestamp=1", "timestamp=2")}),
        facts["networkmanager"]["/S/1"]["settings"]["connection"].update(timestamp=2),
    ),
    "order and comments of a profile": lambda facts: facts["files"].update(
        {_PROFILE: "# by hand\n[ipv4]\nmethod=manual\n[proxy]\n[connection]\nuuid=u\nid=eth0\n"}
    ),
    "a change that cut the node off is remembered": lambda facts: facts["files"].update(
        {"/run/nmstate-controller/change.json": '{"phase": "lost"}'}
    ),
    "a made-up profile's file": lambda facts: facts["files"].update(
        {f"{_RUN}/lo.nmconnection": "[connection]\nuuid=x\n[.nmmeta]\nnm-generated=true\n"}
    ),
}

# What changes, how, and what the difference is called.
DIFFERENT: dict[str, tuple[Change, str]] = {
    "a route's metric": (lambda facts: facts["routes4"][0].update(metric=102), "route inet4 unicast default"),
    "no route": (lambda facts: facts["routes4"].clear(), "route inet4 unicast default"),
    "the same route twice": (lambda facts: facts["routes4"].append(facts["routes4"][0]), "route inet4"),
    "no address": (lambda facts: facts["links"][0]["addr_info"].clear(), "address eth0 192.0.2.10/24"),
    "the MAC of a card": (lambda facts: facts["links"][0].update(address="02:00:00:00:00:02"), "link eth0 mac"),
    "a link is down": (lambda facts: facts["links"][0].update(flags=["LOWER_UP"]), "link eth0 flags"),
    "a port": (lambda facts: facts["links"][0].update(master="br0"), "link eth0 master: None -> 'br0'"),
    "a link is gone": (lambda facts: facts["links"].pop(), "link br0: 'there' -> None"),
    "a bridge's option": (
        lambda facts: facts["links"][1]["linkinfo"]["info_data"].update(vlan_filtering=0),
        "link br0 data.vlan_filtering: 1 -> 0",
    ),
    "a bridge's VLAN": (lambda facts: facts["vlans"][0]["vlans"].append({"vlan": 2}), "vlan eth0 2"),
    "a rule": (lambda facts: facts["rules4"].clear(), "rule inet4 1000"),
    "DNS": (lambda facts: facts["files"].update({"/etc/resolv.conf": ""}), "file /etc/resolv.conf"),
    "global DNS": (
        lambda facts: facts["networkmanager"]["/org/freedesktop/NetworkManager"][_NM].update(
            GlobalDnsConfiguration={"domains": {"*": {"servers": ["192.0.2.53"]}}}
        ),
        "global dns domains",
    ),
    "what is on disk": (
        lambda facts: facts["files"].update({_PROFILE: facts["files"][_PROFILE].replace("manual", "auto")}),
        f"file {_PROFILE} ipv4.method: 'manual' -> 'auto'",
    ),
    "a profile in /run": (
        lambda facts: facts["files"].update({f"{_RUN}/eth0.nmconnection": "[connection]\nuuid=u\n"}),
        f"file {_RUN}/eth0.nmconnection",
    ),
    "a profile that is not saved": (
        lambda facts: facts["networkmanager"]["/S/1"][f"{_NM}.Settings.Connection"].update(Flags=1),
        "profile eth0 u flags: 0 -> 1",
    ),
    "what NetworkManager has in memory": (
        lambda facts: facts["networkmanager"]["/S/1"]["settings"]["ipv4"].update(method="auto"),
        "profile eth0 u settings.ipv4.method",
    ),
    "a checkpoint is pending": (
        lambda facts: facts["networkmanager"]["/org/freedesktop/NetworkManager"][_NM]["Checkpoints"].append("/C/1"),
        "checkpoints: 0 -> 1",
    ),
    "a change is under way": (
        lambda facts: facts["files"].update({"/run/nmstate-controller/change.json": '{"phase": "trial"}'}),
        "journal: None -> 'trial'",
    ),
    "NetworkManager is away": (lambda facts: facts.update(networkmanager=None), "NetworkManager: None -> 'away'"),
}


def changed(change: Change) -> list[str]:
    after = copy.deepcopy(FACTS)
    change(after)
    return differences(snapshot_of(FACTS), snapshot_of(after))


@pytest.mark.parametrize("what", SAME)
def test_what_changes_by_itself_does_not_count(what: str) -> None:
    assert changed(SAME[what]) == []


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_a_change_leaves_behind_is_told_by_name(what: str) -> None:
    change, named = DIFFERENT[what]
    assert any(line.startswith(named) for line in changed(change)), changed(change)


def test_a_keyfile_is_read_as_networkmanager_writes_it() -> None:
    text = "[ipv4]\nroute1=0.0.0.0/0,192.0.2.1\nroute1_options=table=254\ndns=192.0.2.1;\n"
    assert keyfile(text) == {
        "ipv4.route1": "0.0.0.0/0,192.0.2.1",
        "ipv4.route1_options": "table=254",
        "ipv4.dns": "192.0.2.1;",
    }

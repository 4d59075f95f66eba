"""The parts of documents: each function adds one to a draft, or returns False when it does not fit."""

from collections.abc import Callable
from typing import Any

from tests.e2e.cases import OFF, bond, bridge, static
from tests.e2e.drafts import CARDS, Draft
from tests.lab import Json

GATEWAY = "10.88.0.1"
SILENT = "198.51.100.53"
"""Where nobody answers."""

# Which address an interface gets, so that no two have the same.
SUBNETS = {
    name: f"10.77.{number}"
    for number, name in enumerate(["eth1", "eth2", "eth3", "br1", "br2", "bond1", "dum1", "dum2", "vrf1", "veth1"], 1)
}


Part = Callable[[Draft], Any]


def ethernet(name: str, **more: Any) -> Json:
    return {"name": name, "type": "ethernet", "state": "up", **more}


def default_route(gateway: str, interface: str, **more: Any) -> Json:
    return {"destination": "0.0.0.0/0", "next-hop-address": gateway, "next-hop-interface": interface, **more}


# What is there.


def own_address(draft: Draft) -> bool:
    here = draft.here
    is_bridge = here.kind(here.own_interface) == "bridge"
    entry: Json = {"name": here.own_interface, "type": "linux-bridge" if is_bridge else "ethernet", "state": "up"}
    return draft.add({**entry, "ipv4": static(here.own, 24)})


def own_gateway(draft: Draft) -> None:
    more: Json = draft.random.choice([{}, {"table-id": 254}, {"metric": 100}])
    if not draft.routes:
        draft.routes.append(default_route(GATEWAY, draft.here.own_interface, **more))


def own_dns(draft: Draft) -> None:
    search = draft.random.choice([[], ["lab.test"], ["lab.test", "example.com"]])
    draft.dns = draft.dns or {"server": [GATEWAY], "search": search}


def own_name(draft: Draft) -> bool:
    return draft.add({"name": draft.here.own_interface, "state": "up"})


def again(draft: Draft) -> bool:
    """A bridge or bond as it is."""
    name = draft.choose(draft.here.made("bridge", "bond"))
    if name is None:
        return False
    ports = draft.here.ports(name)
    if draft.here.kind(name) == "bond" and not ports:
        return False
    make = bridge if draft.here.kind(name) == "bridge" else bond
    return draft.add(make(name, *ports), *ports)


# What is new.


def new_bridge(draft: Draft) -> bool:
    name, port = draft.random.choice(["br1", "br2"]), draft.choose([*CARDS, *draft.here.made("dummy", "bond")])
    options: Json = draft.random.choice([{}, {"vlan": {"mode": "trunk", "trunk-tags": [{"id": 101}]}}])
    section: Json = draft.random.choice([{}, {"ipv4": static(f"{SUBNETS[name]}.1", 24)}, {"mtu": 1500}])
    ports = [port] if port else []
    return draft.add({**bridge(name, *ports, **options), **section}, *ports)


def new_bond(draft: Draft) -> bool:
    first = draft.choose(CARDS)
    if first is None:
        return False
    second = draft.choose(set(CARDS) - {first})
    ports = [first, second] if second and draft.random.random() < 0.5 else [first]
    section = draft.random.choice([{}, {"ipv4": static(f"{SUBNETS['bond1']}.1", 24)}])
    return draft.add({**bond("bond1", *ports), **section}, *ports)


def new_vlan(draft: Draft) -> bool:
    base = draft.choose([*CARDS, "eth0", *draft.here.made("bridge", "bond")])
    tag = draft.random.choice([10, 20])
    section: Json = draft.random.choice([{}, {"ipv4": static(f"10.78.{tag}.1", 24)}])
    if base is None or draft.here.links.get(f"{base}.{tag}", {"link": base}).get("link") != base:
        return False
    entry = {"name": f"{base}.{tag}", "type": "vlan", "state": "up", "vlan": {"base-iface": base, "id": tag}}
    draft.used.add(base)
    return draft.add({**entry, **section})


def new_vrf(draft: Draft) -> bool:
    port = draft.choose(CARDS)
    ports = [port] if port else []
    vrf = {"port": ports, "route-table-id": 1001}
    return draft.add({"name": "vrf1", "type": "vrf", "state": "up", "vrf": vrf}, *ports)


def new_dummy(draft: Draft) -> bool:
    name = draft.random.choice(["dum1", "dum2"])
    section: Json = draft.random.choice([{}, {"ipv4": static(f"{SUBNETS[name]}.1", 24)}, {"mtu": 1400}])
    # What is a port already cannot have an address.
    if name in draft.here.links and not draft.here.is_plain(name):
        section = {}
    return draft.add({"name": name, "type": "dummy", "state": "up", **section})


def new_veth(draft: Draft) -> bool:
    return draft.add({"name": "veth1", "type": "veth", "state": "up", "veth": {"peer": "veth1p"}}, "veth1p")


def new_vxlan(draft: Draft) -> bool:
    base = draft.random.choice(CARDS)
    section = {"base-iface": base, "id": 7, "remote": "192.0.2.99", "destination-port": 4789}
    return "vx1" not in draft.here.links and draft.add(
        {"name": "vx1", "type": "vxlan", "state": "up", "vxlan": section}
    )


def new_mac_vlan(draft: Draft) -> bool:
    section = {"base-iface": draft.random.choice(CARDS), "mode": "bridge", "promiscuous": True}
    entry = {"name": "mv1", "type": "mac-vlan", "state": "up", "mac-vlan": section}
    return "mv1" not in draft.here.links and draft.add(entry)


def new_address(draft: Draft) -> bool:
    """A static address, and perhaps routes and a rule for it."""
    name = draft.choose(card for card in CARDS if draft.here.is_plain(card))
    if name is None:
        return False
    net = SUBNETS[name]
    section: Json = {"ipv4": static(f"{net}.{draft.random.choice([1, 2])}", 24)}
    if draft.random.random() < 0.3:
        section["ipv6"] = {**static("2001:db8:1::10", 64), "autoconf": False}
    draft.add(ethernet(name, **section))
    hop = {"next-hop-address": f"{net}.254", "next-hop-interface": name}
    if draft.random.random() < 0.5:
        metric: Json = draft.random.choice([{}, {"metric": 77}])
        draft.routes.append({"destination": "198.51.100.0/24", **hop, **metric})
    if draft.random.random() < 0.3:
        draft.routes.append({"destination": "203.0.113.0/24", **hop, "table-id": 200})
        draft.rules.append({"ip-from": f"{net}.0/24", "priority": 1000, "route-table": 200})
    return True


def new_own_route(draft: Draft) -> None:
    hop = {"next-hop-address": GATEWAY, "next-hop-interface": draft.here.own_interface}
    draft.routes.append({"destination": f"172.16.{draft.random.choice([1, 2])}.0/24", **hop})


def second_own_address(draft: Draft) -> bool:
    if draft.here.own_interface != "eth0":
        return False
    section = static(draft.here.own, 24)
    section["address"].append({"ip": draft.here.own.replace("10.88.0.", "10.89.0."), "prefix-length": 24})
    return draft.add(ethernet("eth0", ipv4=section))


def new_dns(draft: Draft) -> None:
    draft.dns = draft.dns or {"server": [GATEWAY, SILENT], "search": ["example.com"]}


def new_mtu(draft: Draft) -> bool:
    name = draft.choose(card for card in ("eth0", *CARDS) if draft.here.is_plain(card))
    return name is not None and draft.add(ethernet(name, mtu=draft.random.choice([1400, 1450, 1500])))


def off(draft: Draft) -> bool:
    name = draft.choose(card for card in CARDS if draft.here.is_plain(card))
    return name is not None and draft.add(ethernet(name, ipv4=OFF, ipv6=OFF))


def down(draft: Draft) -> bool:
    name = draft.choose(card for card in CARDS if draft.here.is_plain(card))
    return name is not None and draft.add({"name": name, "type": "ethernet", "state": "down"})


def own_address_moves(draft: Draft) -> bool:
    """Onto a bridge over eth0, or back; with its gateway."""
    here = draft.here
    old, new = here.own_interface, "br-ex" if here.own_interface == "eth0" else "eth0"
    if draft.routes or draft.dns or {"eth0", "br-ex"} & draft.used or {old, new} & draft.interfaces.keys():
        return False
    if old == "eth0":
        if here.children("eth0"):
            return False
        draft.add({**bridge("br-ex", "eth0"), "ipv4": static(here.own, 24)})
        draft.add(ethernet("eth0", ipv4=OFF))
    else:
        draft.add({"name": old, "state": "absent"})
        draft.add(ethernet("eth0", ipv4=static(here.own, 24)))
    draft.routes.append(default_route(GATEWAY, new))
    return True


# What goes.


def absent_there(draft: Draft) -> bool:
    name = draft.choose(name for name in draft.here.made() if not draft.here.children(name))
    is_used = name is None or bool(draft.used & {*draft.here.ports(name)})
    return not is_used and draft.add({"name": name, "state": "absent"})


TYPES = ("linux-bridge", "bond", "vlan", "vrf", "dummy", "veth", "vxlan", "mac-vlan")


def absent_not_there(draft: Draft) -> bool:
    kind = draft.random.choice(TYPES)
    more = {"type": kind} if draft.random.random() < 0.7 else {}
    return draft.add({"name": f"no-{kind}", **more, "state": "absent"})


def absent_card(draft: Draft) -> bool:
    name = draft.choose(card for card in CARDS if draft.here.is_plain(card))
    return name is not None and draft.add({"name": name, "type": "ethernet", "state": "absent"})


def absent_route(draft: Draft) -> None:
    routes = [route for route in draft.here.routes if route.get("dev") in CARDS and route["dst"] != "default"]
    names = {route["dev"] for route in routes} - draft.used
    if names and draft.random.random() < 0.7:
        draft.routes.append({"next-hop-interface": draft.random.choice(sorted(names)), "state": "absent"})
    else:
        hop = {"next-hop-address": GATEWAY, "next-hop-interface": draft.here.own_interface}
        draft.routes.append({"destination": "192.168.77.0/24", **hop, "state": "absent"})


def absent_rule(draft: Draft) -> None:
    if not draft.rules:
        draft.rules.append({"priority": draft.random.choice([1000, 1001]), "state": "absent"})


RIGHT: dict[str, tuple[Part, int]] = {
    "own address": (own_address, 6),
    "own gateway": (own_gateway, 6),
    "own DNS": (own_dns, 4),
    "own name": (own_name, 2),
    "the same again": (again, 4),
    "bridge": (new_bridge, 5),
    "bond": (new_bond, 3),
    "VLAN": (new_vlan, 5),
    "VRF": (new_vrf, 2),
    "dummy": (new_dummy, 4),
    "veth": (new_veth, 2),
    "VXLAN": (new_vxlan, 2),
    "MAC VLAN": (new_mac_vlan, 2),
    "address": (new_address, 5),
    "own route": (new_own_route, 2),
    "second own address": (second_own_address, 2),
    "DNS": (new_dns, 2),
    "MTU": (new_mtu, 2),
    "no address": (off, 2),
    "down": (down, 1),
    "own address moves": (own_address_moves, 2),
    "absent, there": (absent_there, 5),
    "absent, not there": (absent_not_there, 4),
    "absent card": (absent_card, 1),
    "absent route": (absent_route, 2),
    "absent rule": (absent_rule, 1),
}

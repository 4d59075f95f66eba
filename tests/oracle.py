"""The oracle of a rollback: everything that a change could touch on a node, before and after, compared.

A snapshot is flat: what a person would call each fact, and its value; what is missing is None. What differs for reasons
of its own stands in VOLATILE, with the reason.
"""

import configparser
import contextlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tests.lab import CHECKOUT, PYTHON, Json, Node

Snapshot = dict[str, Any]
THERE = "there"

SETTLE_SECONDS = 10.0
"""NetworkManager and the kernel finish what they do some time after they were told to."""

# Regular expressions of whole names of facts, and why the facts do not count.
VOLATILE: dict[str, str] = {
    r".*[._](timer|timers)": "counts down or up",
    r"link \S+ data\.(root_id|bridge_id|root_port|root_path_cost|topology_change\w*)": "found out by spanning tree",
    r"link \S+ port\.(state|id|no|designated_\w+|root_id|bridge_id|config_pending|topology_change_ack)": "the same",
    r"link \S+ port\.(mii_status|link_failure_count|perm_hwaddr|ad_\w+|state|queue_id)": "follows the port's carrier",
    r"link \S+ data\.(active_slave|ad_info\..*)": "follows the carriers of the ports",
    r"link \S+ data\.(gc_timer|mcast_querier\w*)": "the kernel's book-keeping",
    r"profile .*connection\.timestamp": "when it was last up",
    r"profile .*\.(addresses|routes|dns)": "the same facts in an old form; -data has them",
    r"file \S+ connection\.timestamp": "when it was last up",
    r"rule inet[46] 1000 l3mdev .*": "the kernel adds it with the first VRF there ever is, and leaves it",
    r"file \S+ \.nmmeta\..*": "NetworkManager's word on a file in /run, which the profile's flags tell, too",
}
# Of a link, what does not count: its index and queues are the kernel's, carrier and state follow the cable's other end,
# promiscuity counts who listens.
LINK = {"mtu": "mtu", "master": "master", "link": "base", "txqlen": "txqlen", "altnames": "altnames"}
FLAGS = ("UP", "PROMISC", "ALLMULTI", "NOARP", "MULTICAST")
# Of an address: tentative, dadfailed and deprecated pass, lifetimes count down.
ADDRESS_FLAGS = ("dynamic", "noprefixroute", "secondary", "temporary", "mngtmpaddr")
# Of a route: flags follow the carrier, expires counts down, pref is the default.
ROUTE_LEFT_OUT = {"flags", "expires", "pref", "age", "error", "users", "used"}
# The table local follows from the addresses, ff00::/8 from the links that are up.
DERIVED_ROUTES = ("local", "broadcast", "anycast", "multicast")

_NM = "org.freedesktop.NetworkManager"
_UNAVAILABLE, _DISCONNECTED = 20, 30
_GENERATED = 0x2 | 0x8
"""NMSettingsConnectionFlags: made by NetworkManager for what it did not set up itself, with another uuid each time."""


def node_facts(node: Node) -> Json:
    """The raw facts of a node, as `tests.node_facts` prints them."""
    facts: Json = json.loads(node.run(PYTHON, str(CHECKOUT / "tests/node_facts.py")))
    return facts


def snapshot(node: Node) -> Snapshot:
    """Everything that a change could touch on the node."""
    return snapshot_of(node_facts(node))


def settled(node: Node) -> Snapshot:
    """The same once two looks in a row see the same: what came before this may still be finishing."""
    deadline = time.monotonic() + SETTLE_SECONDS
    seen = snapshot(node)
    while (now := snapshot(node)) != seen and time.monotonic() < deadline:
        seen = now
    return now


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """Where the two differ, a line each: fact: before -> after; of what is gone or new as a whole no details."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    wholes = tuple(f"{name} " for name in names if THERE in (before.get(name), after.get(name)))
    return [f"{name}: {before.get(name)!r} -> {after.get(name)!r}" for name in names if not name.startswith(wholes)]


def assert_same(
    node: Node,
    before: Snapshot,
    *,
    but: Sequence[str] = (),
    view: Callable[[Snapshot], Snapshot] = dict,
    seconds: float = SETTLE_SECONDS,
) -> Snapshot:
    """Fail unless the node becomes what it was within that time, and return what it is; says how it differs.

    `but`: regular expressions of facts that may differ, because the test itself changes them. `view`: what of both is
    compared.
    """
    deadline = time.monotonic() + seconds
    while True:
        after = snapshot(node)
        lines = differences(view(before), view(after))
        found = [line for line in lines if not any(re.match(pattern, line) for pattern in but)]
        if not found:
            return after
        if time.monotonic() > deadline:
            raise AssertionError(f"{node.name} is not what it was before:\n  " + "\n  ".join(found))


@contextlib.contextmanager
def undone(node: Node, *, but: Sequence[str] = ()) -> Iterator[Snapshot]:
    """What happens inside leaves no trace on the node."""
    before = settled(node)
    yield before
    assert_same(node, before, but=but)


def snapshot_of(facts: Json) -> Snapshot:
    """The snapshot in raw facts."""
    found: Snapshot = {"hostname": facts["hostname"]}
    random_macs = _random_macs(facts)
    for link in facts["links"]:
        found |= _link(link, facts, random_macs)
    found |= _routes(facts)
    rules = [f"rule inet{family} {_words(rule)}" for family in "46" for rule in facts[f"rules{family}"]]
    found |= Counter(rules)
    for port in facts["vlans"]:
        found |= {f"vlan {port['ifname']} {_words(vlan)}": 1 for vlan in port.get("vlans", [])}
    found |= _files(facts["files"])
    found |= _networkmanager(facts["networkmanager"])
    return {name: value for name, value in found.items() if not any(re.fullmatch(reg, name) for reg in VOLATILE)}


def flat(value: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of nested dicts, by dotted path; lists are leaves, and what is empty is left out."""
    for key, item in value.items():
        if isinstance(item, dict):
            yield from ((f"{key}.{path}", leaf) for path, leaf in flat(item))
        elif item not in ([], "", None):
            yield str(key), item


def _random_macs(facts: Json) -> set[str]:
    """Links whose MAC the kernel chose when they were made: another link of that name gets another."""
    links = {link["ifname"]: link for link in facts["links"]}
    of_ports = {link.get("address") for link in facts["links"] if "master" in link}
    found = {
        name
        for name, link in links.items()
        # A bridge's own, unless it goes by one of its ports.
        if facts["sysfs"].get(name, {}).get("addr_assign_type") == "1" and link.get("address") not in of_ports
    }
    # A bond has one that was drawn by lot or its first port's, whichever came first, and all its ports have it.
    bonds = {name for name, link in links.items() if link.get("linkinfo", {}).get("info_kind") == "bond"}
    found |= bonds - _given_macs(facts["networkmanager"] or {})
    found |= {name for name, link in links.items() if link.get("master") in bonds & found}
    return found | {name for name, link in links.items() if link.get("link") in found and _is_vlan(link)}


def _is_vlan(link: Json) -> bool:
    return bool(link.get("linkinfo", {}).get("info_kind") == "vlan")


def _given_macs(objects: Json) -> set[str]:
    """Interfaces whose profile says which MAC they have."""
    settings = [profile["settings"] for profile in profiles(objects)]
    return {
        found["connection"].get("interface-name", "")
        for found in settings
        if found.get("802-3-ethernet", {}).get("cloned-mac-address")
    }


def _link(link: Json, facts: Json, random_macs: set[str]) -> Snapshot:
    name = link["ifname"]
    info = link.get("linkinfo", {})
    about: Json = {word: link[key] for key, word in LINK.items() if key in link}
    about["flags"] = sorted(set(link["flags"]) & set(FLAGS))
    about["mac"] = "random" if name in random_macs else link.get("address")
    about |= {"kind": info.get("info_kind"), "data": info.get("info_data", {})}
    about |= {"port_kind": info.get("info_slave_kind"), "port": info.get("info_slave_data", {})}
    is_port = info.get("info_slave_kind") in ("bridge", "bond")
    if not is_port and _state(name, facts) not in (_UNAVAILABLE, _DISCONNECTED):
        # Such a port has no IPv6 of its own to be set up. On what is managed and has no profile NetworkManager leaves
        # what the last profile asked (no IPv6, say), and sets it anew with the next.
        about["sysctl"] = {key: value for key, value in facts["sysfs"].get(name, {}).items() if "." in key}
        modes = {found["ifname"]: found.get("inet6_addr_gen_mode") for found in facts["addr_gen"]}
        about["addr_gen"] = modes.get(name)
    found: Snapshot = {f"link {name}": THERE, **{f"link {name} {path}": leaf for path, leaf in flat(about)}}
    for address in link["addr_info"]:
        found |= _address(name, address, is_random=name in random_macs)
    return found


def _state(name: str, facts: Json) -> int | None:
    """What NetworkManager calls the state of a device; None when it does not know it."""
    devices = _interfaces(facts["networkmanager"] or {}, f"{_NM}.Device")
    return next((device["State"] for device in devices if device["Interface"] == name and device["Real"]), None)


def _address(name: str, address: Json, *, is_random: bool) -> Snapshot:
    is_derived = is_random and address["scope"] == "link" and address["family"] == "inet6"
    ip = "fe80::random" if is_derived else address["local"]
    words = [f"{ip}/{address['prefixlen']}", address["scope"], *(flag for flag in ADDRESS_FLAGS if address.get(flag))]
    words += [f"peer {address['address']}"] if "address" in address else []
    return {f"address {name} {' '.join(words)}": 1}


def _routes(facts: Json) -> Snapshot:
    found: list[str] = []
    for family in "46":
        for route in facts[f"routes{family}"]:
            if route.get("type") not in DERIVED_ROUTES:
                kept = {key: value for key, value in route.items() if key not in ROUTE_LEFT_OUT}
                found.append(f"route inet{family} {_words(kept)}")
    return dict(Counter(found))


def _words(fact: Json) -> str:
    """A route, a rule or a VLAN in one line."""
    first = [str(fact[key]) for key in ("type", "priority", "dst", "vlan") if key in fact]
    rest = {key: value for key, value in fact.items() if key not in ("type", "priority", "dst", "vlan")}
    return " ".join([*first, *(f"{key} {json.dumps(value).strip(chr(34))}" for key, value in sorted(rest.items()))])


def _files(files: dict[str, str]) -> Snapshot:
    found: Snapshot = {}
    for path, text in files.items():
        if path.endswith("/change.json"):
            phase = json.loads(text or "{}").get("phase")
            # What cut the node off is remembered so that it is not tried again: that is settled.
            found |= {} if phase == "lost" else {"journal": phase}
        elif path.endswith("/resolv.conf"):
            found[f"file {path}"] = text
        else:
            keys = keyfile(text)
            if not is_generated(keys):
                found[f"file {path}"] = THERE
                found |= {f"file {path} {key}": value for key, value in keys.items() if value}
    return found


def keyfile(text: str) -> dict[str, str]:
    """The settings of one of NetworkManager's files, as section.key."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",), allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return {f"{name}.{key}": value or "" for name in parser.sections() for key, value in parser[name].items()}


def is_generated(keys: dict[str, str]) -> bool:
    """Whether NetworkManager made that profile for what it found."""
    return ".nmmeta.nm-generated" in keys or ".nmmeta.external" in keys


def profiles_on_disk(facts: Json, folder: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """NetworkManager's profiles in files, but for those that it made up for what others set up."""
    for path, text in facts["files"].items():
        if path.endswith(".nmconnection") and path.startswith(folder) and not is_generated(keys := keyfile(text)):
            yield path, keys


def profiles(objects: Json) -> Iterator[Json]:
    """NetworkManager's profiles: path, flags, filename and settings of each."""
    for path, interfaces in objects.items():
        about = interfaces.get(f"{_NM}.Settings.Connection")
        if about is not None and interfaces.get("settings"):
            yield {
                "path": path,
                "flags": about["Flags"],
                "filename": about["Filename"],
                "settings": interfaces["settings"],
            }


def _networkmanager(objects: Json | None) -> Snapshot:
    if objects is None:
        return {"NetworkManager": "away"}
    manager = objects.get("/org/freedesktop/NetworkManager", {}).get(_NM, {})
    found: Snapshot = {"checkpoints": len(manager.get("Checkpoints", []))}
    found |= {f"global dns {path}": leaf for path, leaf in flat(manager.get("GlobalDnsConfiguration", {}))}
    names: dict[str, str] = {}
    for profile in profiles(objects):
        settings = profile["settings"]["connection"]
        is_made_up = bool(profile["flags"] & _GENERATED)
        name = settings["id"] if is_made_up else f"{settings['id']} {settings['uuid']}"
        names[profile["path"]] = name
        # What a made-up one says follows from the kernel; of its name, flags and existence nothing does.
        about = {"flags": profile["flags"]} if is_made_up else profile | {"path": None}
        found[f"profile {name}"] = THERE
        found |= {f"profile {name} {path}": leaf for path, leaf in flat(about)}
    for device in _interfaces(objects, f"{_NM}.Device"):
        active = objects.get(device["ActiveConnection"], {}).get(f"{_NM}.Connection.Active", {})
        about = {"state": device["State"], "profile": names.get(active.get("Connection", ""))}
        about |= {"managed": device["Managed"], "autoconnect": device["Autoconnect"]}
        if device["Real"]:
            found |= {f"device {device['Interface']} {path}": leaf for path, leaf in flat(about)}
    return found


def _interfaces(objects: Json, interface: str) -> Iterable[Json]:
    return [interfaces[interface] for interfaces in objects.values() if interface in interfaces]

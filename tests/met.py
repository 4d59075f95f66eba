"""Whether a node's kernel is what a document asks: a comparison of the tests' own.

So a mistake of the product's, in what it takes for the same, does not hide itself.
"""

import ipaddress
import json
import re
from collections.abc import Iterator

from tests.lab import Json
from tests.oracle import profiles_on_disk

KINDS = {
    "linux-bridge": "bridge",
    "bond": "bond",
    "vlan": "vlan",
    "vrf": "vrf",
    "dummy": "dummy",
    "veth": "veth",
    "vxlan": "vxlan",
    "mac-vlan": "macvlan",
}
# By type: the section of a document, its keys, and what the kernel calls them; `link` stands for the base interface.
OPTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "vlan": ("vlan", {"id": "id", "base-iface": "link"}),
    "vrf": ("vrf", {"route-table-id": "table"}),
    "vxlan": ("vxlan", {"id": "id", "base-iface": "link", "remote": "remote", "destination-port": "port"}),
    "veth": ("veth", {"peer": "link"}),
    "mac-vlan": ("mac-vlan", {"base-iface": "link", "mode": "mode"}),
    "bond": ("link-aggregation", {"mode": "mode"}),
}
PORTS = {"linux-bridge": "bridge", "bond": "link-aggregation", "vrf": "vrf"}
TABLES = {254: "main", 253: "default", 255: "local"}


def unmet(document: Json, facts: Json) -> list[str]:
    """What of a document is not so in the kernel and the resolver, a line each."""
    links = {link["ifname"]: link for link in facts["links"]}
    found: list[str] = []
    for wanted in document.get("interfaces") or []:
        found += (f"{wanted['name']}: {line}" for line in _interface(wanted, links, facts))
    for wanted in (document.get("routes") or {}).get("config") or []:
        found += _route(wanted, facts)
    for wanted in (document.get("route-rules") or {}).get("config") or []:
        found += _rule(wanted, facts)
    return [*found, *_dns(document, facts)]


def _interface(wanted: Json, links: dict[str, Json], facts: Json) -> Iterator[str]:
    name, link = wanted["name"], links.get(wanted["name"])
    match wanted.get("state", "up"):
        case "absent":
            yield from _absent(name, link, facts)
        case "down":
            if link is not None and addresses(link):
                yield f"has {sorted(addresses(link))} although it is to be down"
        case "up":
            if link is None:
                yield "is not there"
                return
            yield from _link(wanted, link)
            yield from _options(wanted, link)
            yield from _ports(wanted, links)


def _absent(name: str, link: Json | None, facts: Json) -> Iterator[str]:
    is_card = re.fullmatch(r"eth\d", name) is not None
    if link is not None and not is_card:
        yield "is still there"
    for path, keys in profiles_on_disk(facts):
        if keys.get("connection.interface-name") == name:
            yield f"is absent, but {path} is there"


def _link(wanted: Json, link: Json) -> Iterator[str]:
    if "UP" not in link["flags"]:
        yield "is down"
    kind = KINDS.get(wanted.get("type", ""))
    if kind is not None and link.get("linkinfo", {}).get("info_kind") != kind:
        yield f"is no {kind}"
    if "mtu" in wanted and int(wanted["mtu"]) != link["mtu"]:
        yield f"mtu {wanted['mtu']}, found {link['mtu']}"
    mac = wanted.get("mac-address")
    if mac is not None and mac.lower() != link["address"].lower():
        yield f"mac-address {mac}, found {link['address']}"
    if "controller" in wanted and (wanted["controller"] or None) != link.get("master"):
        yield f"controller {wanted['controller']}, found {link.get('master')}"
    for section, family in (("ipv4", "inet"), ("ipv6", "inet6")):
        yield from _ip(wanted.get(section) or {}, link, section, family)


def _ip(section: Json, link: Json, name: str, family: str) -> Iterator[str]:
    there = addresses(link, family)
    if section.get("enabled") is False and there:
        yield f"{name} is disabled, found {sorted(there)}"
    if not section.get("enabled") or "address" not in section:
        return
    asked = {f"{ipaddress.ip_address(one['ip'])}/{one['prefix-length']}" for one in section["address"]}
    asked = {one for one in asked if not one.startswith("fe80")}
    is_dynamic = section.get("dhcp") or section.get("autoconf")
    if asked - there or (there - asked and not is_dynamic):
        yield f"{name} {sorted(asked)}, found {sorted(there)}"


def addresses(link: Json, family: str | None = None) -> set[str]:
    return {
        f"{one['local']}/{one['prefixlen']}"
        for one in link["addr_info"]
        if one["scope"] != "link" and (family is None or one["family"] == family)
    }


def _options(wanted: Json, link: Json) -> Iterator[str]:
    section, keys = OPTIONS.get(wanted.get("type", ""), ("", {}))
    data = {"link": link.get("link"), **link.get("linkinfo", {}).get("info_data", {})}
    for key, name in keys.items():
        asked = (wanted.get(section) or {}).get(key)
        if asked is not None and str(asked) != str(data.get(name)):
            yield f"{section}.{key} {asked}, found {data.get(name)}"
    stp = (((wanted.get("bridge") or {}).get("options") or {}).get("stp") or {}).get("enabled")
    if stp is not None and bool(data.get("stp_state")) != stp:
        yield f"stp {stp}, found {data.get('stp_state')}"


def _ports(wanted: Json, links: dict[str, Json]) -> Iterator[str]:
    section = wanted.get(PORTS.get(wanted.get("type", ""), "")) or {}
    asked = section.get("port", section.get("ports"))
    if asked is None:
        return
    names = {port["name"] if isinstance(port, dict) else port for port in asked}
    there = {name for name, link in links.items() if link.get("master") == wanted["name"]}
    if names != there:
        yield f"ports {sorted(names)}, found {sorted(there)}"


def _route(wanted: Json, facts: Json) -> Iterator[str]:
    table = wanted.get("table-id") or 254
    asked = {
        "dst": _destination(wanted.get("destination")),
        "gateway": wanted.get("next-hop-address"),
        "dev": wanted.get("next-hop-interface"),
        "table": TABLES.get(table, str(table)) if wanted.get("table-id") or wanted.get("state") != "absent" else None,
        "metric": wanted["metric"] if wanted.get("metric", -1) >= 0 else None,
    }
    routes = [route for family in "46" for route in facts[f"routes{family}"] if route.get("protocol") != "kernel"]
    there = [route for route in routes if all(route.get(key) == value for key, value in asked.items() if value)]
    text = json.dumps({key: value for key, value in asked.items() if value})
    if wanted.get("state") == "absent" and there:
        yield f"route {text} is still there"
    if wanted.get("state") != "absent" and not there:
        yield f"route {text} is not there"


def _destination(text: str | None) -> str | None:
    """A destination as the kernel prints it."""
    if text is None:
        return None
    if text in ("0.0.0.0/0", "::/0"):
        return "default"
    network = ipaddress.ip_network(text, strict=False)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _rule(wanted: Json, facts: Json) -> Iterator[str]:
    rules = [rule for family in "46" for rule in facts[f"rules{family}"]]
    table = wanted.get("route-table")

    def is_it(rule: Json) -> bool:
        source = f"{rule['src']}/{rule.get('srclen', 32)}"
        checks = [
            wanted.get("priority") in (None, -1, rule["priority"]),
            wanted.get("ip-from") in (None, source, rule["src"]),
            table in (None, 0) or TABLES.get(int(table), str(table)) == rule.get("table"),
        ]
        return all(checks) and rule["priority"] not in (0, 32766, 32767)

    is_there = any(is_it(rule) for rule in rules)
    if is_there == (wanted.get("state") == "absent"):
        yield f"rule {json.dumps(wanted)} is {'still' if is_there else 'not'} there"


def _dns(document: Json, facts: Json) -> Iterator[str]:
    config = (document.get("dns-resolver") or {}).get("config") or {}
    lines = [line.split() for line in facts["files"].get("/etc/resolv.conf", "").splitlines()]
    servers = [words[1] for words in lines if words[:1] == ["nameserver"]]
    search: list[str] = next((words[1:] for words in lines if words[:1] == ["search"]), [])
    # A resolver reads three, and NetworkManager writes three.
    if config.get("server") and servers != config["server"][:3]:
        yield f"DNS servers {config['server']}, found {servers}"
    if config.get("search") and search != config["search"]:
        yield f"DNS search {config['search']}, found {search}"

"""The truth of words: whatever a node's status says is looked up on the node itself."""

import ipaddress
import re
import time
from collections.abc import Iterator
from typing import Any

from tests.lab import Json, Node, condition
from tests.met import addresses, unmet
from tests.oracle import (
    SETTLE_SECONDS,
    Snapshot,
    assert_same,
    differences,
    node_facts,
    profiles_on_disk,
    snapshot,
)

# What the status calls a node that a failed change has left alone.
AS_BEFORE = re.compile(r"runs what it ran before|was undone|is undone")
# What it calls one that a failed change has not left alone.
AMISS = re.compile(r"rollback incomplete")
# What Ready's message says of what is in effect and would not outlast a reboot.
UNSAVED = re.compile(r"a reboot would (undo|revert|lose)")


# By which of them a port's profile may name its controller's.
_NAMES = ("connection.interface-name", "connection.uuid", "connection.id")


def assert_true_words(node: Node, before: Snapshot | None = None) -> None:
    """Fail when the node's status says what is not so on the node; `before`: what it was before this generation."""
    found = node.object()
    status, spec = found["status"], found["spec"]
    ready = condition(status, "Ready")
    document = spec.get("desiredState") or {}
    if ready.get("observedGeneration") != found["metadata"]["generation"] or ready["status"] == "Unknown":
        return
    if before is not None and AS_BEFORE.search(ready["message"]):
        assert_same(node, before)
    if before is not None and AMISS.search(ready["message"]):
        assert differences(before, snapshot(node)), f"{ready['message']!r}, but {node.name} is what it was before"
    _soon(node, dangling, "at the next boot no port must wait for a controller that is gone")
    if ready["reason"] == "Configured":
        _soon(node, lambda facts: unmet(document, facts), "Ready says Configured")
        if not UNSAVED.search(ready["message"]):
            _soon(node, lambda facts: unsaved(document, facts), f"Ready says {ready['message']!r}")
    if status.get("lastApply", {}).get("persisted") and ready["status"] == "True":
        _soon(node, lambda facts: unsaved(document, facts), "lastApply says persisted")
    _soon(node, lambda facts: unreported(node.object()["status"].get("currentState", {}), facts), "it reports")


def _soon(node: Node, look: Any, words: str) -> None:
    """Fail unless nothing is found within the time that NetworkManager takes to settle."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while found := look(node_facts(node)):
        if time.monotonic() > deadline:
            raise AssertionError(f"{words}, but on {node.name}:\n  " + "\n  ".join(found))


def dangling(facts: Json) -> list[str]:
    """Profiles on disk of ports whose controller has none and is not there: at a boot they wait for it in vain."""
    names = {link["ifname"] for link in facts["links"]}
    profiles = dict(profiles_on_disk(facts, "/etc/"))
    known = names | {keys[word] for keys in profiles.values() for word in _NAMES if word in keys}
    return [
        f"{path} is a port of {keys['connection.master']}, which is gone"
        for path, keys in profiles.items()
        if keys.get("connection.master", next(iter(known))) not in known
    ]


def unsaved(document: Json, facts: Json) -> list[str]:
    """What of a document a power cut would lose, as the files say, a line each."""
    on_disk = dict(profiles_on_disk(facts, "/etc/"))
    in_memory = dict(profiles_on_disk(facts, "/run/"))
    found: list[str] = []
    for wanted in document.get("interfaces") or []:
        name = wanted["name"]
        if wanted.get("state", "up") != "up" or name == "lo":
            continue
        uuids = {keys["connection.uuid"] for keys in on_disk.values() if _is_about(keys, name)}
        if not uuids:
            found.append(f"{name}: no profile in /etc")
        shadows = [
            path for path, keys in in_memory.items() if _is_about(keys, name) or keys["connection.uuid"] in uuids
        ]
        found += (f"{name}: {path} shadows what is in /etc" for path in shadows)
    texts = [text for path, text in facts["files"].items() if path.startswith(("/etc/Net", "/var/lib/Net"))]
    lines = [line for text in texts for line in text.splitlines()]
    found += (f"{word} is not on disk: {keys}" for keys, word in _saved_words(document) if not _in(keys, word, lines))
    return found


def _is_about(keys: dict[str, str], interface: str) -> bool:
    return keys.get("connection.interface-name") == interface


def _saved_words(document: Json) -> Iterator[tuple[str, str]]:
    """What has to stand in a file, and in which keys: addresses, destinations, priorities and servers of a document."""
    for wanted in document.get("interfaces") or []:
        if wanted.get("state", "up") == "up":
            for section in (wanted.get("ipv4") or {}, wanted.get("ipv6") or {}):
                for one in section.get("address") or [] if section.get("enabled") else []:
                    yield r"address\d+", f"{ipaddress.ip_address(one['ip'])}/{one['prefix-length']}"
    for route in (document.get("routes") or {}).get("config") or []:
        if route.get("state") != "absent":
            # A default route may be written as the gateway.
            is_default = route["destination"] in ("0.0.0.0/0", "::/0")
            yield r"route\d+|address\d+|gateway", str(route["next-hop-address"] if is_default else route["destination"])
    for rule in (document.get("route-rules") or {}).get("config") or []:
        if rule.get("state") != "absent" and "priority" in rule:
            yield r"routing-rule\d+", f"priority {rule['priority']}"
    for server in ((document.get("dns-resolver") or {}).get("config") or {}).get("server") or []:
        yield r"dns|.*servers", server


def _in(keys: str, word: str, lines: list[str]) -> bool:
    pattern = re.compile(rf"(?:{keys})=(?:.*[^\w.:])?{re.escape(word)}(?![\w.:])")
    return any(pattern.match(line) for line in lines)


def unreported(report: Json, facts: Json) -> list[str]:
    """Where currentState is not what the kernel has: interfaces, their MTU and addresses, and routes; a line each."""
    links = {link["ifname"]: link for link in facts["links"] if not re.match(r"peer\d", link["ifname"])}
    shown = {one["name"]: one for one in report.get("interfaces", []) if one.get("type") != "ovs-bridge"}
    found = [f"{name} is reported {name in shown}, there {name in links}" for name in links.keys() ^ shown.keys()]
    for name in links.keys() & shown.keys():
        if shown[name].get("mtu", links[name]["mtu"]) != links[name]["mtu"]:
            found.append(f"{name}: mtu is reported {shown[name]['mtu']}, there {links[name]['mtu']}")
        reported = {
            f"{one['ip']}/{one['prefix-length']}"
            for section in ("ipv4", "ipv6")
            for one in shown[name].get(section, {}).get("address", [])
            if not one["ip"].startswith("fe80")
        }
        if reported != addresses(links[name]):
            found.append(f"{name}: addresses are reported {sorted(reported)}, there {sorted(addresses(links[name]))}")
    return found

"""Rewrites a document for a change on trial: the part that memory can prove, and the rest, which is for the disk.

Pure functions. `before` is always what `libnmstate.show()` returned before the change.
"""

from collections.abc import Mapping
from typing import Final

from nmstate_controller.api.models import State
from nmstate_controller.node.diff.names import kind
from nmstate_controller.node.networkmanager.snapshot import ManagerSnapshot
from nmstate_controller.node.revert.touching import ports_of

_OFF: Final = {"enabled": False}
_WITHOUT_PORTS: Final[Mapping[str, State]] = {
    "linux-bridge": {"bridge": {"port": []}},
    "bond": {"link-aggregation": {"port": []}},
    "vrf": {"vrf": {"port": []}},
}


def on_trial(document: State, before: State, *, bare: bool = False) -> State:
    """The document as it can be applied in memory: without the hostname, which would not be changed and fail to verify.

    What is absent already is left out: to have it down, as absent means in memory, libnmstate would make it first.

    A controller that the document removes only goes down in memory and would keep its ports, whose profiles would name
    it for ever; libnmstate would then wait without end for one of them to come up. So they are detached from it, a port
    that goes down as well: that alone leaves its profile as it is, and is done on disk.

    `bare`: interfaces to remove stay for now, without addresses and ports, by which the node could be reached.
    """
    trial = {key: value for key, value in document.items() if key != "hostname"}
    interfaces = [found for found in document.get("interfaces") or [] if not _is_gone_already(found, before)]
    if not interfaces:
        return {**trial, "interfaces": []} if "interfaces" in trial else trial
    named = {found.get("name") for found in interfaces}
    orphans = _orphaned_ports(interfaces, before)
    unnamed = [{"name": name, "type": kind, "state": "up"} for name, kind in orphans.items() if name not in named]
    trial["interfaces"] = [
        _detached(found) if found.get("name") in orphans else found for found in (*interfaces, *unnamed)
    ]
    if bare:
        known = {found.get("name"): found for found in before.get("interfaces", [])}
        trial["interfaces"] = [
            _bare(known[found["name"]]) if found.get("state") == "absent" and found.get("name") in known else found
            for found in trial["interfaces"]
        ]
    return trial


def on_disk_only(document: State) -> State | None:
    """The part of a document that memory cannot prove: interfaces to remove (they only go down) and the hostname.

    With them goes what the document sets down, which `on_trial` may have left up.
    """
    gone = [found for found in document.get("interfaces") or [] if found.get("state") in ("absent", "down")]
    rest: State = {"interfaces": gone} if absent(document) else {}
    if document.get("hostname"):
        rest["hostname"] = document["hostname"]
    return rest or None


def absent(document: State) -> State:
    """The part of a document that removes interfaces; empty when it removes none."""
    gone = [found for found in document.get("interfaces") or [] if found.get("state") == "absent"]
    return {"interfaces": gone} if gone else {}


def with_unsaved_ports(document: State, before: State, manager: ManagerSnapshot) -> State:
    """The document, with an entry for each port that it lists and that somebody attached by hand.

    Where a controller has its ports already libnmstate makes no profiles for them, and a boot would not attach them.
    """
    interfaces = [one for one in document.get("interfaces") or [] if isinstance(one, dict)]
    named = {one.get("name") for one in interfaces}
    unsaved = set(manager.not_saved(_ports(interfaces))) - named
    found = [one for one in before.get("interfaces", []) if one.get("name") in unsaved and one.get("controller")]
    if not found:
        return document
    entries = [{"name": one["name"], "type": kind(one), "state": "up"} for one in found]
    return {**document, "interfaces": [*document["interfaces"], *entries]}


def with_absent_peers(document: State, before: State) -> State:
    """The document, with the other end of each veth pair of which it removes one.

    libnmstate removes it as well, if it sees the pair. Once the trial has taken that down it does not, and then
    NetworkManager makes it anew by the profile of the end that is left.
    """
    interfaces = [one for one in document.get("interfaces") or [] if isinstance(one, dict)]
    named = {one.get("name") for one in interfaces}
    known = {one.get("name"): one for one in before.get("interfaces", [])}
    gone = [known.get(one.get("name"), {}) for one in interfaces if one.get("state") == "absent"]
    peers = {(one.get("veth") or {}).get("peer") for one in gone} - named
    # The end of a pod's or a cable is none of NetworkManager's, and has no profile.
    managed = [peer for peer in peers if known.get(peer, {}).get("state", "ignore") != "ignore"]
    entries = [{"name": peer, "type": "veth", "state": "absent"} for peer in sorted(map(str, managed))]
    return {**document, "interfaces": [*document["interfaces"], *entries]} if entries else document


def lasting(document: State) -> set[str]:
    """The interfaces whose configuration a boot has to find on disk."""
    interfaces = [one for one in document.get("interfaces") or [] if isinstance(one, dict)]
    routes = (document.get("routes") or {}).get("config") or []
    up = {"interfaces": [one for one in interfaces if one.get("state", "up") == "up"]}
    there = names({**up, "routes": {"config": [one for one in routes if one.get("state") != "absent"]}})
    return (there | _ports(interfaces)) - {one.get("name") for one in interfaces if one.get("state", "up") != "up"}


def names(document: State) -> set[str]:
    """The interfaces that a document names, in an entry of their own or in a route."""
    found = {one.get("name") for one in document.get("interfaces") or [] if isinstance(one, dict)}
    routes = document.get("routes") or {}
    entries = routes.get("config") if isinstance(routes, dict) else None
    found |= {one.get("next-hop-interface") for one in entries or [] if isinstance(one, dict)}
    return {name for name in found if isinstance(name, str)}


def _orphaned_ports(interfaces: list[State], before: State) -> dict[str | None, str | None]:
    """Name and type of the ports whose controller goes, and which no other controller takes."""
    going = {found.get("name") for found in interfaces if found.get("state") == "absent"}
    taken = _ports(interfaces)
    # An OVS interface ends with its bridge.
    return {
        found.get("name"): found.get("type")
        for found in before.get("interfaces", [])
        if found.get("controller") in going and found.get("type") != "ovs-interface" and found.get("name") not in taken
    }


def _detached(port: State) -> State:
    """The entry of a port, detached from its controller."""
    state = port.get("state", "up")
    if state == "up":
        return {"controller": "", **port}
    return _bare(port) | {"controller": ""} if state == "down" else port


def _is_gone_already(wanted: State, before: State) -> bool:
    """Whether an entry removes an interface that is not there, by any of its names."""
    if wanted.get("state") != "absent":
        return False
    name = wanted.get("name")
    for found in before.get("interfaces", []):
        others = (alternative.get("name") for alternative in found.get("alt-names") or [])
        if name in (found.get("name"), found.get("profile-name"), *others):
            return False
    return not any(key in wanted for key in ("identifier", "mac-address", "pci-address"))


def _bare(current: State) -> State:
    kind = current.get("type", "unknown")
    without = _WITHOUT_PORTS.get(kind, {})
    return {"name": current["name"], "type": kind, "state": "up", "ipv4": _OFF, "ipv6": _OFF, **without}


def _ports(interfaces: list[State]) -> set[str]:
    """The ports that the controllers among these list."""
    return {port for one in interfaces if one.get("state", "up") == "up" for port in ports_of(one)}

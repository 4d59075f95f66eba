"""From what libnmstate shows to what the report says: less the noise, in a fixed order.

Left out are values that change by themselves on a quiet node (a report would follow every one of them), the pods' ends
of veth pairs, which are the network plugin's business, with their routes, and ethtool's features: some 60 of an
interface, more than all the rest. Unknown keys are kept. Nothing is compared with a report: drift, probes and what
removalPolicy Revert restores are read from the full document.
"""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from nmstate_controller.api.models import State
from nmstate_controller.node.diff.names import USERSPACE, kind

_BRIDGE_TIMERS: Final = frozenset({"gc-timer", "hello-timer"})
_ADDRESS_LIFETIMES: Final = frozenset({"valid-life-time", "preferred-life-time"})
_FEATURES: Final = frozenset({"feature"})
_PINNED: Final = frozenset({"auto-route-metric", "prefix-route-metric"})
"""A rollback pins the metric that the routes had (`set_route_metric`), which shows where there was a default; of
several prefix routes nmstate shows the metric of one. The routes themselves are compared by what the kernel has."""


def without_ghosts(shown: State) -> State:
    """The document less the interfaces that NetworkManager remembers and the kernel does not have.

    After a storm of links NetworkManager may have lost notices of their end, and never finds out; what libnmstate shows
    is then all that NetworkManager knows of them, without an MTU, which every link of the kernel has.
    """
    interfaces = shown.get("interfaces")
    if not isinstance(interfaces, list):
        return shown
    return {**shown, "interfaces": [found for found in interfaces if not _is_ghost(found)]}


def _is_ghost(interface: State) -> bool:
    # The kernel may not have an OVS interface, as a patch port.
    return "mtu" not in interface and kind(interface) not in {"unknown", "ovs-interface", *USERSPACE}


class Filter:
    """Decides what of a node is in its report. Remembers which veths NetworkManager ignores, for while it is away."""

    def __init__(self, left_out: Sequence[str] = (), *, features: bool = False) -> None:
        """`left_out`: shell patterns of further interface names to leave out; `features`: keep ethtool's features."""
        self._left_out = tuple(left_out)
        self._features = features
        self._pod_ends: frozenset[str] = frozenset()

    def reportable(self, shown: State, *, kernel_only: bool = False) -> State:
        """The report's currentState for the document that `libnmstate.show` returned. `shown` is not changed."""
        interfaces = _dicts(shown.get("interfaces"))
        if not kernel_only:
            # The kernel alone does not say whom NetworkManager ignores.
            self._pod_ends = frozenset(str(found.get("name")) for found in interfaces if _is_pod_end(found))
        dropped = {name for found in interfaces if self._is_dropped(name := str(found.get("name")))}
        state = dict(shown)
        if "interfaces" in shown:
            kept = (found for found in interfaces if str(found.get("name")) not in dropped)
            state["interfaces"] = sorted((self._reduced(found) for found in kept), key=_order)
        if dropped and isinstance(shown.get("routes"), dict):
            state["routes"] = {
                kind: [route for route in _dicts(routes) if route.get("next-hop-interface") not in dropped]
                for kind, routes in shown["routes"].items()
            }
        return state

    def _reduced(self, interface: State) -> State:
        result = _without_volatile(interface)
        ethtool = result.get("ethtool")
        if not self._features and isinstance(ethtool, dict) and "feature" in ethtool:
            result["ethtool"] = _less(ethtool, _FEATURES)
            if not result["ethtool"]:
                del result["ethtool"]
        return result

    def _is_dropped(self, name: str) -> bool:
        return name in self._pod_ends or any(fnmatchcase(name, pattern) for pattern in self._left_out)


def changed_parts(before: State, after: State, interfaces: Collection[str]) -> list[str]:
    """Which of `interfaces` two documents of `libnmstate.show` tell differently, and whether DNS."""
    old, new = (
        {_order(found): _comparable(found) for found in Filter(features=True).reportable(shown).get("interfaces", [])}
        for shown in (before, after)
    )
    changed = {key[0] for key in old.keys() | new.keys() if key[0] in interfaces and old.get(key) != new.get(key)}
    return sorted(changed) + (["dns-resolver"] if before.get("dns-resolver") != after.get("dns-resolver") else [])


def _comparable(interface: State) -> State:
    """Without what a rollback may leave different (`_PINNED`), and addresses in an order of their own."""
    result = dict(interface)
    for family in ("ipv4", "ipv6"):
        section = result.get(family)
        if isinstance(section, dict):
            result[family] = _less(section, _PINNED)
            if "address" in section:
                result[family]["address"] = sorted(_dicts(section["address"]), key=str)
    return result


def _is_pod_end(interface: State) -> bool:
    return interface.get("type") == "veth" and interface.get("state") == "ignore"


def _order(interface: State) -> tuple[str, str]:
    # An OVS bridge and its internal port share a name.
    return str(interface.get("name")), str(interface.get("type"))


def _without_volatile(interface: State) -> State:
    result = dict(interface)
    for family in ("ipv4", "ipv6"):
        section = result.get(family)
        if isinstance(section, dict) and section.get("address"):
            result[family] = {
                **section,
                "address": [_less(address, _ADDRESS_LIFETIMES) for address in _dicts(section["address"])],
            }
    bridge = result.get("bridge")
    if isinstance(bridge, dict) and isinstance(bridge.get("options"), dict):
        options = _less(bridge["options"], _BRIDGE_TIMERS)
        if isinstance(options.get("stp"), dict) and options["stp"].get("enabled"):
            # While the spanning tree changes the kernel shortens it from 300 s to forward-delay, and back.
            options.pop("mac-ageing-time", None)
        result["bridge"] = {**bridge, "options": options}
    return result


def _less(section: State, keys: frozenset[str]) -> State:
    return {key: value for key, value in section.items() if key not in keys}


def _dicts(value: Any) -> list[State]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

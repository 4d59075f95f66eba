"""What the kernel had at one moment, and how two moments differ. Values, and pure functions of them.

Left out is what comes and goes by itself: leased and announced addresses, link-local ones, routes of routing daemons.
"""

from collections.abc import Collection

from pydantic import BaseModel


class Link(BaseModel, frozen=True):
    """What of a link somebody may have set by hand; `controller` is a name, empty for none.

    `mac` in hexadecimal digits: a bond draws another one of its ports' when it gets its ports anew.
    """

    index: int
    up: bool
    mtu: int
    controller: str = ""
    mac: str = ""


class Entry(BaseModel, frozen=True):
    """An address, a route or a rule. `raw` is the body of the kernel's message in hexadecimal digits.

    `but_metric` is what a route is to people but for its metric; empty for what is no route.
    """

    kind: int
    interfaces: tuple[str, ...]
    raw: str
    but_metric: str = ""
    metric: int = 0


class KernelSnapshot(BaseModel, frozen=True):
    """`entries` by what they are to people, which tells any two of them apart."""

    links: dict[str, Link] = {}
    entries: dict[str, Entry] = {}

    def differences(self, now: "KernelSnapshot", interfaces: Collection[str]) -> list[str]:
        """What of those interfaces, and of the rules, is not in `now` as it is here. For people."""
        found = []
        for name in sorted(interfaces):
            before, after = self.links.get(name), now.links.get(name)
            if before is None or after is None:
                if before is not after:
                    found.append(f"interface {name} is {'gone' if after is None else 'still there'}")
                continue
            if before.up != after.up:
                found.append(f"{name} is {'up' if after.up else 'down'}")
            if before.mtu != after.mtu:
                found.append(f"mtu of {name} is {after.mtu}, was {before.mtu}")
            if before.controller != after.controller:
                found.append(f"controller of {name} is {after.controller or 'none'}, was {before.controller or 'none'}")
        old, new = self.of(interfaces), now.of(interfaces)
        found += [f"{entry} is gone" for entry in old.keys() - new.keys()]
        found += [f"{entry} is still there" for entry in new.keys() - old.keys() if new[entry].interfaces]
        return sorted(found)

    def moved_metrics(self, now: "KernelSnapshot", interfaces: Collection[str]) -> dict[tuple[str, str], int]:
        """The metric of the routes, by interface and `ipv4` or `ipv6`, where the same routes have another one now."""
        old, new = self.of(interfaces), now.of(interfaces)
        there = {entry.but_metric for label, entry in new.items() if label not in old}
        moved = [
            entry
            for label, entry in old.items()
            if label not in new and entry.but_metric in there and len(entry.interfaces) == 1
        ]
        # A route of its own may have a metric of its own; that of the network of an address is the interface's.
        moved.sort(key=lambda entry: " via " not in entry.but_metric)
        return {(entry.interfaces[0], "ipv6" if ":" in entry.but_metric else "ipv4"): entry.metric for entry in moved}

    def superseding(self, now: "KernelSnapshot", interfaces: Collection[str]) -> list[str]:
        """The labels of routes in `now` that are here with another metric, and not with that one."""
        known = {entry.but_metric for entry in self.of(interfaces).values() if entry.but_metric}
        return [
            label
            for label, entry in now.of(interfaces).items()
            if label not in self.entries and entry.but_metric in known
        ]

    def of(self, interfaces: Collection[str]) -> dict[str, Entry]:
        """The entries of those interfaces, and those of none."""
        return {
            label: entry
            for label, entry in self.entries.items()
            if not entry.interfaces or not set(entry.interfaces).isdisjoint(interfaces)
        }

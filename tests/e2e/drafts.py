"""A document while it is made, and what is on the node that it is made for."""

import dataclasses
import random
from collections.abc import Iterable

from tests.lab import Json

CARDS = ("eth1", "eth2", "eth3")


class Here:
    """What is on the node now, as far as a document is made from it."""

    def __init__(self, facts: Json, own: str) -> None:
        """`own`: the node's own address."""
        self.links: dict[str, Json] = {
            link["ifname"]: link for link in facts["links"] if not link["ifname"].startswith(("peer", "lo"))
        }
        self.own = own
        self.own_interface = next((name for name in self.links if own in self.addresses(name)), "eth0")
        self.routes = [route for route in facts["routes4"] if route.get("protocol") == "static"]
        self.rules = [rule for rule in facts["rules4"] if rule["priority"] not in (0, 32766, 32767)]

    def addresses(self, name: str) -> list[str]:
        """Its IPv4 addresses."""
        return [one["local"] for one in self.links[name]["addr_info"] if one["family"] == "inet"]

    def kind(self, name: str) -> str:
        """What the kernel calls it."""
        found: str = self.links[name].get("linkinfo", {}).get("info_kind", "")
        return found

    def ports(self, controller: str) -> list[str]:
        """What is under a bridge, bond or VRF."""
        return [name for name, link in self.links.items() if link.get("master") == controller]

    def children(self, base: str) -> list[str]:
        """What stands on it: VLANs and the like."""
        return [name for name, link in self.links.items() if link.get("link") == base and name not in CARDS]

    def is_plain(self, name: str) -> bool:
        """Whether nothing is above or below it."""
        return not self.links[name].get("master") and not self.children(name) and not self.ports(name)

    def made(self, *kinds: str) -> list[str]:
        """What somebody made, of those kinds or of any."""
        names = [name for name in self.links if name not in ("eth0", *CARDS, self.own_interface)]
        return sorted(name for name in names if not kinds or self.kind(name) in kinds)


@dataclasses.dataclass
class Draft:
    """A document while it is made."""

    random: random.Random
    here: Here
    interfaces: dict[str, Json] = dataclasses.field(default_factory=dict)
    routes: list[Json] = dataclasses.field(default_factory=list)
    rules: list[Json] = dataclasses.field(default_factory=list)
    dns: Json | None = None
    probes: list[Json] | None = None
    used: set[str] = dataclasses.field(default_factory=set)
    """Interfaces that must not be given to anything else in this document."""

    def add(self, interface: Json, *uses: str) -> bool:
        """Take an entry, unless it or what it uses is in the document already."""
        names = {interface["name"], *uses}
        if names & self.used or names & self.interfaces.keys():
            return False
        self.interfaces[interface["name"]] = interface
        self.used |= names
        return True

    def choose(self, names: Iterable[str]) -> str | None:
        """One of those that are not used yet."""
        free = sorted(set(names) - self.used)
        return self.random.choice(free) if free else None

    def document(self) -> Json:
        """It as nmstate takes it."""
        found: Json = {"interfaces": list(self.interfaces.values())} if self.interfaces else {}
        found |= {"routes": {"config": self.routes}} if self.routes else {}
        found |= {"route-rules": {"config": self.rules}} if self.rules else {}
        return found | ({"dns-resolver": {"config": self.dns}} if self.dns is not None else {})

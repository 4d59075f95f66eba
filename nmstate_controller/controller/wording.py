"""How a sentence lists what it is about: a few names, and how many more there are. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import Final

from nmstate_controller.api.models import Difference, State
from nmstate_controller.errors import listed

NAMED: Final = 5
"""Names in a sentence."""

_SECTIONS: Final[Mapping[str, str]] = {
    "dns-resolver": "DNS",
    "hostname": "host name",
    "ovs-db": "Open vSwitch database",
    "ovn": "OVN",
    "route-rules": "route rules",
}
_SILENT: Final = ("interfaces", "description")


def paths(differences: Sequence[Difference]) -> str:
    """Where the node differs."""
    return listed([difference.path for difference in differences], NAMED)


def subjects(document: State) -> str:
    """What a document is about: `eth1, br7; removed: br1; routes, DNS`."""
    interfaces = document.get("interfaces")
    entries = [one for one in interfaces if isinstance(one, dict)] if isinstance(interfaces, list) else []
    there = [str(one.get("name")) for one in entries if one.get("state") != "absent"]
    gone = [str(one.get("name")) for one in entries if one.get("state") == "absent"]
    others = [_SECTIONS.get(key, key) for key in sorted(document) if key not in _SILENT and document[key] is not None]
    removed = f"removed: {listed(gone, NAMED)}" if gone else ""
    return "; ".join(part for part in (listed(there, NAMED), removed, listed(others, NAMED)) if part) or "nothing"

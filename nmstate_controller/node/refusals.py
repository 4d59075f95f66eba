"""What NetworkManager or a driver refuses, in the words of the document. Pure functions.

libnmstate passes on `Connection(InvalidProperty):802-3-ethernet.cloned-mac-address: …`, which names NetworkManager's
setting and neither the field nor the interface.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from nmstate_controller.errors import listed
from nmstate_controller.node.diff.values import mappings
from nmstate_controller.node.validate.problem import shown

_REFUSED: Final = re.compile(r"^Connection\(\w+\): ?(([\w-]+)\.([\w-]+)): ?(.+)$", re.DOTALL)
_SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "802-1x": ("802.1x",),
    "bond": ("link-aggregation", "bond"),
    "bond-port": ("link-aggregation", "bond"),
    "bridge-port": ("bridge",),
    "macvlan": ("mac-vlan", "mac-vtap"),
    "802-3-ethernet": ("ethernet",),
}
"""Settings of a profile that have another name in the document."""

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "802-3-ethernet.cloned-mac-address": ("mac-address",),
    "802-3-ethernet.mtu": ("mtu",),
}
_SHOWN: Final = 5

_LACKING: Final = re.compile(
    r"(\S+)\.interface\.(ethernet(?:\.auto-negotiation)?|ethtool\.(?:pause|ring|coalesce)(?:\.[\w-]+)?) desire '.*', "
    r"current 'null'"
)
"""What a driver shows nothing of after libnmstate tried it with the link up; without carrier it may have no speed."""


def refusal(message: str, document: Mapping[str, Any] | None) -> str | None:
    """`message` with the field that it is about, and the interfaces it may be about; None if it is no such message."""
    found = _REFUSED.match(message)
    if found is None:
        return None
    where, setting, _, why = found.groups()
    keys = _FIELDS.get(where) or _SECTIONS.get(setting, (setting,))
    names = [
        (shown(str(entry.get("name"))), key)
        for entry in mappings((document or {}).get("interfaces"))
        for key in keys
        if key in entry and entry.get("state", "up") == "up"
    ]
    place = listed([f"interfaces[{name}].{key}" for name, key in names], _SHOWN, by=" or ") or keys[0]
    return f"{place}: NetworkManager refuses {where}: {why}"


def lacking(message: str) -> str | None:
    """`message` of a failed verification as the lack of a driver, which trying again does not mend; else None."""
    found = _LACKING.search(message)
    return found and f"interfaces[{found[1]}].{found[2]}: the driver of {found[1]} does not let it be set"

"""What NetworkManager refuses of a profile, in the words of the document that the profile was made from. Pure.

libnmstate passes on `Connection(InvalidProperty):802-3-ethernet.cloned-mac-address: …`, which names NetworkManager's
setting and neither the field nor the interface.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from nmstate_controller.node.checks.problem import shown
from nmstate_controller.node.matcher.values import mappings

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
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    place = " or ".join(f"interfaces[{name}].{key}" for name, key in names[:_SHOWN]) or keys[0]
    return f"{place}{more}: NetworkManager refuses {where}: {why}"

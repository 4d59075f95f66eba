"""One thing in which a node is not what a document asks, and what of it may be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

HIDDEN: Final = "<_password_hid_by_nmstate>"
"""What libnmstate shows in place of a secret (`NetworkState::PASSWORD_HID_BY_NMSTATE`), and what is shown here."""

SECRETS: Final = frozenset(
    {"password", "private-key-password", "private-key", "mka-cak", "psk", "pskvalue", "preshared-key", "pin"}
)
"""Keys whose values are never shown. A `private-key` is a path for 802.1X, but for WireGuard the key itself."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`desired` is as the document spells it, `current` as libnmstate does. None means that it is not there.

    `path` is made for reading: `interfaces[br1].bridge.port[eth1].vlan.trunk-tags`.
    """

    path: str
    desired: JSON
    current: JSON


def difference(path: str, desired: JSON, current: JSON) -> Difference:
    """A Difference without secrets. A secret that is not there stays None: that much may be told."""
    if path.rpartition(".")[2] in SECRETS:
        return Difference(path, _placeholder(desired), _placeholder(current))
    return Difference(path, redacted(desired), redacted(current))


def redacted(value: JSON) -> JSON:
    """A copy of `value` with a placeholder for every secret in it."""
    if isinstance(value, Mapping):
        return {key: _placeholder(item) if key in SECRETS else redacted(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [redacted(item) for item in value]
    return value


def _placeholder(value: JSON) -> JSON:
    return None if value is None else HIDDEN

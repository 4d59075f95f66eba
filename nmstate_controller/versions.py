"""The oldest versions of others that the agent works with, its one libnmstate, and sentences about the rest. Pure.

What calls itself by no version that can be compared is taken as it is: a distribution's own numbering is no reason to
leave a node alone.
"""

import re
from collections.abc import Mapping
from typing import Final

MINIMUM: Final[Mapping[str, str]] = {
    # The first one that puts a pod's node into its token, without which the admission policy refuses every write.
    "Kubernetes": "1.32",
    # What is older has not been tried; the tests run on Debian 12's 1.42. (libnmstate itself warns below 1.46.)
    "NetworkManager": "1.40",
}

BUILT_FOR: Final = "nmstate-controller"
"""`libnmstate.BUILT_FOR` in the wheel of hack/libnmstate."""

_VERSION: Final = re.compile(r"v?(\d+(?:\.\d+)+)")


def unsupported(**versions: str | None) -> str | None:
    """One sentence about what is older than MINIMUM, or None; each version by its key there, None where it is unknown.

    The first number in it counts: `1.42.4-2.el9`, `v1.33.2+k3s1`.
    """
    found = {name: parsed for name, text in versions.items() if (parsed := _parse(text or ""))}
    old = [name for name, version in found.items() if _numbers(version) < _numbers(MINIMUM[name])]
    if not old:
        return None
    have = " and ".join(f"{name} {found[name]}" for name in old)
    need = " and ".join(f"{name} {MINIMUM[name]}" for name in old)
    return f"{have} {'is' if len(old) == 1 else 'are'} too old: the agent needs {need} or later"


def foreign_libnmstate(version: str, folder: str, built_for: str | None) -> str | None:
    """One sentence about a libnmstate that is not the wheel of hack/libnmstate, or None.

    The wheel has functions that upstream's package lacks, and is of the version whose rules `node/` restates.
    `folder` is the package's, `built_for` its attribute BUILT_FOR, None where it has none.
    """
    if built_for == BUILT_FOR:
        return None
    return (
        f"libnmstate {version} at {folder} is not the one that nmstate-controller is built with; "
        "install the wheel of hack/build-libnmstate"
    )


def _parse(text: str) -> str | None:
    match = _VERSION.match(text.strip())
    return match[1] if match else None


def _numbers(version: str) -> tuple[int, ...]:
    """Three numbers at least, so that 1.40 is no older than 1.40.0."""
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))

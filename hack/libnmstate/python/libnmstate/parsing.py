"""What the nmstate crate reads of a state, without touching the network.

May be called from any thread and releases the GIL.
"""

from typing import Any

from . import _native


def locate_error(state: dict[str, Any]) -> tuple[list[str | int], str] | None:
    """The first value in `state` that is refused before it means anything, and why; None if all of it is read.

    The place is the keys and indices that lead to the value: `["interfaces", 0, "mtu"]`, empty for the state itself.
    The reason is that with which `apply` would refuse the state, and may quote the value. An interface without a type
    is read as far as its name and state. An addition to upstream's binding. Raises NmstateError for a defect alone.
    """
    return _native.locate_error(state)

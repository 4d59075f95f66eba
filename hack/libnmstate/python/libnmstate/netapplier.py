"""Changes of the network. Every function may be called from any thread and releases the GIL.

Only one apply may be under way at a time: NetworkManager has one checkpoint.
"""

from typing import Any

from . import _native
from ._arguments import checkpoint_path, flag, seconds


def apply(
    desired_state: dict[str, Any],
    *,
    kernel_only: bool = False,
    verify_change: bool = True,
    save_to_disk: bool = True,
    commit: bool = True,
    rollback_timeout: int = 60,
    override_iface: bool = False,
) -> None:
    """Make the network match `desired_state`; what the state does not name stays as it is.

    On failure NetworkManager's checkpoint undoes the change, save with `kernel_only`, which has none.

    - `kernel_only`: configure the kernel alone, without NetworkManager.
    - `verify_change`: read the state back and fail if it is not the one desired.
    - `save_to_disk`: if False, the change is gone after a reboot.
    - `commit`: if False, NetworkManager undoes the change `rollback_timeout` seconds after the apply, unless
      `commit()` comes first. Without effect with `kernel_only`.
    - `rollback_timeout`: seconds; 0 is for ever. Re-armed while the apply verifies, so it does not bound it.
    - `override_iface`: an interface is configured from `desired_state` alone, with defaults for what is not
      in it, rather than from its present state too. An addition to upstream's binding.

    Raises NmstateValueError for a state that is malformed or does not fit the network, NmstateVerificationError
    if the outcome is another, and other classes of NmstateError.
    """
    _native.apply(
        desired_state,
        flag("kernel_only", kernel_only),
        flag("verify_change", verify_change),
        flag("save_to_disk", save_to_disk),
        flag("commit", commit),
        seconds("rollback_timeout", rollback_timeout),
        flag("override_iface", override_iface),
    )


def commit(*, checkpoint: str | None = None) -> None:
    """Keep the change of an `apply(commit=False)`.

    `checkpoint` is a D-Bus path; None is the one pending. Raises NmstateError, also if none is pending.
    """
    _native.commit(checkpoint_path(checkpoint))


def rollback(*, checkpoint: str | None = None) -> None:
    """Undo the change of an `apply(commit=False)`.

    `checkpoint` is a D-Bus path; None is the one pending. Raises NmstateError, also if none is pending.
    """
    _native.rollback(checkpoint_path(checkpoint))

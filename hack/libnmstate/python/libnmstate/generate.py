"""States and files made from states, without touching the network.

Every function may be called from any thread and releases the GIL.
"""

from typing import Any

from . import _native


def generate_differences(new_state: dict[str, Any], old_state: dict[str, Any]) -> dict[str, Any]:
    """The part of `new_state` that differs from `old_state`.

    No difference is `{"interfaces": []}`. Lists are compared whole. Raises NmstateError.
    """
    return _native.generate_differences(new_state, old_state)


def generate_revert(desired_state: dict[str, Any], before_state: dict[str, Any]) -> dict[str, Any]:
    """The state to apply to get from `desired_state`, once applied, back to `before_state`.

    An addition to upstream's binding. Raises NmstateError.
    """
    return _native.generate_revert(desired_state, before_state)


def generate_configurations(desired_state: dict[str, Any]) -> dict[str, list[list[str]]]:
    """The configuration files for `desired_state`: for each backend, pairs of file name and content.

    The backend is `NetworkManager`, its files are keyfiles. Raises NmstateError.
    """
    files = _native.generate_configurations(desired_state)
    # Upstream's come from JSON, which has no tuples.
    return {backend: [list(file) for file in pairs] for backend, pairs in files.items()}


def gen_net_state_from_policy(policy: dict[str, Any], cur_state: dict[str, Any] | None = None) -> dict[str, Any]:
    """The state that a policy with captures comes to on `cur_state`.

    Without `cur_state` the captures run on what `show()` returns. Raises NmstateError; a capture that does
    not parse is one of kind `PolicyError`.
    """
    return _native.state_from_policy(policy, cur_state)

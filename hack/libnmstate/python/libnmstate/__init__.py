"""Declarative network configuration of Linux: the Python API of nmstate.

The API is that of upstream's `libnmstate`, implemented over the nmstate crate instead of its C library.
"""

from ._native import __version__
from .error import NmstateError
from .generate import (
    gen_net_state_from_policy,
    generate_configurations,
    generate_differences,
    generate_revert,
)
from .netapplier import apply, commit, rollback
from .netinfo import show, show_running_config
from .parsing import locate_error

__all__ = [
    "BASE_ON_RUST",
    "BUILT_FOR",
    "NmstateError",
    "__version__",
    "apply",
    "commit",
    "gen_net_state_from_policy",
    "generate_configurations",
    "generate_differences",
    "generate_revert",
    "locate_error",
    "rollback",
    "show",
    "show_running_config",
]

BASE_ON_RUST = True

BUILT_FOR = "nmstate-controller"
"""The program that this build is part of, which asks for it at start. Upstream's package has no such attribute."""

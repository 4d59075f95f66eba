"""libnmstate's exceptions as ours. Pure functions."""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from libnmstate import error as libnmstate_error

from nmstate_controller.api.models import State
from nmstate_controller.errors import (
    ApplyFailed,
    InvalidDesiredState,
    NetworkManagerBusy,
    NetworkManagerUnavailable,
    NodeError,
    VerificationFailed,
)
from nmstate_controller.node.redact import presentable
from nmstate_controller.node.refusals import lacking, refusal

T = TypeVar("T")

# NetworkManager or D-Bus away: libnmstate reports both as a plain bug, told apart only by what D-Bus said.
_UNAVAILABLE: Final = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Disconnected",
    "DbusConnectionError",
)
# Somebody else's change is under way: NetworkManager takes one at a time.
_BUSY: Final = "CheckpointConflict"
# What libnmstate says of an interface that it would have to create, and whose type is left out or misspelt.
_UNTYPED: Final = re.compile(r"Failed to find unknown type interface (\S+) in current state")
_INVALID: Final = (
    libnmstate_error.NmstateValueError,
    libnmstate_error.NmstateNotSupportedError,
    libnmstate_error.NmstateNotImplementedError,
    libnmstate_error.NmstateKernelIntegerRoundedError,
    libnmstate_error.NmstateDependencyError,
)


def translated(function: Callable[[], T], document: State | None = None) -> T:
    """What `function` returns. Raises NodeError instead of what libnmstate raises."""
    try:
        return function()
    except libnmstate_error.NmstateError as error:
        raise translate(error, document) from error


def translate(error: Exception, document: State | None = None) -> NodeError:
    """libnmstate's exception as ours, split by whether the same document may succeed later.

    No secret of `document` is in the message.
    """
    message = presentable(str(error), document) or type(error).__name__
    if isinstance(error, _INVALID):
        if untyped := _UNTYPED.search(message):
            name = untyped[1]
            message = f"interfaces[{name}].type: {name} is not on the node, and libnmstate knows no such type to create"
        return InvalidDesiredState(refusal(message, document) or message)
    if isinstance(error, libnmstate_error.NmstateVerificationError):
        lacks = lacking(message)
        return InvalidDesiredState(lacks) if lacks else VerificationFailed(message)
    if any(sign in message for sign in _UNAVAILABLE):
        return NetworkManagerUnavailable(f"NetworkManager does not answer: {message}")
    if _BUSY in message:
        return NetworkManagerBusy(f"another change of the network is under way: {message}")
    return ApplyFailed(message)

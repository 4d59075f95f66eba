"""The exceptions of libnmstate, the same tree as upstream's.

    NmstateError
    ├── NmstateDependencyError
    ├── NmstateValueError (also a ValueError)
    ├── NmstatePermissionError (also a PermissionError)
    ├── NmstateConflictError (also a RuntimeError)
    ├── NmstateLibnmError
    │   └── NmstateTimeoutError
    ├── NmstateVerificationError
    │   └── NmstateKernelIntegerRoundedError
    ├── NmstateNotImplementedError (also a NotImplementedError)
    ├── NmstateInternalError
    ├── NmstateNotSupportedError
    └── NmstatePluginError

Upstream's exceptions carry a message only; `kind` and `msg` are this package's addition.
"""


class NmstateError(Exception):
    """Base of every exception of libnmstate; itself raised for a kind that has no class of its own.

    `kind` is the nmstate crate's name of the error kind and `msg` the crate's message. `str()` is `msg`,
    with the kind before it where the class does not tell.
    """

    kind: str = ""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.msg = str(args[0]) if args else ""


class NmstateDependencyError(NmstateError):
    """A program or plugin that the desired state needs is not installed or not running."""

    kind = "DependencyError"


class NmstateValueError(NmstateError, ValueError):
    """The state given is malformed or invalid, as found before anything was changed."""

    kind = "InvalidArgument"


class NmstatePermissionError(NmstateError, PermissionError):
    """The caller lacks the right to make the change."""

    kind = "PermissionError"


class NmstateConflictError(NmstateError, RuntimeError):
    """Someone else is changing the network. Upstream has the class; the crate never reports it."""


class NmstateLibnmError(NmstateError):
    """A failure of libnm. Upstream has the class; the crate never reports it."""


class NmstateTimeoutError(NmstateLibnmError):
    """A transaction took too long. Upstream has the class; the crate never reports it."""


class NmstateVerificationError(NmstateError):
    """After the change was made, the network's state is not the one desired."""

    kind = "VerificationError"


class NmstateKernelIntegerRoundedError(NmstateVerificationError):
    """The state differs from the one desired because the kernel rounded a number."""

    kind = "KernelIntegerRoundedError"


class NmstateNotImplementedError(NmstateError, NotImplementedError):
    """nmstate does not support the feature yet."""

    kind = "NotImplementedError"


class NmstateInternalError(NmstateError):
    """Something unexpected. The crate also reports failures of NetworkManager and D-Bus this way."""

    kind = "Bug"


class NmstateNotSupportedError(NmstateError):
    """A resource, such as a device, does not have the feature asked for."""

    kind = "NotSupportedError"


class NmstatePluginError(NmstateError):
    """A backend behaved unexpectedly."""

    kind = "PluginFailure"


_BY_KIND: dict[str, type[NmstateError]] = {
    error.kind: error
    for error in (
        NmstateDependencyError,
        NmstateValueError,
        NmstatePermissionError,
        NmstateVerificationError,
        NmstateKernelIntegerRoundedError,
        NmstateNotImplementedError,
        NmstateInternalError,
        NmstateNotSupportedError,
        NmstatePluginError,
    )
}


def from_kind(kind: str, message: str) -> NmstateError:
    """The exception for an error of the nmstate crate. Called by the native module."""
    known = _BY_KIND.get(kind)
    if known is not None:
        return known(message)
    error = NmstateError(f"{kind}: {message}")
    error.kind = kind
    error.msg = message
    return error

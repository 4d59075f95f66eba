"""Every exception this project raises on purpose.

    NmstateControllerError
    ├── SettingsError               the agent cannot start as it was set up
    ├── ApiError                    the apiserver did not do what it was asked; trying again may help
    │   ├── ApiUnavailable          no answer, one that makes no sense, or a 5xx
    │   │   ├── ApiTimeout          no answer in time
    │   │   └── ApiRenewed          the connection was given up, because the way to the apiserver has changed
    │   ├── ApiThrottled            429, perhaps with Retry-After
    │   ├── ApiForbidden            401 or 403
    │   ├── ApiConflict             409: somebody else wrote first, or the object is there already
    │   ├── ApiNotFound             404
    │   ├── ApiGone                 410: the resourceVersion is too old to watch from
    │   └── ApiRejected             any other 4xx: the same request will fail the same way
    └── NodeError                   the node did not take, or not tell, its state
        ├── TerminalNodeError       the same document will fail the same way: wait for a new one
        └── RetryableNodeError      trying again may help

One cause has one reason, `reason` of the class below: Ready and Reporting have it while they are False, `lastApply` as
its outcome, and so have the event and the metric `nmstate_controller_apply_total`. Stalled says something else: why
nothing more follows soon.

  | class                     | kind      | reason                    | what is the matter                            |
  |---------------------------|-----------|---------------------------|-----------------------------------------------|
  | InvalidDesiredState       | terminal  | InvalidDesiredState       | desiredState cannot be applied on this node   |
  | UnreadableSpec            | terminal  | UnreadableSpec            | spec is of another version of the agent       |
  | ConnectivityLost          | terminal  | ConnectivityLost          | what passed before did not pass; rolled back  |
  | DriftFought               | terminal  | Drifted                   | something else undoes every correction        |
  | ApplyFailed               | retryable | ApplyFailed               | libnmstate or NetworkManager gave up          |
  | VerificationFailed        | retryable | VerificationFailed        | the node differs after libnmstate's apply     |
  | ComparisonFailed          | retryable | ComparisonFailed          | a defect of ours in comparing                 |
  | NetworkManagerUnavailable | retryable | NetworkManagerUnavailable | NetworkManager or D-Bus does not answer       |
  | └ NetworkManagerBusy      | retryable | NetworkManagerBusy        | somebody else's change is under way           |
  | NmstateFailed             | retryable | NmstateFailed             | the node could not be read for another reason |
  | NmstateStuck              | retryable | NmstateStuck              | a call into libnmstate has not returned      |
  | JournalFailed             | retryable | JournalFailed             | a change could not be noted on the node       |
  | ObjectNotWritten          | retryable | ApiUnavailable            | finalizer or revertState could not be written |

A foreign exception is translated at the edge where it appears (`cluster/` and `node/`), with `from`.
The message of each is one sentence for a user, without secrets, stack traces or state dumps.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar


def printable(text: str) -> str:
    """`text` on one line, without characters that play tricks on a terminal."""
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(one if one.isprintable() else "?" for one in line)


def in_words(error: BaseException) -> str:
    """What a foreign exception says, on one line and never nothing."""
    return printable(str(error)) or type(error).__name__


def listed(names: Sequence[str], most: int = 5, *, by: str = ", ") -> str:
    """The first `most` of `names`, and how many more there are."""
    shown = by.join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


class NmstateControllerError(Exception):
    """Base of everything below."""


class SettingsError(NmstateControllerError):
    """The agent cannot start as it was set up."""


class ApiError(NmstateControllerError):
    """A request to the apiserver failed.

    `retry_after` is the number of seconds that the server asked to wait, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ApiUnavailable(ApiError):
    """No answer, an answer that makes no sense, or a 5xx."""


class ApiTimeout(ApiUnavailable):
    """The deadline passed, or a stream was silent for too long."""


class ApiRenewed(ApiUnavailable):
    """The connection was closed by us, because the way to the apiserver has changed: try again at once."""


class ApiThrottled(ApiError):
    """429: the server asks to slow down."""


class ApiForbidden(ApiError):
    """401 or 403: the credentials do not do, or not yet."""


class ApiConflict(ApiError):
    """409: the object changed since it was read, or exists already."""


class ApiNotFound(ApiError):
    """404: no such object, or the CRD is not installed."""


class ApiGone(ApiError):
    """410: the resourceVersion is too old; list again."""


class ApiRejected(ApiError):
    """Any other 4xx: the request itself is wrong."""


class NodeError(NmstateControllerError):
    """The node did not take, or not tell, its state. `reason` is for conditions, events and metrics."""

    reason: ClassVar[str]


class TerminalNodeError(NodeError):
    """The same document will fail the same way."""


class InvalidDesiredState(TerminalNodeError):
    """desiredState is no document that nmstate can apply on this node."""

    reason = "InvalidDesiredState"


class UnreadableSpec(TerminalNodeError):
    """The spec has what this version of the agent does not know."""

    reason = "UnreadableSpec"


class ConnectivityLost(TerminalNodeError):
    """With the change in effect the node could not be reached as before; it was undone."""

    reason = "ConnectivityLost"


class DriftFought(TerminalNodeError):
    """Something else changes the node again and again after it was corrected."""

    reason = "Drifted"


class RetryableNodeError(NodeError):
    """The same document may succeed later."""


class ApplyFailed(RetryableNodeError):
    """libnmstate gave up and rolled back, or NetworkManager did not commit."""

    reason = "ApplyFailed"


class VerificationFailed(RetryableNodeError):
    """libnmstate applied the document, found the node different from it, and rolled back."""

    reason = "VerificationFailed"


class ComparisonFailed(RetryableNodeError):
    """desiredState could not be compared with the node: a defect of the agent's own."""

    reason = "ComparisonFailed"


class NetworkManagerUnavailable(RetryableNodeError):
    """NetworkManager or D-Bus does not answer."""

    reason = "NetworkManagerUnavailable"


class NetworkManagerBusy(NetworkManagerUnavailable):
    """Somebody else's change is under way: NetworkManager takes one at a time. Nothing was changed."""

    reason = "NetworkManagerBusy"


class NmstateFailed(RetryableNodeError):
    """The node could not be read; no document is to blame."""

    reason = "NmstateFailed"


class JournalFailed(RetryableNodeError):
    """What is about to be changed, or was, could not be noted on the node."""

    reason = "JournalFailed"


class NmstateStuck(RetryableNodeError):
    """A call into libnmstate is past its deadline and has not come back."""

    reason = "NmstateStuck"


class ObjectNotWritten(RetryableNodeError):
    """The finalizer or `status.revertState`, which a change has to wait for, could not be written."""

    reason = "ApiUnavailable"


def reasons(kind: type[NodeError] = NodeError) -> Iterator[str]:
    """The reasons of that kind of error and of all below it."""
    if "reason" in vars(kind):
        yield kind.reason
    for below in kind.__subclasses__():
        yield from reasons(below)

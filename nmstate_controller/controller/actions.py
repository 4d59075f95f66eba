"""What the reconciler can do next: `decide` chooses one action, the executor does it. Values, without behaviour."""

from dataclasses import dataclass

from nmstate_controller.errors import NodeError


@dataclass(frozen=True)
class Wait:
    """Nothing to do before there is news. Ends the turn, and changes no progress."""


@dataclass(frozen=True)
class Recover:
    """Finish or undo what was begun and not ended."""


@dataclass(frozen=True)
class UpdateRetained:
    """Note what of an earlier desiredState is on the node still."""


@dataclass(frozen=True)
class CompareReport:
    """Compare the newest report with what is asked."""


@dataclass(frozen=True)
class Observe:
    """Read the node now, and compare it with what is asked."""


@dataclass(frozen=True)
class CheckSaved:
    """Ask NetworkManager whether a boot would find what is asked."""


@dataclass(frozen=True)
class Apply:
    """Change the node. `correction`: back to what it was configured to be. A correction ends the turn."""

    correction: bool


@dataclass(frozen=True)
class ReportDrift:
    """Something else has changed the node, and driftPolicy says to leave it. Ends the turn."""


@dataclass(frozen=True)
class ReportUnmanaged:
    """managed is false: say where the node differs, and leave it. Ends the turn."""


@dataclass(frozen=True)
class MarkInSync:
    """The node is what is asked. `known`: as it was the last time, so that it need not be read. Ends the turn."""

    known: bool


@dataclass(frozen=True)
class ConfirmInSync:
    """A report of a node that was configured shows no drift. Ends the turn."""


@dataclass(frozen=True)
class SettleIdle:
    """Nothing is asked of the node. Ends the turn."""


@dataclass(frozen=True)
class ReleaseFinalizer:
    """The node is as asked; the object may go if nothing is to be reverted any more. Ends the turn."""


@dataclass(frozen=True)
class Fail:
    """What is asked cannot be done. Ends the turn as any error does."""

    error: NodeError


Action = (
    Wait
    | Recover
    | UpdateRetained
    | CompareReport
    | Observe
    | CheckSaved
    | Apply
    | ReportDrift
    | ReportUnmanaged
    | MarkInSync
    | ConfirmInSync
    | SettleIdle
    | ReleaseFinalizer
    | Fail
)

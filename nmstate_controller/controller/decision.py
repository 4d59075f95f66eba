"""May the node be changed now? What to do next, decided from one snapshot: the only place where that is decided.

Pure. The reconciler takes a `World`, asks `decide`, has the action executed and asks again with what it found out,
until an action ends the turn. Where a fact costs I/O the action asks for it; nothing of an earlier turn is a finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from nmstate_controller.api.models import Condition, Difference, NodeNetworkState, State
from nmstate_controller.controller.actions import (
    Action,
    Apply,
    CheckSaved,
    CompareReport,
    ConfirmInSync,
    Fail,
    MarkInSync,
    Observe,
    Recover,
    ReleaseFinalizer,
    ReportDrift,
    ReportUnmanaged,
    SettleIdle,
    UpdateRetained,
    Wait,
)
from nmstate_controller.controller.drift import CORRECTIONS, WINDOW_SECONDS
from nmstate_controller.controller.goal import Goal
from nmstate_controller.controller.progress import (
    Attempts,
    Backoff,
    Exhausted,
    Pending,
    Progress,
    Settled,
    Stalled,
    WaitingForDevice,
    WaitingForNode,
)
from nmstate_controller.controller.wording import paths
from nmstate_controller.errors import ConnectivityLost, DriftFought, UnreadableSpec
from nmstate_controller.node.journal import ChangeRecord, Phase


@dataclass(frozen=True)
class Findings:
    """What this turn has found out, or done, so far."""

    shown: State | None = None
    """The newest report, or what the node showed since."""
    fresh: bool = False
    """`shown` was read from the node in this turn."""
    differences: Sequence[Difference] | None = None
    """Where `shown` is not what is asked; None before it was compared."""
    recovered: bool = False
    """What the journal held unfinished has been settled, as far as it can be now."""
    retained_updated: bool = False
    saved: bool | None = None
    """A boot would find what is asked on disk; None before NetworkManager was asked."""
    applied: bool = False


@dataclass(frozen=True)
class World:
    """One snapshot: the newest object, what is known of the node, and what this agent and earlier ones did to it."""

    subject: NodeNetworkState
    goal: Goal
    found: Findings
    new_report: bool
    """There is a report that was not compared with what is asked before this turn."""
    journal: ChangeRecord | None
    ready: Condition | None
    stalled: bool
    """Status says so: a condition outlasts the agent that set it."""
    stopping: bool
    corrections_left: bool
    """One more correction is no fight with something else."""
    in_sync: bool
    """The node was found to be what is asked, and nothing has cast doubt on it since."""
    was_configured: bool
    """The node ran what is asked before, and no other desiredState has had its turn since."""
    ran_last: bool
    """What is asked is the document that the node ran last."""
    residual: Sequence[Difference] = ()
    """What a verified apply of the same document left different."""

    @property
    def managed(self) -> bool:
        """Whether the agent may change this node at all."""
        return self.subject.spec.managed

    @property
    def asked(self) -> State:
        """What the node should be now: nothing is reverted on one that is not managed."""
        return self.goal.document if self.managed else self.goal.desired

    @property
    def differs(self) -> bool:
        """Whether something differs that the last apply did not leave so."""
        return any(found not in self.residual for found in self.found.differences or ())

    @property
    def is_unfinished(self) -> bool:
        """Whether the journal holds a change that was begun and not ended."""
        return self.journal is not None and self.journal.phase is not Phase.ROLLED_BACK

    @property
    def cut_off(self) -> ChangeRecord | None:
        """The journal's record, if it says that this very attempt cut the node off."""
        return self.journal if self.journal is not None and is_rolled_back(self.journal, self.subject) else None

    @property
    def has_failed(self) -> bool:
        """Whether the generation at hand never came to be what the node runs."""
        return self.ready is None or (self.ready.status != "True" and self.ready.reason != "Drifted")

    @property
    def is_watched(self) -> bool:
        """Whether this generation was configured: when it has failed, there is no drift.

        Of a node that is not managed, whether status says how it differs.
        """
        if not self.asked or self.goal.deleting or self.ready is None:
            return False
        if not self.managed:
            return self.ready.reason == "Unmanaged"
        is_reported = self.ready.reason == "Drifted" and self.subject.spec.drift_policy == "Report"
        return self.ready.reason == "Configured" or is_reported

    @property
    def may_change(self) -> bool:
        """Whether the node may be changed at all, whatever differs.

        `decide` asks for a change only where this holds, by the order of its rows; here it stands once more, in full.
        """
        return (
            self.managed
            and not self.stopping
            and self.found.fresh
            and self.subject.spec_problem is None
            and self.cut_off is None
            and (self.found.recovered or not self.is_unfinished)
            and bool(self.asked)
        )


def decide(world: World, progress: Progress) -> Action:
    """What to do next. First match wins."""
    match progress:
        case Backoff() | Exhausted() | WaitingForNode() | WaitingForDevice():
            return Wait()
        case Pending():
            return _attempt(world, progress.attempts)
        case Settled() | Stalled():
            return _watch(world)
        case _:
            assert_never(progress)


def _attempt(world: World, attempts: Attempts) -> Action:
    """An attempt at a generation is due."""
    found = world.found
    if found.applied:
        return ReleaseFinalizer()
    if not found.recovered:
        return Recover()
    if world.cut_off is not None:
        return Fail(ConnectivityLost(world.cut_off.message))
    if world.subject.spec_problem is not None:
        return Fail(UnreadableSpec(world.subject.spec_problem))
    if not world.asked:
        return SettleIdle()
    if world.managed and world.in_sync:
        return MarkInSync(known=True)
    if not found.fresh:
        return Observe()
    if not world.managed:
        return ReportUnmanaged()
    if not world.differs and world.ran_last and found.saved is None:
        return CheckSaved()
    if not world.differs and world.ran_last and found.saved:
        return MarkInSync(known=False)
    if world.stopping:
        # The next agent begins it.
        return Wait()
    if world.differs and world.was_configured and not attempts.retry_requested:
        return _drifted(world)
    return _apply(world, correction=False)


def _watch(world: World) -> Action:
    """The attempts at a generation have ended: there may be drift. What is acted upon is never an earlier report."""
    found = world.found
    if not world.new_report:
        return Wait()
    if world.is_unfinished and not found.recovered and not world.stalled:
        return Recover()
    if found.recovered and world.cut_off is not None:
        return Fail(ConnectivityLost(world.cut_off.message))
    if not world.has_failed and not found.retained_updated:
        return UpdateRetained()
    if not world.is_watched:
        return Wait()
    if found.differences is None:
        return CompareReport()
    if not world.managed:
        return ReportUnmanaged()
    if not found.fresh:
        return Observe() if world.differs else ConfirmInSync()
    if not world.differs or world.stopping:
        return Wait()
    return _drifted(world)


def _drifted(world: World) -> Action:
    """Something else has changed a node that was configured."""
    if world.subject.spec.drift_policy == "Report":
        return ReportDrift()
    if not world.corrections_left:
        where = paths(world.found.differences or ())
        often = f"{CORRECTIONS} corrections in {WINDOW_SECONDS / 60:.0f} minutes"
        return Fail(DriftFought(f"drift correction stopped: {often} did not last; differs at {where}"))
    return _apply(world, correction=True)


def _apply(world: World, *, correction: bool) -> Action:
    """The one way to a change of the node."""
    return Apply(correction) if world.may_change else Wait()


def is_rolled_back(record: ChangeRecord, subject: NodeNetworkState) -> bool:
    """Whether this very attempt cut the node off and was rolled back: it must not be made again."""
    metadata = subject.metadata
    return record.phase is Phase.ROLLED_BACK and record.is_about(metadata.uid, metadata.generation, metadata.retry_at)

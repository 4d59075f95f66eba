"""Does what was decided: one method per action, with its side effects on the node, the object and the reports.

Nothing is decided here. A method returns what it found out, or None when its action ends the turn. Loop only; the
reconciler calls one at a time.
"""

from dataclasses import replace
from typing import Final, assert_never

import structlog

from nmstate_controller.api.models import Difference, NodeNetworkState, State
from nmstate_controller.controller import actions
from nmstate_controller.controller.actions import Action
from nmstate_controller.controller.decision import Findings, World, is_rolled_back
from nmstate_controller.controller.drift import Corrections
from nmstate_controller.controller.goal import Goal
from nmstate_controller.controller.outcomes import Outcomes
from nmstate_controller.controller.progress import (
    NODE_UNAVAILABLE,
    SLOW_RETRY_SECONDS,
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
from nmstate_controller.controller.proof import Prober
from nmstate_controller.controller.reporter import Reporter
from nmstate_controller.controller.residual import Residual
from nmstate_controller.controller.retained import Recorder
from nmstate_controller.controller.revert import RevertManager
from nmstate_controller.controller.status_writer import StatusWriter
from nmstate_controller.controller.transaction import Transaction
from nmstate_controller.errors import DriftFought, NmstateStuck, NodeError
from nmstate_controller.node.journal import Phase
from nmstate_controller.node.library import Nmstate
from nmstate_controller.tasks import run_together

# Long enough for an apiserver that answers; one that does not must not hold up the node's side.
_FIRST_WRITE_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


class Executor:
    """The hands of the reconciler."""

    def __init__(
        self,
        nmstate: Nmstate,
        transaction: Transaction,
        prober: Prober,
        status_writer: StatusWriter,
        reporter: Reporter,
        outcomes: Outcomes,
        residual: Residual,
        corrections: Corrections,
    ) -> None:
        self._nmstate = nmstate
        self._transaction = transaction
        self._prober = prober
        self._status_writer = status_writer
        self._reporter = reporter
        self._outcomes = outcomes
        self._residual = residual
        self._corrections = corrections
        self._revert_manager = RevertManager(status_writer, patience=_FIRST_WRITE_SECONDS)
        self._recorder = Recorder()
        self.compared: State | None = None
        """The report that was last compared with what is asked."""

    async def execute(self, action: Action, world: World, attempts: Attempts) -> Findings | None:
        """Do it. Returns all that this turn has found out by now, or None when the turn is over. Raises NodeError."""
        found, newest, goal = world.found, world.subject, world.goal
        match action:
            case actions.Wait():
                pass
            case actions.Recover():
                await self._recover(newest)
                return replace(found, recovered=True)
            case actions.UpdateRetained():
                self._update_retained(newest, goal, found.shown)
                return replace(found, retained_updated=True)
            case actions.CompareReport():
                return replace(found, differences=await self._compare(world.asked, found.shown or {}))
            case actions.Observe():
                shown = await self._nmstate.show()
                return replace(found, shown=shown, fresh=True, differences=await self._compare(world.asked, shown))
            case actions.CheckSaved():
                return replace(found, saved=not await self._transaction.not_saved(goal.document))
            case actions.Apply(correction=True):
                await self._correct(world, attempts)
            case actions.Apply():
                await self._apply(world, attempts)
                return replace(found, applied=True)
            case actions.ReportDrift():
                self._residual.invalidate()
                self._outcomes.drifted(newest, list(found.differences or ()))
            case actions.ReportUnmanaged():
                self._residual.invalidate()
                self._outcomes.unmanaged(newest, list(found.differences or ()))
            case actions.MarkInSync():
                await self._mark_in_sync(world, known=action.known)
            case actions.ConfirmInSync():
                self._confirm_in_sync(newest, goal)
            case actions.SettleIdle():
                self._residual.invalidate()
                await self._settle_idle(newest, goal)
            case actions.ReleaseFinalizer():
                await self._revert_manager.release_finalizer(newest, goal)
            case actions.Fail():
                raise action.error
            case _:
                assert_never(action)
        return None

    def acknowledge_retry(self, newest: NodeNetworkState) -> None:
        """Whoever asked for another attempt by the annotation has got it: not before there is something to show."""
        if newest.metadata.retry_at is not None:
            self._status_writer.update_status(newest.metadata.uid, last_handled_retry_at=newest.metadata.retry_at)

    async def _recover(self, newest: NodeNetworkState) -> None:
        """Finish or undo what was begun and not ended. Raises NodeError."""
        metadata, journal = newest.metadata, self._transaction.journal
        recovered, now_runs = None, ""
        try:
            recovered = await self._transaction.recover()
        except NODE_UNAVAILABLE:
            raise
        except NodeError as error:
            # What is committed stays. The rest of it may never succeed, as when a device is gone, and must not stand in
            # the way of what is asked now.
            if journal.note is None or journal.note.phase is not Phase.COMMITTED:
                raise
            if journal.note.is_about(metadata.uid, metadata.generation, None):
                raise
            log.warning("a committed change cannot be completed, going on without it", error=str(error))
            self._transaction.give_up()
        if recovered is not None:
            left, now_runs = recovered
            if left.phase is Phase.COMMITTED:
                self._outcomes.kept(newest, persisted=not now_runs)
        if journal.note is not None and journal.note.phase is Phase.ROLLED_BACK:
            if is_rolled_back(journal.note, newest):
                # Kept: by it this attempt is refused.
                return
            journal.clear()
        self._outcomes.interrupted(newest, now_runs)

    async def _compare(self, document: State, shown: State) -> list[Difference]:
        """Where the node is not what the document asks, as status shows it. Raises NodeError."""
        return [
            Difference(path=found.path, desired=found.desired, current=found.current)
            for found in await self._nmstate.compare(document, shown)
        ]

    async def _correct(self, world: World, attempts: Attempts) -> None:
        """Undo what something else has changed on the node. Raises NodeError."""
        newest, differences = world.subject, list(world.found.differences or ())
        self._residual.invalidate()
        self._corrections.note()
        self._outcomes.correcting(newest, differences)
        await self._apply(world, attempts)
        self._outcomes.corrected(newest, differences)

    async def _apply(self, world: World, attempts: Attempts) -> None:
        """Change the node, with the conditions saying so before and after. Raises NodeError."""
        newest, goal, before = world.subject, world.goal, world.found.shown or {}
        with self._reporter.standing_by():
            await self._revert_manager.prepare(newest, goal, before)
            self.acknowledge_retry(newest)
            self._outcomes.applying(newest, goal.fingerprint, attempts.failures + 1)
            proof = self._prober.proof(newest.spec.probes, goal.document, before)
            # The probes before the change cost nothing while the apiserver answers.
            await run_together(proof.choose(), self._status_writer.flush(_FIRST_WRITE_SECONDS))
            try:
                unsaved = await self._transaction.run(
                    newest,
                    goal.document,
                    before,
                    proof,
                    lambda missing: self._outcomes.probing(newest, missing),
                )
            except NmstateStuck:
                raise
            except NodeError:
                self._outcomes.proven(newest, proof.results)
                await self._reporter.look()
                raise
            kept, residual = await self._examine(newest, goal)
            self._outcomes.proven(newest, proof.results)
            self._outcomes.applied(newest, goal.document, kept, residual, unsaved)
        self._residual.mark_in_sync(kept)

    async def _examine(self, newest: NodeNetworkState, goal: Goal) -> tuple[Goal, list[Difference]]:
        """What is to be kept up from now on, after a change of the node, and what differs from it. Raises NodeError."""
        shown = self.compared = await self._reporter.look()
        self._update_retained(newest, goal, shown)
        kept = self._revert_manager.forget_dropped(newest, goal)
        left = await self._compare(kept.document, shown) if shown is not None and kept.document else []
        return kept, self._residual.applied(kept, left)

    async def _mark_in_sync(self, world: World, *, known: bool) -> None:
        """The node is what is asked, and is left as it is. Raises NodeError."""
        newest = world.subject
        why = "the node still runs desiredState"
        if not known:
            self._revert_manager.record_originals(newest, world.goal, world.found.shown or {})
            why = "the node runs desiredState; nothing had to be changed"
        self._update_retained(newest, world.goal, self._reporter.shown)
        goal = self._revert_manager.forget_dropped(newest, world.goal)
        if not goal.document:
            self._residual.invalidate()
            await self._settle_idle(newest, goal)
            return
        self._residual.mark_in_sync(goal)
        self._outcomes.settled(newest, "Configured", why, self._residual.confirmed(newest, goal))
        await self._revert_manager.release_finalizer(newest, goal)

    def _confirm_in_sync(self, newest: NodeNetworkState, goal: Goal) -> None:
        if self._status_writer.status.drift:
            message = "the node runs desiredState again"
            self._outcomes.settled(newest, "Configured", message, self._residual.confirmed(newest, goal))
        self._residual.mark_in_sync(goal)

    async def _settle_idle(self, newest: NodeNetworkState, goal: Goal) -> None:
        """There is nothing to be made of the node. Raises NodeError."""
        self._update_retained(newest, goal, self._reporter.shown)
        if not goal.deleting:
            self._outcomes.settled(newest, *_idle(newest.spec.managed))
        await self._revert_manager.release_finalizer(newest, goal)

    def _update_retained(self, newest: NodeNetworkState, goal: Goal, shown: State | None) -> None:
        """Note what a node that is what is asked has of this object, and what of that desiredState no longer names."""
        if not newest.spec.managed:
            self._status_writer.update_status(newest.metadata.uid, retained=None)
        elif shown is not None and not goal.deleting:
            known = self._status_writer.status.configured
            self._outcomes.retained(newest, self._recorder.record(known, goal.desired, goal.document, shown))

    async def look_after(self, error: NodeError) -> State | None:
        """The newest report after an error, if the node can be read in full."""
        if isinstance(error, NODE_UNAVAILABLE):
            await self._reporter.look()
        return self._reporter.shown

    async def report_failure(self, newest: NodeNetworkState, error: NodeError, progress: Progress, now: float) -> None:
        """Say what went wrong, and whether and when it is tried again. Raises ObjectNotWritten.

        An object that is being deleted may go when nothing more is tried soon.
        """
        match progress:
            case Stalled() if isinstance(error, DriftFought):
                self._outcomes.fought(newest, error)
            case Stalled():
                self._outcomes.stalled(newest, error, error.reason, str(error))
                await self._revert_manager.give_up(newest)
            case Exhausted():
                message = f"{progress.attempts.failures} attempts failed, "
                message += f"the next follows in {SLOW_RETRY_SECONDS / 60:.0f} minutes or so: {error}"
                self._outcomes.stalled(newest, error, "AttemptsExhausted", message)
                await self._revert_manager.give_up(newest)
            case Backoff() | WaitingForNode() | WaitingForDevice():
                self._outcomes.retrying(newest, error, progress.due_at - now)
            case Pending() | Settled():
                # No failure ends so.
                pass
            case _:
                assert_never(progress)


def _idle(managed: bool) -> tuple[str, str]:
    """Reason and message for an empty desiredState."""
    if managed:
        return "NothingDesired", "desiredState is empty; the node is only reported"
    return "Unmanaged", "managed is false and desiredState is empty; the node is only reported"

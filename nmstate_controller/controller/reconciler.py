"""Makes the node what its object asks, and keeps it so: one change at a time, the newest generation only. Loop only.

A notice carries nothing: `reconcile` re-reads the newest object from the store and the node from libnmstate,
compares, and does what is missing; it is safe to run twice. What may be tried again waits with a back-off; what may
not waits for a new generation or for the retry annotation, also across restarts of the agent, for the verdict is in
the object's status, and in the journal while that cannot be written.
"""

import asyncio
import dataclasses
import random
from typing import Final, NoReturn

import structlog

from nmstate_controller.api import conditions
from nmstate_controller.api.models import Difference, LastApply, NodeNetworkState, Spec, State
from nmstate_controller.backoff import Backoff
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.store import Store
from nmstate_controller.controller.drift import Corrections
from nmstate_controller.controller.goal import Goal, goal_of
from nmstate_controller.controller.outcomes import Outcomes, paths
from nmstate_controller.controller.proof import Prober
from nmstate_controller.controller.reporter import Reporter
from nmstate_controller.controller.residual import Residual
from nmstate_controller.controller.retained import Recorder
from nmstate_controller.controller.revert import RevertManager
from nmstate_controller.controller.status_writer import StatusWriter
from nmstate_controller.controller.transaction import Transaction
from nmstate_controller.errors import (
    ConnectivityLost,
    DriftFought,
    InvalidDesiredState,
    NetworkManagerUnavailable,
    NmstateFailed,
    NmstateStuck,
    NodeError,
    ObjectNotWritten,
    TerminalNodeError,
    UnreadableSpec,
    reasons,
)
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.journal import Phase
from nmstate_controller.node.library import Nmstate, downed
from nmstate_controller.tasks import run_together

ATTEMPTS: Final = 5
"""Attempts at one generation in quick succession, those without NetworkManager not counted."""

SLOW_RETRY_SECONDS: Final = 600.0
"""Pause between the attempts after those, ±10 %: a switch that reboots, or a boot's race, must not strand a node."""

NODE_UNAVAILABLE: Final = (NetworkManagerUnavailable, NmstateFailed, NmstateStuck)
"""The node's own trouble, which is waited for as long as it lasts, and is no failed attempt."""

# Long enough for an apiserver that answers; one that does not must not hold up the node's side.
_FIRST_WRITE_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclasses.dataclass
class _Task:
    """One generation of one object, and how far it has come. `retry_at` is the annotation's value.

    An etcd that was restored to an older state counts generations anew, so that the same one can ask for another thing.
    """

    uid: str
    generation: int
    spec: Spec
    retry_at: str | None
    leaving: bool = False
    spec_problem: str | None = None
    failures: int = 0
    """Attempts that failed since the node last was what is asked."""
    done: bool = False
    next_at: float | None = None
    retry_requested: bool = False
    waits: bool = False
    waits_for: State | None = None
    """With the node's own trouble: the report there was then, if any; a newer one means that it is over."""
    missed_among: frozenset[str] | None = None
    """When a device is missing: the interfaces there were; other ones may mean that it is back."""


class Reconciler:
    """`run` waits for something to do; `reconcile` does it."""

    def __init__(
        self,
        store: Store,
        nmstate: Nmstate,
        transaction: Transaction,
        prober: Prober,
        status_writer: StatusWriter,
        reporter: Reporter,
        outcomes: Outcomes,
        metrics: Metrics,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._store = store
        self._nmstate = nmstate
        self._transaction = transaction
        self._prober = prober
        self._status_writer = status_writer
        self._reporter = reporter
        self._outcomes = outcomes
        self._metrics = metrics
        self._clock = clock
        self._rng = rng
        self._backoff = Backoff(rng, first=1.0, limit=60.0)
        self._wake = store.subscribe()
        reporter.tell(self._wake)
        self._task = _Task("", 0, Spec(), None)
        self._corrections = Corrections(clock)
        self._revert_manager = RevertManager(status_writer, patience=_FIRST_WRITE_SECONDS)
        self._in_sync = Residual(status_writer)
        self._recorder = Recorder()
        # The report that was last compared with what is desired.
        self._compared: State | None = None
        self._stopping = False
        self._turn = asyncio.Lock()

    async def run(self) -> NoReturn:
        """Reconcile whenever the object changed or a retry is due, until cancelled."""
        while True:
            async with self._turn:
                self._wake.clear()
                if not self._stopping:
                    await self.reconcile()
            await self._clock.wait(self._wake, self._seconds_to_retry())

    def _seconds_to_retry(self) -> float | None:
        """How long until another attempt is due; None when none is, and only news can call for one."""
        task = self._task
        if self._stopping or task.done or task.next_at is None or self._store.object is None:
            return None
        return max(0.0, task.next_at - self._clock.monotonic())

    async def finish(self) -> None:
        """Start nothing more, and wait for what is under way."""
        self._stopping = True
        async with self._turn:
            return

    async def reconcile(self) -> None:
        """Bring the node to what the newest object asks, or say why not."""
        newest = self._store.object
        if newest is None:
            return
        self._status_writer.adopt(newest)
        self._metrics.desired_generation.set(newest.metadata.generation)
        due = self._take(newest)
        if not due and not (self._task.done and self._has_unlooked_report()):
            return
        with structlog.contextvars.bound_contextvars(generation=newest.metadata.generation):
            try:
                if due:
                    await self._reconcile(newest)
                else:
                    await self._check_drift(newest)
            except NodeError as error:
                self._in_sync.invalidate()
                if not self._stopping:
                    self._acknowledge_retry(newest)
                await self._fail(newest, error)
            else:
                if due and not self._stopping:
                    self._acknowledge_retry(newest)
                if due:
                    self._task.done = True
                    self._task.retry_requested = False
                    self._task.failures = 0
                    self._backoff.reset()

    def _take(self, newest: NodeNetworkState) -> bool:
        """Whether there is something to do now about this generation, which becomes the task at hand."""
        task = self._task
        metadata = newest.metadata
        leaving = metadata.deletion_timestamp is not None
        known = (metadata.uid, metadata.generation, leaving) == (task.uid, task.generation, task.leaving)
        same = known and (newest.spec, newest.spec_problem) == (task.spec, task.spec_problem)
        if not same or metadata.retry_at not in (None, task.retry_at):
            if same and not self._is_stalled():
                # Nothing has stalled: the annotation asks for what is happening, or has happened, anyway.
                task.retry_at = metadata.retry_at
                self._acknowledge_retry(newest)
            else:
                self._backoff.reset()
                self._task = task = self._begin(newest, retry_requested=known, said=not known or same)
        if task.done:
            return False
        if task.next_at is None or task.next_at <= self._clock.monotonic():
            return True
        shown = self._reporter.shown
        if shown is None:
            return False
        if task.missed_among is not None:
            return _interfaces(shown) != task.missed_among
        return task.waits and shown is not task.waits_for

    def _begin(self, newest: NodeNetworkState, *, retry_requested: bool, said: bool) -> _Task:
        """The task for a generation seen for the first time, or asked for again.

        What an earlier agent said counts, unless `said` is False: it was about another spec by the same generation.
        """
        metadata = newest.metadata
        leaving = metadata.deletion_timestamp is not None
        task = _Task(
            metadata.uid, metadata.generation, newest.spec, metadata.retry_at, leaving, retry_requested=retry_requested
        )
        task.spec_problem = newest.spec_problem
        status = self._status_writer.status
        if said and status.observed_generation == metadata.generation and not leaving:
            if metadata.retry_at in (None, status.last_handled_retry_at):
                task.failures = _failures(status.last_apply, metadata.generation)
                stalled = conditions.find(status.conditions, "Stalled")
                reason = stalled.reason if stalled is not None else None
                if reason == "AttemptsExhausted":
                    task.next_at = self._slow_retry_at()
                elif reason != UnreadableSpec.reason or newest.spec_problem is not None:
                    task.done = self._is_stalled()
            else:
                task.retry_requested = True
        if metadata.uid != self._task.uid:
            self._in_sync.start_over()
        self._corrections.forget()
        return task

    def _acknowledge_retry(self, newest: NodeNetworkState) -> None:
        """Whoever asked for another attempt by the annotation has got it: not before there is something to show."""
        if newest.metadata.retry_at is not None:
            self._status_writer.update_status(newest.metadata.uid, last_handled_retry_at=newest.metadata.retry_at)

    def _slow_retry_at(self) -> float:
        return self._clock.monotonic() + SLOW_RETRY_SECONDS * self._rng.uniform(0.9, 1.1)

    def _goal(self, newest: NodeNetworkState) -> Goal:
        return goal_of(newest, self._status_writer.status.revert_state)

    def _is_stalled(self) -> bool:
        return conditions.is_true(self._status_writer.status.conditions, "Stalled")

    async def _reconcile(self, newest: NodeNetworkState) -> None:
        """One attempt. Raises NodeError."""
        await self._recover_change(newest)
        if newest.spec_problem is not None:
            raise UnreadableSpec(newest.spec_problem)
        goal = self._goal(newest)
        asked = _asked(newest, goal)
        if not asked:
            self._in_sync.invalidate()
            await self._settle_idle(newest, goal)
            return
        if newest.spec.managed and self._in_sync.is_known(goal):
            await self._mark_in_sync(newest, goal, "the node runs desiredState, which is what it was")
            return
        shown = await self._nmstate.show()
        found = await self._differing(asked, shown)
        if not newest.spec.managed:
            self._in_sync.invalidate()
            self._outcomes.unmanaged(newest, found)
            return
        differs = not self._in_sync.is_residual(goal, found)
        if not differs and await self._is_made_to_last(goal):
            self._revert_manager.record_originals(newest, goal, shown)
            await self._mark_in_sync(newest, goal, "the node runs desiredState; nothing had to be changed")
            return
        if self._stopping:
            # The next agent begins it: nothing new does here.
            return
        if differs and self._in_sync.was_configured(newest, goal) and not self._task.retry_requested:
            await self._drifted(newest, goal, shown, found)
            return
        goal = await self._apply(newest, goal, shown, found)
        self._in_sync.mark_in_sync(goal)
        await self._revert_manager.release_finalizer(newest, goal)

    async def _is_made_to_last(self, goal: Goal) -> bool:
        """Whether a boot would find what is asked: not if the kernel merely happens to run it. Raises NodeError."""
        last = self._in_sync.last_configured
        if last is None or last.desired_hash != goal.fingerprint:
            return False
        return not await self._transaction.not_saved(goal.document)

    async def _recover_change(self, newest: NodeNetworkState) -> None:
        """Finish or undo what was begun and not ended. Raises NodeError: ConnectivityLost if that was this attempt."""
        metadata = newest.metadata
        recovered, now_runs = None, ""
        try:
            recovered = await self._transaction.recover()
        except NODE_UNAVAILABLE:
            raise
        except NodeError as error:
            # What is committed stays. The rest of it may never succeed, as when a device is gone, and must not stand in
            # the way of what is asked now.
            note = self._transaction.journal.note
            if note is None or note.phase is not Phase.COMMITTED:
                raise
            if note.is_about(metadata.uid, metadata.generation, None):
                raise
            log.warning("what was committed cannot be completed, going on without", error=str(error))
            self._transaction.give_up()
        if recovered is not None:
            left, now_runs = recovered
            if left.phase is Phase.COMMITTED:
                self._outcomes.kept(newest, persisted=not now_runs)
        note = self._transaction.journal.note
        if note is not None and note.phase is Phase.ROLLED_BACK:
            if note.is_about(metadata.uid, metadata.generation, metadata.retry_at):
                raise ConnectivityLost(note.message)
            self._transaction.journal.clear()
        self._outcomes.interrupted(newest, now_runs)

    async def _check_drift(self, newest: NodeNetworkState) -> None:
        """Compare the newest report of a node that was configured with what it should be. Raises NodeError."""
        shown = self._compared = self._reporter.shown
        note = self._transaction.journal.note
        if note is not None and note.phase is not Phase.ROLLED_BACK and not self._is_stalled():
            await self._recover_change(newest)
        goal = self._goal(newest)
        if not self._has_failed():
            self._follow(newest, goal, shown)
        if shown is None or not self._is_watched(newest, goal):
            return
        if not newest.spec.managed:
            self._outcomes.unmanaged(newest, await self._differing(goal.desired, shown))
            return
        if self._in_sync.is_residual(goal, await self._differing(goal.document, shown)):
            if self._status_writer.status.drift:
                message = "the node runs desiredState again"
                self._outcomes.settled(newest, "Configured", message, self._in_sync.confirmed(newest, goal))
            self._in_sync.mark_in_sync(goal)
            return
        # What is acted upon is never a report of some time ago.
        shown = await self._nmstate.show()
        found = await self._differing(goal.document, shown)
        if not self._in_sync.is_residual(goal, found) and not self._stopping:
            await self._drifted(newest, goal, shown, found)

    def _has_unlooked_report(self) -> bool:
        return self._reporter.shown is not None and self._reporter.shown is not self._compared

    def _has_failed(self) -> bool:
        """Whether the generation at hand never came to be what the node runs."""
        ready = conditions.find(self._status_writer.status.conditions, "Ready")
        return ready is None or (ready.status != "True" and ready.reason != "Drifted")

    def _is_watched(self, newest: NodeNetworkState, goal: Goal) -> bool:
        """Whether this generation, whose task is done, was configured: when it has failed, there is no drift.

        Of a node that is not managed, whether it happens to be as desired.
        """
        if not _asked(newest, goal) or goal.deleting:
            return False
        ready = conditions.find(self._status_writer.status.conditions, "Ready")
        if ready is None:
            return False
        if not newest.spec.managed:
            return ready.reason == "Unmanaged"
        return ready.reason == "Configured" or (ready.reason == "Drifted" and newest.spec.drift_policy == "Report")

    async def _drifted(self, newest: NodeNetworkState, goal: Goal, shown: State, found: list[Difference]) -> None:
        """Correct a node that something else has changed, or say so. Raises NodeError."""
        self._in_sync.invalidate()
        if newest.spec.drift_policy == "Report":
            self._outcomes.drifted(newest, found)
            return
        if not self._corrections.allowed():
            raise DriftFought(
                f"something else changes the node again and again, and is given way to; it differs at {paths(found)}"
            )
        self._corrections.note()
        self._outcomes.correcting(newest, found)
        self._in_sync.mark_in_sync(await self._apply(newest, goal, shown, found))
        self._outcomes.corrected(newest, found)

    async def _differing(self, document: State, shown: State) -> list[Difference]:
        """Where the node is not what the document asks, as status shows it. Raises NodeError."""
        return [
            Difference(path=found.path, desired=found.desired, current=found.current)
            for found in await self._nmstate.compare(document, shown)
        ]

    async def _apply(self, newest: NodeNetworkState, goal: Goal, before: State, found: list[Difference]) -> Goal:
        """Change the node, with the conditions saying so before and after; what is to be kept up from then on.

        Raises NodeError.
        """
        with self._reporter.standing_by():
            await self._revert_manager.prepare(newest, goal, before)
            self._acknowledge_retry(newest)
            self._outcomes.applying(newest, goal.fingerprint, self._task.failures + 1)
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
                    down=downed(difference.path for difference in found),
                )
            except NmstateStuck:
                raise
            except NodeError:
                self._outcomes.proven(newest, proof.results)
                await self._reporter.look()
                raise
            shown = await self._reporter.look()
            self._compared = shown
            self._follow(newest, goal, shown)
            kept = self._revert_manager.forget_dropped(newest, goal)
            left = await self._differing(kept.document, shown) if shown is not None and kept.document else []
            residual = self._in_sync.applied(kept, left)
            self._task.failures = 0
            self._outcomes.proven(newest, proof.results)
            self._outcomes.applied(newest, goal.document, kept, residual, unsaved)
            return kept

    async def _mark_in_sync(self, newest: NodeNetworkState, goal: Goal, why: str) -> None:
        """The node is what is asked, and is left as it is. Raises NodeError."""
        self._follow(newest, goal, self._reporter.shown)
        goal = self._revert_manager.forget_dropped(newest, goal)
        if not goal.document:
            self._in_sync.invalidate()
            await self._settle_idle(newest, goal)
            return
        self._in_sync.mark_in_sync(goal)
        self._outcomes.settled(newest, "Configured", why, self._in_sync.confirmed(newest, goal))
        await self._revert_manager.release_finalizer(newest, goal)

    async def _settle_idle(self, newest: NodeNetworkState, goal: Goal) -> None:
        """There is nothing to be made of the node. Raises NodeError."""
        self._follow(newest, goal, self._reporter.shown)
        if not goal.deleting:
            self._outcomes.settled(newest, *_idle(newest.spec.managed))
        await self._revert_manager.release_finalizer(newest, goal)

    def _follow(self, newest: NodeNetworkState, goal: Goal, shown: State | None) -> None:
        """Note what a node that is what is asked has of this object, and what of that desiredState no longer names."""
        if not newest.spec.managed:
            self._status_writer.update_status(newest.metadata.uid, retained=None)
        elif shown is not None and not goal.deleting:
            known = self._status_writer.status.configured
            found = self._recorder.record(known, goal.desired, goal.document, shown)
            self._outcomes.retained(newest, found)

    async def _give_up(self, newest: NodeNetworkState) -> None:
        """Nothing more is tried: an object that is being deleted may go, at once or when the apiserver is back."""
        try:
            await self._revert_manager.give_up(newest)
        except ObjectNotWritten as error:
            log.warning("the object is held longer than it need be", error=str(error))
            self._task.done = False
            self._task.next_at = self._clock.monotonic() + self._backoff.delay()

    async def _fail(self, newest: NodeNetworkState, error: NodeError) -> None:
        """Say what went wrong, and whether and when it is tried again."""
        task = self._task
        task.next_at = None
        task.done = task.waits = False
        task.missed_among = None
        if isinstance(error, NODE_UNAVAILABLE):
            await self._reporter.look()
            task.waits, task.waits_for = True, self._reporter.shown
        elif isinstance(error, InvalidDesiredState) and self._in_sync.was_configured(newest, self._goal(newest)):
            # A document that the node ran is a good one: what it needs, as a device, is gone from the node and may come
            # back. That is no fight either.
            task.missed_among = _interfaces(self._reporter.shown or {})
            self._corrections.forget()
        elif isinstance(error, DriftFought):
            task.done = True
            self._outcomes.fought(newest, error)
            return
        elif isinstance(error, TerminalNodeError):
            task.done = True
            self._outcomes.stalled(newest, error, error.reason, str(error))
            await self._give_up(newest)
            return
        elif (failures := task.failures + 1) >= ATTEMPTS:
            task.failures = failures
            task.next_at = self._slow_retry_at()
            message = f"{failures} attempts failed, the next follows in {SLOW_RETRY_SECONDS / 60:.0f} minutes or so: "
            self._outcomes.stalled(newest, error, "AttemptsExhausted", message + str(error))
            await self._give_up(newest)
            return
        else:
            task.failures = failures
        delay = self._backoff.delay()
        task.next_at = self._clock.monotonic() + delay
        self._outcomes.retrying(newest, error, delay)


def _failures(last: LastApply | None, generation: int) -> int:
    """How many attempts at that generation have failed, by what an earlier agent said of the last one."""
    if last is None or last.generation != generation or last.outcome == "Configured":
        return 0
    is_failure = last.outcome not in {reason for kind in NODE_UNAVAILABLE for reason in reasons(kind)}
    return last.attempts if is_failure else last.attempts - 1


def _interfaces(shown: State) -> frozenset[str]:
    """The names of the interfaces of a report."""
    return frozenset(str(found.get("name")) for found in shown.get("interfaces", []))


def _asked(newest: NodeNetworkState, goal: Goal) -> State:
    """What the node should be now: nothing goes back on one that is not managed."""
    return goal.document if newest.spec.managed else goal.desired


def _idle(managed: bool) -> tuple[str, str]:
    """Reason and message for an empty desiredState."""
    if managed:
        return "NothingDesired", "desiredState is empty; the node is only reported"
    return "Unmanaged", "managed is false and desiredState is empty; the node is only reported"

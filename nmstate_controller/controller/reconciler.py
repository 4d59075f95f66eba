"""Makes the node what its object asks, and keeps it so: one change at a time, the newest generation only. Loop only.

A notice carries nothing: `reconcile` re-reads the newest object from the store and the node from libnmstate,
compares, and does what is missing; it is safe to run twice. What may be tried again waits with a back-off; what may
not waits for a new generation or for the retry annotation, also across restarts of the agent, for the verdict is in
the object's status, and in the journal while that cannot be written.

Here is only the loop: wait, take a snapshot, `decide`, execute, and `after` it the progress. Whether the node may be
changed is in `decision`, when it is tried again in `progress`, how it is done in `execute`.
"""

import asyncio
import random
from typing import NoReturn

import structlog

from nmstate_controller.api import conditions
from nmstate_controller.api.models import NodeNetworkState, Spec, State
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.store import Store
from nmstate_controller.controller.actions import Apply, Recover, Wait
from nmstate_controller.controller.decision import Findings, World, decide
from nmstate_controller.controller.drift import Corrections
from nmstate_controller.controller.execute import Executor
from nmstate_controller.controller.goal import Goal, goal_of
from nmstate_controller.controller.outcomes import Outcomes
from nmstate_controller.controller.progress import (
    Attempts,
    Done,
    Failed,
    News,
    ObjectHeld,
    Outcome,
    Pending,
    Progress,
    Settled,
    Stalled,
    WaitingForDevice,
    Work,
    acknowledged,
    after,
    begin,
    due_at,
    news,
    wake,
)
from nmstate_controller.controller.proof import Prober
from nmstate_controller.controller.reporter import Reporter
from nmstate_controller.controller.residual import Residual
from nmstate_controller.controller.status_writer import StatusWriter
from nmstate_controller.controller.transaction import Transaction
from nmstate_controller.errors import NodeError, ObjectNotWritten
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.library import Nmstate

log = structlog.get_logger(__name__)


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
        self._journal = transaction.journal
        self._status_writer = status_writer
        self._reporter = reporter
        self._metrics = metrics
        self._clock = clock
        self._rng = rng
        self._corrections = Corrections(clock)
        self._residual = Residual(status_writer)
        self._executor = Executor(
            nmstate, transaction, prober, status_writer, reporter, outcomes, self._residual, self._corrections
        )
        self._wake = store.subscribe()
        reporter.tell(self._wake)
        self._progress: Progress = Pending(Attempts(Work("", 0, False, Spec(), None, None)))
        # A goal, and what it was computed from.
        self._goal: tuple[Work, State | None, Goal] | None = None
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
        due = due_at(self._progress)
        if self._stopping or due is None or self._store.object is None:
            return None
        return max(0.0, due - self._clock.monotonic())

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
        self._select_work(newest)
        report = self._reporter.shown
        self._progress = wake(self._progress, report, self._clock.monotonic())
        new_report = report is not None and report is not self._executor.compared
        if new_report and isinstance(self._progress, Settled | Stalled):
            self._executor.compared = report
        with structlog.contextvars.bound_contextvars(generation=newest.metadata.generation):
            await self._take_turn(newest, Findings(shown=report), new_report=new_report)

    def _select_work(self, newest: NodeNetworkState) -> None:
        """Take up another generation, or another attempt, if that is what the newest object asks for."""
        before, work = self._progress, Work.of(newest)
        match news(before, work, stalled=self._is_stalled()):
            case News.RETRY_MOOT:
                self._progress = acknowledged(before, work)
                self._executor.acknowledge_retry(newest)
            case News.WORK:
                status, now = self._status_writer.status, self._clock.monotonic()
                self._progress = begin(before, work, status, now, self._rng.random())
                if work.uid != before.attempts.work.uid:
                    self._residual.start_over()
                self._corrections.forget()
            case News.NOTHING:
                pass

    async def _take_turn(self, newest: NodeNetworkState, found: Findings, *, new_report: bool) -> None:
        """Decide and execute until an action ends the turn."""
        is_attempt = isinstance(self._progress, Pending)
        goal = self._goal_of(newest)
        while True:
            world = self._snapshot(newest, goal, found, new_report=new_report)
            action = decide(world, self._progress)
            if isinstance(action, Wait):
                return
            try:
                more = await self._executor.execute(action, world, self._progress.attempts)
            except NodeError as error:
                await self._fail(newest, error, applied=found.applied)
                return
            if more is None:
                break
            found = more
            if isinstance(action, Recover | Apply):
                # What is compared and what is applied is one goal, whatever is written meanwhile; an apply may end it.
                goal = self._goal_of(newest)
        if is_attempt and not self._stopping:
            self._executor.acknowledge_retry(newest)
        self._advance(Done())

    def _snapshot(self, newest: NodeNetworkState, goal: Goal, found: Findings, *, new_report: bool) -> World:
        status, last = self._status_writer.status, self._residual.last_configured
        return World(
            subject=newest,
            goal=goal,
            found=found,
            new_report=new_report,
            journal=self._journal.note,
            ready=conditions.find(status.conditions, "Ready"),
            stalled=self._is_stalled(),
            stopping=self._stopping,
            corrections_left=self._corrections.allowed(),
            in_sync=self._residual.is_known(goal),
            was_configured=self._residual.was_configured(newest, goal),
            ran_last=last is not None and last.desired_hash == goal.fingerprint,
            residual=self._residual.of(goal),
        )

    def _goal_of(self, newest: NodeNetworkState) -> Goal:
        """What is asked, computed once for the same spec and the same originals."""
        work, originals = self._progress.attempts.work, self._status_writer.status.revert_state
        if self._goal is None or self._goal[0] is not work or self._goal[1] is not originals:
            self._goal = (work, originals, goal_of(newest, originals))
        return self._goal[2]

    def _is_stalled(self) -> bool:
        return conditions.is_true(self._status_writer.status.conditions, "Stalled")

    async def _fail(self, newest: NodeNetworkState, error: NodeError, *, applied: bool) -> None:
        """Say what went wrong, and whether and when it is tried again."""
        self._residual.invalidate()
        if not self._stopping:
            self._executor.acknowledge_retry(newest)
        report = await self._executor.look_after(error)
        was_configured = self._residual.was_configured(newest, self._goal_of(newest))
        self._advance(Failed(error, report, was_configured, applied))
        if isinstance(self._progress, WaitingForDevice):
            # What is missing is no fight.
            self._corrections.forget()
        try:
            await self._executor.report_failure(newest, error, self._progress, self._clock.monotonic())
        except ObjectNotWritten as held:
            log.warning("the finalizer could not be removed yet", error=str(held))
            self._advance(ObjectHeld())

    def _advance(self, outcome: Outcome) -> None:
        self._progress = after(self._progress, outcome, self._clock.monotonic(), self._rng.random())

"""Makes the node what its object asks: one change at a time, the newest generation only. Loop only.

A notice carries nothing: `reconcile` re-reads the newest object from the store and the node from libnmstate,
compares, and does what is missing; it is safe to run twice. What may be tried again waits with a back-off; what may
not waits for a new generation or for the retry annotation, also across restarts of the agent, for the verdict is in
the object's status.
"""

import asyncio
import dataclasses
import hashlib
import json
import random
from typing import Final, NoReturn

import structlog

from nmstate_controller.api import conditions
from nmstate_controller.api.models import Difference, NodeNetworkState, State
from nmstate_controller.backoff import Backoff
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.store import Store
from nmstate_controller.controller.publisher import Publisher
from nmstate_controller.controller.reporter import Reporter
from nmstate_controller.controller.verdict import Verdicts
from nmstate_controller.errors import NmstateFailed, NmstateStuck, NmstateUnavailable, NodeError, TerminalNodeError
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.nmstate import Nmstate
from nmstate_controller.node.state import changed_interfaces

ATTEMPTS: Final = 5
"""Attempts at one generation, those without NetworkManager not counted."""

# Long enough for an apiserver that answers; one that does not must not hold up the node's side.
_FIRST_WRITE_SECONDS: Final = 5.0


@dataclasses.dataclass
class _Task:
    """One generation of one object, and how far it has come. `retry_at` is the annotation's value."""

    uid: str
    generation: int
    retry_at: str | None
    attempts: int = 0
    failures: int = 0
    done: bool = False
    next_at: float | None = None


class Applier:
    """`run` waits for something to do; `reconcile` does it."""

    def __init__(
        self,
        store: Store,
        nmstate: Nmstate,
        publisher: Publisher,
        reporter: Reporter,
        verdicts: Verdicts,
        metrics: Metrics,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._store = store
        self._nmstate = nmstate
        self._publisher = publisher
        self._reporter = reporter
        self._verdicts = verdicts
        self._metrics = metrics
        self._clock = clock
        self._backoff = Backoff(rng, first=1.0, limit=60.0)
        self._wake = store.subscribe()
        self._task = _Task("", 0, None)
        # Fingerprint of the desiredState that this process has found, or made, the node to be.
        self._met: str | None = None
        self._stopping = False
        self._turn = asyncio.Lock()

    async def run(self) -> NoReturn:
        """Reconcile whenever the object changed or a retry is due, until cancelled."""
        while True:
            async with self._turn:
                self._wake.clear()
                if not self._stopping:
                    await self.reconcile()
            due = self._task.next_at
            await self._clock.wait(self._wake, None if due is None else max(0.0, due - self._clock.monotonic()))

    async def finish(self) -> None:
        """Start nothing more, and wait for what is under way."""
        self._stopping = True
        async with self._turn:
            return

    async def reconcile(self) -> None:
        """Bring the node to the newest object's desiredState, or say why not."""
        newest = self._store.object
        if newest is None:
            return
        self._publisher.adopt(newest)
        self._metrics.desired_generation.set(newest.metadata.generation)
        if not self._take(newest):
            return
        with structlog.contextvars.bound_contextvars(generation=newest.metadata.generation):
            try:
                await self._reconcile(newest)
            except NodeError as error:
                self._met = None
                await self._fail(newest, error)
            else:
                self._task.done = True
                self._backoff.reset()

    def _take(self, newest: NodeNetworkState) -> bool:
        """Whether there is something to do now about this generation, which becomes the task at hand."""
        task = self._task
        metadata = newest.metadata
        if (metadata.uid, metadata.generation, metadata.retry_at) != (task.uid, task.generation, task.retry_at):
            if (metadata.uid, metadata.generation) == (task.uid, task.generation) and not self._is_stalled():
                # Nothing has stalled: the annotation asks for what is happening, or has happened, anyway.
                task.retry_at = metadata.retry_at
            else:
                self._backoff.reset()
                self._task = task = self._begin(newest)
        if task.done:
            return False
        return task.next_at is None or task.next_at <= self._clock.monotonic()

    def _begin(self, newest: NodeNetworkState) -> _Task:
        """The task for a generation seen for the first time, or asked for again: what an earlier agent said counts."""
        metadata = newest.metadata
        task = _Task(metadata.uid, metadata.generation, metadata.retry_at)
        status = self._publisher.status
        if status.observed_generation == metadata.generation and status.last_handled_retry_at == metadata.retry_at:
            task.done = self._is_stalled()
            if status.last_apply is not None and status.last_apply.generation == metadata.generation:
                task.attempts = task.failures = status.last_apply.attempts
        if metadata.uid != self._task.uid:
            self._met = None
            self._verdicts.interrupted(newest)
        self._publisher.say(metadata.uid, last_handled_retry_at=metadata.retry_at)
        return task

    def _is_stalled(self) -> bool:
        return conditions.is_true(self._publisher.status.conditions, "Stalled")

    async def _reconcile(self, newest: NodeNetworkState) -> None:
        """One attempt. Raises NodeError."""
        desired = newest.spec.desired_state
        if not desired:
            self._met = None
            self._verdicts.settled(newest, *_idle(newest.spec.managed))
            return
        wanted = fingerprint(desired)
        if newest.spec.managed and wanted == self._met:
            self._verdicts.settled(newest, "Configured", "the node runs desiredState, which is what it was")
            return
        shown = await self._nmstate.show()
        found = await self._differing(desired, shown)
        if not newest.spec.managed:
            self._met = None
            self._verdicts.unmanaged(newest, found)
            return
        if self._is_met(wanted, found):
            self._verdicts.settled(newest, "Configured", "the node runs desiredState; nothing had to be changed")
        elif self._stopping:
            # The next agent begins it: nothing new does here.
            return
        else:
            await self._apply(newest, desired, wanted, shown)
        self._met = wanted

    async def _differing(self, desired: State, shown: State) -> list[Difference]:
        """Where the node is not what desiredState asks, as status shows it. Raises NodeError."""
        return [
            Difference(path=found.path, desired=found.desired, current=found.current)
            for found in await self._nmstate.compare(desired, shown)
        ]

    def _is_met(self, wanted: str, found: list[Difference]) -> bool:
        """Whether nothing differs but what a successful apply of the same document left different."""
        last = self._publisher.status.last_apply
        known = last.residual if last is not None and last.desired_hash == wanted else None
        return all(difference in (known or []) for difference in found)

    async def _apply(self, newest: NodeNetworkState, desired: State, wanted: str, before: State) -> None:
        """Change the node, with the conditions saying so before and after. Raises NodeError."""
        self._task.attempts += 1
        self._verdicts.applying(newest, wanted, self._task.attempts)
        await self._publisher.flush(_FIRST_WRITE_SECONDS)
        try:
            await self._nmstate.apply(desired)
        except NmstateStuck:
            raise
        except NodeError as error:
            after = await self._reporter.look()
            raise type(error)(f"{error}; {_aftermath(before, after)}") from error
        shown = await self._reporter.look()
        self._verdicts.applied(newest, await self._differing(desired, shown) if shown is not None else [])

    async def _fail(self, newest: NodeNetworkState, error: NodeError) -> None:
        """Say what went wrong, and whether and when it is tried again."""
        task = self._task
        task.next_at = None
        if isinstance(error, NmstateUnavailable | NmstateFailed | NmstateStuck):
            # The node's own trouble is waited for as long as it lasts.
            await self._reporter.look()
        elif isinstance(error, TerminalNodeError):
            task.done = True
            self._verdicts.stalled(newest, error, error.reason, str(error))
            return
        elif (failures := task.failures + 1) >= ATTEMPTS:
            task.done = True
            self._verdicts.stalled(newest, error, "AttemptsExhausted", f"given up after {failures} attempts: {error}")
            return
        else:
            task.failures = failures
        delay = self._backoff.delay()
        task.next_at = self._clock.monotonic() + delay
        self._verdicts.retrying(newest, error, delay)


def fingerprint(document: State) -> str:
    """A short name for the content of a document, the same for any order of its keys."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(canonical).hexdigest()[:16]


def _idle(managed: bool) -> tuple[str, str]:
    """Reason and message for an empty desiredState."""
    if managed:
        return "NothingDesired", "desiredState is empty; the node is only reported"
    return "Unmanaged", "managed is false and desiredState is empty; the node is only reported"


def _aftermath(before: State, after: State | None) -> str:
    """What a failed apply left behind, for a sentence."""
    if after is None:
        return "what the node runs now could not be read"
    changed = changed_interfaces(before, after)
    if not changed:
        return "the node runs what it ran before"
    return f"the node does not run all it ran before: look at {', '.join(changed[:5])}"

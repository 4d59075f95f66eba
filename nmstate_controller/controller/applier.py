"""Makes the node what its object asks: one change at a time, the newest generation only. Loop only.

A notice carries nothing: `reconcile` re-reads the newest object from the store and the node from libnmstate,
compares, and does what is missing; it is safe to run twice. What may be tried again waits with a back-off; what may
not waits for a new generation, also across restarts of the agent, for the verdict is in the object's conditions.
"""

import asyncio
import dataclasses
import hashlib
import json
import random
from typing import Final, NoReturn

import structlog

from nmstate_controller.api import conditions
from nmstate_controller.api.models import Difference, LastApply, NodeNetworkState, State
from nmstate_controller.backoff import Backoff
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.store import Store
from nmstate_controller.controller.publisher import Publisher
from nmstate_controller.controller.reporter import Reporter
from nmstate_controller.errors import NmstateStuck, NmstateUnavailable, NodeError, TerminalNodeError
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.matcher import differences
from nmstate_controller.node.nmstate import Nmstate

ATTEMPTS: Final = 5
"""Attempts at one generation, those without NetworkManager not counted."""

# Long enough for an apiserver that answers; one that does not must not hold up the node's side.
_FIRST_WRITE_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclasses.dataclass
class _Attempt:
    """How far one generation of one object has come."""

    uid: str
    generation: int
    count: int = 0
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
        metrics: Metrics,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._store = store
        self._nmstate = nmstate
        self._publisher = publisher
        self._reporter = reporter
        self._metrics = metrics
        self._clock = clock
        self._backoff = Backoff(rng, first=1.0, limit=60.0)
        self._wake = store.subscribe()
        self._attempt = _Attempt("", 0)
        self._stopping = False
        self._turn = asyncio.Lock()

    async def run(self) -> NoReturn:
        """Reconcile whenever the object changed or a retry is due, until cancelled."""
        while True:
            async with self._turn:
                self._wake.clear()
                if not self._stopping:
                    await self.reconcile()
            due = self._attempt.next_at
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
        if not self._begin(newest):
            return
        generation = newest.metadata.generation
        desired = newest.spec.desired_state
        with structlog.contextvars.bound_contextvars(generation=generation):
            if not desired:
                self._settle(generation, *self._idle_verdict(newest.spec.managed))
                return
            try:
                shown = await self._nmstate.show()
                open_differences = residual(desired, shown)
                if not newest.spec.managed:
                    self._leave(generation, open_differences)
                elif self._is_met(desired, open_differences):
                    self._settle(generation, "Configured", "the node runs desiredState; nothing had to be changed")
                else:
                    await self._apply(generation, desired)
            except NodeError as error:
                await self._fail(generation, error)

    def _begin(self, newest: NodeNetworkState) -> bool:
        """Whether there is something to do now about this generation."""
        key = (newest.metadata.uid, newest.metadata.generation)
        attempt = self._attempt
        if key != (attempt.uid, attempt.generation):
            if attempt.uid == newest.metadata.uid and newest.metadata.generation < attempt.generation:
                return False
            self._backoff.reset()
            self._attempt = attempt = _Attempt(*key)
            before = self._publisher.status
            if before.observed_generation == newest.metadata.generation:
                attempt.done = conditions.is_true(before.conditions, "Stalled")
                if before.last_apply is not None and before.last_apply.generation == newest.metadata.generation:
                    attempt.count = before.last_apply.attempts
        if attempt.done:
            return False
        return attempt.next_at is None or attempt.next_at <= self._clock.monotonic()

    def _is_met(self, desired: State, open_differences: list[Difference]) -> bool:
        """Whether nothing differs but what a successful apply of the same document left different."""
        last = self._publisher.status.last_apply
        known = last.residual if last is not None and last.desired_hash == fingerprint(desired) else None
        return all(difference in (known or []) for difference in open_differences)

    @staticmethod
    def _idle_verdict(managed: bool) -> tuple[str, str]:
        if managed:
            return "NothingDesired", "desiredState is empty; the node is only reported"
        return "Unmanaged", "managed is false and desiredState is empty; the node is only reported"

    def _settle(self, generation: int, reason: str, message: str) -> None:
        status = self._publisher.status
        self._publisher.say(
            observed_generation=generation,
            conditions=conditions.settled(status.conditions, generation, reason, message, self._clock.now()),
        )
        self._conclude(reason, message)

    def _leave(self, generation: int, open_differences: list[Difference]) -> None:
        """managed is false: say whether the node happens to be what desiredState asks."""
        if not open_differences:
            self._settle(generation, "Unmanaged", "managed is false; the node runs desiredState all the same")
            return
        message = (
            f"managed is false, so desiredState is not applied; the node differs from it at {_paths(open_differences)}"
        )
        status = self._publisher.status
        self._publisher.say(
            observed_generation=generation,
            conditions=conditions.refused(status.conditions, generation, "Unmanaged", message, self._clock.now()),
        )
        self._conclude("Unmanaged", message)

    async def _apply(self, generation: int, desired: State) -> None:
        """Change the node, with the conditions saying so before and after. Raises NodeError."""
        attempt = self._attempt
        attempt.count += 1
        last = LastApply(
            generation=generation,
            desired_hash=fingerprint(desired),
            start_time=self._clock.now(),
            attempts=attempt.count,
        )
        status = self._publisher.status
        self._publisher.say(
            observed_generation=generation,
            conditions=conditions.applying(status.conditions, generation, self._clock.now()),
            last_apply=last,
        )
        await self._publisher.flush(_FIRST_WRITE_SECONDS)
        log.info("applying desiredState", attempt=attempt.count)
        await self._nmstate.apply(desired)
        shown = await self._reporter.look()
        message = f"desiredState of generation {generation} is applied"
        self._publisher.say(
            last_apply=last.model_copy(
                update={
                    "completion_time": self._clock.now(),
                    "outcome": "Configured",
                    "message": message,
                    "residual": (residual(desired, shown) if shown is not None else None) or None,
                }
            )
        )
        self._metrics.applies.labels("Configured").inc()
        self._settle(generation, "Configured", message)

    async def _fail(self, generation: int, error: NodeError) -> None:
        """Say what went wrong, and whether and when it is tried again."""
        attempt = self._attempt
        attempt.next_at = None
        self._metrics.applies.labels(error.reason).inc()
        await self._reporter.look()
        status = self._publisher.status
        now = self._clock.now()
        message = str(error)
        if isinstance(error, TerminalNodeError):
            attempt.done = True
            after = conditions.stalled(status.conditions, generation, error.reason, error.reason, message, now)
        elif attempt.count >= ATTEMPTS and not isinstance(error, NmstateUnavailable | NmstateStuck):
            attempt.done = True
            message = f"given up after {attempt.count} attempts: {message}"
            after = conditions.stalled(status.conditions, generation, error.reason, "AttemptsExhausted", message, now)
        else:
            attempt.next_at = self._clock.monotonic() + self._backoff.delay()
            after = conditions.retrying(status.conditions, generation, error.reason, message, now)
        last = status.last_apply
        if last is not None and last.generation == generation:
            update = {"completion_time": now, "outcome": error.reason, "message": conditions.brief(message)}
            last = last.model_copy(update=update)
        self._publisher.say(observed_generation=generation, conditions=after, last_apply=last)
        log.warning("reconciled", verdict=error.reason, message=message, attempts=attempt.count, stalled=attempt.done)

    def _conclude(self, reason: str, message: str) -> None:
        self._attempt.done = True
        self._attempt.next_at = None
        self._backoff.reset()
        log.info("reconciled", verdict=reason, message=message, attempts=self._attempt.count)


def fingerprint(document: State) -> str:
    """A short name for the content of a document, the same for any order of its keys."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(canonical).hexdigest()[:16]


def residual(desired: State, shown: State) -> list[Difference]:
    """What differs from desiredState, as status shows it."""
    return [
        Difference(path=difference.path, desired=difference.desired, current=difference.current)
        for difference in differences(desired, shown)
    ]


def _paths(found: list[Difference], limit: int = 5) -> str:
    names = ", ".join(difference.path for difference in found[:limit])
    return names if len(found) <= limit else f"{names} and {len(found) - limit} more"

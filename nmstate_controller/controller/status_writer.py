"""The only writer of the object: creates it when missing, and writes its status when there is something new.

The reporter and the reconciler tell it what they know by `report` and `update_status`; one task turns that into as few
writes as possible. What cannot be written while the apiserver is away is kept and written when it is back. Loop only.
"""

import asyncio
import contextlib
import random
from datetime import datetime
from typing import Final, NoReturn, TypedDict, Unpack

import structlog

from nmstate_controller.api import conditions
from nmstate_controller.api.models import (
    REVERT_FINALIZER,
    Condition,
    Difference,
    LastApply,
    LastConfigured,
    Metadata,
    NodeNetworkState,
    State,
    Status,
    Versions,
)
from nmstate_controller.backoff import Backoff
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.resource import NodeNetworkStates
from nmstate_controller.cluster.store import Store
from nmstate_controller.controller.status_body import dumped, observed, rejected, room_for_status, truncated
from nmstate_controller.errors import ApiConflict, ApiError, ApiNotFound, ApiRejected
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.truncate import fit, size

_CONFLICT_TRIES: Final = 3

log = structlog.get_logger(__name__)


class Facts(TypedDict, total=False):
    """Fields of status beside the conditions, None to remove one; those that are left out stay as they are."""

    last_apply: LastApply | None
    last_configured: LastConfigured | None
    drift: list[Difference] | None
    configured: list[str] | None
    retained: list[str] | None
    revert_state: State | None
    last_handled_retry_at: str | None
    versions: Versions | None


class StatusChanges(Facts, total=False):
    """The same with the conditions, and the generation that they are about."""

    conditions: list[Condition]
    observed_generation: int | None


class StatusWriter:
    """What the agent has to say about its node, and the task that says it."""

    def __init__(
        self,
        api: NodeNetworkStates,
        store: Store,
        metrics: Metrics,
        clock: Clock,
        rng: random.Random,
        *,
        heartbeat: float,
    ) -> None:
        """`heartbeat`: seconds after which an unchanged report is written again."""
        self._api = api
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._heartbeat = heartbeat
        self._backoff = Backoff(rng, first=0.8, limit=30.0)
        self._status = Status()
        self._uid: str | None = None
        # The newest version known: what the watch told last (`_seen`), or the same after our own write since.
        self._latest: NodeNetworkState | None = None
        self._seen: NodeNetworkState | None = None
        self._said = 0
        self._written = 0
        self._news = asyncio.Condition()
        self._wake = store.subscribe()
        self._renewed = api.on_renewal()
        self._last_write: float | None = None
        self._written_revert_state: State | None = None
        self._reverts_are_known = True
        """False while a different revertState is being written, and after its answer was lost."""

    @property
    def status(self) -> Status:
        """What is to be said now; change it by `say` and `report` only."""
        return self._status

    @property
    def observed_generation(self) -> int | None:
        """The generation that conditions may claim to be about; None before any was looked at."""
        return observed(self._status)

    @property
    def reverts_are_written(self) -> bool:
        """Whether the object has the same status.revertState as `status`."""
        return self._reverts_are_known and self._status.revert_state == self._written_revert_state

    def adopt(self, newest: NodeNetworkState) -> None:
        """Take over what an earlier agent said about this object, or forget what was said about one that is gone."""
        if newest.metadata.uid == self._uid:
            return
        ours = self._status
        adopted = Status(observed_generation=-1)
        if self._uid is None:
            # Moved, not copied: it is large, and nobody else reads it.
            adopted, newest.status = newest.status, Status()
            self._api.reads_status = False
        self._written_revert_state, self._reverts_are_known = adopted.revert_state, True
        if reporting := conditions.find(ours.conditions, "Reporting"):
            adopted.conditions = [found for found in adopted.conditions if found.type != "Reporting"] + [reporting]
        adopted.versions = ours.versions
        if ours.current_state is not None:
            adopted.current_state = ours.current_state
            adopted.last_successful_update_time = ours.last_successful_update_time
        self._uid = newest.metadata.uid
        self._status = adopted
        self._touch()

    def update_status(self, uid: str | None = None, **changes: Unpack[StatusChanges]) -> None:
        """Set fields of status; nothing is written when they are what they were.

        What is about an object by its `uid` is not said about another that took its place meanwhile.
        """
        if uid is not None and uid != self._uid:
            return
        if any(getattr(self._status, field) != value for field, value in changes.items()):
            self._status = self._status.model_copy(update=changes)
            self._touch()

    def report(self, state: State, moment: datetime) -> None:
        """The node was read at `moment`. Written when it differs from the last report, or when the heartbeat is due."""
        changed = state != self._status.current_state
        self._status = self._status.model_copy(update={"current_state": state, "last_successful_update_time": moment})
        due = self._last_write is None or self._clock.monotonic() - self._last_write >= self._heartbeat
        if changed or due:
            self._touch()

    async def flush(self, timeout: float) -> bool:
        """Wait until everything said so far is written; False when that takes more than `timeout` seconds."""
        goal = self._said
        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(lambda: self._written >= goal)
        except TimeoutError:
            return False
        return True

    async def set_finalizer(self, present: bool) -> None:
        """Have the object wait for us when it is deleted, or no longer. Raises ApiError."""
        for _ in range(_CONFLICT_TRIES):
            newest = await self._api.get_metadata()
            others = [name for name in newest.finalizers if name != REVERT_FINALIZER]
            wanted = [*others, REVERT_FINALIZER] if present else others
            if newest.uid != self._uid and present:
                raise ApiConflict("the object has been deleted and created again")
            if newest.uid != self._uid or wanted == newest.finalizers:
                return
            with contextlib.suppress(ApiConflict):
                await self._api.set_finalizers(newest.resource_version, wanted)
                return
        raise ApiConflict("the object changed at every attempt to write it")

    async def run(self) -> NoReturn:
        """Write until cancelled."""
        while True:
            await self._wait_for_work()
            try:
                await self._write()
            except ApiError as error:
                delay = self._backoff.delay(error.retry_after)
                log.warning("status could not be written, trying again", error=str(error), seconds=round(delay, 1))
                await self._clock.wait(self._renewed, delay)
                self._renewed.clear()
            else:
                self._backoff.reset()

    async def _wait_for_work(self) -> None:
        while True:
            self._wake.clear()
            if self._store.object is not self._seen:
                self._seen = self._latest = self._store.object
            if self._store.synced and (self._latest is None or self._written < self._said):
                return
            await self._wake.wait()

    async def _write(self) -> None:
        """Write all that is to be said, against the newest object there is."""
        try:
            target = self._latest or await self._create()
            for _ in range(_CONFLICT_TRIES):
                self.adopt(target)
                saying, revert_state = self._said, self._status.revert_state
                self._reverts_are_known &= revert_state == self._written_revert_state
                try:
                    metadata, written = await self._put(target)
                except ApiConflict:
                    target = await self._api.get()
                    continue
                self._written_revert_state, self._reverts_are_known = revert_state, True
                await self._note(target.model_copy(update={"metadata": metadata}), saying, written)
                return
        except ApiNotFound:
            self._latest = None
            raise
        raise ApiConflict("the object changed at every attempt to write it")

    async def _put(self, target: NodeNetworkState) -> tuple[Metadata, int]:
        """Replace the status; when the apiserver will not have it, at least what the conditions say.

        Returns the object's metadata after that, and the size of the request in bytes.
        """
        body = self._body(target)
        try:
            return await self._api.replace_status(body), len(body)
        except ApiRejected as error:
            log.warning("the apiserver refuses the status, writing it without the report", error=str(error))
            body = self._api.status_body(
                target.metadata.resource_version, dumped(rejected(self._status, str(error), self._clock.now()))
            )
            return await self._api.replace_status(body), len(body)

    async def _create(self) -> NodeNetworkState:
        try:
            created = await self._api.create()
        except ApiConflict:
            return await self._api.get()
        log.info("created this node's object")
        return created

    async def _note(self, written: NodeNetworkState, saying: int, size: int) -> None:
        self._latest = written
        self._last_write = self._clock.monotonic()
        self._metrics.status_writes.inc()
        self._metrics.status_bytes.inc(size)
        if self._status.observed_generation is not None:
            self._metrics.observed_generation.set(self._status.observed_generation)
        async with self._news:
            self._written = saying
            self._news.notify_all()

    def _body(self, target: NodeNetworkState) -> bytes:
        """The request that writes the status, with as much of currentState as the object has room for.

        A report that fits is serialised here, and nowhere else.
        """
        version, state = target.metadata.resource_version, self._status.current_state
        status = dumped(self._status)
        room = room_for_status(target)
        if state is None:
            return self._api.status_body(version, status)
        body = self._api.status_body(version, {**status, "currentState": state})
        if len(body) <= room:
            return body
        state, missing = fit(state, room - size(status))
        if missing:
            status = dumped(truncated(self._status, missing, self._clock.now()))
        return self._api.status_body(version, {**status, "currentState": state})

    def _touch(self) -> None:
        self._metrics.tell({found.type for found in self._status.conditions if found.status == "True"})
        self._metrics.drift.set(len(self._status.drift or []))
        self._said += 1
        self._wake.set()

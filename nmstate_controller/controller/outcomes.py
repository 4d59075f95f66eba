"""Says what came of a generation: conditions and lastApply, an event, a metric and one log line. Loop only.

Each method is one row of the table in `api/conditions`. None of them waits: the status_writer writes when it can.
"""

from typing import TypedDict, Unpack

import structlog

from nmstate_controller.api import conditions
from nmstate_controller.api.models import (
    Condition,
    Difference,
    LastApply,
    LastConfigured,
    NodeNetworkState,
    ProbeResult,
    State,
)
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.events import Events
from nmstate_controller.controller.goal import Goal
from nmstate_controller.controller.retained import Record, bounded, in_words
from nmstate_controller.controller.status_writer import Facts, StatusWriter
from nmstate_controller.controller.wording import NAMED, paths, subjects
from nmstate_controller.errors import DriftFought, NodeError
from nmstate_controller.metrics import Metrics

log = structlog.get_logger(__name__)


class _Made(TypedDict, total=False):
    """Fields of lastApply that only an attempt which changed the node has."""

    desired_hash: str
    persisted: bool
    residual: list[Difference] | None


class Outcomes:
    """The voice of the reconciler."""

    def __init__(self, status_writer: StatusWriter, events: Events, metrics: Metrics, clock: Clock) -> None:
        self._status_writer = status_writer
        self._events = events
        self._metrics = metrics
        self._clock = clock
        # Whom and what was said last of a node that runs what is asked, without what is retained.
        self._settled: tuple[str, int, str, str] | None = None

    def applying(self, subject: NodeNetworkState, fingerprint: str, attempt: int) -> None:
        """The node is about to be changed."""
        generation = subject.metadata.generation
        now = self._clock.now()
        self._say(
            subject,
            conditions.applying(self._conditions, generation, now),
            last_apply=LastApply(generation=generation, desired_hash=fingerprint, start_time=now, attempts=attempt),
        )
        log.info("applying desiredState", attempt=attempt)

    def probing(self, subject: NodeNetworkState, missing: str) -> None:
        """The change is in effect on trial, and what passed before does not pass yet."""
        generation = subject.metadata.generation
        found = conditions.applying(self._conditions, generation, self._clock.now(), missing=missing)
        self._say(subject, found)
        log.info("waiting for probes", missing=missing)

    def proven(self, subject: NodeNetworkState, results: list[ProbeResult]) -> None:
        """What came of the probes."""
        last = self._status_writer.status.last_apply
        if last is not None:
            self._status_writer.update_status(
                subject.metadata.uid, last_apply=last.model_copy(update={"probes": results or None})
            )

    def applied(
        self,
        subject: NodeNetworkState,
        document: State,
        kept: Goal,
        residual: list[Difference],
        unsaved: str | None,
    ) -> None:
        """The node was changed by `document` and is what is asked, but for what nmstate shows in other words.

        `kept`: what is to be kept up from now on. `unsaved`: why it would not outlast a reboot.
        """
        generation = subject.metadata.generation
        reason, message = "Configured", f"the node runs desiredState of generation {generation}: {subjects(document)}"
        if not kept.desired:
            reason, message = "NothingDesired", f"restored what was there before: {subjects(document)}"
        if unsaved is not None:
            message += f"; not saved to disk yet, a reboot would revert it: {unsaved}"
        self._finish(
            subject,
            "Configured",
            message,
            residual=residual or None,
            persisted=unsaved is None,
            desired_hash=kept.fingerprint,
        )
        self._events.record(subject, "Normal", "Applied", message)
        last = LastConfigured(generation=generation, desired_hash=kept.fingerprint, residual=residual or None)
        self.settled(subject, reason, message, last if kept.document else None)

    def kept(self, subject: NodeNetworkState, *, persisted: bool) -> None:
        """A change that was proven, and of which that was not told or not saved, has been settled."""
        message = "change committed; the agent stopped before recording it"
        self._finish(subject, "Configured", message, persisted=persisted)
        last = self._status_writer.status.last_apply
        if last is not None and last.persisted is not persisted:
            self._status_writer.update_status(
                subject.metadata.uid, last_apply=last.model_copy(update={"persisted": persisted})
            )

    def settled(self, subject: NodeNetworkState, reason: str, message: str, last: LastConfigured | None = None) -> None:
        """The node runs what the spec asks: `last`, if that is something."""
        self._settled = (subject.metadata.uid, subject.metadata.generation, reason, message)
        self._say_settled(subject, reason, message, drift=None, last_configured=last)
        log.info("reconciled", verdict=reason, message=message)

    def retained(self, subject: NodeNetworkState, found: Record) -> None:
        """What the object has configured on the node, and what of that desiredState no longer names."""
        uid, generation = subject.metadata.uid, subject.metadata.generation
        self._status_writer.update_status(
            uid, configured=found.configured or None, retained=bounded(found.retained) or None
        )
        if self._settled is None or not conditions.is_true(self._conditions, "Ready"):
            return
        *about, reason, message = self._settled
        if about == [uid, generation] and self._status_writer.observed_generation == generation:
            self._say_settled(subject, reason, message)

    def _say_settled(self, subject: NodeNetworkState, reason: str, message: str, **more: Unpack[Facts]) -> None:
        message += in_words(self._status_writer.status.retained)
        found = conditions.settled(self._conditions, subject.metadata.generation, reason, message, self._clock.now())
        self._say(subject, found, **more)

    def drifted(self, subject: NodeNetworkState, differences: list[Difference]) -> None:
        """The node was configured and has been changed by something else; driftPolicy says to leave it."""
        known = differences == self._status_writer.status.drift
        generation = subject.metadata.generation
        message = _drift(differences)
        found = conditions.stalled(
            self._conditions, generation, "Drifted", "Drifted", f"{message}; driftPolicy is Report", self._clock.now()
        )
        self._say(subject, found, drift=differences)
        if not known:
            self._noticed(subject, differences)

    def correcting(self, subject: NodeNetworkState, differences: list[Difference]) -> None:
        """The node was configured and has been changed by something else, which is about to be undone."""
        self._status_writer.update_status(subject.metadata.uid, drift=differences)
        self._noticed(subject, differences)

    def corrected(self, subject: NodeNetworkState, differences: list[Difference]) -> None:
        """The node is again what it should be."""
        self._metrics.corrections.inc()
        self._events.record(subject, "Normal", "DriftCorrected", f"corrected: {paths(differences)}")

    def fought(self, subject: NodeNetworkState, error: DriftFought) -> None:
        """Something else undoes every correction."""
        generation = subject.metadata.generation
        message = str(error)
        found = conditions.stalled(
            self._conditions, generation, error.reason, "DriftFought", message, self._clock.now()
        )
        self._say(subject, found)
        self._events.record(subject, "Warning", "DriftFought", message)
        log.warning("reconciled", verdict=error.reason, message=message, stalled="DriftFought")

    def _noticed(self, subject: NodeNetworkState, differences: list[Difference]) -> None:
        self._events.record(subject, "Warning", "DriftDetected", _drift(differences))
        log.warning("drift", paths=[found.path for found in differences][:NAMED])

    def unmanaged(self, subject: NodeNetworkState, differences: list[Difference]) -> None:
        """managed is false: the node is left alone, whether or not it happens to be what desiredState asks."""
        generation, now = subject.metadata.generation, self._clock.now()
        if differences:
            message = "managed is false, so desiredState is not applied; differs at "
            message += paths(differences)
            found = conditions.refused(self._conditions, generation, "Unmanaged", message, now)
        else:
            message = "managed is false; the node matches desiredState"
            found = conditions.settled(self._conditions, generation, "Unmanaged", message, now)
        if found == self._conditions:
            return
        self._say(subject, found, drift=None, retained=None)
        log.info("reconciled", verdict="Unmanaged", message=message)

    def retrying(self, subject: NodeNetworkState, error: NodeError, seconds: float) -> None:
        """It failed, and is tried again after `seconds`."""
        generation = subject.metadata.generation
        message = f"{error}; trying again"
        found = conditions.retrying(self._conditions, generation, error.reason, message, self._clock.now())
        self._failed(subject, error, message, found, retry_seconds=round(seconds, 1))

    def stalled(self, subject: NodeNetworkState, error: NodeError, why: str, message: str) -> None:
        """It failed, and is not tried again, because of `why`."""
        generation = subject.metadata.generation
        found = conditions.stalled(self._conditions, generation, error.reason, why, message, self._clock.now())
        self._failed(subject, error, message, found, stalled=why)

    @property
    def _conditions(self) -> list[Condition]:
        return self._status_writer.status.conditions

    def _failed(
        self, subject: NodeNetworkState, error: NodeError, message: str, found: list[Condition], **context: str | float
    ) -> None:
        self._finish(subject, error.reason, message)
        self._say(subject, found)
        self._events.record(subject, "Warning", error.reason, message)
        log.warning("reconciled", verdict=error.reason, message=message, **context)

    def interrupted(self, subject: NodeNetworkState, aftermath: str) -> None:
        """An earlier agent ended in the middle of a change, which is undone by now. `aftermath`: what the node runs."""
        words = "the agent stopped before the change was committed"
        self._finish(subject, "Interrupted", f"{words}; {aftermath}" if aftermath else words)

    def _finish(self, subject: NodeNetworkState, outcome: str, message: str, **more: Unpack[_Made]) -> None:
        """Complete lastApply, if an attempt is under way."""
        last = self._status_writer.status.last_apply
        if last is None or last.completion_time is not None:
            return
        self._metrics.applies.labels(outcome).inc()
        update = {
            "completion_time": self._clock.now(),
            "outcome": outcome,
            "message": conditions.brief(message),
            **more,
        }
        self._status_writer.update_status(subject.metadata.uid, last_apply=last.model_copy(update=update))

    def _say(self, subject: NodeNetworkState, found: list[Condition], **more: Unpack[Facts]) -> None:
        metadata = subject.metadata
        self._status_writer.update_status(
            metadata.uid, observed_generation=metadata.generation, conditions=found, **more
        )


def _drift(differences: list[Difference]) -> str:
    return f"the node was changed by something else; differs at {paths(differences)}"

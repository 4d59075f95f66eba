"""How far one generation of the object has come, and the retry policy: which attempt follows, and when.

Pure functions over frozen states; the reconciler keeps the newest one. `now` is the monotonic clock in seconds, and
`jitter` a random number in [0, 1).

  | an attempt                                                  | state            | the next attempt            |
  |-------------------------------------------------------------|------------------|-----------------------------|
  | succeeded                                                   | Settled          | none; drift is watched      |
  | failed: the node is not available (NODE_UNAVAILABLE)        | WaitingForNode   | a back-off, or a new report |
  | failed: InvalidDesiredState, but the node ran it before     | WaitingForDevice | a back-off, or a new device |
  | failed for good (TerminalNodeError)                         | Stalled          | a new generation, or on ask |
  | failed otherwise, fewer than ATTEMPTS times                 | Backoff          | a back-off                  |
  | failed otherwise, ATTEMPTS times or more                    | Exhausted        | SLOW_RETRY_SECONDS          |
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, assert_never

from nmstate_controller.api import conditions
from nmstate_controller.api.models import LastApply, NodeNetworkState, Spec, State, Status
from nmstate_controller.backoff import drawn
from nmstate_controller.errors import (
    InvalidDesiredState,
    NetworkManagerUnavailable,
    NmstateFailed,
    NmstateStuck,
    NodeError,
    TerminalNodeError,
    UnreadableSpec,
    reasons,
)

ATTEMPTS: Final = 5
"""Attempts at one generation in quick succession, those without NetworkManager not counted."""

SLOW_RETRY_SECONDS: Final = 600.0
"""Pause between the attempts after those, ±10 %: a switch that reboots, or a boot's race, must not strand a node."""

NODE_UNAVAILABLE: Final = (NetworkManagerUnavailable, NmstateFailed, NmstateStuck)
"""The node's own trouble, which is waited for as long as it lasts, and is no failed attempt."""

_FIRST_DELAY_SECONDS: Final = 1.0
_LONGEST_DELAY_SECONDS: Final = 60.0
_DOUBLINGS: Final = 6
"""After so many the delay is the longest."""


@dataclass(frozen=True)
class Work:
    """One generation of one object. `retry_at` is the annotation's value.

    An etcd that was restored to an older state counts generations anew, so that the same one can ask for another thing.
    """

    uid: str
    generation: int
    deleting: bool
    spec: Spec
    spec_problem: str | None
    retry_at: str | None

    @classmethod
    def of(cls, subject: NodeNetworkState) -> "Work":
        """What that object asks."""
        metadata = subject.metadata
        deleting = metadata.deletion_timestamp is not None
        return cls(metadata.uid, metadata.generation, deleting, subject.spec, subject.spec_problem, metadata.retry_at)

    def is_generation_of(self, other: "Work") -> bool:
        """Whether the two are the same generation of the same object, by their numbers."""
        return (self.uid, self.generation, self.deleting) == (other.uid, other.generation, other.deleting)

    def asks_the_same_as(self, other: "Work") -> bool:
        """Whether the two ask the same of the node."""
        return self.is_generation_of(other) and (self.spec, self.spec_problem) == (other.spec, other.spec_problem)


@dataclass(frozen=True)
class Attempts:
    """What became of the attempts at `work` so far."""

    work: Work
    failures: int = 0
    """Attempts that failed since the node last was what is asked."""
    delays: int = 0
    """Back-offs since something worked: the next one is longer."""
    retry_requested: bool = False
    """Somebody asked for another attempt, which is made whatever the drift policy."""


@dataclass(frozen=True)
class Pending:
    """An attempt is due."""

    attempts: Attempts


@dataclass(frozen=True)
class Backoff:
    """An attempt failed; the next is due at `due_at`."""

    attempts: Attempts
    due_at: float


@dataclass(frozen=True)
class Exhausted:
    """ATTEMPTS of them failed; from now on they are far between."""

    attempts: Attempts
    due_at: float


@dataclass(frozen=True)
class WaitingForNode:
    """The node could not be read or changed. `last_report`: the report there was then; a newer one ends the wait."""

    attempts: Attempts
    due_at: float
    last_report: State | None


@dataclass(frozen=True)
class WaitingForDevice:
    """A device is missing. `interfaces`: those there were; other ones may mean that it is back, and end the wait."""

    attempts: Attempts
    due_at: float
    interfaces: frozenset[str]


@dataclass(frozen=True)
class Settled:
    """The attempt came to its end: the node runs what is asked, or is left alone as asked."""

    attempts: Attempts


@dataclass(frozen=True)
class Stalled:
    """No attempt follows without somebody."""

    attempts: Attempts


Progress = Pending | Backoff | Exhausted | WaitingForNode | WaitingForDevice | Settled | Stalled


@dataclass(frozen=True)
class Done:
    """The turn came to its end without an error."""


@dataclass(frozen=True)
class Failed:
    """The turn ended with `error`. `report`: the newest report, if the node can be read in full."""

    error: NodeError
    report: State | None
    was_configured: bool
    """The node ran this document before."""
    applied: bool
    """The node was changed as asked before it failed."""


@dataclass(frozen=True)
class ObjectHeld:
    """Nothing more is tried, but the finalizer of the deleted object could not be removed."""


Outcome = Done | Failed | ObjectHeld


class News(Enum):
    """What the newest object says that was not known."""

    NOTHING = auto()
    RETRY_MOOT = auto()
    """The annotation asks for an attempt, which is under way or was made: nothing has stalled."""
    WORK = auto()
    """Another generation, another spec, or another attempt at one that stalled."""


def news(progress: Progress, newest: Work, *, stalled: bool) -> News:
    """Compare the newest object with the one at hand. `stalled`: whether status says that it has."""
    known = progress.attempts.work
    if not newest.asks_the_same_as(known):
        return News.WORK
    if newest.retry_at in (None, known.retry_at):
        return News.NOTHING
    return News.WORK if stalled else News.RETRY_MOOT


def acknowledged(progress: Progress, newest: Work) -> Progress:
    """The same progress, with the annotation known."""
    return replace(progress, attempts=replace(progress.attempts, work=newest))


def begin(progress: Progress, newest: Work, status: Status, now: float, jitter: float) -> Progress:
    """Progress with a generation seen for the first time, or asked for again.

    What an earlier agent said in `status` counts, unless it was about another spec by the same generation.
    """
    known = progress.attempts.work
    is_retry = newest.is_generation_of(known)
    attempts = Attempts(newest, retry_requested=is_retry)
    is_other_spec = is_retry and not newest.asks_the_same_as(known)
    if is_other_spec or newest.deleting or status.observed_generation != newest.generation:
        return Pending(attempts)
    if newest.retry_at not in (None, status.last_handled_retry_at):
        return Pending(replace(attempts, retry_requested=True))
    attempts = replace(attempts, failures=_failures(status.last_apply, newest.generation))
    stalled = conditions.find(status.conditions, "Stalled")
    reason = stalled.reason if stalled is not None else None
    if reason == "AttemptsExhausted":
        return Exhausted(attempts, now + _slow_retry(jitter))
    if reason == UnreadableSpec.reason and newest.spec_problem is None:
        # This agent can read what the one before could not.
        return Pending(attempts)
    return Stalled(attempts) if conditions.is_true(status.conditions, "Stalled") else Pending(attempts)


def wake(progress: Progress, report: State | None, now: float) -> Progress:
    """Pending, if what was waited for has come; `report` is the newest, if the node can be read in full."""
    match progress:
        case Pending() | Settled() | Stalled():
            return progress
        case Backoff() | Exhausted():
            is_due = False
        case WaitingForNode():
            is_due = report is not None and report is not progress.last_report
        case WaitingForDevice():
            is_due = report is not None and _interfaces(report) != progress.interfaces
        case _:
            assert_never(progress)
    return Pending(progress.attempts) if is_due or progress.due_at <= now else progress


def due_at(progress: Progress) -> float | None:
    """When the next attempt is due; None when none is, or at once."""
    return None if isinstance(progress, Pending | Settled | Stalled) else progress.due_at


def after(progress: Progress, outcome: Outcome, now: float, jitter: float) -> Progress:
    """Progress after a turn that ended with `outcome`."""
    match outcome:
        case Done():
            is_over = isinstance(progress, Settled | Stalled)
            return progress if is_over else Settled(Attempts(progress.attempts.work))
        case ObjectHeld():
            return _backed_off(progress.attempts, now, jitter)
        case Failed():
            return _after_failure(progress.attempts, outcome, now, jitter)
        case _:
            assert_never(outcome)


def _after_failure(attempts: Attempts, failed: Failed, now: float, jitter: float) -> Progress:
    if failed.applied:
        attempts = replace(attempts, failures=0)
    if isinstance(failed.error, NODE_UNAVAILABLE):
        waiting = _backed_off(attempts, now, jitter)
        return WaitingForNode(waiting.attempts, waiting.due_at, failed.report)
    if isinstance(failed.error, InvalidDesiredState) and failed.was_configured:
        # A document that the node ran is a good one: what it needs, as a device, is gone from the node and may come
        # back.
        waiting = _backed_off(attempts, now, jitter)
        return WaitingForDevice(waiting.attempts, waiting.due_at, _interfaces(failed.report or {}))
    if isinstance(failed.error, TerminalNodeError):
        return Stalled(attempts)
    attempts = replace(attempts, failures=attempts.failures + 1)
    if attempts.failures >= ATTEMPTS:
        return Exhausted(attempts, now + _slow_retry(jitter))
    return _backed_off(attempts, now, jitter)


def _backed_off(attempts: Attempts, now: float, jitter: float) -> Backoff:
    """Delays double from the first to the longest."""
    step = min(_FIRST_DELAY_SECONDS * 2 ** min(attempts.delays, _DOUBLINGS), _LONGEST_DELAY_SECONDS)
    return Backoff(replace(attempts, delays=attempts.delays + 1), now + drawn(step, jitter))


def _slow_retry(jitter: float) -> float:
    return SLOW_RETRY_SECONDS * (0.9 + 0.2 * jitter)


def _failures(last: LastApply | None, generation: int) -> int:
    """How many attempts at that generation have failed, by what an earlier agent said of the last one."""
    if last is None or last.generation != generation or last.outcome == "Configured":
        return 0
    is_failure = last.outcome not in {reason for kind in NODE_UNAVAILABLE for reason in reasons(kind)}
    return last.attempts if is_failure else last.attempts - 1


def _interfaces(shown: State) -> frozenset[str]:
    """The names of the interfaces of a report."""
    return frozenset(str(found.get("name")) for found in shown.get("interfaces", []))

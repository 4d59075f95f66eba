"""What the node was found, or made, to be: by which a difference is told to be new, or one that has always been.

Part of it this process remembers, the rest is in the object's status, so that it outlasts the agent. Loop only.
"""

from nmstate_controller.api.models import Difference, LastConfigured, NodeNetworkState
from nmstate_controller.controller.goal import Goal
from nmstate_controller.controller.status_writer import StatusWriter


class Residual:
    """Of the newest object. Every document goes by its fingerprint."""

    def __init__(self, status_writer: StatusWriter) -> None:
        self._status_writer = status_writer
        self._met: str | None = None
        self._residual: tuple[str, list[Difference]] | None = None

    def start_over(self) -> None:
        """It is another object."""
        self._met = None

    def invalidate(self) -> None:
        """The node may no longer be what it was found to be."""
        self._met = None

    def mark_in_sync(self, goal: Goal) -> None:
        """The node is what that asks."""
        self._met = goal.fingerprint

    def is_known(self, goal: Goal) -> bool:
        """Whether the node was found to be what is asked, and nothing has cast doubt on it since."""
        return goal.fingerprint == self._met

    def of(self, goal: Goal) -> list[Difference]:
        """What a successful apply of the same document left different: no drift."""
        return self._known_residual(goal) or []

    def applied(self, goal: Goal, found: list[Difference]) -> list[Difference]:
        """Take `found` for what a verified apply left different; less what did not, after the one before.

        That is somebody's doing.
        """
        known = self._known_residual(goal)
        residual = found if known is None else [difference for difference in found if difference in known]
        self._residual = (goal.fingerprint, residual)
        return residual

    def _known_residual(self, goal: Goal) -> list[Difference] | None:
        """What the last apply of the same document left different; None when there was none."""
        if self._residual is not None and self._residual[0] == goal.fingerprint:
            return self._residual[1]
        last = self.last_configured
        if last is None or last.desired_hash != goal.fingerprint:
            return None
        return last.residual or []

    def was_configured(self, newest: NodeNetworkState, goal: Goal) -> bool:
        """Whether the node ran what is asked before, and no other desiredState has had its turn since."""
        status, last = self._status_writer.status, self.last_configured
        if last is None or last.desired_hash != goal.fingerprint:
            return False
        return status.observed_generation in (last.generation, newest.metadata.generation)

    def confirmed(self, newest: NodeNetworkState, goal: Goal) -> LastConfigured:
        """What to say of a node that still, or again, is what is asked."""
        residual = self._known_residual(goal) or None
        return LastConfigured(generation=newest.metadata.generation, desired_hash=goal.fingerprint, residual=residual)

    @property
    def last_configured(self) -> LastConfigured | None:
        """What the node ran last, also by the word of an agent that did not say so in a field of its own."""
        status = self._status_writer.status
        last = status.last_apply
        if status.last_configured is not None or last is None or last.outcome != "Configured":
            return status.last_configured
        return LastConfigured(generation=last.generation, desired_hash=last.desired_hash, residual=last.residual)

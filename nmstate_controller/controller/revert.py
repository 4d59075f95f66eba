"""What was there before, for removalPolicy Revert: kept in the object, which a finalizer holds until it is back.

Loop only; the reconciler calls it.
"""

from typing import Final

from nmstate_controller.api.models import NodeNetworkState, State
from nmstate_controller.controller.goal import Goal, goal_of, is_held
from nmstate_controller.controller.status_body import OBJECT_LIMIT
from nmstate_controller.controller.status_writer import StatusWriter
from nmstate_controller.errors import ApiError, InvalidDesiredState, ObjectNotWritten
from nmstate_controller.node.revert import forget, remember, unrevertable
from nmstate_controller.node.truncate import size

_ROOM: Final = OBJECT_LIMIT - 128 * 1024
"""Bytes for a document and what was there before it; the rest is for what the agent has to say of them."""


class RevertManager:
    """status.revertState and the finalizer of one object; the reconciler calls it."""

    def __init__(self, status_writer: StatusWriter, *, patience: float) -> None:
        """`patience`: seconds that a write before a change may take."""
        self._status_writer = status_writer
        self._patience: Final = patience

    async def prepare(self, newest: NodeNetworkState, goal: Goal, before: State) -> None:
        """What is there now is in the object before it is changed. Raises NodeError."""
        if not goal.needs_finalizer:
            return
        if secret := unrevertable(goal.desired, before):
            raise InvalidDesiredState(f"{secret[0]}: contains a secret; removalPolicy Revert cannot restore secrets")
        self.record_originals(newest, goal, before)
        if self._status_writer.reverts_are_written and is_held(newest):
            return
        try:
            await self._status_writer.set_finalizer(True)
        except ApiError as error:
            raise ObjectNotWritten(
                f"the finalizer that removalPolicy Revert needs could not be set: {error}"
            ) from error
        if not await self._status_writer.flush(self._patience):
            raise ObjectNotWritten(
                "the state before the change, which removalPolicy Revert restores, could not be written to the object"
            )

    def record_originals(self, newest: NodeNetworkState, goal: Goal, before: State) -> None:
        """Note what is there now for what is new in desiredState. Raises NodeError."""
        if not goal.needs_finalizer:
            return
        known = self._status_writer.status.revert_state
        originals = remember(known, goal.desired, before)
        if size(originals) + size(goal.desired) > _ROOM:
            raise InvalidDesiredState(
                "desiredState is too large for removalPolicy Revert: together with the state to restore it does not"
                " fit into the object"
            )
        self._status_writer.update_status(newest.metadata.uid, revert_state=originals)

    def forget_dropped(self, newest: NodeNetworkState, goal: Goal) -> Goal:
        """Forget what was there before for what is back; what is to be kept up from now on."""
        if goal.reverts:
            left = forget(self._status_writer.status.revert_state, goal.desired)
            self._status_writer.update_status(newest.metadata.uid, revert_state=left)
        return goal_of(newest, self._status_writer.status.revert_state)

    async def release_finalizer(self, newest: NodeNetworkState, goal: Goal) -> None:
        """Take the finalizer away when nothing is to be put back any more. Raises ObjectNotWritten."""
        if goal.needs_finalizer:
            return
        if not goal.reverts:
            self._status_writer.update_status(newest.metadata.uid, revert_state=None)
        await self._release(newest)

    async def give_up(self, newest: NodeNetworkState) -> None:
        """What is being deleted and cannot be put back (its hardware may be gone) must not stay for ever.

        Raises ObjectNotWritten.
        """
        if newest.metadata.deletion_timestamp is not None:
            await self._release(newest)

    async def _release(self, newest: NodeNetworkState) -> None:
        if not is_held(newest):
            return
        try:
            await self._status_writer.set_finalizer(False)
        except ApiError as error:
            raise ObjectNotWritten(f"the finalizer could not be removed from the object: {error}") from error

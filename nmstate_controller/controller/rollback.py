"""Takes the node back to what it was before a change, as exactly as can be had. Loop only.

NetworkManager's checkpoint is the first step, where there still is one; it is not all (see `node/profiles`). What it
leaves out, or all of it when NetworkManager has restarted and forgotten the checkpoint, is brought back from what was
noted before the change: profiles, activations and global DNS through NetworkManager, the rest through the kernel. That
takes no document, so there is none that could be refused, or that could remove what was there before.
"""

import asyncio
from typing import Final, Protocol

import structlog

from nmstate_controller.controller.trial_document import names
from nmstate_controller.errors import NetworkManagerUnavailable, NmstateStuck, NodeError, listed
from nmstate_controller.node.journal import ChangeRecord
from nmstate_controller.node.kernel.snapshot import KernelSnapshot
from nmstate_controller.node.kernel.system import Kernel
from nmstate_controller.node.library import Nmstate
from nmstate_controller.node.networkmanager.snapshot import ManagerSnapshot
from nmstate_controller.node.report import changed_parts

RECOVER_LATER: Final = (NmstateStuck, NetworkManagerUnavailable)
"""What is begun cannot be ended now, and `Transaction.recover` will do it when it can."""

_RESTORE_SECONDS: Final = 20.0
"""For NetworkManager to activate what was active before."""

_SETTLE_LOOKS: Final = 10
_SETTLE_PAUSE_SECONDS: Final = 0.5
"""For the kernel and DNS to follow; a route comes a moment after its address."""

_SHOWN: Final = 5

log = structlog.get_logger(__name__)


class Manager(Protocol):
    """The part of `NetworkManager` that going back needs; a test may put something else in its place."""

    async def snapshot(self) -> ManagerSnapshot:
        """What there is now."""

    async def is_pending(self, checkpoint: str, owner: str) -> bool | None:
        """Whether the checkpoint is there; None after a restart."""

    async def restore(self, before: ManagerSnapshot, seconds: float) -> None:
        """Bring profiles, activations and the global DNS back."""

    async def set_route_metric(self, interface: str, family: str, metric: int) -> None:
        """Give the routes of an interface a metric until its next activation."""


class Rollback:
    """Undoes one noted change at a time."""

    def __init__(self, nmstate: Nmstate, manager: Manager, kernel: Kernel) -> None:
        self._nmstate = nmstate
        self._manager = manager
        self._kernel = kernel

    async def undo(self, note: ChangeRecord) -> list[str]:
        """What differs from before the change all the same, in words; nothing when the rollback is complete.

        Safe to run twice. Raises NodeError of RECOVER_LATER.
        """
        await self._roll_back_checkpoint(note)
        try:
            await self._manager.restore(note.manager, _RESTORE_SECONDS)
            left = await self._restore_kernel(note)
        except RECOVER_LATER:
            raise
        except NodeError as error:
            left = [f"the node could not be compared with what it was: {error}"]
        if left:
            log.warning("the rollback is incomplete", differs=left[:_SHOWN])
        return left

    async def _roll_back_checkpoint(self, note: ChangeRecord) -> None:
        if note.checkpoint is None or not await self._manager.is_pending(note.checkpoint, note.manager.owner):
            return
        try:
            await self._nmstate.rollback(note.checkpoint)
        except RECOVER_LATER:
            raise
        except NodeError as error:
            log.warning("NetworkManager could not roll back its checkpoint", error=str(error))

    async def _restore_kernel(self, note: ChangeRecord) -> list[str]:
        left: list[str] = []
        for look in range(_SETTLE_LOOKS):
            if look:
                await asyncio.sleep(_SETTLE_PAUSE_SECONDS)
            manager, kernel = await self._manager.snapshot(), await self._kernel.snapshot()
            touched = _touched(note, manager, kernel)
            left = note.manager.differences(manager) + note.kernel.differences(kernel, touched)
            if not left:
                left = changed_parts(note.before, await self._nmstate.show(), touched)
            if not left:
                break
            # What is NetworkManager's it brings by itself, a route a moment after its address.
            if look == 1 and await self._restore_metrics(note, kernel, touched):
                continue
            if look:
                await self._kernel.restore(note.kernel, touched)
        return left

    async def _restore_metrics(self, note: ChangeRecord, now: KernelSnapshot, touched: set[str]) -> bool:
        """Whether there were any to be set back."""
        moved = {
            key: metric
            for key, metric in note.kernel.moved_metrics(now, touched).items()
            if note.manager.active_profile(key[0]) is not None
        }
        for (interface, family), metric in moved.items():
            try:
                await self._manager.set_route_metric(interface, family, metric)
            except NodeError as error:
                log.warning("the metric of routes could not be set back", interface=interface, error=str(error))
        return bool(moved)


def aftermath(left: list[str]) -> str:
    """What a failed change left behind, for a sentence; `left` is what `Rollback.undo` returned."""
    if not left:
        return "the node runs what it ran before"
    return f"rollback incomplete; check: {listed(left, _SHOWN)}"


def _touched(note: ChangeRecord, manager: ManagerSnapshot, kernel: KernelSnapshot) -> set[str]:
    """The interfaces that the change may have altered: those it names, and those activated or attached since."""
    found = names(note.document) | note.manager.reactivated(manager)
    moved = {name for name, link in note.kernel.links.items() if link != kernel.links.get(name)}
    ports = {name for name, link in kernel.links.items() if link.controller in found}
    return found | (moved & note.manager.devices.keys()) | ports

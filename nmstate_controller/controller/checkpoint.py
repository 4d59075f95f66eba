"""Finds the checkpoint that guards a change, and notes it in the journal while the change is applied. Loop only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

import structlog

from nmstate_controller.errors import NodeError
from nmstate_controller.node.journal import Journal
from nmstate_controller.tasks import cancel

_NOTING_SECONDS: Final = 15.0
"""A busy NetworkManager gets this long to say which checkpoint guards the change; what it takes is in the margin."""

log = structlog.get_logger(__name__)


class Manager(Protocol):
    """The part of `NetworkManager` that is asked here."""

    async def new_checkpoint(self, since: int, timeout: int, returned: asyncio.Event) -> str | None:
        """Wait for the checkpoint made after that moment with that timeout; None when it has not come."""


@asynccontextmanager
async def noting_checkpoint(manager: Manager, journal: Journal) -> AsyncIterator[None]:
    """Around an apply of the change in the journal: its checkpoint is in there as soon as NetworkManager has made it.

    Raises JournalFailed.
    """
    note = journal.current

    async def look() -> None:
        try:
            found = await manager.new_checkpoint(note.since, note.timeout, returned)
        except NodeError as error:
            log.warning("NetworkManager's checkpoint could not be noted", error=str(error))
        else:
            if found is not None:
                journal.write(journal.current.guarded_by(found, note.since))

    returned = asyncio.Event()
    task = asyncio.create_task(look())
    try:
        yield
        # Without knowing which it is the change could not be kept.
        returned.set()
        await asyncio.wait({task}, timeout=_NOTING_SECONDS)
    finally:
        await cancel(task)
    if not task.cancelled():
        task.result()

"""One change of the node, which stays only when it is proven: in memory first, then the probes, then on disk.

`run` does the steps and `recover` picks up after an agent, or a call, that did not come to the end of them; both leave
the node in the configuration before or in the one asked for. Every step is noted in the journal before it is taken.
The reconciler calls one at a time. Loop only.
"""

import asyncio
import re
import time
from collections.abc import Callable, Collection
from typing import Final, NoReturn, Protocol

import structlog

from nmstate_controller.api.models import NodeNetworkState, State
from nmstate_controller.controller.checkpoint import Manager as CheckpointManager
from nmstate_controller.controller.checkpoint import noting_checkpoint
from nmstate_controller.controller.proof import Proof
from nmstate_controller.controller.removal import ensure_absent
from nmstate_controller.controller.rollback import RECOVER_LATER, Rollback, aftermath
from nmstate_controller.controller.rollback import Manager as RollbackManager
from nmstate_controller.controller.trial_document import (
    absent,
    lasting,
    names,
    on_disk_only,
    on_trial,
    with_absent_peers,
    with_unsaved_ports,
)
from nmstate_controller.errors import (
    ApplyFailed,
    ConnectivityLost,
    JournalFailed,
    NetworkManagerBusy,
    NetworkManagerUnavailable,
    NmstateStuck,
    NodeError,
    VerificationFailed,
)
from nmstate_controller.node.compare import downed
from nmstate_controller.node.journal import ChangeRecord, Journal, Phase
from nmstate_controller.node.kernel.system import Kernel
from nmstate_controller.node.library import Nmstate
from nmstate_controller.node.networkmanager.snapshot import ManagerSnapshot

_MARGIN_SECONDS: Final = 40
"""NetworkManager's own timer runs this much longer than the probes, so that it is not what decides."""

_NOT_ROUND_SECONDS: Final = 1
"""By its timeout our checkpoint is told from another tool's, which take round numbers (nmstatectl 60)."""

_STAYS: Final = re.compile(r"Absent/Down interface \S+ still found")
"""What libnmstate finds in memory of an interface that NetworkManager has not made, and so does not remove."""

log = structlog.get_logger(__name__)


class Manager(CheckpointManager, RollbackManager, Protocol):
    """The part of `NetworkManager` that a change needs; a test may put something else in its place."""

    async def save(self, before: ManagerSnapshot, interfaces: Collection[str]) -> None:
        """Write profiles to disk."""

    async def not_saved(self, interfaces: Collection[str]) -> list[str]:
        """Which interfaces' configuration is not on disk."""

    async def restore_autoconnect(self, before: ManagerSnapshot, interfaces: Collection[str]) -> None:
        """Let devices activate profiles by themselves if they might do so before, and else not."""


class Transaction:
    """Makes changes, and settles those that were left."""

    def __init__(self, nmstate: Nmstate, manager: Manager, kernel: Kernel, journal: Journal, *, rollback_timeout: int):
        """`rollback_timeout`: seconds after which NetworkManager undoes by itself what nobody commits."""
        self._nmstate = nmstate
        self._manager = manager
        self._kernel = kernel
        self._rollback = Rollback(nmstate, manager, kernel)
        self._rollback_timeout = rollback_timeout
        self.journal = journal

    async def run(
        self,
        subject: NodeNetworkState,
        document: State,
        before: State,
        proof: Proof,
        on_probing: Callable[[str], None],
    ) -> str | None:
        """Apply `document` to a node that was `before`; None, or why the change is in effect but not on disk yet.

        Raises NodeError: then the node is as it was, or the journal has a note by which `recover` gets it there.
        `on_probing` is told what is missing when the probes do not pass at once.
        """
        note = await self._begin(subject, document, before, proof)
        # libnmstate does not see that they are down.
        down = downed(document, before, self._kernel)
        try:
            # What fails is left to its verification.
            self._kernel.set_up(down)
            await self._try(note)
        except NmstateStuck:
            raise
        except NetworkManagerBusy:
            # The checkpoint there is, is not ours, and libnmstate has changed nothing.
            await self._kernel.restore(note.kernel, down)
            self.journal.clear()
            raise
        except NodeError as error:
            left = await self._undo()
            self.journal.clear()
            raise type(error)(f"{error}; {aftermath(left)}") from error
        await self._prove(proof, on_probing)
        await self._commit()
        unsaved = await self._persist()
        if unsaved is None:
            await ensure_absent(self._nmstate, note.document)
        return unsaved

    async def _begin(self, subject: NodeNetworkState, document: State, before: State, proof: Proof) -> ChangeRecord:
        """Note what is about to be changed, and all that it takes to undo it. Raises NodeError."""
        manager, kernel = await self._manager.snapshot(), await self._kernel.snapshot()
        metadata = subject.metadata
        note = ChangeRecord(
            uid=metadata.uid,
            generation=metadata.generation,
            retry_at=metadata.retry_at,
            phase=Phase.TRIAL,
            document=with_absent_peers(with_unsaved_ports(document, before, manager), before),
            before=before,
            manager=manager,
            kernel=kernel,
            since=_boot_milliseconds(),
            timeout=max(self._rollback_timeout, proof.seconds + _MARGIN_SECONDS) + _NOT_ROUND_SECONDS,
        )
        return self.journal.write(note)

    async def recover(self) -> tuple[ChangeRecord, str] | None:
        """Settle the change that an earlier agent, or a call that was stuck, left behind. Raises NodeError.

        Returns its note as it is after that, COMMITTED (it stays), ROLLED_BACK (it cut the node off) or another (it was
        undone), and what the node runs now, for a sentence.
        """
        note = self.journal.note
        if note is None or note.phase is Phase.ROLLED_BACK:
            return None
        log.info("recovering a change that was left unfinished", phase=note.phase, generation=note.generation)
        if note.phase is not Phase.COMMITTED and await self._was_committed(note):
            note = self.journal.amend(note.at_phase(Phase.COMMITTED))
        if note.phase is Phase.COMMITTED:
            unsaved = await self._persist()
            return note, f"not saved to disk yet, a reboot would revert it: {unsaved}" if unsaved else ""
        left = await self._undo()
        if note.phase is Phase.FAILING:
            note = self.journal.amend(note.rolled_back(f"{note.message}; {aftermath(left)}"))
        else:
            self.journal.clear()
        return note, aftermath(left)

    async def not_saved(self, document: State) -> list[str]:
        """The interfaces that `document` configures and that a boot would not find so. Raises NodeError."""
        return await self._manager.not_saved(lasting(document))

    def give_up(self) -> None:
        """Forget a change that stays, and of which a part is refused for good."""
        self.journal.clear()

    async def _try(self, note: ChangeRecord) -> None:
        """Apply, uncommitted and in memory, noting the checkpoint that guards it."""

        async def apply(trial: State) -> None:
            async with noting_checkpoint(self._manager, self.journal):
                await self._nmstate.apply(trial, on_trial=True, rollback_timeout=note.timeout)

        try:
            await apply(on_trial(note.document, note.before))
        except VerificationFailed as error:
            if not _STAYS.search(str(error)):
                raise
            log.info(
                "created outside of NetworkManager, removed after the commit; without addresses and ports until then",
                why=str(error),
            )
            note = self.journal.write(note.guarded_by(None, _boot_milliseconds()))
            await apply(on_trial(note.document, note.before, bare=True))

    async def _prove(self, proof: Proof, on_probing: Callable[[str], None]) -> None:
        def on_failure(what: str) -> None:
            # Whether it can be noted or not: it is the probes that decide what becomes of the change.
            self.journal.amend(self.journal.current.at_phase(Phase.FAILING, what))
            on_probing(what)

        missing = await proof.verify(on_failure)
        if missing is None:
            if self.journal.current.phase is Phase.FAILING:
                self.journal.amend(self.journal.current.at_phase(Phase.TRIAL, ""))
            return
        log.warning("probes that passed before the change fail after it, rolling back", missing=missing)
        # The verdict first: from here on nobody may try this generation again.
        self.journal.amend(self.journal.current.at_phase(Phase.FAILING, missing))
        left = await self._undo()
        note = self.journal.amend(self.journal.current.rolled_back(missing))
        again = await proof.verify_again()
        outcome = "the probes pass again" if again is None else f"but still failing: {again}"
        message = f"{missing}; rolled back, {outcome}; {aftermath(left)}"
        self.journal.amend(note.at_phase(Phase.ROLLED_BACK, message))
        raise ConnectivityLost(message)

    async def _commit(self) -> None:
        note = self.journal.current
        if note.checkpoint is not None and await self._manager.is_pending(note.checkpoint, note.manager.owner):
            try:
                self.journal.write(note.at_phase(Phase.PROVEN))
                await self._nmstate.commit(note.checkpoint)
            except RECOVER_LATER:
                raise
            except JournalFailed as error:
                await self._abort(error)
            except NodeError as error:
                await self._abort(ApplyFailed(f"the commit failed: {error}"))
            self.journal.amend(self.journal.current.at_phase(Phase.COMMITTED))
            return
        await self._abort(ApplyFailed("NetworkManager restarted or timed out before the commit"))

    async def _abort(self, error: NodeError) -> NoReturn:
        """Undo a change that was proven. Raises an error like that one when that is done."""
        left = await self._undo()
        self.journal.clear()
        raise type(error)(f"{error}; rolled back; {aftermath(left)}") from error

    async def _persist(self) -> str | None:
        """Make a change that is proven outlast a reboot; why it would not, if so.

        Raises NodeError when the part of it that memory cannot prove is refused: the rest stays. That, and what
        NetworkManager cannot do now, is tried again by `recover`.
        """
        note = self.journal.current
        try:
            await self._manager.save(note.manager, names(note.document))
            if rest := on_disk_only(note.document):
                await self._nmstate.apply(rest)
                # In memory absent is down, which it would not be on disk.
                removed = absent(note.document).get("interfaces", [])
                await self._manager.restore_autoconnect(note.manager, [str(found.get("name")) for found in removed])
            missing = await self.not_saved(note.document)
        except NetworkManagerUnavailable as error:
            log.warning("change in effect but not saved to disk", error=str(error))
            return str(error)
        self.journal.clear()
        return f"no profile on disk for {', '.join(missing)}" if missing else None

    async def _was_committed(self, note: ChangeRecord) -> bool:
        """Whether a proven change whose checkpoint is gone was kept: then the node is what it asked for."""
        if note.checkpoint is None or note.phase is not Phase.PROVEN:
            return False
        if await self._manager.is_pending(note.checkpoint, note.manager.owner) is not False:
            return False
        return not await self._nmstate.compare(note.document, await self._nmstate.show())

    async def _undo(self) -> list[str]:
        """What differs from before the change that is noted, once it is undone. Raises NodeError of RECOVER_LATER."""
        note = self.journal.current
        if note.checkpoint is None:
            # An agent that was killed may have left one that it had no time to note.
            ended = asyncio.Event()
            ended.set()
            checkpoint = await self._manager.new_checkpoint(note.since, note.timeout, ended)
            note = note.guarded_by(checkpoint, note.since)
        return await self._rollback.undo(note)


def _boot_milliseconds() -> int:
    """The clock by which NetworkManager dates its checkpoints."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)

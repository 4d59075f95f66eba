"""One change of the node, which stays only when it is proven: in memory first, then the probes, then on disk.

`make` does the steps and `recover` picks up after an agent, or a call, that did not come to the end of them; both leave
the node in the configuration before or in the one asked for. Every step is noted in the journal before it is taken.
The applier calls one at a time. Loop only.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn, Protocol

import structlog

from nmstate_controller.api.models import NodeNetworkState, State
from nmstate_controller.controller.proof import Proof
from nmstate_controller.errors import (
    ApplyFailed,
    ConnectivityLost,
    InvalidDesiredState,
    NmstateBusy,
    NmstateStuck,
    NmstateUnavailable,
    NodeError,
    VerificationFailed,
)
from nmstate_controller.node.journal import Journal, Note, Phase
from nmstate_controller.node.networkmanager import Standing
from nmstate_controller.node.nmstate import Nmstate

_MARGIN_SECONDS: Final = 40
"""NetworkManager's own timer runs this much longer than the probes, so that it is not what decides."""

_NOTING_SECONDS: Final = 15.0
"""A busy NetworkManager gets this long to say which checkpoint guards the change; what it takes is in the margin."""

_NOT_NOW: Final = (NmstateStuck, NmstateUnavailable)
"""What is begun cannot be ended now, and `recover` will do it when it can."""

_STAYS: Final = re.compile(r"Absent/Down interface \S+ still found")
"""What libnmstate finds in memory of an interface that NetworkManager has not made, and so does not remove."""

_OFF: Final = {"enabled": False}
_WITHOUT_PORTS: Final[Mapping[str, State]] = {
    "linux-bridge": {"bridge": {"port": []}},
    "bond": {"link-aggregation": {"port": []}},
    "vrf": {"vrf": {"port": []}},
}

_REMOVAL_LOOKS: Final = 4
_REMOVAL_PAUSE_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


class Manager(Protocol):
    """The part of `NetworkManager` that a change needs; a test may put something else in its place."""

    async def standing(self) -> Standing:
        """What there is before a change."""

    async def is_pending(self, checkpoint: str, owner: str) -> bool | None:
        """Whether the checkpoint is there; None after a restart."""

    async def new_checkpoint(self, known: Sequence[str], returned: asyncio.Event) -> str | None:
        """Wait for one that is not among those known; None when none has come although the apply has returned."""

    async def save(self, *, unless_in: Sequence[str], interfaces: Sequence[str]) -> None:
        """Write profiles to disk."""


class Changer:
    """Makes changes, and settles those that were left."""

    def __init__(self, nmstate: Nmstate, manager: Manager, journal: Journal, *, rollback_timeout: int):
        """`rollback_timeout`: seconds after which NetworkManager undoes by itself what nobody commits."""
        self._nmstate = nmstate
        self._manager = manager
        self._rollback_timeout = rollback_timeout
        self.journal = journal

    async def make(
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
        standing = await self._manager.standing()
        metadata = subject.metadata
        note = Note(
            uid=metadata.uid,
            generation=metadata.generation,
            retry_at=metadata.retry_at,
            phase=Phase.TRIAL,
            document=document,
            before=before,
            owner=standing.owner,
            checkpoints=list(standing.checkpoints),
            unsaved=list(standing.unsaved),
        )
        self.journal.write(note)
        try:
            await self._try(note, proof.seconds)
        except NmstateStuck:
            raise
        except NmstateBusy:
            # The checkpoint there is, is not ours.
            self.journal.clear()
            raise
        except NodeError:
            await self._undo()
            self.journal.clear()
            raise
        await self._prove(proof, on_probing)
        await self._commit()
        unsaved = await self._settle()
        if unsaved is None:
            await self._see_gone(document)
        return unsaved

    async def recover(self) -> Note | None:
        """Settle the change that an earlier agent, or a call that was stuck, left behind. Raises NodeError.

        Returns its note as it is after that: COMMITTED (it stays), LOST (it cut the node off) or another (it was
        undone).
        """
        note = self.journal.note
        if note is None or note.phase is Phase.LOST:
            return None
        log.info("settling a change that was left behind", phase=note.phase, generation=note.generation)
        if note.phase is not Phase.COMMITTED and await self._was_committed(note):
            note = self._mark(phase=Phase.COMMITTED)
        if note.phase is Phase.COMMITTED:
            await self._settle()
            return note
        await self._undo()
        if note.phase is Phase.FAILING:
            return self._mark(phase=Phase.LOST)
        self.journal.clear()
        return note

    def give_up(self, why: str) -> None:
        """Forget the change that cannot be settled, unless it cut the node off: that must not be tried again."""
        note = self._noted
        if note.phase is Phase.FAILING:
            self._mark(phase=Phase.LOST, message=f"{note.message}; and the change could not be undone: {why}")
        else:
            self.journal.clear()

    @property
    def is_under_way(self) -> bool:
        """Whether a change was begun that is neither kept nor undone, because of an error."""
        note = self.journal.note
        return note is not None and note.phase not in (Phase.COMMITTED, Phase.LOST)

    async def _try(self, note: Note, seconds: int) -> None:
        """Apply, uncommitted and in memory, noting the checkpoint that guards it."""
        timeout = max(self._rollback_timeout, seconds + _MARGIN_SECONDS)

        async def apply(trial: State) -> None:
            async with self._noting_checkpoint(note):
                await self._nmstate.apply(trial, on_trial=True, rollback_timeout=timeout)

        try:
            await apply(on_trial(note.document, note.before))
        except VerificationFailed as error:
            if not _STAYS.search(str(error)):
                raise
            log.info("somebody else made what shall be absent, trying without its addresses and ports", why=str(error))
            self._mark(checkpoint=None)
            await apply(on_trial(note.document, note.before, bare=True))

    @asynccontextmanager
    async def _noting_checkpoint(self, note: Note) -> AsyncIterator[None]:
        async def look() -> None:
            try:
                found = await self._manager.new_checkpoint(note.checkpoints, returned)
            except NodeError as error:
                log.warning("NetworkManager's checkpoint could not be noted", error=str(error))
            else:
                if found is not None:
                    self._mark(checkpoint=found)

        returned = asyncio.Event()
        task = asyncio.create_task(look())
        try:
            yield
            # Without knowing which it is the change could not be kept.
            returned.set()
            await asyncio.wait({task}, timeout=_NOTING_SECONDS)
        finally:
            task.cancel()

    async def _prove(self, proof: Proof, on_probing: Callable[[str], None]) -> None:
        def on_failure(what: str) -> None:
            self._mark(phase=Phase.FAILING, message=what)
            on_probing(what)

        missing = await proof.holds(on_failure)
        if missing is None:
            if self._noted.phase is Phase.FAILING:
                self._mark(phase=Phase.TRIAL, message="")
            return
        log.warning("what passed before the change does not pass after it, undoing it", missing=missing)
        # The verdict first: from here on nobody may try this generation again.
        self._mark(phase=Phase.FAILING, message=missing)
        await self._undo()
        self._mark(phase=Phase.LOST)
        again = await proof.holds_again()
        aftermath = "what passed before passes again" if again is None else f"but still: {again}"
        note = self._mark(message=f"{missing}; the change was undone, {aftermath}")
        raise ConnectivityLost(note.message)

    async def _commit(self) -> None:
        note = self._noted
        if note.checkpoint is not None:
            pending = await self._manager.is_pending(note.checkpoint, note.owner)
            if pending:
                self._mark(phase=Phase.PROVEN)
                try:
                    await self._nmstate.commit(note.checkpoint)
                except _NOT_NOW:
                    raise
                except NodeError as error:
                    await self._give_back(f"the change could not be kept, and is undone: {error}")
                self._mark(phase=Phase.COMMITTED)
                return
        await self._give_back(
            "NetworkManager was started anew, or undid the change by itself, before it could be kept; it is undone"
        )

    async def _give_back(self, why: str) -> NoReturn:
        """Undo a change that was proven. Raises ApplyFailed when that is done."""
        await self._undo()
        self.journal.clear()
        raise ApplyFailed(why)

    async def _settle(self) -> str | None:
        """Make a change that is proven outlast a reboot; why that cannot be done now, if so.

        Raises NodeError when the part of it that memory cannot prove is refused: the rest stays. Either is tried again
        by `recover`.
        """
        note = self._noted
        try:
            await self._manager.save(unless_in=note.unsaved, interfaces=_names(note.document))
            if rest := on_disk_only(note.document):
                await self._nmstate.apply(rest)
        except NmstateUnavailable as error:
            log.warning("the change is in effect but not on disk", error=str(error))
            return str(error)
        self.journal.clear()
        return None

    async def _see_gone(self, document: State) -> None:
        """Return when what shall be absent is. Raises NodeError.

        NetworkManager removes a device some time after its profile, or leaves it there as one that it does not manage;
        libnmstate takes either for done, and removes what was left when it is asked again.
        """
        gone = _absent(document)
        if not gone or await self._are_gone(gone):
            return
        log.warning("what shall be absent is still there, removing it again", interfaces=_names(gone))
        await self._nmstate.apply(gone)
        if not await self._are_gone(gone):
            raise VerificationFailed(f"still there although they shall be absent: {', '.join(_names(gone))}")

    async def _are_gone(self, gone: State) -> bool:
        for _ in range(_REMOVAL_LOOKS - 1):
            if not await self._nmstate.compare(gone, await self._nmstate.show()):
                return True
            await asyncio.sleep(_REMOVAL_PAUSE_SECONDS)
        return not await self._nmstate.compare(gone, await self._nmstate.show())

    async def _was_committed(self, note: Note) -> bool:
        """Whether a proven change whose checkpoint is gone was kept: then the node is what it asked for."""
        if note.checkpoint is None or note.phase is not Phase.PROVEN:
            return False
        if await self._manager.is_pending(note.checkpoint, note.owner) is not False:
            return False
        return not await self._nmstate.compare(note.document, await self._nmstate.show())

    async def _undo(self) -> None:
        """Bring the node back to what it was before the change that is noted. Raises RetryableNodeError."""
        note = self._noted
        pending: bool | None = False
        if note.checkpoint is not None:
            pending = await self._manager.is_pending(note.checkpoint, note.owner)
        elif (await self._manager.standing()).owner != note.owner:
            pending = None
        try:
            if pending and note.checkpoint is not None:
                await self._nmstate.rollback(note.checkpoint)
            await self._go_back_by_hand(note, pending)
        except _NOT_NOW:
            raise
        except NodeError as error:
            # No document of the user's is to blame, whatever libnmstate says.
            raise ApplyFailed(f"the change before could not be undone: {error}") from error

    async def _go_back_by_hand(self, note: Note, pending: bool | None) -> None:
        """Apply what the checkpoint did not bring back, as global DNS, or all, when a restart made it forgotten.

        `pending`: whether the checkpoint has just been rolled back, or None when it was forgotten.
        """
        try:
            back = await self._nmstate.way_back(note.document, note.before)
        except InvalidDesiredState as error:
            # What makes no sense on this node, libnmstate has not begun to apply either.
            log.info("there is nothing to go back from", why=str(error))
            return
        if not back:
            return
        try:
            left = await self._nmstate.compare(back, await self._nmstate.show())
            if left or pending is None:
                log.warning("going back by hand", forgotten=pending is None, differs=[one.path for one in left][:5])
                await self._nmstate.apply(back)
        except _NOT_NOW:
            raise
        except NodeError as error:
            if not pending:
                raise
            log.warning("the checkpoint was rolled back, but not all is as it was", error=str(error))

    @property
    def _noted(self) -> Note:
        note = self.journal.note
        if note is None:
            raise ApplyFailed("the change that was under way is no longer noted")
        return note

    def _mark(self, **changes: Any) -> Note:
        note = self._noted.model_copy(update=changes)
        self.journal.write(note)
        return note


def on_trial(document: State, before: State, *, bare: bool = False) -> State:
    """The document as it can be applied in memory: without the hostname, which would not be changed and fail to verify.

    A controller that shall be absent only goes down in memory and would keep its ports, whose profiles would name it
    for ever; libnmstate would then wait without end for one of them to come up. So they are taken from it.

    `bare`: what shall be absent stays for now, without what the node could be reached by.
    """
    trial = {key: value for key, value in document.items() if key != "hostname"}
    interfaces = document.get("interfaces") or []
    if not interfaces:
        return trial
    named = {found.get("name") for found in interfaces}
    going = {found.get("name") for found in interfaces if found.get("state") == "absent"}
    # An OVS interface ends with its bridge.
    ports = {
        found.get("name"): found.get("type")
        for found in before.get("interfaces", [])
        if found.get("controller") in going and found.get("type") != "ovs-interface"
    }
    unnamed = [{"name": name, "type": kind, "state": "up"} for name, kind in ports.items() if name not in named]
    trial["interfaces"] = [
        {"controller": "", **found} if found.get("name") in ports and found.get("state", "up") == "up" else found
        for found in (*interfaces, *unnamed)
    ]
    if bare:
        known = {found.get("name"): found for found in before.get("interfaces", [])}
        trial["interfaces"] = [
            _bare(known[found["name"]]) if found.get("state") == "absent" and found.get("name") in known else found
            for found in trial["interfaces"]
        ]
    return trial


def _bare(current: State) -> State:
    kind = current.get("type", "unknown")
    without = _WITHOUT_PORTS.get(kind, {})
    return {"name": current["name"], "type": kind, "state": "up", "ipv4": _OFF, "ipv6": _OFF, **without}


def on_disk_only(document: State) -> State | None:
    """The part of a document that memory cannot prove: what shall be absent (it only goes down) and the hostname."""
    rest = _absent(document)
    if document.get("hostname"):
        rest["hostname"] = document["hostname"]
    return rest or None


def _absent(document: State) -> State:
    """The part of a document that says what shall not be; empty when it says nothing of the kind."""
    gone = [found for found in document.get("interfaces") or [] if found.get("state") == "absent"]
    return {"interfaces": gone} if gone else {}


def _names(document: State) -> list[str]:
    return [str(found.get("name")) for found in document.get("interfaces") or [] if isinstance(found, dict)]

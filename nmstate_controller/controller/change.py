"""One change of the node, which stays only when it is proven: in memory first, then the probes, then on disk.

`make` does the steps and `recover` picks up after an agent, or a call, that did not come to the end of them; both leave
the node in the configuration before or in the one asked for. Every step is noted in the journal before it is taken.
The applier calls one at a time. Loop only.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn, Protocol

import structlog

from nmstate_controller.api.models import NodeNetworkState, State
from nmstate_controller.controller.proof import Proof
from nmstate_controller.controller.rollback import RECOVER_LATER, Rollback, aftermath, names
from nmstate_controller.controller.rollback import Manager as RollbackManager
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
from nmstate_controller.node.journal import Journal, Note, Phase
from nmstate_controller.node.kernel.snapshot import KernelSnapshot
from nmstate_controller.node.kernel.system import Kernel
from nmstate_controller.node.matcher.names import kind
from nmstate_controller.node.nmstate import Nmstate
from nmstate_controller.node.originals.touching import ports_of
from nmstate_controller.node.profiles import ManagerSnapshot
from nmstate_controller.tasks import cancel

_MARGIN_SECONDS: Final = 40
"""NetworkManager's own timer runs this much longer than the probes, so that it is not what decides."""

_NOT_ROUND_SECONDS: Final = 1
"""By its timeout our checkpoint is told from another tool's, which take round numbers (nmstatectl 60)."""

_NOTING_SECONDS: Final = 15.0
"""A busy NetworkManager gets this long to say which checkpoint guards the change; what it takes is in the margin."""

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


class Manager(RollbackManager, Protocol):
    """The part of `NetworkManager` that a change needs; a test may put something else in its place."""

    async def new_checkpoint(self, since: int, timeout: int, returned: asyncio.Event) -> str | None:
        """Wait for the checkpoint made after that moment with that timeout; None when it has not come."""

    async def save(self, before: ManagerSnapshot, interfaces: Collection[str]) -> None:
        """Write profiles to disk."""

    async def not_saved(self, interfaces: Collection[str]) -> list[str]:
        """Which interfaces' configuration is not on disk."""

    async def restore_autoconnect(self, before: ManagerSnapshot, interfaces: Collection[str]) -> None:
        """Let devices activate profiles by themselves if they might do so before, and else not."""


class Changer:
    """Makes changes, and settles those that were left."""

    def __init__(self, nmstate: Nmstate, manager: Manager, kernel: Kernel, journal: Journal, *, rollback_timeout: int):
        """`rollback_timeout`: seconds after which NetworkManager undoes by itself what nobody commits."""
        self._nmstate = nmstate
        self._manager = manager
        self._kernel = kernel
        self._rollback = Rollback(nmstate, manager, kernel)
        self._rollback_timeout = rollback_timeout
        self.journal = journal

    async def make(
        self,
        subject: NodeNetworkState,
        document: State,
        before: State,
        proof: Proof,
        on_probing: Callable[[str], None],
        *,
        down: Collection[str] = (),
    ) -> str | None:
        """Apply `document` to a node that was `before`; None, or why the change is in effect but not on disk yet.

        Raises NodeError: then the node is as it was, or the journal has a note by which `recover` gets it there.
        `on_probing` is told what is missing when the probes do not pass at once. `down`: interfaces that the document
        wants up, and that somebody set down in the kernel.
        """
        manager, kernel = await self._manager.snapshot(), await self._kernel.snapshot()
        document = with_absent_peers(with_unsaved_ports(document, before, manager), before)
        metadata = subject.metadata
        note = Note(
            uid=metadata.uid,
            generation=metadata.generation,
            retry_at=metadata.retry_at,
            phase=Phase.TRIAL,
            document=document,
            before=before,
            manager=manager,
            kernel=kernel,
            since=_boot_milliseconds(),
            timeout=max(self._rollback_timeout, proof.seconds + _MARGIN_SECONDS) + _NOT_ROUND_SECONDS,
        )
        self.journal.write(note)
        try:
            # libnmstate does not see that they are down; what fails is left to its verification.
            self._kernel.set_up(down)
            await self._try(note)
        except NmstateStuck:
            raise
        except NetworkManagerBusy:
            # The checkpoint there is, is not ours, and libnmstate has changed nothing.
            await self._kernel.restore(kernel, down)
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
            await self._see_gone(document)
        return unsaved

    async def recover(self) -> tuple[Note, str] | None:
        """Settle the change that an earlier agent, or a call that was stuck, left behind. Raises NodeError.

        Returns its note as it is after that, COMMITTED (it stays), LOST (it cut the node off) or another (it was
        undone), and what the node runs now, for a sentence.
        """
        note = self.journal.note
        if note is None or note.phase is Phase.LOST:
            return None
        log.info("settling a change that was left behind", phase=note.phase, generation=note.generation)
        if note.phase is not Phase.COMMITTED and await self._was_committed(note):
            note = self._amend(phase=Phase.COMMITTED)
        if note.phase is Phase.COMMITTED:
            unsaved = await self._persist()
            return note, f"not saved to disk yet, a reboot would revert it: {unsaved}" if unsaved else ""
        left = await self._undo()
        if note.phase is Phase.FAILING:
            note = self._mark_lost(f"{note.message}; {aftermath(left)}")
        else:
            self.journal.clear()
        return note, aftermath(left)

    async def not_saved(self, document: State) -> list[str]:
        """The interfaces that `document` configures and that a boot would not find so. Raises NodeError."""
        return await self._manager.not_saved(lasting(document))

    def give_up(self) -> None:
        """Forget a change that stays, and of which a part is refused for good."""
        self.journal.clear()

    async def _try(self, note: Note) -> None:
        """Apply, uncommitted and in memory, noting the checkpoint that guards it."""

        async def apply(trial: State) -> None:
            async with self._noting_checkpoint(note):
                await self._nmstate.apply(trial, on_trial=True, rollback_timeout=note.timeout)

        try:
            await apply(on_trial(note.document, note.before))
        except VerificationFailed as error:
            if not _STAYS.search(str(error)):
                raise
            log.info(
                "made by hand, so it stays until it is removed on disk: without addresses and ports", why=str(error)
            )
            note = self._mark(checkpoint=None, since=_boot_milliseconds())
            await apply(on_trial(note.document, note.before, bare=True))

    @asynccontextmanager
    async def _noting_checkpoint(self, note: Note) -> AsyncIterator[None]:
        async def look() -> None:
            try:
                found = await self._manager.new_checkpoint(note.since, note.timeout, returned)
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
            await cancel(task)
        if not task.cancelled():
            task.result()

    async def _prove(self, proof: Proof, on_probing: Callable[[str], None]) -> None:
        def on_failure(what: str) -> None:
            # Whether it can be noted or not: it is the probes that decide what becomes of the change.
            self._amend(phase=Phase.FAILING, message=what)
            on_probing(what)

        missing = await proof.holds(on_failure)
        if missing is None:
            if self._noted.phase is Phase.FAILING:
                self._amend(phase=Phase.TRIAL, message="")
            return
        log.warning("what passed before the change does not pass after it, undoing it", missing=missing)
        # The verdict first: from here on nobody may try this generation again.
        self._amend(phase=Phase.FAILING, message=missing)
        left = await self._undo()
        self._mark_lost(missing)
        again = await proof.holds_again()
        outcome = "what passed before passes again" if again is None else f"but still failing: {again}"
        note = self._amend(message=f"{missing}; rolled back, {outcome}; {aftermath(left)}")
        raise ConnectivityLost(note.message)

    async def _commit(self) -> None:
        note = self._noted
        if note.checkpoint is not None and await self._manager.is_pending(note.checkpoint, note.manager.owner):
            try:
                self._mark(phase=Phase.PROVEN)
                await self._nmstate.commit(note.checkpoint)
            except RECOVER_LATER:
                raise
            except JournalFailed as error:
                await self._abort(error)
            except NodeError as error:
                await self._abort(ApplyFailed(f"the commit failed: {error}"))
            self._amend(phase=Phase.COMMITTED)
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
        note = self._noted
        try:
            await self._manager.save(note.manager, names(note.document))
            if rest := on_disk_only(note.document):
                await self._nmstate.apply(rest)
                # In memory absent is down, which it would not be on disk.
                await self._manager.restore_autoconnect(note.manager, _names(_absent(note.document)))
            missing = await self.not_saved(note.document)
        except NetworkManagerUnavailable as error:
            log.warning("the change is in effect but not on disk", error=str(error))
            return str(error)
        self.journal.clear()
        return f"no profile on disk for {', '.join(missing)}" if missing else None

    async def _see_gone(self, document: State) -> None:
        """Return when what shall be absent is. Raises NodeError.

        NetworkManager removes a device some time after its profile, or leaves it there as one that it does not manage;
        libnmstate takes either for done, and removes what was left when it is asked again.
        """
        gone = _absent(document)
        if not gone or await self._are_gone(gone):
            return
        log.warning("interfaces still present after removal, removing them again", interfaces=_names(gone))
        await self._nmstate.apply(gone)
        if not await self._are_gone(gone):
            raise VerificationFailed(f"interfaces still present after removal: {', '.join(_names(gone))}")

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
        if await self._manager.is_pending(note.checkpoint, note.manager.owner) is not False:
            return False
        return not await self._nmstate.compare(note.document, await self._nmstate.show())

    async def _undo(self) -> list[str]:
        """What differs from before the change that is noted, once it is undone. Raises NodeError of RECOVER_LATER."""
        note = self._noted
        if note.checkpoint is None:
            # An agent that was killed may have left one that it had no time to note.
            ended = asyncio.Event()
            ended.set()
            checkpoint = await self._manager.new_checkpoint(note.since, note.timeout, ended)
            note = note.model_copy(update={"checkpoint": checkpoint})
        return await self._rollback.undo(note)

    @property
    def _noted(self) -> Note:
        note = self.journal.note
        if note is None:
            raise JournalFailed("the change that was under way is no longer noted")
        return note

    def _mark_lost(self, message: str) -> Note:
        """The change is undone and must not be tried again; of what it was, only that is kept."""
        nothing: dict[str, Any] = {"document": {}, "before": {}, "kernel": KernelSnapshot()}
        return self._amend(phase=Phase.LOST, message=message, manager=ManagerSnapshot(owner=""), **nothing)

    def _mark(self, **changes: Any) -> Note:
        """Note what is about to be done. Raises JournalFailed."""
        note = self._noted.model_copy(update=changes)
        self.journal.write(note)
        return note

    def _amend(self, **changes: Any) -> Note:
        """Note what has happened, if it can be noted."""
        note = self._noted.model_copy(update=changes)
        self.journal.amend(note)
        return note


def on_trial(document: State, before: State, *, bare: bool = False) -> State:
    """The document as it can be applied in memory: without the hostname, which would not be changed and fail to verify.

    What is absent already is left out: to have it down, as absent means in memory, libnmstate would make it first.

    A controller that shall be absent only goes down in memory and would keep its ports, whose profiles would name it
    for ever; libnmstate would then wait without end for one of them to come up. So they are taken from it, one that
    shall be down as well: that by itself leaves its profile as it is, and is done on disk.

    `bare`: what shall be absent stays for now, without what the node could be reached by.
    """
    trial = {key: value for key, value in document.items() if key != "hostname"}
    interfaces = [found for found in document.get("interfaces") or [] if not _is_gone_already(found, before)]
    if not interfaces:
        return {**trial, "interfaces": []} if "interfaces" in trial else trial
    named = {found.get("name") for found in interfaces}
    going = {found.get("name") for found in interfaces if found.get("state") == "absent"}
    taken = _ports(interfaces)
    # An OVS interface ends with its bridge.
    ports = {
        found.get("name"): found.get("type")
        for found in before.get("interfaces", [])
        if found.get("controller") in going and found.get("type") != "ovs-interface" and found.get("name") not in taken
    }
    unnamed = [{"name": name, "type": kind, "state": "up"} for name, kind in ports.items() if name not in named]
    trial["interfaces"] = [
        _released(found) if found.get("name") in ports else found for found in (*interfaces, *unnamed)
    ]
    if bare:
        known = {found.get("name"): found for found in before.get("interfaces", [])}
        trial["interfaces"] = [
            _bare(known[found["name"]]) if found.get("state") == "absent" and found.get("name") in known else found
            for found in trial["interfaces"]
        ]
    return trial


def _released(port: State) -> State:
    """The entry of a port that its controller is to let go."""
    state = port.get("state", "up")
    if state == "up":
        return {"controller": "", **port}
    return _bare(port) | {"controller": ""} if state == "down" else port


def _is_gone_already(wanted: State, before: State) -> bool:
    """Whether an entry asks for the absence of what is not there, by whatever name."""
    if wanted.get("state") != "absent":
        return False
    name = wanted.get("name")
    for found in before.get("interfaces", []):
        others = (alternative.get("name") for alternative in found.get("alt-names") or [])
        if name in (found.get("name"), found.get("profile-name"), *others):
            return False
    return not any(key in wanted for key in ("identifier", "mac-address", "pci-address"))


def _bare(current: State) -> State:
    kind = current.get("type", "unknown")
    without = _WITHOUT_PORTS.get(kind, {})
    return {"name": current["name"], "type": kind, "state": "up", "ipv4": _OFF, "ipv6": _OFF, **without}


def on_disk_only(document: State) -> State | None:
    """The part of a document that memory cannot prove: what shall be absent (it only goes down) and the hostname.

    With what is absent goes what shall be down, which `on_trial` may have left up.
    """
    gone = [found for found in document.get("interfaces") or [] if found.get("state") in ("absent", "down")]
    rest: State = {"interfaces": gone} if _absent(document) else {}
    if document.get("hostname"):
        rest["hostname"] = document["hostname"]
    return rest or None


def _absent(document: State) -> State:
    """The part of a document that says what shall not be; empty when it says nothing of the kind."""
    gone = [found for found in document.get("interfaces") or [] if found.get("state") == "absent"]
    return {"interfaces": gone} if gone else {}


def with_unsaved_ports(document: State, before: State, manager: ManagerSnapshot) -> State:
    """The document, with an entry for each port that it lists and that somebody attached by hand.

    Where a controller has its ports already libnmstate makes no profiles for them, and a boot would not attach them.
    """
    interfaces = [one for one in document.get("interfaces") or [] if isinstance(one, dict)]
    named = {one.get("name") for one in interfaces}
    unsaved = set(manager.not_saved(_ports(interfaces))) - named
    found = [one for one in before.get("interfaces", []) if one.get("name") in unsaved and one.get("controller")]
    if not found:
        return document
    entries = [{"name": one["name"], "type": kind(one), "state": "up"} for one in found]
    return {**document, "interfaces": [*document["interfaces"], *entries]}


def with_absent_peers(document: State, before: State) -> State:
    """The document, with the other end of each veth pair of which it removes one.

    libnmstate removes it as well, if it sees the pair. Once the trial has taken that down it does not, and then
    NetworkManager makes it anew by the profile of the end that is left.
    """
    known = {one.get("name"): one for one in before.get("interfaces", [])}
    interfaces = [one for one in document.get("interfaces") or [] if isinstance(one, dict)]
    gone = [known.get(one.get("name"), {}) for one in interfaces if one.get("state") == "absent"]
    peers = {(one.get("veth") or {}).get("peer") for one in gone} & known.keys()
    entries = [
        {"name": peer, "type": "veth", "state": "absent"} for peer in peers - {one.get("name") for one in interfaces}
    ]
    return {**document, "interfaces": [*document["interfaces"], *entries]} if entries else document


def _ports(interfaces: list[State]) -> set[str]:
    """The ports that the controllers among these are to have."""
    return {port for one in interfaces if one.get("state", "up") == "up" for port in ports_of(one)}


def lasting(document: State) -> set[str]:
    """The interfaces whose configuration has to be found by a boot."""
    interfaces = [one for one in document.get("interfaces") or [] if isinstance(one, dict)]
    routes = (document.get("routes") or {}).get("config") or []
    up = {"interfaces": [one for one in interfaces if one.get("state", "up") == "up"]}
    there = names({**up, "routes": {"config": [one for one in routes if one.get("state") != "absent"]}})
    return (there | _ports(interfaces)) - {one.get("name") for one in interfaces if one.get("state", "up") != "up"}


def _boot_milliseconds() -> int:
    """The clock by which NetworkManager dates its checkpoints."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)


def _names(document: State) -> list[str]:
    return [str(found.get("name")) for found in document.get("interfaces") or [] if isinstance(found, dict)]

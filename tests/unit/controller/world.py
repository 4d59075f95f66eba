"""A node, an apiserver and an agent, and all that can happen to them, in time that takes none.

What is done to the world happens at once, or at the next step of a given name: a call into libnmstate, a question to
NetworkManager, a look of the probes, or a request to the apiserver, each of which takes a moment.
"""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

from libnmstate import error as libnmstate_error

from nmstate_controller.errors import ApiConflict, ApiTimeout, ApiUnavailable
from nmstate_controller.node.journal import Journal, Phase
from tests.unit.apiserver import ApiServer, DirectClient, Json
from tests.unit.controller.test_loop import Parts
from tests.unit.library import Library
from tests.unit.virtual import Call, LoopClock, VirtualLoop

MOMENT_SECONDS: Final = 0.1
HANG_SECONDS: Final = 70.0
"""Past every deadline of a call, and past NetworkManager's timer."""

CUT, REFUSED, UNVERIFIABLE = 9000, 100, 200
"""Values of mtu: one that cuts the node off, one that is no valid document, one that never comes into effect."""

Attempt = tuple[str, int, str | None]
"""The uid and the generation of an object, and which attempt at it was asked for by annotation."""

Deed = Callable[["World"], None]


def document(mtu: int, **br1: Any) -> Json:
    """What two interfaces always have in common is how a change that was made by half is seen."""
    interfaces: list[Json] = [
        {"name": name, "type": "ethernet", "state": "up", "mtu": mtu} for name in ("eth1", "eth2")
    ]
    if br1:
        interfaces.append({"name": "br1", "type": "dummy", **br1})
    return {"desiredState": {"interfaces": interfaces}}


SPECS: Final[dict[str, Json]] = {
    "1400": document(1400),
    "1300": document(1300),
    "1500": document(1500),
    "1400 with br1": document(1400, state="up"),
    "1300 without br1": document(1300, state="absent"),
    "cuts off": document(CUT),
    "cuts off and makes br1": document(CUT, state="up"),
    "refused": document(REFUSED),
    "unverifiable": document(UNVERIFIABLE),
    "malformed": {"desiredState": {"interfaces": [{"name": "eth1", "state": "up"}] * 2}},
    "nothing desired": {"desiredState": None},
    "managed": {"managed": True},
    "unmanaged": {"managed": False},
    "drift is corrected": {"driftPolicy": "Correct"},
    "drift is reported": {"driftPolicy": "Report"},
    "what goes is reverted": {"removalPolicy": "Revert"},
    "what goes is retained": {"removalPolicy": "Retain"},
    "nothing new": {"probes": None},
}


class World:
    """`agent` is None while none runs; another one is always on its way then."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.loop.at_pause = self._paused
        self.loop.set_exception_handler(self._remember)
        self.directory = Path(tempfile.mkdtemp())
        self.library = Library()
        self.library.disk["eth2"] = {**self.library.disk["eth1"], "name": "eth2"}
        self.library.power_cut()
        self.library.refuses = self._verify
        self.library.steps = _pause
        self.server = ApiServer()
        self.agent: Parts | None = None
        self.ambushes: dict[str, str] = {}
        """What is to happen at the next step of that name: a deed, or an error."""
        self.probes_fail = False
        self.api_away = False
        self.lost: set[Attempt] = set()
        """Attempts that cut the node off, none of which may be made again."""
        self.causes: list[str] = []
        """What has happened since the newest generation is there."""
        self.torn = False
        """Whether the power was cut between the writing of one profile and the next."""
        self.touched = False
        """Whether anybody but the agent has changed the node."""
        self._attempt: Attempt = ("", 0, None)
        self._failing = False
        self._hangs = False
        self._errors: list[BaseException] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._deeds: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.loop.call_soon(self._start)

    def happens(self, what: str) -> None:
        """Have one of EDITS or INCIDENTS happen now."""
        self.causes.append(what)
        (EDITS | INCIDENTS)[what](self)

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.run_until_complete(asyncio.sleep(seconds))
        assert not self.library.overlapped, "two calls into libnmstate at once"
        for error in self._errors:
            raise error
        for task in self._tasks:
            if task.done():
                task.result()

    def close(self) -> None:
        """The end."""
        self.ambushes.clear()
        self._kill()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        shutil.rmtree(self.directory)

    def _remember(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # What a dead agent did not live to look at says nothing.
        if "never retrieved" not in context["message"]:
            self._errors.append(context.get("exception") or AssertionError(context["message"]))

    @property
    def journal(self) -> Journal:
        """The journal as a new agent would read it."""
        return Journal(self.directory)

    def _missing(self) -> str | None:
        """What the probes say; the change that is on trial is as good as lost when its agent ends while they fail."""
        self._failing = self.probes_fail or self.library.interfaces["eth1"].get("mtu") == CUT
        return "gateway: no answer" if self._failing else None

    # What happens to the object.

    def edit(self, spec: Json) -> None:
        """Somebody edits the spec."""

        async def edit() -> None:
            if self.server.object is not None:
                await self.server.edit(spec)
                self.causes.clear()

        self._do(edit())

    def ask_again(self) -> None:
        """Somebody asks for another attempt."""

        async def touch() -> None:
            if self.server.object is not None:
                await self.server.touch({"nmstate.io/retry-at": str(self.loop.time())})

        self._do(touch())

    def delete(self) -> None:
        """Somebody deletes the object."""

        async def delete() -> None:
            if self.server.object is not None and "deletionTimestamp" not in self.server.object["metadata"]:
                await self.server.delete()

        self._do(delete())

    def _do(self, deed: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(deed)
        self._deeds.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._deeds.discard(task)
        if not task.cancelled():
            task.result()

    # What happens to the apiserver.

    def api_goes(self) -> None:
        """The apiserver cannot be reached."""
        self.api_away = True

    def api_comes(self) -> None:
        """The apiserver can be reached."""
        self.api_away = False

    def api_changes(self) -> None:
        """Another version of the apiserver takes over: one that sends whole objects for metadata, or not any more."""
        self.server.knows_partial = not self.server.knows_partial

    # What happens to the node.

    def hand_changes(self, mtu: int = 1450) -> None:
        """Somebody sets another mtu."""
        for name in ("eth1", "eth2"):
            self.library.interfaces[name]["mtu"] = mtu
        self._notice()

    def hand_removes(self) -> None:
        """Somebody removes br1."""
        self.library.interfaces.pop("br1", None)
        self._notice()

    def manager_goes(self) -> None:
        """NetworkManager ends."""
        self.library.stop()
        self._notice()

    def manager_restarts(self) -> None:
        """NetworkManager is started, anew if it ran."""
        self.library.restart()
        self._notice()

    def timer_expires(self) -> None:
        """NetworkManager's timer for a change that nobody commits goes off."""
        self.library.expire()
        self._notice()

    def probes_break(self) -> None:
        """From now on probes fail after any change."""
        self.probes_fail = True

    def probes_mend(self) -> None:
        """Probes pass, if the node can be reached."""
        self.probes_fail = False

    def tmpfs_fills(self) -> None:
        """The journal cannot be written."""
        (self.directory / "change.new").mkdir(exist_ok=True)

    def tmpfs_has_room(self) -> None:
        """The journal can be written."""
        if self.is_full:
            (self.directory / "change.new").rmdir()

    @property
    def is_full(self) -> bool:
        """Whether the journal cannot be written."""
        return (self.directory / "change.new").is_dir()

    def library_hangs(self) -> None:
        """The next step of libnmstate takes very long."""
        self._hangs = True

    def _notice(self) -> None:
        self.touched = True
        if self.agent is not None:
            self.agent.reporter.notice()

    # What happens to the agent.

    def agent_dies(self) -> None:
        """The agent is killed, and started again."""
        if self.agent is not None:
            self._kill()
            self.loop.call_later(2.0, self._start)

    def agent_stops(self) -> None:
        """The agent is asked to stop, as `Agent.run` does it, and started again."""
        agent = self.agent

        async def stop() -> None:
            assert agent is not None
            try:
                async with asyncio.timeout(60):
                    await agent.reconciler.finish()
            except TimeoutError:
                pass
            await agent.status_writer.flush(10)
            if self.agent is agent:
                self.agent_dies()

        if agent is not None:
            self._do(stop())

    def power_fails(self) -> None:
        """The node goes off and boots: what was in memory is gone."""
        self._kill()
        self.library.power_cut()
        self.torn = self._is_torn()
        self.tmpfs_has_room()
        (self.directory / "change.json").unlink(missing_ok=True)
        self._forget_untold()
        self.loop.call_later(5.0, self._start)

    def _is_torn(self) -> bool:
        eth1, eth2 = (self.library.interfaces[name].get("mtu") for name in ("eth1", "eth2"))
        return eth1 != eth2

    def _forget_untold(self) -> None:
        """Only what the object says of lost attempts is known still."""
        metadata, status = (self.server.object or {}).get("metadata", {}), (self.server.object or {}).get("status", {})
        told = (metadata.get("uid"), status.get("observedGeneration"), status.get("lastHandledRetryAt"))
        if self.server.condition("Ready") != ("False", "ConnectivityLost"):
            self.lost.clear()
        self.lost &= {told}

    def _start(self) -> None:
        if self.agent is not None:
            return
        client = DirectClient(self.server, self._requested)
        self.agent = agent = Parts(client, self.library, self.directory, LoopClock(self.loop))
        agent.manager.steps = agent.probes.steps = self._step
        agent.probes.missing = self._missing
        agent.probes.patience = 3
        self._tasks = agent.start()

    def _kill(self) -> None:
        self._lose_if_failing()
        if self.is_full:
            self._forget_untold()
        self.agent = None
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        if self.loop.call is not None:
            self.loop.call.kill()

    def _lose_if_failing(self) -> None:
        if self._failing:
            self.lost.add(self._attempt)
            self._failing = False

    # Steps.

    def _arrive(self, step: str) -> Exception | None:
        """What was to happen at this step does; what it is to raise is returned."""
        if step == "checkpoint" and self.library.on_trial:
            self._tried()
        if step == "failed":
            self._lose_if_failing()
        what = self.ambushes.pop(step, None)
        if what is None:
            return None
        if what not in ERRORS:
            self.happens(what)
            return None
        self.causes.append(what)
        return ERRORS[what]

    def _tried(self) -> None:
        """A change is made: may it be?"""
        note = self.journal.note
        assert note is not None
        assert note.phase is Phase.TRIAL
        before, self._attempt = self._attempt, (note.uid, note.generation, note.retry_at)
        assert self._attempt not in self.lost, f"{self._attempt} is made again, although it cut the node off"
        assert before[0] != note.uid or before[1] <= note.generation, "an older generation after a newer"

    async def _step(self, step: str) -> None:
        """A step in the loop."""
        await asyncio.sleep(MOMENT_SECONDS)
        self._arrive(step)
        await asyncio.sleep(0)

    async def _requested(self, step: str) -> None:
        """A step of a request."""
        await asyncio.sleep(MOMENT_SECONDS)
        error = self._arrive(step)
        await asyncio.sleep(0)
        if error is not None:
            raise error
        if self.api_away:
            raise ApiUnavailable("no route to host")

    def _paused(self, step: str) -> tuple[float, Exception | None]:
        """A step of a call into libnmstate."""
        if step in ("checkpoint", "activated", "applied") and self.library.pending is not None:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_later(self.library.timeout, self.timer_expires)
        error = self._arrive(step)
        seconds, self._hangs = HANG_SECONDS if self._hangs else MOMENT_SECONDS, False
        return seconds, error

    def _verify(self, desired: Json) -> Exception | None:
        """What libnmstate has to say of a document that is in effect."""
        for wanted in desired["interfaces"]:
            if wanted.get("mtu") == REFUSED:
                return libnmstate_error.NmstateValueError("InvalidArgument: mtu is too small")
            found = self.library.interfaces.get(wanted["name"])
            if wanted.get("mtu") == UNVERIFIABLE or (found is not None) != (wanted["state"] == "up"):
                return libnmstate_error.NmstateVerificationError(f"Verification failure: {wanted['name']}")
            if found is not None and any(found.get(key) != value for key, value in wanted.items()):
                return libnmstate_error.NmstateVerificationError(f"Verification failure: {wanted['name']}.mtu")
        return None


def _pause(step: str) -> None:
    call = threading.current_thread()
    assert isinstance(call, Call)
    call.pause(step)


EDITS: Final[dict[str, Deed]] = {name: partial(World.edit, spec=spec) for name, spec in SPECS.items()}
INCIDENTS: Final[dict[str, Deed]] = {
    "another attempt is asked for": World.ask_again,
    "the object is deleted": World.delete,
    "the apiserver goes": World.api_goes,
    "the apiserver comes": World.api_comes,
    "the apiserver is another": World.api_changes,
    "somebody changes mtu": World.hand_changes,
    "somebody puts mtu back": partial(World.hand_changes, mtu=1500),
    "somebody removes br1": World.hand_removes,
    "NetworkManager goes": World.manager_goes,
    "NetworkManager starts": World.manager_restarts,
    "NetworkManager's timer expires": World.timer_expires,
    "probes break": World.probes_break,
    "probes mend": World.probes_mend,
    "the tmpfs fills": World.tmpfs_fills,
    "the tmpfs has room": World.tmpfs_has_room,
    "libnmstate hangs": World.library_hangs,
    "the agent dies": World.agent_dies,
    "the agent stops": World.agent_stops,
    "the power fails": World.power_fails,
}

ENDS: Final = ("the agent dies", "the agent stops", "the power fails")

LIBRARY_STEPS: Final = (
    "show",
    "apply",
    "checkpoint",
    "activated",
    "applied",
    "commit",
    "committed",
    "rollback",
    "rolled back",
)
LIBRARY_ERRORS: Final[dict[str, Exception]] = {
    "invalid": libnmstate_error.NmstateValueError("InvalidArgument: made up"),
    "verification": libnmstate_error.NmstateVerificationError("Verification failure: made up"),
    "plugin": libnmstate_error.NmstatePluginError("PluginFailure: made up"),
    "gone": libnmstate_error.NmstateInternalError("Bug: DbusConnectionError: made up"),
    "busy": libnmstate_error.NmstateInternalError("Bug: CheckpointConflict: made up"),
}
API_VERBS: Final = ("list", "watch", "get", "create", "update", "patch")
API_STEPS: Final = (*API_VERBS, *(f"{verb} answered" for verb in API_VERBS), "watched")
API_ERRORS: Final[dict[str, Exception]] = {
    "conflict": ApiConflict("made up"),
    "lost": ApiTimeout("made up"),
}
ERRORS: Final = {**LIBRARY_ERRORS, **API_ERRORS}
CHANGE_STEPS: Final = (
    *LIBRARY_STEPS,
    "standing",
    "is pending",
    "new checkpoint",
    "save",
    "saved",
    "choosing probes",
    "probing",
    "probing again",
    "passed",
    "failed",
)

"""A libnmstate and a NetworkManager over a dictionary, for what a real node cannot be made to do on request."""

import asyncio
import contextlib
import copy
import threading
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from libnmstate import error as libnmstate_error

from nmstate_controller.controller.proof import Prober, Proof
from nmstate_controller.errors import NetworkManagerUnavailable
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.kernel.snapshot import KernelSnapshot, Link
from nmstate_controller.node.networkmanager.snapshot import ManagerSnapshot

State = dict[str, Any]


class Library:
    """`interfaces` is the node's kernel, `profiles` what NetworkManager has in memory and `disk` what it has on disk.

    Of NetworkManager it keeps what matters here: one checkpoint at a time, with a timer that is re-armed as an apply
    goes on, and forgotten when NetworkManager is started anew, while what was changed in memory stays. `steps` is told
    of every step of a call, in libnmstate's thread, and may hold it there.
    """

    def __init__(self) -> None:
        self.interfaces: dict[str, State] = {"eth1": {"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1500}}
        self.profiles = copy.deepcopy(self.interfaces)
        self.disk = copy.deepcopy(self.interfaces)
        self.applied: list[State] = []
        self.show_failures: list[Exception] = []
        self.apply_failures: list[Exception] = []
        self.released = threading.Event()
        self.released.set()
        self.entered = threading.Event()
        self.calls = 0
        self.overlapped = False
        self.refuses: Callable[[State], Exception | None] = lambda _: None
        self.pending: tuple[dict[str, State], dict[str, State]] | None = None
        self.on_trial = False
        """Whether the apply that began last is one to be committed by another call."""
        self.timeout = 0
        """Seconds from now after which the pending change is to `expire`; for whoever turns the clock."""
        self.checkpoints = 0
        self.owner = 1
        self.away = False
        self._inside = threading.Lock()
        self.after_apply: Callable[[], None] = lambda: None
        self.show_takes: Callable[[], None] = lambda: None
        self.steps: Callable[[str], None] = lambda _: None

    def show(self, *, kernel_only: bool = False) -> State:
        with self._call("show"):
            self.show_takes()
            if not kernel_only:
                self._answer()
                if self.show_failures:
                    raise self.show_failures.pop(0)
            found = sorted(self.interfaces.values(), key=lambda interface: str(interface["name"]))
            return {"interfaces": copy.deepcopy(found)}

    def apply(
        self,
        desired_state: State,
        *,
        save_to_disk: bool = True,
        commit: bool = True,
        rollback_timeout: int = 60,
        **_: Any,
    ) -> None:
        with self._call("apply"):
            self._answer()
            if self.pending is not None:
                raise libnmstate_error.NmstateInternalError("Bug: CheckpointConflict: one is pending")
            self.applied.append(copy.deepcopy(desired_state))
            self.checkpoints += 1
            self.pending = copy.deepcopy((self.interfaces, self.profiles))
            self.timeout, self.on_trial = rollback_timeout, not commit
            guard = (self.owner, self.checkpoints)
            self.entered.set()
            assert self.released.wait(20)
            try:
                self.steps("checkpoint")
                for interface in desired_state["interfaces"]:
                    self._answer(guard[0])
                    self._activate(interface)
                    self.steps("activated")
                self._answer(guard[0])
                if failure := self.refuses(desired_state):
                    raise failure
                if self.apply_failures:
                    raise self.apply_failures.pop(0)
                if self._is_guarded(guard):
                    self.timeout = rollback_timeout
                elif commit:
                    raise libnmstate_error.NmstateInternalError("Bug: NotFound: the checkpoint is gone")
            except libnmstate_error.NmstateError:
                if self._is_guarded(guard):
                    self.expire()
                raise
            self.after_apply()
            if save_to_disk:
                self._store([interface["name"] for interface in desired_state["interfaces"]])
            if commit:
                self.pending = None
            self.steps("applied")

    def _activate(self, wanted: State) -> None:
        name = wanted["name"]
        if wanted.get("state") == "absent":
            # In memory a profile only goes down: what is on disk comes up again at the next boot.
            self.interfaces.pop(name, None)
            self.profiles.pop(name, None)
        else:
            self.interfaces[name] = {**self.interfaces.get(name, {"state": "up", "mtu": 1500}), **wanted}
            self.profiles[name] = copy.deepcopy(self.interfaces[name])

    def _store(self, names: Collection[str]) -> None:
        """Have on disk what is in memory of those interfaces."""
        for name in names:
            if name in self.profiles:
                self.disk[name] = copy.deepcopy(self.profiles[name])
            else:
                self.disk.pop(name, None)

    def _is_guarded(self, guard: tuple[int, int]) -> bool:
        return self.pending is not None and guard == (self.owner, self.checkpoints)

    def _answer(self, owner: int | None = None) -> None:
        """What a call gets from a NetworkManager that is not there, or not the one any more that it began with."""
        if self.away or owner not in (None, self.owner):
            reason = "Bug: DbusConnectionError: org.freedesktop.DBus.Error.ServiceUnknown: gone"
            raise libnmstate_error.NmstateInternalError(reason)

    @property
    def checkpoint(self) -> str:
        """The path of the checkpoint made last."""
        return f"/checkpoint/{self.checkpoints}"

    def commit(self, *, checkpoint: str | None = None) -> None:
        with self._call("commit"):
            self._take(checkpoint)
            self.steps("committed")

    def rollback(self, *, checkpoint: str | None = None) -> None:
        with self._call("rollback"):
            self.interfaces, self.profiles = self._take(checkpoint)
            self.steps("rolled back")

    def _take(self, checkpoint: str | None) -> tuple[dict[str, State], dict[str, State]]:
        self._answer()
        if self.pending is None or checkpoint != self.checkpoint:
            raise libnmstate_error.NmstateInternalError("Bug: NotFound: Not active checkpoints")
        before, self.pending = self.pending, None
        return before

    def expire(self) -> None:
        """NetworkManager's timer goes off."""
        if self.pending is not None:
            (self.interfaces, self.profiles), self.pending = self.pending, None

    def stop(self) -> None:
        """NetworkManager ends, and with it goes the checkpoint, but not the change."""
        self.pending = None
        self.away = True

    def restart(self) -> None:
        """NetworkManager is started anew: another owner of its name, whose checkpoints are counted from one."""
        self.stop()
        self.away = False
        self.owner += 1
        self.checkpoints = 0

    def power_cut(self) -> None:
        """The node boots into what is on disk."""
        self.restart()
        self.interfaces, self.profiles = copy.deepcopy(self.disk), copy.deepcopy(self.disk)

    @contextlib.contextmanager
    def _call(self, name: str) -> Iterator[None]:
        """Count a call, and notice when two are under way at once."""
        self.calls += 1
        alone = self._inside.acquire(blocking=False)
        self.overlapped |= not alone
        try:
            self.steps(name)
            yield
        finally:
            if alone:
                self._inside.release()


async def _nothing(_: str) -> None:
    """For tests that do not care how far a change has come."""


class Manager:
    """NetworkManager beside that libnmstate. `steps` is told of every request, and may hold it."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.steps: Callable[[str], Awaitable[None]] = _nothing
        self.restores = True
        """Whether it can bring back what was there."""

    async def snapshot(self) -> ManagerSnapshot:
        await self._asked("snapshot")
        library = self._library
        # What a real one has of each profile is of no interest here.
        state = {"interfaces": library.interfaces, "profiles": library.profiles}
        return ManagerSnapshot(owner=f":1.{library.owner}", global_dns=copy.deepcopy(state))

    async def is_pending(self, checkpoint: str, owner: str) -> bool | None:
        await self._asked("is pending")
        if owner != f":1.{self._library.owner}":
            return None
        return self._library.pending is not None and checkpoint == self._library.checkpoint

    async def new_checkpoint(self, since: int, timeout: int, returned: asyncio.Event) -> str | None:  # noqa: ARG002
        await self._asked("new checkpoint")
        while True:
            is_last = returned.is_set()
            if self._library.pending is not None and self._library.on_trial:
                return self._library.checkpoint
            if is_last:
                return None
            await asyncio.sleep(0.005)
            self._answer()

    async def restore(self, before: ManagerSnapshot, seconds: float) -> None:  # noqa: ARG002
        await self._asked("restore")
        library = self._library
        if not self.restores:
            return
        state = copy.deepcopy(before.global_dns)
        library.interfaces, library.profiles = state["interfaces"], state["profiles"]

    async def set_route_metric(self, interface: str, family: str, metric: int) -> None:
        """No interface here has a route."""

    async def save(self, before: ManagerSnapshot, interfaces: Collection[str]) -> None:
        await self._asked("save")
        library = self._library
        known = before.global_dns["profiles"]
        saved = [name for name in self._unsaved() if known.get(name) != library.profiles[name] or name in interfaces]
        for name in saved:
            library.disk[name] = copy.deepcopy(library.profiles[name])
            await self._asked("saved")

    async def restore_autoconnect(
        self,
        before: ManagerSnapshot,  # noqa: ARG002
        interfaces: Collection[str],  # noqa: ARG002
    ) -> None:
        await self._asked("autoconnect")

    async def not_saved(self, interfaces: Collection[str]) -> list[str]:
        await self._asked("not saved")
        return sorted(set(interfaces) & set(self._unsaved()))

    def _unsaved(self) -> list[str]:
        return [name for name, profile in self._library.profiles.items() if self._library.disk.get(name) != profile]

    async def _asked(self, step: str) -> None:
        await self.steps(step)
        self._answer()

    def _answer(self) -> None:
        if self._library.away:
            raise NetworkManagerUnavailable("NetworkManager does not answer: gone")


class Kernel:
    """A kernel of which somebody may have set links down by hand; nothing else."""

    def __init__(self) -> None:
        self.links: dict[str, bool] = {"eth1": True}
        """Whether it is administratively up, by name."""

    async def snapshot(self) -> KernelSnapshot:
        return KernelSnapshot(links={name: Link(index=1, up=up, mtu=1500) for name, up in self.links.items()})

    async def restore(self, before: KernelSnapshot, interfaces: Collection[str]) -> None:
        self.links.update({name: link.up for name, link in before.links.items() if name in interfaces})

    def is_up(self, name: str) -> bool | None:
        return self.links.get(name)

    def set_up(self, names: Iterable[str]) -> None:
        self.links.update(dict.fromkeys(names, True))


class Probes(Prober):
    """Probes that fail while `missing` says so, and are chosen unless `before` does. `steps` is told of every look."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.before: Callable[[], str | None] = lambda: None
        self.missing: Callable[[], str | None] = lambda: None
        self.steps: Callable[[str], Awaitable[None]] = _nothing
        self.patience = 0
        """How often it is looked again, a second later, before a probe has failed for good."""
        self.hang_on: asyncio.Event | None = None
        """Set at the first failure, after which the probes go on for ever."""

    def proof(self, wishes: Sequence[object] | None, document: Any, before: Any) -> Proof:  # noqa: ARG002
        return _Proof(self, self._metrics)


class _Proof(Proof):
    def __init__(self, probes: Probes, metrics: Metrics) -> None:
        super().__init__([], metrics)
        self._probes = probes
        self._asked = True

    @property
    def seconds(self) -> int:
        return self._probes.patience

    async def choose(self) -> None:
        await self._probes.steps("choosing probes")
        self._asked = self._probes.before() is None

    async def verify(self, on_failure: Callable[[str], None]) -> str | None:
        await self._probes.steps("probing")
        missing = self._probes.missing() if self._asked else None
        if missing is not None:
            on_failure(missing)
            if self._probes.hang_on is not None:
                self._probes.hang_on.set()
                await asyncio.Event().wait()
        for _ in range(self._probes.patience):
            if missing is None:
                break
            await asyncio.sleep(1)
            await self._probes.steps("probing again")
            missing = self._probes.missing()
        await self._probes.steps("passed" if missing is None else "failed")
        return missing

"""A libnmstate and a NetworkManager over a dictionary, for what a real node cannot be made to do on request."""

import asyncio
import contextlib
import copy
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from libnmstate import error as libnmstate_error

from nmstate_controller.controller.proof import Prober, Proof
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.networkmanager import Standing

State = dict[str, Any]


class Library:
    """`interfaces` is the node. A call may be held (`hold`), or made to fail (`fail_next`)."""

    def __init__(self) -> None:
        self.interfaces: dict[str, State] = {"eth1": {"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1500}}
        self.applied: list[State] = []
        self.show_failures: list[Exception] = []
        self.apply_failures: list[Exception] = []
        self.released = threading.Event()
        self.released.set()
        self.entered = threading.Event()
        self.calls = 0
        self.overlapped = False
        self.pending: dict[str, State] | None = None
        self.checkpoints = 0
        self.owner = 1
        self.disk = copy.deepcopy(self.interfaces)
        self._inside = threading.Lock()
        self.after_apply: Callable[[], None] = lambda: None
        self.show_takes: Callable[[], None] = lambda: None

    def show(self, *, kernel_only: bool = False) -> State:
        with self._call():
            self.show_takes()
            if self.show_failures and not kernel_only:
                raise self.show_failures.pop(0)
            found = sorted(self.interfaces.values(), key=lambda interface: str(interface["name"]))
            return {"interfaces": copy.deepcopy(found)}

    def apply(self, desired_state: State, *, save_to_disk: bool = True, commit: bool = True, **_: Any) -> None:
        with self._call():
            if self.pending is not None:
                raise libnmstate_error.NmstateInternalError("Bug: CheckpointConflict: one is pending")
            self.applied.append(copy.deepcopy(desired_state))
            before = copy.deepcopy(self.interfaces)
            if not commit:
                self.checkpoints += 1
                self.pending = before
            self.entered.set()
            assert self.released.wait(20)
            if self.apply_failures:
                self.pending = None
                raise self.apply_failures.pop(0)
            for interface in desired_state["interfaces"]:
                name = interface["name"]
                if interface.get("state") == "absent":
                    self.interfaces.pop(name, None)
                else:
                    self.interfaces[name] = {**self.interfaces.get(name, {"state": "up"}), **interface}
            self.after_apply()
            if save_to_disk:
                self.disk = copy.deepcopy(self.interfaces)

    @property
    def checkpoint(self) -> str:
        """The path of the checkpoint made last."""
        return f"/checkpoint/{self.checkpoints}"

    def commit(self, *, checkpoint: str | None = None) -> None:
        with self._call():
            self._take(checkpoint)

    def rollback(self, *, checkpoint: str | None = None) -> None:
        with self._call():
            self.interfaces = self._take(checkpoint)

    def _take(self, checkpoint: str | None) -> dict[str, State]:
        before, self.pending = self.pending, None
        if before is None or checkpoint != self.checkpoint:
            raise libnmstate_error.NmstateInternalError("Bug: NotFound: Not active checkpoints")
        return before

    def generate_revert(self, desired: State, before: State) -> State:
        """What takes the node back to `before`, where `desired` changed it."""
        known = {interface["name"]: interface for interface in before["interfaces"]}
        names = [interface["name"] for interface in desired["interfaces"]]
        return {"interfaces": [known.get(name, {"name": name, "state": "absent"}) for name in names]}

    def expire(self) -> None:
        """NetworkManager's timer goes off."""
        if self.pending is not None:
            self.interfaces, self.pending = self.pending, None

    def restart(self) -> None:
        """NetworkManager is started anew, and with it goes the checkpoint, but not the change."""
        self.pending = None
        self.owner += 1

    @contextlib.contextmanager
    def _call(self) -> Iterator[None]:
        """Count a call, and notice when two are under way at once."""
        self.calls += 1
        alone = self._inside.acquire(blocking=False)
        self.overlapped |= not alone
        try:
            yield
        finally:
            if alone:
                self._inside.release()


class Manager:
    """NetworkManager beside that libnmstate."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def standing(self) -> Standing:
        pending = () if self._library.pending is None else (self._library.checkpoint,)
        return Standing(f":1.{self._library.owner}", pending, ())

    async def is_pending(self, checkpoint: str, owner: str) -> bool | None:
        if owner != f":1.{self._library.owner}":
            return None
        return self._library.pending is not None and checkpoint == self._library.checkpoint

    async def new_checkpoint(self, known: Collection[str]) -> str:
        before = self._library.checkpoints
        while self._library.checkpoints == before and (  # noqa: ASYNC110 (the other side is a thread)
            self._library.pending is None or self._library.checkpoint in known
        ):
            await asyncio.sleep(0.001)
        return self._library.checkpoint

    async def save(self, *, unless_in: Collection[str], interfaces: Collection[str]) -> list[str]:  # noqa: ARG002
        self._library.disk = copy.deepcopy(self._library.interfaces)
        return []


class Probes(Prober):
    """Probes that fail while `missing` says so."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.missing: Callable[[], str | None] = lambda: None
        self.hang_on: asyncio.Event | None = None
        """Set at the first failure, after which the probes go on for ever."""

    def proof(self, wishes: Sequence[object] | None) -> Proof:  # noqa: ARG002
        return _Proof(self, self._metrics)


class _Proof(Proof):
    def __init__(self, probes: Probes, metrics: Metrics) -> None:
        super().__init__([], metrics)
        self._probes = probes

    async def holds(self, on_failure: Callable[[str], None]) -> str | None:
        missing = self._probes.missing()
        if missing is not None:
            on_failure(missing)
            if self._probes.hang_on is not None:
                self._probes.hang_on.set()
                await asyncio.Event().wait()
        return missing

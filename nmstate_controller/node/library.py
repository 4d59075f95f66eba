"""libnmstate behind an asyncio face: one thread, one call at a time, every call with a deadline.

The methods are called from the loop; libnmstate itself only ever runs in the one thread. A call that is past its
deadline cannot be stopped, only waited for: until it returns no other call is made, and every method raises
NmstateStuck.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import libnmstate
import structlog
from libnmstate import error as libnmstate_error

from nmstate_controller.api.models import State
from nmstate_controller.clock import Clock
from nmstate_controller.errors import (
    NetworkManagerUnavailable,
    NmstateFailed,
    NmstateStuck,
    SettingsError,
)
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.compare import compare
from nmstate_controller.node.diff import Difference
from nmstate_controller.node.kernel.system import Kernel
from nmstate_controller.node.library_errors import translate, translated
from nmstate_controller.node.report import without_ghosts
from nmstate_controller.versions import foreign_libnmstate

T = TypeVar("T")

log = structlog.get_logger(__name__)

VERSION: Final[str] = libnmstate.__version__

# Seconds and name of calls that take no time unless something is wrong, and of those that may wait for devices.
_SHORT: Final = (20.0, "call")
_LONG: Final = (60.0, "rollback")


def require_wheel() -> None:
    """Raise SettingsError unless the libnmstate that was imported is the project's own wheel."""
    folder = str(Path(libnmstate.__file__).parent)
    if problem := foreign_libnmstate(VERSION, folder, getattr(libnmstate, "BUILT_FOR", None)):
        raise SettingsError(problem)


class Library(Protocol):
    """The part of libnmstate's public API that is used; a test may put something else in its place."""

    def show(self, *, kernel_only: bool = False) -> State:
        """The node's state."""

    def apply(
        self,
        desired_state: State,
        *,
        kernel_only: bool = False,
        verify_change: bool = True,
        save_to_disk: bool = True,
        commit: bool = True,
        rollback_timeout: int = 60,
    ) -> Any:
        """Make the node what the document asks."""

    def commit(self, *, checkpoint: str | None = None) -> Any:
        """Keep the change that waits for it."""

    def rollback(self, *, checkpoint: str | None = None) -> Any:
        """Undo the change that waits."""


async def _always_there() -> None:
    """For tests: nobody has to be asked whether NetworkManager answers."""


class Nmstate:
    """The node's network, read and changed through libnmstate.

    A libnmstate call waits without limit for a NetworkManager that hangs, so NetworkManager is asked first whether it
    answers (`ping`, which raises NetworkManagerUnavailable if not), before every call that needs it.
    """

    def __init__(
        self,
        metrics: Metrics,
        clock: Clock,
        kernel: Kernel,
        *,
        show_timeout: float,
        apply_timeout: float,
        rollback_timeout: int,
        ping: Callable[[], Awaitable[object]] = _always_there,
        library: Library = libnmstate,
    ) -> None:
        """Timeouts are seconds; `rollback_timeout` is NetworkManager's own, for a change nobody commits."""
        self._ping = ping
        self._metrics = metrics
        self._clock = clock
        self._kernel = kernel
        self._show_timeout = show_timeout
        self._apply_timeout = apply_timeout
        self._rollback_timeout = rollback_timeout
        self._library = library
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nmstate")
        self._turn = asyncio.Lock()
        self._late: asyncio.Future[Any] | None = None
        self._late_since = 0.0
        self.last_show_seconds = 0.0
        self.on_return: Callable[[], None] = lambda: None
        """Called when a call that was past its deadline has come back."""

    @property
    def stuck(self) -> bool:
        """Whether a call is past its deadline (or was abandoned) and still runs."""
        return self._late is not None and not self._late.done()

    @property
    def stuck_seconds(self) -> float:
        """How long ago the call that is stuck passed its deadline; 0 when none is."""
        return self._clock.monotonic() - self._late_since if self.stuck else 0.0

    async def idle(self) -> None:
        """Wait until the call that was late or abandoned has come back, however long that takes."""
        if self._late is not None:
            await asyncio.wait({self._late})

    def close(self) -> None:
        """Have the thread end as soon as no call is under way; whoever leaves the process need not wait for it."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def show(self, *, kernel_only: bool = False) -> State:
        """What the node runs now. `kernel_only` needs neither NetworkManager nor D-Bus.

        Raises NetworkManagerUnavailable, NmstateFailed or NmstateStuck.
        """
        return await self._call(
            lambda: self._show(kernel_only), self._show_timeout, "show", ask=not kernel_only, observe=self._showed
        )

    def _showed(self, seconds: float) -> None:
        self.last_show_seconds = seconds
        self._metrics.show_seconds.observe(seconds)

    def _show(self, kernel_only: bool) -> State:
        try:
            return without_ghosts(self._library.show(kernel_only=kernel_only))
        except libnmstate_error.NmstateError as error:
            # Whatever its kind, the node is meant and no document.
            failure = translate(error)
            if isinstance(failure, NetworkManagerUnavailable):
                raise failure from error
            raise NmstateFailed(f"the node could not be read: {failure}") from error

    async def apply(self, document: State, *, on_trial: bool = False, rollback_timeout: int | None = None) -> None:
        """Make the node what `document` asks; libnmstate verifies, and rolls back what it cannot verify.

        `on_trial`: in memory only, and undone by NetworkManager after `rollback_timeout` seconds unless `commit` comes
        first. Otherwise on disk, and for good. Raises NodeError.
        """
        seconds = self._rollback_timeout if rollback_timeout is None else rollback_timeout
        lasting = not on_trial
        await self._call(
            lambda: translated(
                lambda: self._library.apply(document, save_to_disk=lasting, commit=lasting, rollback_timeout=seconds),
                document,
            ),
            self._apply_timeout,
            "apply",
            ask=True,
            observe=self._metrics.apply_seconds.labels("finish" if lasting else "apply").observe,
        )

    async def commit(self, checkpoint: str) -> None:
        """Keep a change that is on trial. Raises NodeError, also when it has been undone meanwhile."""
        await self._call(lambda: translated(lambda: self._library.commit(checkpoint=checkpoint)), *_SHORT, ask=True)

    async def rollback(self, checkpoint: str) -> None:
        """Undo a change that is on trial. Raises NodeError, also when it has been undone meanwhile."""
        await self._call(lambda: translated(lambda: self._library.rollback(checkpoint=checkpoint)), *_LONG, ask=True)

    async def compare(self, document: State, shown: State) -> list[Difference]:
        """Where the node, as `show` returned it, is not what `document` asks.

        Raises InvalidDesiredState for a document that cannot be applied on this node, as far as that can be said
        without trying. In the thread, because a large document takes long enough to be missed by the loop.
        """
        return await self._call(lambda: compare(document, shown, self._kernel), self._show_timeout, "comparison")

    async def _call(
        self,
        function: Callable[[], T],
        timeout: float,
        name: str,
        *,
        ask: bool = False,
        observe: Callable[[float], None] = lambda _: None,
    ) -> T:
        """Run `function` in the thread; `observe` is told in the loop how many seconds it took, late or not."""
        seconds = 0.0

        def timed() -> T:
            nonlocal seconds
            started = self._clock.monotonic()
            try:
                return function()
            finally:
                seconds = self._clock.monotonic() - started

        async with self._turn:
            if self.stuck:
                raise NmstateStuck("an earlier call into libnmstate has not returned")
            if ask:
                await self._ping()
            future = asyncio.get_running_loop().run_in_executor(self._executor, timed)
            future.add_done_callback(lambda _: observe(seconds))
            try:
                await asyncio.wait({future}, timeout=timeout)
            finally:
                if not future.done():
                    self._late = future
                    self._late_since = self._clock.monotonic()
                    future.add_done_callback(self._returned)
            if not future.done():
                raise NmstateStuck(f"libnmstate's {name} has not returned after {timeout:g} s")
            return future.result()

    def _returned(self, future: asyncio.Future[Any]) -> None:
        if not future.cancelled():
            # Looked at, so that asyncio does not complain that nobody did.
            future.exception()
        self.on_return()

"""libnmstate behind an asyncio face: one thread, one call at a time, every call with a deadline.

The methods are called from the loop; libnmstate itself only ever runs in the one thread. A call that is past its
deadline cannot be stopped, only waited for: until it returns no other call is made, and every method raises
NmstateStuck.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar

import libnmstate
import structlog
from libnmstate import error as libnmstate_error

from nmstate_controller.api.models import State
from nmstate_controller.clock import Clock
from nmstate_controller.errors import (
    ApplyFailed,
    InvalidDesiredState,
    NmstateFailed,
    NmstateStuck,
    NmstateUnavailable,
    NodeError,
    VerificationFailed,
)
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.checks import check, locate, parser
from nmstate_controller.node.matcher import Difference, differences
from nmstate_controller.node.words import presentable

T = TypeVar("T")

log = structlog.get_logger(__name__)

VERSION: Final[str] = libnmstate.__version__

# NetworkManager or D-Bus away: libnmstate reports both as a plain bug, told apart only by what D-Bus said.
_UNAVAILABLE: Final = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Disconnected",
    "DbusConnectionError",
)
_INVALID: Final = (
    libnmstate_error.NmstateValueError,
    libnmstate_error.NmstateNotSupportedError,
    libnmstate_error.NmstateNotImplementedError,
    libnmstate_error.NmstateKernelIntegerRoundedError,
    libnmstate_error.NmstateDependencyError,
)


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


class Nmstate:
    """The node's network, read and changed through libnmstate."""

    def __init__(
        self,
        metrics: Metrics,
        clock: Clock,
        *,
        show_timeout: float,
        apply_timeout: float,
        rollback_timeout: int,
        library: Library = libnmstate,
    ) -> None:
        """Timeouts are seconds; `rollback_timeout` is NetworkManager's own, for a change nobody commits."""
        self._metrics = metrics
        self._clock = clock
        self._show_timeout = show_timeout
        self._apply_timeout = apply_timeout
        self._rollback_timeout = rollback_timeout
        self._library = library
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nmstate")
        self._turn = asyncio.Lock()
        self._late: asyncio.Future[Any] | None = None
        self.last_show_seconds = 0.0

    @property
    def stuck(self) -> bool:
        """Whether a call is past its deadline (or was abandoned) and still runs."""
        return self._late is not None and not self._late.done()

    async def idle(self) -> None:
        """Wait until the call that was late or abandoned has come back, however long that takes."""
        if self._late is not None:
            await asyncio.wait({self._late})

    async def show(self, *, kernel_only: bool = False) -> State:
        """What the node runs now. `kernel_only` needs neither NetworkManager nor D-Bus.

        Raises NmstateUnavailable, NmstateFailed or NmstateStuck.
        """
        return await self._call(lambda: self._show(kernel_only), self._show_timeout, "show")

    def _show(self, kernel_only: bool) -> State:
        started = self._clock.monotonic()
        try:
            return self._library.show(kernel_only=kernel_only)
        except libnmstate_error.NmstateError as error:
            # Whatever its kind, the node is meant and no document.
            translated = translate(error)
            if isinstance(translated, NmstateUnavailable):
                raise translated from error
            raise NmstateFailed(f"the node could not be read: {translated}") from error
        finally:
            self.last_show_seconds = self._clock.monotonic() - started
            self._metrics.show_seconds.observe(self.last_show_seconds)

    async def apply(self, document: State) -> None:
        """Make the node what `document` asks; libnmstate verifies, and rolls back what it cannot verify.

        Raises NodeError.
        """
        await self._call(lambda: self._apply(document), self._apply_timeout, "apply")

    def _apply(self, document: State) -> None:
        with self._metrics.apply_seconds.time():
            try:
                self._library.apply(document, rollback_timeout=self._rollback_timeout)
            except libnmstate_error.NmstateError as error:
                raise translate(error, document) from error

    async def compare(self, document: State, shown: State) -> list[Difference]:
        """Where the node, as `show` returned it, is not what `document` asks.

        Raises InvalidDesiredState for a document that cannot be applied on this node, as far as that can be said
        without trying. In the thread, because a large document takes long enough to be missed by the loop.
        """
        return await self._call(lambda: _compare(document, shown), self._show_timeout, "comparison")

    async def _call(self, function: Callable[[], T], timeout: float, name: str) -> T:
        async with self._turn:
            if self.stuck:
                raise NmstateStuck("an earlier call into libnmstate has not come back")
            future = asyncio.get_running_loop().run_in_executor(self._executor, function)
            try:
                await asyncio.wait({future}, timeout=timeout)
            finally:
                if not future.done():
                    self._late = future
                    future.add_done_callback(_retrieve)
            if not future.done():
                raise NmstateStuck(f"libnmstate's {name} has not come back after {timeout:g} s")
            return future.result()


def _compare(document: State, shown: State) -> list[Difference]:
    try:
        check(document, shown)
        refusal = locate(document, parser(shown))
        if refusal is None:
            return differences(document, shown)
    except NodeError:
        raise
    except Exception as error:
        # A defect of ours must not end the agent each time it meets this document.
        log.exception("desiredState could not be compared with the node")
        raise ApplyFailed(f"desiredState could not be compared with the node: {type(error).__name__}") from error
    raise InvalidDesiredState(refusal)


def translate(error: Exception, document: State | None = None) -> NodeError:
    """libnmstate's exception as ours, split by whether the same document may succeed later.

    No secret of `document` is in the message.
    """
    message = presentable(str(error), document) or type(error).__name__
    if isinstance(error, _INVALID):
        return InvalidDesiredState(message)
    if isinstance(error, libnmstate_error.NmstateVerificationError):
        return VerificationFailed(message)
    if any(sign in message for sign in _UNAVAILABLE):
        return NmstateUnavailable(f"NetworkManager does not answer: {message}")
    return ApplyFailed(message)


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Look at the outcome of an abandoned call, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()

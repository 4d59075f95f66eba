"""An event loop in which an hour takes no time: when nothing is left to do, its clock jumps to what comes next.

Functions in threads take turns with it, so that of all there is one thing runs at a time, in an order that is the same
whenever the same is done.
"""

import asyncio
import selectors
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from nmstate_controller.clock import SystemClock

_BUSY: Final = 2_000
"""Rounds of the loop that may take no time; more of them are a task that spins."""

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


class _Selector(selectors.SelectSelector):
    """There is nothing to read from: to wait is to let time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everything waits for something that nothing will bring about"
        self._rounds = 0 if timeout > 0 else self._rounds + 1
        if self._rounds > _BUSY:
            self._rounds = 0
            raise AssertionError("something is done again and again without time passing")
        self.elapsed += max(timeout, 0.0)
        return []


class Killed(BaseException):
    """Ends a thread whose process is gone."""


class Call(threading.Thread):
    """A function in a thread that runs only while the loop waits for it, from one `pause` to the next."""

    def __init__(self, loop: "VirtualLoop", function: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.future: asyncio.Future[Any] = loop.create_future()
        self._loop = loop
        self._function = function
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._ended = False
        self._outcome: Callable[[], None] = lambda: None
        self._step = ""
        self._raises: BaseException | None = None

    def run(self) -> None:
        """In the thread: what it is there for."""
        self._go.acquire()
        try:
            result = self._function()
        except Exception as error:  # noqa: BLE001 (it is passed on)
            failure = error
            self._outcome = lambda: self.future.set_exception(failure)
        except Killed:
            pass
        else:
            self._outcome = lambda: self.future.set_result(result)
        self._ended = True
        self._back.release()

    def pause(self, step: str) -> None:
        """In the thread: let the rest of the world go on for a while. Raises what is to fail at this step."""
        self._step = step
        self._back.release()
        self._go.acquire()
        raises, self._raises = self._raises, None
        if raises is not None:
            raise raises

    def resume(self) -> None:
        """In the loop: on to the next pause, or the end."""
        if self._ended:
            return
        self._switch()
        if not self._ended:
            seconds, self._raises = self._loop.at_pause(self._step)
            self._loop.call_later(seconds, self.resume)
        elif not self.future.done():
            self._outcome()

    def kill(self) -> None:
        """In the loop: nothing more comes of it."""
        if not self._ended:
            self._raises = Killed()
            self._switch()

    def _switch(self) -> None:
        self._go.release()
        self._back.acquire()


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. `at_pause` says how long a pause of a call in a thread takes, and what it raises after that."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self.at_pause: Callable[[str], tuple[float, BaseException | None]] = lambda _: (0.0, None)
        self.call: Call | None = None
        """The newest call in a thread."""

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._virtual.elapsed

    def run_in_executor(  # type: ignore[override]  # (the same, in fewer words)
        self,
        executor: Executor | None,  # noqa: ARG002
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        """Begin a call."""
        self.call = call = Call(self, lambda: func(*args))
        call.start()
        self.call_soon(call.resume)
        return call.future


class LoopClock(SystemClock):
    """The clock of that loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return _START + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

"""Looks at the node and tells the status_writer what it runs: on notice, and at intervals. Loop only.

A notice says only that something changed. Notices that come together are answered by one look, and all of them together
may cost no more than their budget; when that is spent, the look is made when they cease, so that a storm always ends
in a true report.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import structlog

from nmstate_controller.api import conditions
from nmstate_controller.api.models import State
from nmstate_controller.backoff import Backoff
from nmstate_controller.clock import Clock
from nmstate_controller.controller.budget import Budget
from nmstate_controller.controller.status_writer import StatusWriter
from nmstate_controller.errors import NetworkManagerUnavailable, NmstateStuck, NodeError
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.library import Nmstate
from nmstate_controller.node.report import Filter

QUIET_SECONDS: Final = 0.3
"""Notices this close together are about one change …"""

PATIENCE_SECONDS: Final = 2.0
"""… but a look is not put off longer than this by their going on."""

CEASED_SECONDS: Final = 3.0
"""With the budget spent, notices that pause for this long have ceased."""

AGAIN_SECONDS: Final = 2.0
"""A node that could not be read in full is looked at again after this long, then twice as long, up to the interval."""

SHARE: Final = 0.05
BURST_SECONDS: Final = 15.0
"""Looks on notice may take 5 % of the time on average, and this much at once."""

log = structlog.get_logger(__name__)


class Reporter:
    """One look at the node is `look`; `run` repeats it."""

    def __init__(
        self,
        nmstate: Nmstate,
        status_writer: StatusWriter,
        keep: Filter,
        metrics: Metrics,
        clock: Clock,
        rng: random.Random,
        *,
        node_name: str,
        interval: float,
    ) -> None:
        """`node_name` labels the metrics; `interval`: seconds between two looks without any notice, ±10 %."""
        self._nmstate = nmstate
        self._status_writer = status_writer
        self._keep = keep
        self._metrics = metrics
        self._clock = clock
        self._rng = rng
        self._node_name = node_name
        self._interval = interval
        self._again = Backoff(rng, first=AGAIN_SECONDS, limit=interval)
        self._noticed = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self._budget = Budget(clock, share=SHARE, burst=BURST_SECONDS)
        self._listener: asyncio.Event | None = None
        self.reported = False
        self.shown: State | None = None
        """What the newest look showed, unfiltered; None while the node cannot be read in full."""

    def notice(self) -> None:
        """Something on the node changed."""
        self._noticed.set()

    def tell(self, listener: asyncio.Event) -> None:
        """Set `listener` after every look that showed the whole node."""
        self._listener = listener

    @contextmanager
    def standing_by(self) -> Iterator[None]:
        """Meanwhile `run` makes no look, which would hold up a change of the node: whoever changes it looks at the end.

        Notices that no look has answered by then still count.
        """
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        await self.look()
        while True:
            noticed = await self._next()
            if not self._free.is_set():
                self._noticed.set()
                await self._free.wait()
                continue
            await self.look()
            if noticed:
                self._budget.spend(self._nmstate.last_show_seconds)

    async def _next(self) -> bool:
        """Wait until a look is due; True when a notice calls for it, False when the interval is over."""
        interval = self._again.delay() if self.shown is None else self._interval * self._rng.uniform(0.9, 1.1)
        if not await self._clock.wait(self._noticed, interval):
            return False
        since = self._clock.monotonic()
        while self._clock.monotonic() - since < PATIENCE_SECONDS:
            self._noticed.clear()
            if not await self._clock.wait(self._noticed, QUIET_SECONDS):
                break
        while (broke := self._budget.wait()) > 0 and self._clock.monotonic() - since < interval:
            self._noticed.clear()
            if not await self._clock.wait(self._noticed, min(CEASED_SECONDS, broke)):
                break
        return True

    async def look(self) -> State | None:
        """Read the node and say what it runs.

        Returns what libnmstate showed, unfiltered, or None when the node could not be read in full.
        """
        self._noticed.clear()
        self.shown = None
        try:
            shown = await self._nmstate.show()
        except NetworkManagerUnavailable as error:
            await self._look_at_kernel(error)
            return None
        except NodeError as error:
            self._say("False", error.reason, str(error))
            return None
        self._tell(self._keep.reportable(shown))
        self._say("True", "Reported", "currentState is what the node runs")
        self.shown = shown
        self._again.reset()
        if self._listener is not None:
            self._listener.set()
        return shown

    async def _look_at_kernel(self, why: NodeError) -> None:
        """Say what the kernel alone knows, and that it is not the whole truth."""
        try:
            shown = await self._nmstate.show(kernel_only=True)
        except NmstateStuck as error:
            self._say("False", error.reason, f"{why}; and {error}")
        except NodeError as error:
            self._say("False", error.reason, f"{why}; and the kernel could not be read: {error}")
        else:
            self._tell(self._keep.reportable(shown, kernel_only=True))
            self._say("False", why.reason, f"currentState is what the kernel alone knows: {why}")

    def _tell(self, state: State) -> None:
        now = self._clock.now()
        self._status_writer.report(state, now)
        self._metrics.last_report.set(now.timestamp())
        self._metrics.describe(self._node_name, state)
        self.reported = True

    def _say(self, status: conditions.ConditionStatus, reason: str, message: str) -> None:
        before = conditions.find(self._status_writer.status.conditions, "Reporting")
        if before is None or before.reason != reason:
            log.info("reporting", status=status, reason=reason, message=message)
        self._status_writer.update_status(
            conditions=conditions.reporting(
                self._status_writer.status.conditions,
                status,
                reason,
                message,
                self._status_writer.observed_generation,
                self._clock.now(),
            )
        )

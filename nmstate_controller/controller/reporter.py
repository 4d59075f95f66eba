"""Looks at the node and tells the publisher what it runs: at intervals, and whenever somebody asks. Loop only."""

import asyncio
import random
from typing import NoReturn

import structlog

from nmstate_controller.api import conditions
from nmstate_controller.api.models import State
from nmstate_controller.clock import Clock
from nmstate_controller.controller.publisher import Publisher
from nmstate_controller.errors import NmstateUnavailable, NodeError
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.nmstate import Nmstate
from nmstate_controller.node.state import reportable

log = structlog.get_logger(__name__)


class Reporter:
    """One look at the node is `look`; `run` repeats it."""

    def __init__(
        self,
        nmstate: Nmstate,
        publisher: Publisher,
        metrics: Metrics,
        clock: Clock,
        rng: random.Random,
        *,
        interval: float,
    ) -> None:
        """`interval`: seconds between two looks, ±10 %."""
        self._nmstate = nmstate
        self._publisher = publisher
        self._metrics = metrics
        self._clock = clock
        self._rng = rng
        self._interval = interval
        self._asked = asyncio.Event()
        self.reported = False

    def ask(self) -> None:
        """Have a look made soon."""
        self._asked.set()

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            self._asked.clear()
            await self.look()
            await self._clock.wait(self._asked, self._interval * self._rng.uniform(0.9, 1.1))

    async def look(self) -> State | None:
        """Read the node and say what it runs.

        Returns what libnmstate showed, unfiltered, or None when the node could not be read in full.
        """
        try:
            shown = await self._nmstate.show()
        except NmstateUnavailable as error:
            await self._look_at_kernel(error)
            return None
        except NodeError as error:
            self._say("False", error.reason if error.reason == "NmstateStuck" else "NmstateFailed", str(error))
            return None
        self._tell(shown)
        self._say("True", "Reported", "currentState is what the node runs")
        return shown

    async def _look_at_kernel(self, why: NodeError) -> None:
        """Say what the kernel alone knows, and that it is not the whole truth."""
        try:
            self._tell(await self._nmstate.show(kernel_only=True))
        except NodeError as error:
            self._say("False", "NmstateFailed", f"{why}; and the kernel could not be read: {error}")
        else:
            self._say("False", "NetworkManagerUnavailable", f"currentState is what the kernel alone knows: {why}")

    def _tell(self, shown: State) -> None:
        now = self._clock.now()
        self._publisher.report(reportable(shown), now)
        self._metrics.last_report.set(now.timestamp())
        self.reported = True

    def _say(self, status: conditions.ConditionStatus, reason: str, message: str) -> None:
        before = conditions.find(self._publisher.status.conditions, "Reporting")
        if before is None or before.reason != reason:
            log.info("reporting", status=status, reason=reason, message=message)
        self._publisher.say(
            conditions=conditions.reporting(
                self._publisher.status.conditions,
                status,
                reason,
                message,
                self._publisher.status.observed_generation,
                self._clock.now(),
            )
        )

"""Time, passed in wherever it matters, so that tests can turn it."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time of day for people, a steady one for intervals, and a way to wait."""

    def now(self) -> datetime:
        """The time of day, in UTC; it may jump."""

    def monotonic(self) -> float:
        """Seconds since some moment; it never jumps."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Wait until `event` is set (True) or that many seconds have passed (False); None waits without limit."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await event.wait()
        except TimeoutError:
            return False

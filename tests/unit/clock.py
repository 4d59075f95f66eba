"""A clock that tests turn by hand."""

import asyncio
from datetime import UTC, datetime, timedelta


class ManualClock:
    """Time stands still until `advance`; `waiting` tells how long the sleepers want to sleep."""

    def __init__(self) -> None:
        self._start = datetime(2026, 1, 1, tzinfo=UTC)
        self._elapsed = 0.0
        self._moved = asyncio.Event()
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        if seconds is None:
            return await event.wait()
        self.waits.append(seconds)
        await asyncio.sleep(0)
        until = self._elapsed + seconds
        ring = asyncio.ensure_future(event.wait())
        try:
            while not event.is_set() and self._elapsed < until:
                moved = asyncio.ensure_future(self._moved.wait())
                await asyncio.wait({ring, moved}, return_when=asyncio.FIRST_COMPLETED)
                moved.cancel()
            return event.is_set()
        finally:
            ring.cancel()

    def advance(self, seconds: float) -> None:
        """Let that much time pass."""
        self._elapsed += seconds
        self._moved.set()
        self._moved = asyncio.Event()

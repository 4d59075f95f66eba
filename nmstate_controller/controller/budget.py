"""What reports that nobody asked for may cost: a token bucket whose tokens are seconds of work."""

from nmstate_controller.clock import Clock


class Budget:
    """Refilled with `share` seconds a second, holding `burst` at most. Spending may overdraw it, by `burst` at most."""

    def __init__(self, clock: Clock, *, share: float, burst: float) -> None:
        self._clock = clock
        self._share = share
        self._burst = burst
        self._level = burst
        self._at = clock.monotonic()

    def spend(self, seconds: float) -> None:
        """Account for work that was done."""
        self._refill()
        self._level = max(-self._burst, self._level - seconds)

    def wait(self) -> float:
        """Seconds until there is something to spend; 0 when there is now."""
        self._refill()
        return max(0.0, -self._level / self._share) if self._level <= 0 else 0.0

    def _refill(self) -> None:
        now = self._clock.monotonic()
        self._level = min(self._burst, self._level + (now - self._at) * self._share)
        self._at = now

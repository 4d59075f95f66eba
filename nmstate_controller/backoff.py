"""How long to wait after a failure: exponential, with jitter, so that a cluster's agents do not come back in step."""

import random


def drawn(step: float, jitter: float) -> float:
    """A delay from the upper half of a step of so many seconds; `jitter` is a random number in [0, 1).

    Not from the whole of it: a delay near zero would let an outage be answered with a burst.
    """
    return step / 2 + step / 2 * jitter


class Backoff:
    """Delays that double from `first` to `limit` seconds; each is `drawn` from its step."""

    def __init__(self, rng: random.Random, *, first: float, limit: float) -> None:
        self._rng = rng
        self._first = first
        self._limit = limit
        self._step = first

    def delay(self, at_least: float | None = None) -> float:
        """Seconds to wait before the next try; `at_least` is what the other side asked for (Retry-After)."""
        step, self._step = self._step, min(self._step * 2, self._limit)
        return max(drawn(step, self._rng.random()), at_least or 0.0)

    def reset(self) -> None:
        """Start over: something worked."""
        self._step = self._first

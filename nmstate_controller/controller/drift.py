"""When correcting a node has become a fight with something else that changes it."""

from collections import deque
from typing import Final

from nmstate_controller.clock import Clock

CORRECTIONS: Final = 5
WINDOW_SECONDS: Final = 600.0
"""So many corrections within this time are made; whoever wants one more is in a fight, which nobody wins."""


class Corrections:
    """The corrections of one generation."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moments: deque[float] = deque(maxlen=CORRECTIONS)

    def allowed(self) -> bool:
        """Whether one more is."""
        return len(self._moments) < CORRECTIONS or self._clock.monotonic() - self._moments[0] >= WINDOW_SECONDS

    def note(self) -> None:
        """One is being made."""
        self._moments.append(self._clock.monotonic())

    def forget(self) -> None:
        """Those that were made were no fight: the spec has changed, the user asked to go on, or a device is gone."""
        self._moments.clear()

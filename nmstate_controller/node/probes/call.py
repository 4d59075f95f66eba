"""Something that the caller knows how to do, as a probe. Loop only.

It is how the apiserver is probed: only `cluster/` knows Kubernetes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from nmstate_controller.node.probes.probe import CONNECT_SECONDS, TIMEOUT_SECONDS, ProbeFailed, words


class CallProbe:
    """Passes when `call` returns, in time, and fails with the text of what it raises."""

    def __init__(
        self,
        target: str,
        call: Callable[[], Awaitable[None]],
        *,
        type: str = "apiServer",  # noqa: A002 (the word that the user knows)
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.type: Final = type
        self.target: Final = target
        self.timeout: Final = timeout
        self._call = call

    async def attempt(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS) as deadline:
                await self._call()
        except Exception as error:
            said = f"no answer within {CONNECT_SECONDS:g} s" if deadline.expired() else words(error)
            raise ProbeFailed(said) from error

    def remember(self) -> None:
        """Nothing: the target stays what it is."""

"""What the tests of every kind of probe do with one attempt."""

import asyncio
import os

import pytest

from nmstate_controller.node.probes import Probe, ProbeFailed


async def failure(probe: Probe) -> str:
    """What the probe says when it fails, which it has to; there is nothing to wait for then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{type(probe).__module__}.ATTEMPT_SECONDS", 0.4, raising=False)
        with pytest.raises(ProbeFailed) as raised:
            await probe.attempt()
    return str(raised.value)


async def leaves_nothing_open_when_cancelled(probe: Probe) -> None:
    """Cancel an attempt as soon as it has opened something."""
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 (the names are all that matters)
    attempt = asyncio.create_task(probe.attempt())
    while os.listdir("/proc/self/fd") == before:  # noqa: ASYNC110, PTH208 (no event tells of it)
        await asyncio.sleep(0)

    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt

    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208

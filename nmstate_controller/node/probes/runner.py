"""Running probes: which ones count (before a change), and whether those still pass (after it). Loop only.

All probes run at once. When the caller is cancelled no task is left behind.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from nmstate_controller.errors import in_words
from nmstate_controller.node.probes.probe import NothingToProbe, Probe, ProbeFailed
from nmstate_controller.tasks import run_together

CHOOSE_SECONDS: Final = 2.0
"""How long probes may take before a change; one that needs longer is not chosen."""

_CHOOSE_PAUSE_SECONDS: Final = 0.2
_PROVE_PAUSE_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """How a probe went. `message` is why it failed, empty when it passed; `seconds` is how long that took to know."""

    type: str
    target: str
    chosen: bool
    passed: bool
    seconds: float
    message: str


async def choose(candidates: Sequence[Probe], *, seconds: float = CHOOSE_SECONDS) -> tuple[list[Probe], list[Result]]:
    """Those that pass within `seconds`, told to remember what they found, and a result for each of the candidates.

    Returns as soon as all have passed.
    """
    found = await run_together(
        *(_run(probe, seconds, _CHOOSE_PAUSE_SECONDS, _ignore, (NothingToProbe,)) for probe in candidates)
    )
    results = [replace(result, chosen=result.passed) for result in found]
    chosen = [probe for probe, result in zip(candidates, results, strict=True) if result.chosen]
    for probe in chosen:
        probe.remember()
    return chosen, results


async def prove(chosen: Sequence[Probe], on_failure: Callable[[Sequence[Result]], None] | None = None) -> list[Result]:
    """Try each probe until it passes or its own timeout is over, and return a result for each.

    `on_failure` is called when a probe fails for the first time, at most once for each, with those that have failed
    and not passed since. It is called early, so that it can be noted that connectivity looks broken; most recover.
    What it raises ends all probes and is raised here.
    """
    failing: dict[int, Result] = {}

    async def one(number: int, probe: Probe) -> Result:
        told = False

        def failed(result: Result) -> None:
            nonlocal told
            failing[number] = result
            if not told and on_failure is not None:
                told = True
                on_failure([failing[number] for number in sorted(failing)])

        result = await _run(probe, probe.timeout, _PROVE_PAUSE_SECONDS, failed)
        if result.passed:
            failing.pop(number, None)
        return result

    return await run_together(*(one(number, probe) for number, probe in enumerate(chosen)))


async def _run(
    probe: Probe,
    seconds: float,
    pause: float,
    failed: Callable[[Result], None],
    final: tuple[type[ProbeFailed], ...] = (),
) -> Result:
    """Attempt until it passes or `seconds` are over; `failed` hears of every failure. Counts as chosen."""
    loop = asyncio.get_running_loop()
    start = loop.time()

    def result(message: str) -> Result:
        return Result(probe.type, probe.target, True, not message, round(loop.time() - start, 3), message)

    message = ""
    try:
        async with asyncio.timeout(seconds) as deadline:
            while True:
                try:
                    await probe.attempt()
                    return result("")
                except Exception as error:
                    if not isinstance(error, ProbeFailed):
                        # A defect must not leave a change on trial behind: it counts as no answer.
                        log.exception(
                            "a probe failed, which is a defect of the agent", type=probe.type, target=probe.target
                        )
                    message = in_words(error)
                    failed(result(message))
                    if isinstance(error, final):
                        return result(message)
                await asyncio.sleep(pause)
    except TimeoutError:
        if not deadline.expired():
            raise
    # An attempt that was cut short has said nothing; what the one before it said is the better reason.
    if not message:
        message = f"no answer within {seconds:g} s"
        failed(result(message))
    return result(message)


def _ignore(_: Result) -> None:
    """Before a change a failure is no news."""

"""Choosing probes and proving them: all at once, tried again until they pass or their time is over."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from nmstate_controller.errors import JournalFailed
from nmstate_controller.node.probes import Probe, ProbeFailed, Result, choose, prove

Attempt = Callable[[int], Awaitable[None]]


class Fake:
    """A probe whose attempts do what the test says; each is given its number, from 1."""

    type = "tcp"

    def __init__(self, target: str, attempt: Attempt, timeout: float = 20.0) -> None:
        self.target = target
        self.timeout = timeout
        self.attempts = 0
        self.remembered = 0
        self._attempt = attempt

    async def attempt(self) -> None:
        self.attempts += 1
        await self._attempt(self.attempts)

    def remember(self) -> None:
        self.remembered += 1


async def passes(_: int) -> None:
    await asyncio.sleep(0)


async def fails(number: int) -> None:
    raise ProbeFailed(f"failure {number}")


async def hangs(_: int) -> None:
    await asyncio.Event().wait()


def passes_at(wanted: int) -> Attempt:
    async def attempt(number: int) -> None:
        if number < wanted:
            await fails(number)

    return attempt


def said(results: Sequence[Result]) -> list[tuple[str, str, bool, bool, str]]:
    return [(result.type, result.target, result.chosen, result.passed, result.message) for result in results]


async def test_those_that_pass_are_chosen_and_told_so() -> None:
    good, bad, stuck = Fake("a", passes), Fake("b", fails), Fake("c", hangs)

    chosen, results = await choose([bad, good, stuck], seconds=0.5)

    assert chosen == [good]
    assert [probe.remembered for probe in (good, bad, stuck)] == [1, 0, 0]
    assert bad.attempts > 1
    assert said(results) == [
        ("tcp", "b", False, False, f"failure {bad.attempts}"),
        ("tcp", "a", True, True, ""),
        ("tcp", "c", False, False, "no answer within 0.5 s"),
    ]
    assert results[0].seconds >= 0.5 > results[1].seconds


async def test_a_probe_that_fails_at_first_may_still_be_chosen() -> None:
    late = Fake("a", passes_at(3))

    assert (await choose([late]))[0] == [late]
    assert late.attempts == 3


async def test_choosing_ends_when_all_have_passed() -> None:
    chosen, _ = await choose([Fake("a", passes), Fake("b", passes)], seconds=10_000)

    assert len(chosen) == 2


async def test_nothing_to_do_is_done_at_once() -> None:
    assert await choose([], seconds=10_000) == ([], [])
    assert await prove([]) == []


@pytest.mark.parametrize("run", [choose, prove])
async def test_all_run_at_the_same_time(run: Callable[[Sequence[Probe]], Awaitable[object]]) -> None:
    meeting = [asyncio.Event() for _ in range(3)]

    async def meet(_: int) -> None:
        next(event for event in meeting if not event.is_set()).set()
        for event in meeting:
            await event.wait()

    probes = [Fake(name, meet) for name in "abc"]
    await run(probes)

    assert [probe.attempts for probe in probes] == [1, 1, 1]


async def test_a_probe_is_tried_until_it_passes() -> None:
    late = Fake("a", passes_at(2))

    assert said(await prove([late])) == [("tcp", "a", True, True, "")]


async def test_each_has_its_own_time_and_the_last_failure_is_the_reason() -> None:
    cut = asyncio.Event()

    async def fails_and_hangs(number: int) -> None:
        if number == 1:
            await fails(number)
        cut.set()
        await hangs(number)

    short, long = Fake("a", fails_and_hangs, timeout=0.6), Fake("b", lambda _: _passed(cut))

    assert said(await prove([short, long])) == [("tcp", "a", True, False, "failure 1"), ("tcp", "b", True, True, "")]


async def test_what_the_callback_raises_leaves_as_it_is_and_no_probe_goes_on() -> None:
    ended: list[str] = []

    async def hangs_until_cancelled(_: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("hanging")

    def on_failure(_: Sequence[Result]) -> None:
        raise JournalFailed("no space left")

    with pytest.raises(JournalFailed, match="no space left"):
        await prove([Fake("a", hangs_until_cancelled), Fake("b", fails)], on_failure)
    assert ended == ["hanging"]


async def _passed(event: asyncio.Event) -> None:
    await event.wait()


async def test_the_first_failure_of_each_is_told_with_those_that_fail_by_then() -> None:
    second_may_fail = asyncio.Event()

    async def fails_second(number: int) -> None:
        await second_may_fail.wait()
        await fails(number)

    told: list[list[str]] = []

    def on_failure(failing: Sequence[Result]) -> None:
        told.append([f"{result.target}: {result.message}" for result in failing])
        second_may_fail.set()

    probes = [Fake("a", fails_second, 1.2), Fake("b", fails, 1.2), Fake("c", passes)]
    results = await prove(probes, on_failure)

    assert told == [["b: failure 1"], ["a: failure 1", "b: failure 1"]]
    assert [result.passed for result in results] == [False, False, True]
    assert all(probe.attempts > 1 for probe in probes[:2])


async def test_those_that_have_recovered_are_not_told_as_failing() -> None:
    recovered = asyncio.Event()

    async def recovers(number: int) -> None:
        if number == 1:
            await fails(number)
        recovered.set()

    async def fails_later(number: int) -> None:
        await recovered.wait()
        await fails(number)

    told: list[list[str]] = []
    await prove(
        [Fake("a", recovers), Fake("b", fails_later, 1.0)],
        lambda failing: told.append([result.target for result in failing]),
    )

    assert told == [["a"], ["b"]]


async def test_a_probe_that_hangs_is_told_when_its_time_is_over() -> None:
    told: list[list[Result]] = []

    results = await prove([Fake("a", hangs, 0.1)], lambda failing: told.append(list(failing)))

    assert said(results) == [("tcp", "a", True, False, "no answer within 0.1 s")]
    assert [[result.message for result in failing] for failing in told] == [["no answer within 0.1 s"]]


@pytest.mark.parametrize("run", [choose, prove])
async def test_cancelling_leaves_no_task(run: Callable[[Sequence[Probe]], Awaitable[object]]) -> None:
    before = asyncio.all_tasks()
    started = [asyncio.Event(), asyncio.Event()]
    ended = []

    async def hang(event: asyncio.Event) -> None:
        event.set()
        try:
            await hangs(1)
        finally:
            ended.append(event)

    probes = [Fake("a", lambda _: hang(started[0])), Fake("b", lambda _: hang(started[1])), Fake("c", fails)]
    running = asyncio.ensure_future(run(probes))
    for event in started:
        await event.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert len(ended) == 2
    assert asyncio.all_tasks() == before

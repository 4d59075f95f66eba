"""Tasks that end before their caller goes on."""

import asyncio

import pytest

from nmstate_controller.tasks import cancel, run_together


class Refused(Exception):
    """What a task of these tests raises."""


async def test_results_come_in_the_order_of_the_runs() -> None:
    first_may_end = asyncio.Event()

    async def first() -> int:
        await first_may_end.wait()
        return 1

    async def second() -> int:
        first_may_end.set()
        return 2

    assert await run_together(first(), second()) == [1, 2]


async def test_an_error_is_raised_as_it_is_when_the_others_have_ended() -> None:
    ended: list[str] = []

    async def refuse() -> None:
        raise Refused("no") from ValueError("why")

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("waiting")

    with pytest.raises(Refused, match="no") as refused:
        await run_together(wait(), refuse())
    assert isinstance(refused.value.__cause__, ValueError)
    assert ended == ["waiting"]


async def test_a_task_that_is_cancelled_has_ended() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("waiting")
            raise Refused

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    await cancel(task)
    assert ended == ["waiting"]

"""Tasks that end before their caller goes on, whatever happens. Loop only."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_together(*runs: Coroutine[Any, Any, T]) -> list[T]:
    """Run them at once and return what each returns, in order.

    The first error is raised as it is, not in a group, when the others have been cancelled and have ended.
    """
    tasks: list[asyncio.Task[T]] = []
    error: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run) for run in runs]
    except BaseExceptionGroup as failed:
        error = failed.exceptions[0]
    if error is not None:
        raise error
    return [task.result() for task in tasks]


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end. What it raised is dropped; whoever wants it asks the task."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()

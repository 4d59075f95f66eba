"""Notices become few looks, a storm ends in a true report, and quiet costs nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from libnmstate import error as libnmstate_error

from nmstate_controller.cluster.client import Client
from nmstate_controller.controller.budget import Budget
from nmstate_controller.controller.reporter import AGAIN_SECONDS, BURST_SECONDS, CEASED_SECONDS, SHARE
from tests.unit.apiserver import ApiServer
from tests.unit.clock import ManualClock
from tests.unit.controller.test_loop import Loop
from tests.unit.library import Library


@pytest.fixture
async def loop(server: ApiServer, client: Client, tmp_path: Path) -> AsyncIterator[Loop]:
    async with Loop(server, client, Library(), tmp_path).running() as running:
        await server.until(lambda: running.server.condition("Ready") is not None)
        await server.until(lambda: "currentState" in server.status)
        yield running


async def settle() -> None:
    """Let every task that can run do so, the thread included."""
    for _ in range(10):
        await asyncio.sleep(0.001)


async def pass_time(loop: Loop, seconds: float, step: float = 0.1) -> None:
    for _ in range(round(seconds / step)):
        loop.clock.advance(step)
        await settle()


async def test_a_notice_is_answered_once_the_node_is_quiet(loop: Loop) -> None:
    calls = loop.library.calls
    loop.library.interfaces["eth1"]["mtu"] = 1400
    for _ in range(5):
        loop.reporter.notice()
        await pass_time(loop, 0.1)
    assert loop.library.calls == calls

    await pass_time(loop, 0.5)

    await loop.server.until(lambda: loop.server.status["currentState"]["interfaces"][0]["mtu"] == 1400)
    assert loop.library.calls == calls + 1


async def test_notices_that_go_on_do_not_put_the_look_off_for_ever(loop: Loop) -> None:
    calls = loop.library.calls
    for _ in range(25):
        loop.reporter.notice()
        await pass_time(loop, 0.1)

    assert loop.library.calls == calls + 1


async def test_a_storm_costs_its_budget_and_ends_in_a_true_report(loop: Loop) -> None:
    loop.library.show_takes = lambda: loop.clock.advance(5)
    calls = loop.library.calls
    for number in range(100):
        loop.library.interfaces["eth1"]["mtu"] = 1000 + number
        loop.reporter.notice()
        await pass_time(loop, 0.4, step=0.4)
    during = loop.library.calls - calls
    # A budget of 15 s at 5 s each, and what 5 % of the time since refills: looks took most of that time themselves.
    assert during <= BURST_SECONDS / 5 + 3

    await pass_time(loop, CEASED_SECONDS + 1)

    await loop.server.until(lambda: loop.server.status["currentState"]["interfaces"][0]["mtu"] == 1099)


async def test_a_change_is_not_held_up_by_looks_and_what_it_leaves_unseen_is_looked_at(loop: Loop) -> None:
    calls = loop.library.calls
    with loop.reporter.standing_by():
        loop.reporter.notice()
        await pass_time(loop, 5)
        assert loop.library.calls == calls

    await pass_time(loop, 0.5)

    assert loop.library.calls == calls + 1


async def test_whoever_changed_the_node_and_looked_leaves_nothing_to_look_at(loop: Loop) -> None:
    calls = loop.library.calls
    with loop.reporter.standing_by():
        loop.reporter.notice()
        await pass_time(loop, 5)
        await loop.reporter.look()

    await pass_time(loop, 5)

    assert loop.library.calls == calls + 1


async def test_a_node_that_could_not_be_read_in_full_is_looked_at_again_soon(loop: Loop) -> None:
    gone = libnmstate_error.NmstateInternalError("Bug: DbusConnectionError: org.freedesktop.DBus.Error.NoReply: busy")
    loop.library.show_failures = [gone]
    loop.reporter.notice()
    await pass_time(loop, 1)
    await loop.server.until(lambda: loop.server.condition("Reporting") == ("False", "NetworkManagerUnavailable"))

    await pass_time(loop, AGAIN_SECONDS)

    await loop.server.until(lambda: loop.server.condition("Reporting") == ("True", "Reported"))


def test_a_budget_refills_to_its_burst_and_may_be_overdrawn() -> None:
    clock = ManualClock()
    budget = Budget(clock, share=SHARE, burst=BURST_SECONDS)
    budget.spend(BURST_SECONDS + 1)
    assert budget.wait() == pytest.approx(1 / SHARE)

    clock.advance(1 / SHARE + 0.1)
    assert budget.wait() == 0

    clock.advance(random.Random(1).uniform(1e5, 1e6))
    budget.spend(BURST_SECONDS - 1)
    assert budget.wait() == 0
    budget.spend(2)
    assert budget.wait() > 0

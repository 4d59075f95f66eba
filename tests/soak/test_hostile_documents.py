"""No document ends the agent, slows it down for good, or makes it grow; each gets a verdict that can be read."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Final

import libnmstate
import pytest
from hypothesis import given, settings

from nmstate_controller.clock import SystemClock
from nmstate_controller.cluster.client import Client
from nmstate_controller.errors import NodeError
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.library import Nmstate
from tests.netns import ip, move_for_good
from tests.soak.hostile import HAND_MADE, NOT_PORTABLE, TRAPS, document, unreadable
from tests.soak.test_memory import Kernel, resident
from tests.unit import library
from tests.unit.apiserver import ApiServer
from tests.unit.controller.test_loop import Loop
from tests.unit.library import State
from tests.unit.node.test_validate_properties import DOCUMENTS

ALLOWED_MIB: Final = 5.0
"""A third of a kilobyte for each document of a full run."""

ALLOWED_SECONDS: Final = 10.0
"""For the largest document, on a machine that does other things as well."""

_TOO_DEEP: Final = "5,000 levels"
"""More than the fake apiserver can send."""

_SAFE_HERE: Final = ("interfaces", "routes", "route-rules")
"""Sections that stay within a network namespace; with kernel_only DNS and host name are the machine's own."""

_OURS: Final = frozenset({"lo", *(f"{name}{number}" for name in ("eth", "peer") for number in range(1, 4))})


class Node(Kernel):
    """libnmstate itself over a kernel of its own, beside the library's made-up checkpoints.

    What it does to lo, to routes or to rules must not cut off the fake apiserver: only the thread that calls it is in
    the network namespace.
    """

    def show(self, *, kernel_only: bool = False) -> State:
        if not self.calls:
            move_for_good()
            ip(batch="\n".join(f"link add eth{number} type veth peer name peer{number}" for number in range(1, 4)))
        self.calls += 1
        return super().show(kernel_only=kernel_only)

    def apply(self, desired_state: State, **_: Any) -> None:
        self.checkpoints += 1
        if self.checkpoints % 20 == 0:
            self._tidy()
        libnmstate.generate_configurations(desired_state)
        here = {section: value for section, value in desired_state.items() if section in _SAFE_HERE}
        libnmstate.apply(here, kernel_only=True, verify_change=False)
        self.pending = ({}, {})

    def generate_revert(self, desired: State, before: State) -> State:
        found: State = libnmstate.generate_revert(desired, before)
        return found

    def _tidy(self) -> None:
        """Remove the interfaces that documents have made."""
        made = [link["name"] for link in self.show()["interfaces"] if link["name"] not in _OURS]
        batch = "\n".join(f"link delete {name}" for name in made)
        subprocess.run(["ip", "-force", "-batch", "-"], input=batch, text=True, capture_output=True, check=False)


def assert_readable(name: str, message: str) -> None:
    problem = unreadable(message)
    assert problem is None, f"the message about document {name} {problem}: {message!r}"


class Judge:
    """Hands documents to a running agent, and holds its outcomes to what they should be."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.outcomes: Counter[str] = Counter()
        self.slowest = (0.0, "")

    async def hear(self, name: str, desired: Any, *, policy: str) -> None:
        """One document from edit to verdict."""
        server = self._loop.server
        started = time.monotonic()
        edited = await server.edit({"desiredState": desired, "removalPolicy": policy})
        generation = edited["metadata"]["generation"]
        try:
            await server.until(lambda: self._is_settled(generation))
        except TimeoutError as error:
            raise AssertionError(f"no verdict on document {name}: {server.status.get('conditions')}") from error
        self.slowest = max(self.slowest, (time.monotonic() - started, name))
        for condition in server.status["conditions"]:
            assert_readable(name, condition["message"])
        ready = self._loop.server.condition("Ready")
        assert ready is not None
        self.outcomes[ready[1]] += 1
        server.forget()
        server.events.clear()
        self._loop.clock.waits.clear()

    def _is_settled(self, generation: int) -> bool:
        server = self._loop.server
        ready = server.condition("Ready")
        return server.status.get("observedGeneration") == generation and ready is not None and ready[0] != "Unknown"


@pytest.fixture
async def judge(server: ApiServer, client: Client, tmp_path: Path) -> AsyncIterator[Judge]:
    async with Loop(server, client, Node(), tmp_path).running() as loop:
        await server.until(lambda: server.condition("Ready") is not None and "currentState" in server.status)
        yield Judge(loop)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rounds", [(20_000, 300)], indirect=True)
async def test_every_document_gets_a_verdict_and_memory_does_not_grow(judge: Judge, rounds: int) -> None:
    async def hear(numbers: Iterable[int]) -> None:
        for number in numbers:
            policy = "Revert" if number % 3 == 0 else "Retain"
            await judge.hear(str(number), document(number, portable=True), policy=policy)

    started = time.monotonic()
    await hear(range(rounds // 4))
    before = resident()
    await hear(range(rounds // 4, rounds))
    after = resident()

    print(f"\n{rounds} documents in {time.monotonic() - started:.0f} s: {dict(judge.outcomes.most_common())}")
    print(f"{before:.1f} MiB before, {after:.1f} MiB after; the slowest took {judge.slowest[0]:.2f} s")
    assert after - before < ALLOWED_MIB
    assert judge.slowest[0] < ALLOWED_SECONDS, judge.slowest


@pytest.mark.parametrize("policy", ["Retain", "Revert"])
async def test_what_is_made_by_hand_gets_a_verdict(judge: Judge, policy: str) -> None:
    for name, desired in {**HAND_MADE, **json.loads(json.dumps(TRAPS, default=str))}.items():
        if isinstance(desired, dict) and name != _TOO_DEEP:
            await judge.hear(name, desired, policy=policy)

    print(f"\n{dict(judge.outcomes.most_common())}; the slowest took {judge.slowest}")
    assert judge.slowest[0] < ALLOWED_SECONDS, judge.slowest


class File:
    """Documents as `nmstate-controller diff` reads them: whatever Python makes of a file, without an apiserver."""

    def __init__(self, metrics: Metrics) -> None:
        self._nmstate = Nmstate(
            metrics,
            SystemClock(),
            library.Kernel(),
            show_timeout=60,
            apply_timeout=60,
            rollback_timeout=60,
            library=Node(),
        )

    async def compare(self, name: str, desired: Any) -> None:
        shown = await self._nmstate.show()
        try:
            await self._nmstate.compare(desired, shown)
        except NodeError as error:
            assert_readable(name, str(error))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rounds", [(20_000, 300)], indirect=True)
async def test_whatever_a_file_holds_is_compared_or_refused(metrics: Metrics, rounds: int) -> None:
    file = File(metrics)

    for name, desired in {_TOO_DEEP: HAND_MADE[_TOO_DEEP], **TRAPS, **NOT_PORTABLE}.items():
        await file.compare(name, desired)
    for number in range(rounds):
        await file.compare(str(number), document(number))


async def test_whatever_hypothesis_makes_up_is_compared_or_refused(metrics: Metrics) -> None:
    file = File(metrics)
    made: list[Any] = []

    @settings(max_examples=2_000 if os.environ.get("SOAK") else 100, database=None)
    @given(desired=DOCUMENTS)
    def collect(desired: Any) -> None:
        made.append(desired)

    collect()
    for desired in made:
        await file.compare(repr(desired), desired)

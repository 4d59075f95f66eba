"""Memory does not grow with the number of reports."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libnmstate
import pytest

from nmstate_controller.cluster.client import Client
from tests.netns import ip, network_namespace
from tests.unit.apiserver import ApiServer
from tests.unit.controller.test_loop import Loop
from tests.unit.library import Library

# A leak of one small report in ten would be more than this.
ALLOWED_MIB = 4.0


class Kernel(Library):
    """libnmstate over the kernel of a network namespace."""

    def show(self, *, kernel_only: bool = False) -> dict[str, Any]:  # noqa: ARG002 (there is no NetworkManager here)
        state: dict[str, Any] = libnmstate.show(kernel_only=True)
        return state


@pytest.fixture
def netns() -> Iterator[None]:
    """A network namespace with twenty interfaces."""
    with network_namespace():
        ip(batch="\n".join(f"link add a{number} type veth peer name b{number}" for number in range(10)))
        yield


def resident() -> float:
    """MiB of memory that this process has resident."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rounds", [(10_000, 500)], indirect=True)
async def test_reports_do_not_make_it_grow(
    netns: None,  # noqa: ARG001
    server: ApiServer,
    client: Client,
    tmp_path: Path,
    rounds: int,
) -> None:
    async with Loop(server, client, Kernel(), tmp_path).running() as loop:
        await server.until(lambda: server.condition("Ready") is not None and "currentState" in server.status)

        async def report(number: int) -> None:
            await asyncio.to_thread(
                subprocess.run, ["ip", "link", "set", "a0", "mtu", str(1000 + number % 400)], check=True
            )
            await loop.reporter.look()
            assert await loop.status_writer.flush(20)
            server.forget()

        for number in range(rounds // 5):
            await report(number)
        before = resident()
        for number in range(rounds):
            await report(number)
        after = resident()

    print(f"{rounds} reports: {before:.1f} MiB before, {after:.1f} MiB after")
    assert after - before < ALLOWED_MIB

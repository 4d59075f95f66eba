"""The kernel's notices arrive; a flood of them does not wear the loop out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from nmstate_controller.node.kernel.notices import KernelNotices
from tests.netns import ip, network_namespace


@pytest.fixture
def netns() -> Iterator[None]:
    """A network namespace of the test's own."""
    with network_namespace():
        yield


class Listening:
    """Counts notices."""

    def __init__(self) -> None:
        self.count = 0
        self._more = asyncio.Event()

    def notice(self) -> None:
        self.count += 1
        self._more.set()

    async def next(self) -> None:
        async with asyncio.timeout(20):
            await self._more.wait()
        self._more.clear()


@pytest.fixture
async def listening(netns: None) -> AsyncIterator[Listening]:  # noqa: ARG001
    found = Listening()
    task = asyncio.create_task(KernelNotices(found.notice).run())
    await asyncio.sleep(0)
    yield found
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "change",
    [
        "link add d0 type veth peer name d1",
        "address add 192.0.2.1/24 dev lo",
        "-6 address add 2001:db8::1/64 dev lo",
        "route add 198.51.100.0/24 dev lo",
        "-6 route add 2001:db8:1::/64 dev lo",
        "rule add from 192.0.2.0/24 table 200",
        "-6 rule add from 2001:db8::/32 table 200",
        "link set lo mtu 60000",
        "link set lo down",
    ],
)
async def test_every_kind_of_change_is_noticed(listening: Listening, change: str) -> None:
    ip(*change.split())

    await listening.next()


async def test_a_flood_is_a_handful_of_notices_and_the_next_change_is_still_seen(listening: Listening) -> None:
    commands = "\n".join(f"address add 10.{n // 250}.{n % 250}.1/32 dev lo" for n in range(5000))
    process = await asyncio.create_subprocess_exec("ip", "-batch", "-", stdin=asyncio.subprocess.PIPE)
    await process.communicate(commands.encode())
    await listening.next()
    flood = listening.count
    while True:
        try:
            async with asyncio.timeout(0.5):
                await listening.next()
        except TimeoutError:
            break

    assert flood < 5000 / 10
    ip("link", "set", "lo", "mtu", "60000")
    await listening.next()

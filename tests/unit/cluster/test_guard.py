"""Connections are renewed when the way to the apiserver changed, and only then; nothing is lost or waited for."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from nmstate_controller.cluster.client import Client
from nmstate_controller.cluster.guard import ConnectionGuard, SystemHost
from nmstate_controller.cluster.pool import Address
from nmstate_controller.errors import ApiRenewed
from nmstate_controller.metrics import Metrics
from tests.netns import ip, network_namespace
from tests.unit.apiserver import ApiServer
from tests.unit.cluster.test_reflector import Following, following


class Host:
    """What the kernel would say."""

    def __init__(self) -> None:
        self.source: str | None = "127.0.0.1"
        self.gone: set[str] = set()
        self.looks = asyncio.Event()

    def source_of(self, remote: Address) -> str | None:  # noqa: ARG002
        self.looks.set()
        return self.source

    def has_address(self, local: Address) -> bool:
        return local[0] not in self.gone


@contextlib.asynccontextmanager
async def guarded(client: Client, host: Host) -> AsyncIterator[ConnectionGuard]:
    guard = ConnectionGuard(client, host)
    task = asyncio.create_task(guard.run())
    try:
        yield guard
    finally:
        task.cancel()
        await asyncio.wait({task})


async def looked(guard: ConnectionGuard, host: Host) -> None:
    """Once the guard has looked after a notice."""
    host.looks.clear()
    guard.notice()
    async with asyncio.timeout(20):
        await host.looks.wait()
    await asyncio.sleep(0)


async def read(chunks: AsyncIterator[bytes]) -> None:
    async for _ in chunks:
        pass


@pytest.fixture
async def watching(server: ApiServer, client: Client, metrics: Metrics) -> AsyncIterator[Following]:
    await server.create()
    async with following(server, client, metrics) as found:
        await found.until_watching()
        yield found


async def test_guard_other_source_address_watch_is_opened_again_at_once_where_it_was(
    watching: Following, client: Client
) -> None:
    host = Host()
    async with guarded(client, host) as guard:
        await looked(guard, host)
        assert watching.server.count("watch") == 1
        host.source = "127.0.0.2"
        guard.notice()
        await watching.until_watching(2)
        await watching.server.edit({})
        await watching.until(watching.seen(2))

    assert watching.server.count("list") == 1
    assert watching.restarts("renewed") == 1
    assert watching.clock.waits == []


async def test_guard_source_address_changed_before_the_first_notice_watch_is_opened_again(
    watching: Following, client: Client
) -> None:
    """What a node with net.ipv4.ip_nonlocal_bind has: every address seems to be its own."""
    host = Host()
    host.source = "127.0.0.2"
    async with guarded(client, host) as guard:
        guard.notice()
        await watching.until_watching(2)
        await looked(guard, host)
        assert watching.server.count("watch") == 2

    assert watching.restarts("renewed") == 1


async def test_guard_local_address_gone_watch_is_opened_again(watching: Following, client: Client) -> None:
    host = Host()
    async with guarded(client, host) as guard:
        await looked(guard, host)
        host.gone = {"127.0.0.1"}
        guard.notice()
        await watching.until_watching(2)
        host.gone = set()

    assert watching.restarts("renewed") >= 1


async def test_guard_no_route_waits_for_one(watching: Following, client: Client) -> None:
    host = Host()
    async with guarded(client, host) as guard:
        await looked(guard, host)
        host.source, host.gone = None, {"127.0.0.1"}
        await looked(guard, host)
        await looked(guard, host)
        assert watching.server.count("watch") == 1
        host.source, host.gone = "127.0.0.1", set()
        guard.notice()
        await watching.until_watching(2)


async def test_guard_notices_that_change_nothing_renew_nothing(watching: Following, client: Client) -> None:
    host = Host()
    async with guarded(client, host) as guard:
        for _ in range(20):
            await looked(guard, host)

    assert watching.server.count("watch") == 1


async def test_renewal_ends_the_request_under_way(server: ApiServer, client: Client) -> None:
    server.faults["get"] = []
    await server.create()
    query = {"watch": "1", "resourceVersion": "1"}
    async with client.stream("watch", "/apis/nmstate.io/v1/nodenetworkstates", query=query, inactivity=20) as chunks:
        reading = asyncio.ensure_future(read(chunks))
        await asyncio.sleep(0)
        await client.renew_connections()
        with pytest.raises(ApiRenewed):
            await reading


async def test_stream_error_of_the_reader_stays_what_it_is(server: ApiServer, client: Client) -> None:
    await server.create()
    query = {"watch": "1", "resourceVersion": "1"}
    for error in (OSError("the reader's own"), TimeoutError("too"), ValueError("as well")):
        with pytest.raises(type(error)) as raised:
            async with client.stream("watch", "/apis/nmstate.io/v1/nodenetworkstates", query=query, inactivity=20):
                raise error
        assert raised.value is error


async def test_connections_have_keepalive_and_a_limit(server: ApiServer, client: Client) -> None:
    await server.create()
    await client.request("get", "GET", "/apis/nmstate.io/v1/nodenetworkstates/node01")

    (local, remote), *_ = client.connections()
    assert (local[0], remote[0]) == ("127.0.0.1", "127.0.0.1")
    with contextlib.closing(client._pool._socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", remote))) as made:  # noqa: SLF001
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000


@pytest.fixture
def netns() -> Iterator[None]:
    """A network namespace of the test's own, with two addresses."""
    with network_namespace():
        ip(
            batch="link add a0 type veth peer name b0\nlink set a0 up\nlink set b0 up\n"
            "address add 192.0.2.10/24 dev a0\naddress add 2001:db8::10/64 dev a0 nodad\n"
        )
        yield


@pytest.mark.usefixtures("netns")
def test_host_says_what_the_kernel_says() -> None:
    host = SystemHost()

    assert host.source_of(("192.0.2.1", 6443)) == "192.0.2.10"
    assert host.source_of(("2001:db8::1", 6443, 0, 0)) == "2001:db8::10"
    assert host.source_of(("198.51.100.1", 6443)) is None
    assert host.has_address(("192.0.2.10", 40000))
    assert host.has_address(("2001:db8::10", 40000, 0, 0))
    ip("address", "flush", "dev", "a0")
    assert not host.has_address(("192.0.2.10", 40000))
    assert not host.has_address(("2001:db8::10", 40000, 0, 0))

"""The TCP probe, against sockets of the kernel; and the probe that calls."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from nmstate_controller.node.probes import CallProbe, TcpProbe
from tests.netns import ip, network_namespace
from tests.unit.node.attempts import failure, leaves_nothing_open_when_cancelled

PORT = 2222


@pytest.fixture(autouse=True)
def netns() -> Iterator[None]:
    """A network namespace of the test's own."""
    with network_namespace():
        yield


@pytest.fixture
def silent() -> str:
    """An address from which nothing comes back."""
    ip("link", "add", "w0", "type", "veth", "peer", "name", "w1")
    ip("link", "set", "w0", "up")
    ip("link", "set", "w1", "up")
    ip("address", "add", "192.0.2.2/24", "dev", "w0")
    ip("neighbour", "add", "192.0.2.1", "lladdr", "02:00:00:00:00:01", "dev", "w0")
    return "192.0.2.1"


@pytest.mark.parametrize(
    ("host", "target"),
    [("127.0.0.1", f"127.0.0.1:{PORT}"), ("::1", f"[::1]:{PORT}"), ("localhost", f"localhost:{PORT}")],
)
async def test_a_port_that_listens_passes_and_the_connection_is_closed(host: str, target: str) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""
        writer.close()
        ended.set()

    async with await asyncio.start_server(serve, "::1" if host == "::1" else "127.0.0.1", PORT):
        probe = TcpProbe(host, PORT)
        await probe.attempt()
        async with asyncio.timeout(20):
            await ended.wait()

    assert (probe.type, probe.target, probe.timeout) == ("tcp", target, 20)


async def test_a_refusal_fails() -> None:
    assert await failure(TcpProbe("127.0.0.1", PORT)) == f"no connection to 127.0.0.1:{PORT}: Connection refused"


async def test_no_route_fails() -> None:
    assert await failure(TcpProbe("192.0.2.1", PORT)) == f"no connection to 192.0.2.1:{PORT}: Network is unreachable"


async def test_silence_fails_after_a_few_seconds(silent: str) -> None:
    assert await failure(TcpProbe(silent, PORT)) == f"no connection to 192.0.2.1:{PORT} within 3 s"


async def test_an_address_that_is_silent_does_not_hide_another(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, PORT)) for host in (silent, "127.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", PORT):
        await TcpProbe("router.example", PORT).attempt()


@pytest.mark.parametrize("host", ["nobody.invalid", "a" * 64 + ".example"])
async def test_a_name_that_cannot_be_resolved_fails(host: str) -> None:
    assert (await failure(TcpProbe(host, PORT))).startswith(f"{host} cannot be resolved: ")


async def test_a_cancelled_attempt_leaves_nothing_open(silent: str) -> None:
    probe = TcpProbe(silent, PORT)
    await asyncio.get_running_loop().getaddrinfo(silent, PORT)  # the executor has its thread now
    await leaves_nothing_open_when_cancelled(probe)


async def test_a_call_that_returns_passes() -> None:
    async def call() -> None:
        await asyncio.sleep(0)

    probe = CallProbe("https://192.0.2.1:6443", call)
    await probe.attempt()

    assert (probe.type, probe.target, probe.timeout) == ("apiServer", "https://192.0.2.1:6443", 20)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("the apiserver said 503."), "the apiserver said 503"),
        (ConnectionError(" the stream ended\n"), "the stream ended"),
        (TimeoutError(), "TimeoutError"),
    ],
)
async def test_a_call_fails_with_what_it_raises(error: Exception, message: str) -> None:
    async def call() -> None:
        raise error

    assert await failure(CallProbe("https://192.0.2.1:6443", call)) == message


async def test_a_call_that_hangs_fails() -> None:
    async def call() -> None:
        await asyncio.Event().wait()

    assert await failure(CallProbe("https://192.0.2.1:6443", call)) == "no answer within 3 s"


async def test_a_call_can_be_cancelled() -> None:
    called = asyncio.Event()

    async def call() -> None:
        called.set()
        await asyncio.Event().wait()

    attempt = asyncio.create_task(CallProbe("https://192.0.2.1:6443", call).attempt())
    await called.wait()

    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt

"""The DNS probe, against small servers: what is an answer, and which servers have to answer."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from nmstate_controller.errors import NetworkManagerUnavailable
from nmstate_controller.node.probes import DnsProbe, choose, prove
from tests.netns import ip, network_namespace
from tests.unit.node.attempts import failure

PORT = 53
A, B, C = "127.0.0.1", "127.0.0.2", "::1"
QUESTION = bytes([0, 0, 2, 0, 1])

Answer = Callable[[bytes], bytes | None]


@pytest.fixture(autouse=True)
def netns() -> Iterator[None]:
    """A network namespace of the test's own."""
    with network_namespace():
        yield


class Server(asyncio.DatagramProtocol):
    """Answers as `answer` says; None is silence."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.queries: list[bytes] = []
        self.asked = asyncio.Event()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.send = transport.sendto

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.client = addr
        self.queries.append(data)
        self.asked.set()
        reply = self.answer(data)
        if reply is not None:
            self.send(reply, addr)


@asynccontextmanager
async def serving(address: str, answer: Answer) -> AsyncIterator[Server]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: Server(answer), (address, PORT))
    try:
        yield server
    finally:
        transport.close()
        await asyncio.sleep(0)  # it closes its socket in the next turn of the loop


class Configured:
    """What servers are configured; the test may change it."""

    def __init__(self, *servers: str) -> None:
        self.servers: Sequence[str] = servers

    async def __call__(self) -> Sequence[str]:
        return self.servers


def reply(flags: int, question: bytes = QUESTION, count: int = 1) -> Answer:
    return lambda query: query[:2] + struct.pack("!5H", flags, count, 0, 0, 0) + question


def silent(_: bytes) -> None:
    return None


well = reply(0x8180)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(well, id="NOERROR"),
        pytest.param(reply(0x8182), id="SERVFAIL"),
        pytest.param(reply(0x8183), id="NXDOMAIN"),
        pytest.param(reply(0x8105), id="REFUSED"),
        pytest.param(reply(0x8001, b"", 0), id="FORMERR without the question"),
        pytest.param(reply(0x8380), id="truncated"),
        pytest.param(lambda query: (well(query) or b"") + bytes(600), id="with records"),
    ],
)
async def test_any_response_passes(answer: Answer) -> None:
    async with serving(A, answer) as server:
        probe = DnsProbe(Configured(A))
        await probe.attempt()

    assert (probe.type, probe.target, probe.timeout) == ("dns", A, 20)
    assert [query[2:] for query in server.queries] == [bytes.fromhex("01000001000000000000") + QUESTION]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(silent, id="silence"),
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda query: query[:2] + b"\x81", id="too short"),
        pytest.param(lambda query: query, id="the query itself"),
        pytest.param(lambda query: bytes([query[0] ^ 1]) + (well(query) or b"")[1:], id="another id"),
        pytest.param(reply(0xA180), id="another opcode"),
        pytest.param(reply(0x8180, b"\0\0\1\0\1"), id="another question"),
        pytest.param(reply(0x8180, b""), id="a question missing"),
        pytest.param(reply(0x8180, QUESTION * 2, 2), id="two questions"),
        pytest.param(lambda _: os.urandom(11) + bytes(20), id="garbage"),
    ],
)
async def test_anything_else_fails(answer: Answer) -> None:
    async with serving(A, answer):
        assert await failure(DnsProbe(Configured(A))) == f"no answer from DNS server {A}"


async def test_garbage_before_the_answer_does_no_harm() -> None:
    def answer(query: bytes) -> bytes | None:
        server.send(b"garbage", server.client)
        return well(query)

    async with serving(A, answer) as server:
        await DnsProbe(Configured(A)).attempt()


async def test_a_port_where_nobody_listens_fails_at_once() -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()

    assert await failure(DnsProbe(Configured(A, C))) == f"no answer from DNS server {A} and {C}"
    assert loop.time() - start < 0.9


async def test_an_answer_from_somebody_else_is_none() -> None:
    def answer(query: bytes) -> None:
        other.send(well(query) or b"", server.client)

    async with serving(B, silent) as other, serving(A, answer) as server:
        assert await failure(DnsProbe(Configured(A))) == f"no answer from DNS server {A}"
        assert server.queries


async def test_servers_that_the_change_takes_away_need_not_be_there_after_it() -> None:
    configured = Configured(A)
    probe = DnsProbe(configured, may_go=True)
    async with serving(A, well):
        assert await choose([probe])
    configured.servers = []

    (result,) = await prove([probe])

    assert (result.passed, result.target) == (True, "no DNS server, as desiredState asks")


async def test_what_is_there_instead_has_to_answer() -> None:
    configured = Configured(A)
    probe = DnsProbe(configured, may_go=True, timeout=0.1)
    async with serving(A, well):
        assert await choose([probe])
    configured.servers = [B]

    (result,) = await prove([probe])

    assert not result.passed


async def test_no_server_configured_fails() -> None:
    assert await failure(DnsProbe(Configured())) == "no DNS server is configured"


@pytest.mark.parametrize("server", ["192.0.2.53", "fe80::53", "fe80::53%nosuch", "resolver.example", "", "a" * 300])
async def test_a_server_that_cannot_be_asked_does_not_answer(server: str) -> None:
    assert await failure(DnsProbe(Configured(server))) == f"no answer from DNS server {server}"


async def test_servers_that_cannot_be_told_are_a_failure() -> None:
    async def servers() -> Sequence[str]:
        raise NetworkManagerUnavailable("NetworkManager does not answer")

    assert await failure(DnsProbe(servers)) == (
        "the configured DNS servers are not known: NetworkManager does not answer"
    )


async def test_a_link_local_server_is_asked_on_its_interface() -> None:
    ip("link", "add", "w0", "type", "veth", "peer", "name", "w1")
    ip("link", "set", "w1", "up")
    ip("link", "set", "w0", "up")
    ip("address", "add", "fe80::53/64", "dev", "w0", "nodad")
    async with serving("fe80::53%w0", well):
        # The first packets may be lost: the interface is young.
        (result,) = await prove([DnsProbe(Configured("fe80::53%w0"))])

    assert (result.passed, result.target) == (True, "fe80::53%w0")


async def test_one_server_is_enough_and_all_are_asked_at_once() -> None:
    async with serving(A, silent) as first, serving(B, well), serving(C, silent) as third:
        probe = DnsProbe(Configured(A, B, C))
        chosen, results = await choose([probe])

    assert chosen == [probe]
    assert results[0].target == f"{A}, {B}, {C}"
    assert (len(first.queries), len(third.queries)) == (1, 1)


async def test_a_server_that_answered_must_answer_again() -> None:
    configured = Configured(A, B, C)
    probe = DnsProbe(configured)
    async with serving(A, well), serving(B, well) as second, serving(C, silent):
        await choose([probe])
        assert [result.passed for result in await prove([probe])] == [True]

        second.answer = silent
        assert await failure(probe) == f"no answer from DNS server {B}"

        configured.servers = [A, C]
        assert [result.passed for result in await prove([probe])] == [True]


async def test_servers_that_are_new_must_not_all_be_silent() -> None:
    configured = Configured(A)
    probe = DnsProbe(configured)
    async with serving(A, well), serving(B, silent), serving(C, silent) as third:
        await choose([probe])
        configured.servers = [B, C]

        assert await failure(probe) == f"no answer from DNS server {B} and {C}"

        third.answer = well
        await probe.attempt()


async def test_a_cancelled_attempt_leaves_nothing_open() -> None:
    async with serving(A, silent) as server:
        before = os.listdir("/proc/self/fd")  # noqa: PTH208 (the names are all that matters)
        attempt = asyncio.create_task(DnsProbe(Configured(A)).attempt())
        await server.asked.wait()

        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt

        assert os.listdir("/proc/self/fd") == before  # noqa: PTH208

"""The gateway probe, against kernels in network namespaces: whatever way it answers it passes, else it fails."""

import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest

from nmstate_controller.node.probes import GatewayProbe, Result, choose, prove
from nmstate_controller.node.probes.echo import ask_echo
from nmstate_controller.node.probes.neighbours import ask_neighbour, hardware_address
from nmstate_controller.node.probes.routes import Gateway, default_gateways
from tests.netns import ip, network_namespace
from tests.unit.node.attempts import failure, leaves_nothing_open_when_cancelled

V4, V6 = socket.AF_INET, socket.AF_INET6
GATEWAY = {V4: "192.0.2.1", V6: "2001:db8::1"}
OWN = {V4: "192.0.2.2", V6: "2001:db8::2"}
NOWHERE = {V4: "192.0.2.99", V6: "2001:db8::99"}
LENGTH = {V4: 24, V6: 64}
IP = {V4: "IPv4", V6: "IPv6"}
ASKED = {V4: "ICMP or ARP", V6: "ICMPv6 or neighbour discovery"}
NO_ECHO = {V4: "net.ipv4.icmp_echo_ignore_all=1", V6: "net.ipv6.icmp.echo_ignore_all=1"}

families = pytest.mark.parametrize(
    "family",
    [
        pytest.param(V4, id="IPv4"),
        pytest.param(
            V6, id="IPv6", marks=pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6")
        ),
    ],
)


class Router:
    """A process in a network namespace of its own, which is gone when it ends; it ends with its standard input."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it is in its namespace now
        self.run("ip", "link", "set", "lo", "up")
        without_dad(self.run)

    def run(self, *command: str) -> None:
        subprocess.run(["nsenter", "--net", "--target", str(self._process.pid), *command], check=True)

    def ip(self, command: str) -> None:
        self.run("ip", *command.split())

    def plug(self, name: str) -> None:
        """A cable between the interface `name` of the node and one of the same name of the router; both are up."""
        ip("link", "add", name, "type", "veth", "peer", "name", name, "netns", str(self._process.pid))
        ip("link", "set", name, "up")
        self.ip(f"link set {name} up")

    def end(self) -> None:
        self._process.communicate()


def without_dad(run: Callable[..., object]) -> None:
    """Let IPv6 addresses of interfaces to come be usable at once."""
    if Path("/proc/net/if_inet6").exists():
        run("sysctl", "--quiet", "--write", "net.ipv6.conf.default.accept_dad=0")


def sysctl(*command: str) -> None:
    subprocess.run(command, check=True)


@pytest.fixture
def netns() -> Iterator[None]:
    """A network namespace of the test's own."""
    with network_namespace():
        without_dad(sysctl)
        yield


@pytest.fixture
def router(netns: None) -> Iterator[Router]:  # noqa: ARG001
    """What the node's w0 is plugged into; it has an address of either family, and so has the node."""
    found = Router()
    try:
        found.plug("w0")
        for family in (V4, V6) if Path("/proc/net/if_inet6").exists() else (V4,):
            ip("address", "add", f"{OWN[family]}/{LENGTH[family]}", "dev", "w0")
            found.ip(f"address add {GATEWAY[family]}/{LENGTH[family]} dev w0")
        yield found
    finally:
        found.end()


def default_route(family: socket.AddressFamily, *arguments: str, action: str = "add") -> None:
    ip("-4" if family == V4 else "-6", "route", action, "default", *arguments)


async def outcome(probe: GatewayProbe) -> Result:
    (result,) = await prove([probe])
    return result


@families
async def test_a_gateway_that_answers_passes(router: Router, family: socket.AddressFamily) -> None:  # noqa: ARG001
    default_route(family, "via", GATEWAY[family])
    probe = GatewayProbe(family)
    assert probe.target == f"{IP[family]} default gateway"

    assert (await outcome(probe)).passed
    assert (probe.type, probe.target) == ("gateway", f"{GATEWAY[family]} on w0")


@families
async def test_a_gateway_that_filters_icmp_passes(router: Router, family: socket.AddressFamily) -> None:
    router.run("sysctl", "--quiet", "--write", NO_ECHO[family])
    default_route(family, "via", GATEWAY[family])

    assert (await outcome(GatewayProbe(family))).passed


async def test_a_link_local_gateway_is_asked_on_its_interface(router: Router) -> None:
    # The other interface could be meant as well: the address alone does not tell.
    router.plug("w1")
    router.ip("address add fe80::1/64 dev w0")
    default_route(V6, "via", "fe80::1", "dev", "w0")
    probe = GatewayProbe(V6)

    assert (await outcome(probe)).passed
    assert probe.target == "fe80::1 on w0"

    router.run("sysctl", "--quiet", "--write", NO_ECHO[V6])
    assert (await outcome(probe)).passed

    default_route(V6, "via", "fe80::1", "dev", "w1", action="replace")
    assert await failure(probe) == "no answer to ICMPv6 or neighbour discovery from fe80::1 on w1"


async def test_an_ipv4_route_may_have_an_ipv6_gateway(router: Router) -> None:  # noqa: ARG001
    default_route(V4, "via", "inet6", GATEWAY[V6], "dev", "w0")
    probe = GatewayProbe(V4)

    assert (await outcome(probe)).passed
    assert probe.target == f"{GATEWAY[V6]} on w0"


@families
async def test_a_gateway_that_is_not_there_fails(router: Router, family: socket.AddressFamily) -> None:  # noqa: ARG001
    default_route(family, "via", NOWHERE[family])

    assert await failure(GatewayProbe(family)) == f"no answer to {ASKED[family]} from {NOWHERE[family]} on w0"


@families
async def test_a_gateway_whose_cable_is_cut_fails(router: Router, family: socket.AddressFamily) -> None:
    default_route(family, "via", GATEWAY[family])
    probe = GatewayProbe(family)
    assert (await outcome(probe)).passed

    router.ip("link set w0 down")

    assert "w0" in await failure(probe)


async def test_an_interface_without_arp_is_asked_for_an_echo_only(router: Router) -> None:
    # Without ARP the kernel sends to the interface's own address, so let the router have the same.
    for change in ("down", "address 02:00:00:00:00:05 arp off", "up"):
        ip("link", "set", "w0", *change.split())
        router.ip(f"link set w0 {change}")
    default_route(V4, "via", GATEWAY[V4])
    probe = GatewayProbe(V4)

    assert (await outcome(probe)).passed

    router.run("sysctl", "--quiet", "--write", NO_ECHO[V4])
    assert await failure(probe) == f"no answer to ICMP from {GATEWAY[V4]} on w0"


@families
async def test_no_default_gateway_fails(router: Router, family: socket.AddressFamily) -> None:  # noqa: ARG001
    # None of these is one: a way out without a gateway, one that leads nowhere, and one of another table.
    default_route(family, "dev", "w0", "metric", "5")
    default_route(family, "table", "200", "via", GATEWAY[family])
    ip("-4" if family == V4 else "-6", "route", "add", "unreachable", "default", "metric", "6")
    probe = GatewayProbe(family)

    assert await failure(probe) == f"there is no {IP[family]} default gateway"

    default_route(family, "via", GATEWAY[family], "metric", "7")
    assert (await outcome(probe)).passed
    probe.remember()
    default_route(family, "via", GATEWAY[family], "metric", "7", action="delete")
    assert await failure(probe) == f"there is no {IP[family]} default gateway any more"


@families
async def test_a_gateway_that_a_change_moved_is_followed(router: Router, family: socket.AddressFamily) -> None:
    elsewhere, own = {V4: ("198.51.100.1", "198.51.100.2"), V6: ("2001:db8:1::1", "2001:db8:1::2")}[family]
    default_route(family, "via", GATEWAY[family])
    (chosen,), _ = await choose([GatewayProbe(family)])

    ip("link", "delete", "w0")
    router.plug("w1")
    router.ip(f"address add {elsewhere}/{LENGTH[family]} dev w1")
    ip("address", "add", f"{own}/{LENGTH[family]}", "dev", "w1")
    default_route(family, "via", elsewhere)

    (result,) = await prove([chosen])
    assert result.passed
    assert result.target == f"{elsewhere} on w1"


@families
async def test_the_route_with_the_lowest_metric_counts(router: Router, family: socket.AddressFamily) -> None:  # noqa: ARG001
    default_route(family, "via", GATEWAY[family], "metric", "200")
    default_route(family, "via", NOWHERE[family], "metric", "100")

    assert NOWHERE[family] in await failure(GatewayProbe(family))


@families
async def test_of_gateways_that_share_the_traffic_one_must_answer(router: Router, family: socket.AddressFamily) -> None:
    default_route(family, "nexthop", "via", NOWHERE[family], "nexthop", "via", GATEWAY[family])
    probe = GatewayProbe(family)

    assert (await outcome(probe)).passed
    assert probe.target == f"{NOWHERE[family]} on w0, {GATEWAY[family]} on w0"

    router.ip(f"address delete {GATEWAY[family]}/{LENGTH[family]} dev w0")
    assert (await failure(probe)).endswith(f"from {NOWHERE[family]} on w0, {GATEWAY[family]} on w0")


@families
async def test_a_gateway_that_the_change_brings_must_answer_itself(
    router: Router, family: socket.AddressFamily
) -> None:
    default_route(family, "nexthop", "via", GATEWAY[family])
    probe = GatewayProbe(family)
    await choose([probe])

    default_route(family, "nexthop", "via", GATEWAY[family], "nexthop", "via", NOWHERE[family], action="replace")
    assert (await failure(probe)).endswith(f"from {NOWHERE[family]} on w0")

    router.ip(f"address add {NOWHERE[family]}/{LENGTH[family]} dev w0")
    assert (await outcome(probe)).passed


async def test_all_routes_are_read_when_they_are_many(router: Router) -> None:  # noqa: ARG001
    ip(batch="\n".join(f"route add 10.0.{n >> 8}.{n & 255}/32 via 192.0.2.7" for n in range(3000)))
    default_route(V4, "via", GATEWAY[V4])

    assert [str(gateway) for gateway in await default_gateways(V4)] == [f"{GATEWAY[V4]} on w0"]


@families
async def test_a_cancelled_attempt_leaves_nothing_open(router: Router, family: socket.AddressFamily) -> None:  # noqa: ARG001
    default_route(family, "via", NOWHERE[family])
    await leaves_nothing_open_when_cancelled(GatewayProbe(family))


class Wire:
    """The other end of w0, in the same namespace: it shows what is sent, and nobody answers."""

    def __init__(self, sockets: ExitStack) -> None:
        ip("link", "add", "w0", "type", "veth", "peer", "name", "w1")
        for name in ("w0", "w1"):
            ip("link", "set", name, "up")
        for family in (V4, V6):
            ip("address", "add", f"{OWN[family]}/{LENGTH[family]}", "dev", "w0")
            ip("neighbour", "add", GATEWAY[family], "lladdr", "02:00:00:00:00:01", "dev", "w0")
        self._tap = sockets.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM))
        self._tap.settimeout(20)
        self._tap.bind(("w1", 0x0003))

    def gateway(self, family: socket.AddressFamily) -> Gateway:
        return Gateway(ip_address(GATEWAY[family]), "w0", socket.if_nametoindex("w0"))

    def sent(self, protocol: int, start: int, kind: int) -> bytes:
        """The first packet of that ethertype, from `start` on, that has `kind` there."""
        while True:
            packet, address = self._tap.recvfrom(4096)
            if address[1] == protocol and packet[start : start + 1] == bytes([kind]):
                return packet[start:]


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


@pytest.fixture
def wire(netns: None, sockets: ExitStack) -> Wire:  # noqa: ARG001
    return Wire(sockets)


def changed(packet: bytes, at: int) -> bytes:
    return packet[:at] + bytes([packet[at] ^ 1]) + packet[at + 1 :]


def test_only_the_reply_to_our_echo_is_an_answer(wire: Wire, sockets: ExitStack) -> None:
    question = ask_echo(wire.gateway(V4), sockets)
    request = wire.sent(0x0800, 20, 8)
    header = bytes([0x45]) + bytes(19)
    reply = bytes(4) + request[4:]

    assert question.is_answer(header + reply, None)
    assert question.is_answer(bytes([0x46]) + bytes(23) + reply, None)  # with an option in the header
    assert not question.is_answer(header + request, None)
    assert not any(question.is_answer(header + changed(reply, at), None) for at in (0, 1, 4, 5, 6, 7, 8, 23))
    assert not any(question.is_answer((header + reply)[:length], None) for length in range(len(header + reply)))
    assert struct.unpack("!H", request[2:4]) != (0,)


def test_only_the_reply_to_our_icmpv6_echo_is_an_answer(wire: Wire, sockets: ExitStack) -> None:
    question = ask_echo(wire.gateway(V6), sockets)
    request = wire.sent(0x86DD, 40, 128)
    reply = bytes([129, 0, 0, 0]) + request[4:]

    assert question.is_answer(reply, None)
    assert not question.is_answer(request, None)
    assert not any(question.is_answer(changed(reply, at), None) for at in (0, 1, 4, 5, 6, 7, 8, 23))
    assert not any(question.is_answer(reply[:length], None) for length in range(len(reply)))


def test_only_the_reply_to_our_arp_request_is_an_answer(wire: Wire, sockets: ExitStack) -> None:
    own = hardware_address("w0")
    assert own is not None
    question = ask_neighbour(wire.gateway(V4), own, sockets)
    request = wire.sent(0x0806, 0, 0)
    ours, gateway = socket.inet_aton(OWN[V4]), socket.inet_aton(GATEWAY[V4])
    assert request[:28] == b"\0\1\x08\0\6\4\0\1" + own + ours + bytes(6) + gateway
    reply = b"\0\1\x08\0\6\4\0\2" + b"\2\0\0\0\0\1" + gateway + own + ours

    assert question.is_answer(reply, None)
    assert question.is_answer(reply + bytes(18), None)  # padded to what Ethernet sends at least
    assert not question.is_answer(request, None)
    assert not any(question.is_answer(changed(reply, at), None) for at in (1, 3, 4, 5, 7, 14, 17, 24, 27))
    assert not question.is_answer(reply[:27], None)


def test_only_a_solicited_advertisement_from_the_link_is_an_answer(wire: Wire, sockets: ExitStack) -> None:
    own = hardware_address("w0")
    assert own is not None
    question = ask_neighbour(wire.gateway(V6), own, sockets)
    request = wire.sent(0x86DD, 40, 135)
    gateway = socket.inet_pton(V6, GATEWAY[V6])
    assert request[4:] == bytes(4) + gateway + b"\1\1" + own
    advertisement = bytes([136, 0, 0, 0, 0x60, 0, 0, 0]) + gateway + b"\2\1" + b"\2\0\0\0\0\1"

    assert question.is_answer(advertisement, 255)
    assert question.is_answer(advertisement[:24], 255)
    assert not question.is_answer(advertisement, 254)
    assert not question.is_answer(advertisement, None)
    assert not question.is_answer(advertisement[:4] + bytes([0x20]) + advertisement[5:], 255)
    assert not any(question.is_answer(changed(advertisement, at), 255) for at in (0, 1, 8, 23))
    assert not question.is_answer(advertisement[:23], 255)

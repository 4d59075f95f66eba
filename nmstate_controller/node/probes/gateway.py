"""The default gateway answers. Loop only; needs CAP_NET_RAW."""

import asyncio
import socket
from collections.abc import Set
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from nmstate_controller.node.probes.echo import ask_echo
from nmstate_controller.node.probes.neighbours import ask_neighbour, hardware_address
from nmstate_controller.node.probes.probe import (
    ATTEMPT_SECONDS,
    TIMEOUT_SECONDS,
    NothingToProbe,
    ProbeFailed,
    system_words,
)
from nmstate_controller.node.probes.questions import Question, answers
from nmstate_controller.node.probes.routes import Gateway, default_gateways

_IP: Final = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
_ICMP: Final = {4: "ICMP", 6: "ICMPv6"}
_DISCOVERY: Final = {4: "ARP", 6: "neighbour discovery"}


class GatewayProbe:
    """Asks the gateway that the kernel has at the time of the attempt: a change may well move it.

    An echo and a question for the hardware address go out together; whichever is answered first will do, for there
    are gateways that filter ICMP. Of several gateways that share the traffic one must answer, and each that was not
    there before the change: while an old one beside it answers, the kernel may turn to it at any time.
    """

    type: Final = "gateway"

    def __init__(self, family: socket.AddressFamily, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.timeout = timeout
        self.target = f"{_IP[family]} default gateway"
        self._family = family
        self._any_more = ""
        self._gateways: list[Gateway] = []
        self._known: set[IPv4Address | IPv6Address] | None = None

    async def attempt(self) -> None:
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                gateways = self._gateways = await default_gateways(self._family)
        except OSError as error:
            raise ProbeFailed(f"the routes cannot be read: {system_words(error)}") from error
        if not gateways:
            raise NothingToProbe(f"there is no {_IP[self._family]} default gateway{self._any_more}")
        self.target = ", ".join(str(gateway) for gateway in gateways)
        with ExitStack() as sockets:
            questions: dict[tuple[str, str], Question] = {}
            errors = [error for gateway in gateways for error in _ask(gateway, questions, sockets)]
            if not questions:
                raise ProbeFailed(f"nothing can be sent to {self.target}: {system_words(errors[0])}") from errors[0]
            answered = await answers(questions, lambda found: not self._silent(found), ATTEMPT_SECONDS)
        if silent := self._silent(answered):
            asked = " or ".join(dict.fromkeys(protocol for protocol, _ in questions))
            raise ProbeFailed(f"no answer to {asked} from {', '.join(silent)}")

    def remember(self) -> None:
        """There was a gateway; it need not be the same one later."""
        self._any_more = " any more"
        self._known = {gateway.address for gateway in self._gateways}

    def _silent(self, answered: Set[tuple[str, str]]) -> list[str]:
        """The gateways whose answer is still wanted."""
        heard = {gateway for _, gateway in answered}
        if not heard:
            return [str(gateway) for gateway in self._gateways]
        new = [gateway for gateway in self._gateways if self._known is not None and gateway.address not in self._known]
        return [str(gateway) for gateway in new if str(gateway) not in heard]


def _ask(gateway: Gateway, questions: dict[tuple[str, str], Question], sockets: ExitStack) -> list[OSError]:
    """Ask in every way that this gateway's interface has; what could not be sent is returned as errors."""
    errors = []
    version = gateway.address.version
    try:
        questions[_ICMP[version], str(gateway)] = ask_echo(gateway, sockets)
    except OSError as error:
        errors.append(error)
    try:
        if (own := hardware_address(gateway.interface)) is not None:
            questions[_DISCOVERY[version], str(gateway)] = ask_neighbour(gateway, own, sockets)
    except OSError as error:
        errors.append(error)
    return errors

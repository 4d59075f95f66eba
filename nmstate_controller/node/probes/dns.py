"""The configured DNS servers answer. Loop only."""

import asyncio
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence, Set
from contextlib import ExitStack
from functools import partial
from typing import Final

from nmstate_controller.errors import NodeError
from nmstate_controller.node.probes.probe import ATTEMPT_SECONDS, TIMEOUT_SECONDS, NothingToProbe, ProbeFailed, words
from nmstate_controller.node.probes.questions import Question, answers

PORT: Final = 53

_HEADER: Final = struct.Struct(
    "!6H"
)  # id, flags, and the number of questions, answers, authorities, additional records
_RECURSION_DESIRED: Final = 0x0100
_RESPONSE: Final = 0x8000
_OPCODE: Final = 0x7800
_ROOT_NS_IN: Final = struct.pack("!BHH", 0, 2, 1)
"""The question: the name servers of the root, which every resolver knows."""


class DnsProbe:
    """Asks all servers that are configured at the time of the attempt. An object serves one change.

    Any answer counts, a refusal as well: it came from the server. One server must answer, and so must each that
    answered when the probe was chosen and is still configured: losing one of two is a loss.
    `servers` gives their addresses, `%interface` included where they are link-local. `may_go`: the change takes the
    servers away, so after it there need be none; those that there are have to answer.
    """

    type: Final = "dns"

    def __init__(
        self,
        servers: Callable[[], Awaitable[Sequence[str]]],
        *,
        timeout: float = TIMEOUT_SECONDS,
        port: int = PORT,
        may_go: bool = False,
    ) -> None:
        self._may_go = may_go
        self.timeout = timeout
        self.target = "configured DNS servers"
        self._servers = servers
        self._port = port
        self._acknowledge_retry: set[str] = set()
        self._required: frozenset[str] = frozenset()

    async def attempt(self) -> None:
        servers = await self._configured()
        if not servers and self._may_go and self._required:
            self.target = "no DNS server, as desiredState asks"
            return
        if not servers:
            raise NothingToProbe("no DNS server is configured")
        self.target = ", ".join(servers)
        required = self._required.intersection(servers)
        with ExitStack() as sockets:
            questions: dict[str, Question] = {}
            for server in servers:
                # A server that cannot even be asked does not answer.
                _ask(server, self._port, questions, sockets)

            def enough(answered: Set[str]) -> bool:
                # Before it is chosen all servers get their time: each that answers will have to answer later.
                return len(answered) == len(questions) or bool(self._required and answered and required <= answered)

            self._acknowledge_retry = await answers(questions, enough, ATTEMPT_SECONDS)
        missing = required - self._acknowledge_retry if self._acknowledge_retry else set(servers)
        if missing:
            raise ProbeFailed(f"no answer from DNS server {_listed([name for name in servers if name in missing])}")

    def remember(self) -> None:
        """Those that answered must answer again, unless they are configured no more."""
        self._required = frozenset(self._acknowledge_retry)

    async def _configured(self) -> list[str]:
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return list(dict.fromkeys(await self._servers()))
        except (NodeError, OSError) as error:
            raise ProbeFailed(f"the configured DNS servers are not known: {words(error)}") from error


def _ask(server: str, port: int, questions: dict[str, Question], sockets: ExitStack) -> None:
    identifier = random.getrandbits(16)
    query = _HEADER.pack(identifier, _RECURSION_DESIRED, 1, 0, 0, 0) + _ROOT_NS_IN
    try:
        # Numeric, so this asks nobody; it understands %interface.
        family, _, _, _, address = socket.getaddrinfo(server, port, flags=socket.AI_NUMERICHOST)[0]
        asking = sockets.enter_context(socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK))
        # From then on the kernel drops what others send.
        asking.connect(address)
        asking.send(query)
    except (OSError, UnicodeError):
        return
    questions[server] = Question(asking, partial(_is_response, identifier))


def _is_response(identifier: int, packet: bytes, _hops: int | None) -> bool:
    """Well-formed as far as it matters: a response to our query, which it repeats or, as some refusals, leaves out."""
    if len(packet) < _HEADER.size:
        return False
    found, flags, count, *_records = _HEADER.unpack_from(packet)
    if (found, flags & (_RESPONSE | _OPCODE)) != (identifier, _RESPONSE):
        return False
    return count == 0 or (count == 1 and packet[_HEADER.size :].startswith(_ROOT_NS_IN))


def _listed(names: Sequence[str]) -> str:
    """a, b and c"""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)

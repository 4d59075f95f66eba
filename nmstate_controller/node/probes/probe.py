"""What a probe is, and how it fails. For the loop."""

import os
import socket
from typing import Final, Protocol

from nmstate_controller.errors import in_words

TIMEOUT_SECONDS: Final = 20.0
"""How long a probe may take after a change: an address by DHCP, a port that a switch holds back (STP), an election."""

ATTEMPT_SECONDS: Final = 1.0
"""How long one attempt waits for an answer to a packet: a lost one should soon be followed by another."""

CONNECT_SECONDS: Final = 3.0
"""How long one attempt to connect may take: the kernel repeats a lost SYN after one second, and after two more."""


class ProbeFailed(Exception):
    """An attempt failed. The message is a short part of a sentence for a user, without a full stop."""


class NothingToProbe(ProbeFailed):
    """There is no such thing on this node; trying again before a change would be a waste of time."""


class Probe(Protocol):
    """Something that works, or does not, on the node's network as it is now."""

    @property
    def type(self) -> str:
        """gateway, apiServer, dns or tcp."""

    @property
    def target(self) -> str:
        """What is reached, to be shown; an attempt may change it."""

    @property
    def timeout(self) -> float:
        """Seconds that it may take, all attempts together, after a change."""

    async def attempt(self) -> None:
        """Try once, for a few seconds at most. Raises ProbeFailed. May be cancelled, and then leaves nothing open."""

    def remember(self) -> None:
        """It was chosen: what the last attempt found is what later ones are measured by."""


def words(error: Exception) -> str:
    """What an exception says, never nothing."""
    return in_words(error).rstrip(".") or type(error).__name__


def system_words(error: OSError) -> str:
    """What the kernel or the resolver says; asyncio has its own words for the same errors, and numbers say little."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or words(error)
    return os.strerror(error.errno)

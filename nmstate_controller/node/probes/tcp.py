"""A TCP connection can be opened. Loop only."""

import asyncio
import socket
from typing import Any, Final

from nmstate_controller.node.probes.probe import CONNECT_SECONDS, TIMEOUT_SECONDS, ProbeFailed, system_words


class TcpProbe:
    """Connects to a host, by name or address, and hangs up; nothing is sent.

    A name is looked up at every attempt. A look-up cannot be cancelled: its thread of the loop's executor ends when the
    system's resolver gives up, and nobody waits for it.
    """

    type: Final = "tcp"

    def __init__(self, host: str, port: int, timeout: float = TIMEOUT_SECONDS) -> None:
        self.timeout = timeout
        self.target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._host = host
        self._port = port

    async def attempt(self) -> None:
        doing = f"{self._host} cannot be resolved"
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                loop = asyncio.get_running_loop()
                addresses = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                doing = f"no connection to {self.target}"
                await _connect([(found[0], found[4]) for found in addresses])
        except TimeoutError as error:
            raise ProbeFailed(f"{doing} within {CONNECT_SECONDS:g} s") from error
        except OSError as error:
            raise ProbeFailed(f"{doing}: {system_words(error)}") from error
        except UnicodeError as error:
            raise ProbeFailed(f"{doing}: it is no host name") from error

    def remember(self) -> None:
        """Nothing: the target stays what it is."""


async def _connect(addresses: list[tuple[socket.AddressFamily, tuple[Any, ...]]]) -> None:
    """Connect to the first of the addresses that lets us; each has its share of the time. Raises OSError."""
    loop = asyncio.get_running_loop()
    share = CONNECT_SECONDS / len(addresses)
    for number, (family, address) in enumerate(addresses, start=1):
        with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as connecting:
            try:
                async with asyncio.timeout(share):
                    await loop.sock_connect(connecting, address)
                return
            except OSError:
                if number == len(addresses):
                    raise

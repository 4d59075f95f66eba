"""Renews the connections to the apiserver when the node's own address or route to it has changed. Loop only.

Told by the kernel's notices, it compares which local address the kernel takes for each apiserver that there is, or was,
a connection to, and whether the addresses of open connections are still the node's. No packet is sent for that.
"""

import asyncio
import errno
import socket
from typing import NoReturn, Protocol

import structlog

from nmstate_controller.cluster.client import Client
from nmstate_controller.cluster.pool import Address

log = structlog.get_logger(__name__)


class Host(Protocol):
    """What the node's kernel says of addresses; a test may put something else in its place."""

    def source_of(self, remote: Address) -> str | None:
        """The local address that the kernel takes for `remote`; None without a route."""

    def has_address(self, local: Address) -> bool:
        """Whether that address is one of the node's."""


class SystemHost:
    """The host that this process runs on."""

    def source_of(self, remote: Address) -> str | None:
        with _datagram(remote) as asking:
            try:
                asking.connect(remote)
            except OSError:
                return None
            return str(asking.getsockname()[0])

    def has_address(self, local: Address) -> bool:
        with _datagram(local) as trying:
            try:
                trying.bind((local[0], 0, *local[2:]))
            except OSError as error:
                return error.errno != errno.EADDRNOTAVAIL
            return True


class ConnectionGuard:
    """`run` waits for notices."""

    def __init__(self, client: Client, host: Host) -> None:
        self._client = client
        self._host = host
        self._noticed = asyncio.Event()
        self._sources: dict[Address, str | None] = {}
        """For each apiserver the local address that the kernel took when it was looked last, or for the connection."""

    def notice(self) -> None:
        """Something about links, addresses or routes changed."""
        self._noticed.set()

    async def run(self) -> NoReturn:
        """Look after each notice, until cancelled."""
        while True:
            await self._noticed.wait()
            self._noticed.clear()
            if why := self._change():
                log.info("the way to the apiserver changed, renewing connections", why=why)
                await self._client.renew_connections()

    def _change(self) -> str | None:
        """What has changed, in words. Without a route nothing is renewed: there would be no way for it."""
        connections = list(self._client.connections())
        known = self._sources
        for local, remote in connections:
            known.setdefault(remote, str(local[0]))
        self._sources = {remote: self._host.source_of(remote) for remote in known}
        for remote, source in self._sources.items():
            if source is not None and source != known[remote]:
                return f"{remote[0]} is reached from {source}, before from {known[remote] or 'nowhere'}"
        for local, remote in connections:
            if self._sources[remote] is not None and not self._host.has_address(local):
                return f"{local[0]} is no longer on this node"
        return None


def _datagram(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in str(address[0]) else socket.AF_INET
    return socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

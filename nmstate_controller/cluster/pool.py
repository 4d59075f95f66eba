"""Connections to the apiserver that trust one CA bundle. Loop only.

A connection whose local address was taken from the node is dead, and nothing says so: what is sent is repeated for a
quarter of an hour, and what only listens, as a watch does, never hears of it. So each has keepalive and a limit for
what is not acknowledged, and its address is known, by which `guard` finds out at once.
"""

import contextlib
import socket
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from nmstate_controller import __version__
from nmstate_controller.cluster.credentials import ca_bundle, tls
from nmstate_controller.cluster.kubernetes import client

_KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
"""Seconds of silence until the first question, seconds between them, and how many may go unanswered."""

_UNACKNOWLEDGED_MILLISECONDS: Final = 20_000
"""TCP_USER_TIMEOUT (tcp(7)): what is sent and not acknowledged for so long ends the connection."""

_READ_BUFFER_BYTES: Final = 1 << 21

Address = tuple[Any, ...]
"""What the socket module calls one; the host comes first."""


class Pool:
    """`users` counts the requests under way; `renewed` is set when the node's own address or route has changed."""

    def __init__(self, configuration: client.Configuration) -> None:
        """Raises OSError when there are no certificates to trust."""
        self.bundle = ca_bundle(configuration)
        self.tls = tls(configuration)
        self.api = client.ApiClient(configuration)
        self.api.user_agent = f"nmstate-controller/{__version__}"
        self.users = 0
        self.renewed = False
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        # kubernetes_asyncio has no way to say how its connections are made.
        self._unused = self.api.rest_client.pool_manager
        self.api.rest_client.pool_manager = aiohttp.ClientSession(
            connector=self.connector(), trust_env=True, read_bufsize=_READ_BUFFER_BYTES
        )
        self.api.rest_client.request = self._send

    def connector(self, *, force_close: bool = False) -> aiohttp.TCPConnector:
        """Makes connections of this pool; with `force_close` each serves one request."""
        return aiohttp.TCPConnector(ssl=self.tls, socket_factory=self._socket, force_close=force_close)

    def connections(self) -> Iterator[tuple[Address, Address]]:
        """The local and the remote address of each open connection."""
        for one in list(self._sockets):
            # One that is closed, or not connected yet, has none.
            with contextlib.suppress(OSError):
                yield one.getsockname(), one.getpeername()

    def shut_down(self) -> None:
        """End all connections at once, as if the other end had: whoever waits for an answer hears of it."""
        self.renewed = True
        for one in list(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        """Close all connections. Not while one is in use: aiohttp leaves its user waiting."""
        await self._unused.close()
        await self.api.close()

    async def _send(
        self,
        method: str,
        url: str,
        query_params: Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        _request_timeout: aiohttp.ClientTimeout | None = None,
        **_: Any,
    ) -> aiohttp.ClientResponse:
        """What kubernetes_asyncio's RESTClientObject.request does, but for a body that is JSON already."""
        rest = self.api.rest_client
        query = f"?{urlencode(query_params)}" if query_params else ""
        session: aiohttp.ClientSession = rest.pool_manager
        return await session.request(
            method,
            url + query,
            headers=headers,
            data=body,
            timeout=_request_timeout or aiohttp.ClientTimeout(),
            proxy=rest.proxy,
            proxy_headers=rest.proxy_headers,
            server_hostname=rest.server_hostname,
        )

    def _socket(self, info: tuple[Any, Any, int, str, Address]) -> socket.socket:
        family, kind, protocol, *_ = info
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            made.setsockopt(socket.IPPROTO_TCP, option, value)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS)
        self._sockets.add(made)
        return made

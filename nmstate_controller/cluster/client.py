"""One connection to the apiserver: requests with a deadline, raw streams, and errors of our own.

It stands on kubernetes_asyncio's `ApiClient.call_api` with `_preload_content=False`, because its custom-objects API
parses every answer twice and turns errors into dumps of headers and body. Used from the loop only.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import aiohttp
import structlog

from nmstate_controller.cluster.answers import read_answer, retry_after, write
from nmstate_controller.cluster.credentials import ca_bundle
from nmstate_controller.cluster.kubernetes import client, config
from nmstate_controller.cluster.pool import Address, Pool
from nmstate_controller.errors import (
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiGone,
    ApiNotFound,
    ApiRejected,
    ApiRenewed,
    ApiThrottled,
    ApiTimeout,
    ApiUnavailable,
    in_words,
)
from nmstate_controller.metrics import Metrics

Json = dict[str, Any]

_ERRORS: Final[Mapping[int, type[ApiError]]] = {
    401: ApiForbidden,
    403: ApiForbidden,
    404: ApiNotFound,
    408: ApiUnavailable,
    409: ApiConflict,
    410: ApiGone,
    429: ApiThrottled,
}
_MESSAGE_LIMIT: Final = 400
# A Status object with an error is small; a proxy's HTML page need not be read to its end.
_ERROR_BODY_LIMIT: Final = 64 * 1024

_JSON: Final = "application/json"

BODY_LIMIT: Final = 32 * 1024 * 1024
"""Bytes of one answer or one event. etcd keeps objects below 1.5 MiB or so, which JSON escapes can blow up sixfold."""

log = structlog.get_logger(__name__)


class Client:
    """Connections to one apiserver. Close them with `async with`."""

    def __init__(self, configuration: client.Configuration, metrics: Metrics, *, timeout: float) -> None:
        """`timeout` is the deadline of a request in seconds, streams excepted."""
        self._configuration = configuration
        self._pool = Pool(configuration)
        self._left: list[Pool] = []
        """Pools that nothing new begins on, while something is under way there."""
        self._on_renewal: list[asyncio.Event] = []
        self._metrics = metrics
        self._timeout = timeout
        self._server_name = configuration.tls_server_name
        self.address: str = configuration.host
        """Where the apiserver is, as a URL."""

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    def connections(self) -> Iterator[tuple[Address, Address]]:
        """The local and the remote address of each open connection."""
        for pool in [self._pool, *self._left]:
            yield from pool.connections()

    def on_renewal(self) -> asyncio.Event:
        """An event that is set when connections were renewed, for who waits before trying again. Clear it yourself."""
        event = asyncio.Event()
        self._on_renewal.append(event)
        return event

    async def renew_connections(self) -> None:
        """Close all connections, for they are of no use any more; what was under way raises ApiRenewed."""
        try:
            fresh = Pool(self._configuration)
        except OSError as error:
            log.warning("connections cannot be renewed", error=_reason(error))
            return
        for pool in [self._pool, *self._left]:
            pool.shut_down()
        await self._replace_pool(fresh)
        for event in self._on_renewal:
            event.set()

    async def request(
        self,
        verb: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | bytes | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> Json:
        """Send one request and return the JSON object of its answer.

        `verb` is Kubernetes' name for it, for the metrics; a `body` in bytes is sent as it is. Raises ApiError.
        """
        headers = {"Accept": accept, "Content-Type": content_type}
        sent = write(body) if isinstance(body, dict) else body
        deadline = aiohttp.ClientTimeout(total=self._timeout)
        async with self._call(verb, method, path, query, sent, headers, deadline) as (response, pool):
            with _translated(f"{method} {path}", pool):
                answer = await _read(response)
            return read_answer(answer)

    @contextlib.asynccontextmanager
    async def stream(
        self, verb: str, path: str, *, query: Mapping[str, str], inactivity: float, accept: str = _JSON
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a GET whose answer begins at once and never ends, as chunks of bytes of any size.

        Raises ApiError when it cannot be opened in time, and while reading when it breaks or is silent for `inactivity`
        seconds (ApiTimeout). What is raised by whoever reads is not touched.
        """
        deadline = aiohttp.ClientTimeout(total=None, sock_read=inactivity)
        async with self._call(verb, "GET", path, query, None, {"Accept": accept}, deadline) as (response, pool):
            yield _chunks(response, f"GET {path}", pool)

    async def reach(self) -> None:
        """Have any answer from the apiserver over a connection of its own: an open one may outlive its network.

        It carries no credentials and has no deadline. Raises ApiUnavailable.
        """
        try:
            async with (
                self._connections() as pool,
                pool.connector(force_close=True) as connector,
                aiohttp.ClientSession(connector=connector, trust_env=True) as session,
                session.get(f"{self.address}/livez", server_hostname=self._server_name, allow_redirects=False),
            ):
                return
        except (aiohttp.ClientError, OSError) as error:
            raise ApiUnavailable(f"no answer from {self.address}: {_reason(error)}") from error

    @contextlib.asynccontextmanager
    async def _call(
        self,
        verb: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: aiohttp.ClientTimeout,
    ) -> AsyncIterator[tuple[aiohttp.ClientResponse, Pool]]:
        """An answer that has begun, and is no error, and the pool it comes by. Raises ApiError until then only."""
        what = f"{method} {path}"
        async with self._connections() as pool:
            try:
                with _translated(what, pool):
                    # An answer begins in time also when it may take for ever.
                    async with asyncio.timeout(self._timeout):
                        response: aiohttp.ClientResponse = await pool.api.call_api(
                            path,
                            method,
                            query_params=list((query or {}).items()),
                            header_params=dict(headers),
                            body=body,
                            auth_settings=["BearerToken"],
                            _preload_content=False,
                            _request_timeout=deadline,
                        )
            except ApiError:
                self._metrics.api_requests.labels(verb, "0").inc()
                raise
            self._metrics.api_requests.labels(verb, str(response.status)).inc()
            async with response:
                if response.history:
                    raise ApiUnavailable(f"{what}: redirected, which an apiserver does not do")
                if not response.ok:
                    with _translated(what, pool):
                        raise await _error(response, what)
                yield response, pool

    @contextlib.asynccontextmanager
    async def _connections(self) -> AsyncIterator[Pool]:
        """The pool that trusts the CA bundle as it is now.

        What is under way when the bundle is replaced, a watch above all, ends on the connections it began on.
        """
        await self._renew()
        pool = self._pool
        pool.users += 1
        try:
            yield pool
        finally:
            pool.users -= 1
            await self._close_if_left(pool)

    async def _renew(self) -> None:
        """Begin a new pool if the CA bundle was replaced; one that cannot be read yet is looked at again later."""
        bundle = ca_bundle(self._configuration)
        if bundle is None or bundle == self._pool.bundle:
            return
        try:
            fresh = Pool(self._configuration)
        except OSError as error:
            log.warning("the new CA bundle cannot be used, going on with the old one", error=_reason(error))
            return
        log.info("the CA bundle was replaced: new connections trust the new one")
        await self._replace_pool(fresh)

    async def _replace_pool(self, fresh: Pool) -> None:
        old, self._pool = self._pool, fresh
        self._left.append(old)
        await self._close_if_left(old)

    async def _close_if_left(self, pool: Pool) -> None:
        if pool in self._left and pool.users == 0:
            self._left.remove(pool)
            await pool.close()


@contextlib.contextmanager
def _translated(what: str, pool: Pool) -> Iterator[None]:
    """Have what aiohttp, the kernel and kubernetes_asyncio raise inside be an ApiError. Not for a caller's own code."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RuntimeError, config.ConfigException) as error:
        if pool.renewed:
            raise ApiRenewed(f"{what}: the connection was renewed") from error
        if isinstance(error, RuntimeError):
            # Only what is closed by us is one to aiohttp.
            raise
        # A ValueError is what aiohttp makes of a redirect to no address, in part.
        kind = ApiTimeout if isinstance(error, TimeoutError) else ApiUnavailable
        raise kind(f"{what}: {_reason(error)}") from error


async def _chunks(response: aiohttp.ClientResponse, what: str, pool: Pool) -> AsyncIterator[bytes]:
    chunks = response.content.iter_any()
    while True:
        with _translated(what, pool):
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                break
        yield chunk
    if pool.renewed:
        raise ApiRenewed(f"{what}: the connection was renewed")


def _reason(error: BaseException) -> str:
    return in_words(error)[:_MESSAGE_LIMIT]


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body of an answer. Raises ApiUnavailable when it does not end."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise ApiUnavailable(f"the answer is longer than {BODY_LIMIT} bytes")
    return bytes(body)


async def _error(response: aiohttp.ClientResponse, what: str) -> ApiError:
    """The exception for an answer with an error status; a metav1.Status tells more than the status line."""
    body = await response.content.read(_ERROR_BODY_LIMIT)
    message = response.reason or ""
    with contextlib.suppress(ApiError):
        message = str(read_answer(body).get("message") or message)
    kind = _ERRORS.get(response.status) or (ApiRejected if response.status < 500 else ApiUnavailable)
    return kind(
        f"{what}: {response.status} {' '.join(message.split())[:_MESSAGE_LIMIT]}",
        retry_after=retry_after(response.headers.get("Retry-After")),
    )

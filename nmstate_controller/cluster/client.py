"""One connection to the apiserver: requests with a deadline, raw streams, and errors of our own.

It stands on kubernetes_asyncio's `ApiClient.call_api` with `_preload_content=False`, because its custom-objects API
parses every answer twice and turns errors into dumps of headers and body. Used from the loop only.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import aiohttp
import structlog

from nmstate_controller import __version__
from nmstate_controller.cluster.answers import read
from nmstate_controller.cluster.kubernetes import client, config
from nmstate_controller.errors import (
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiGone,
    ApiNotFound,
    ApiRejected,
    ApiThrottled,
    ApiTimeout,
    ApiUnavailable,
    SettingsError,
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

log = structlog.get_logger(__name__)


async def load_configuration() -> client.Configuration:
    """The credentials of this pod, or of the current kubeconfig outside a cluster. Raises SettingsError."""
    configuration = client.Configuration()
    try:
        config.load_incluster_config(configuration)
    except config.ConfigException as in_cluster:
        try:
            await config.load_kube_config(client_configuration=configuration)
        except (config.ConfigException, OSError) as kubeconfig:
            raise SettingsError(
                f"no credentials for the apiserver: {in_cluster} (as a pod), {kubeconfig} (as a user, kubeconfig)"
            ) from kubeconfig
    return configuration


class Client:
    """A connection pool to one apiserver. Close it with `async with`."""

    def __init__(self, configuration: client.Configuration, metrics: Metrics, *, timeout: float) -> None:
        """`timeout` is the deadline of a request in seconds, streams excepted."""
        self._api = client.ApiClient(configuration)
        self._api.user_agent = f"nmstate-controller/{__version__}"
        self._metrics = metrics
        self._timeout = timeout
        self._tls = _tls(configuration)
        self._server_name = configuration.tls_server_name
        self.address: str = configuration.host
        """Where the apiserver is, as a URL."""

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.close()

    async def request(
        self,
        verb: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> Json:
        """Send one request and return the JSON object of its answer.

        `verb` is Kubernetes' name for it, for the metrics. Raises ApiError.
        """
        deadline = aiohttp.ClientTimeout(total=self._timeout)
        async with self._call(verb, method, path, query, body, content_type, deadline) as response:
            return _parse(await response.read())

    @contextlib.asynccontextmanager
    async def stream(
        self, verb: str, path: str, *, query: Mapping[str, str], inactivity: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a GET whose answer never ends, as chunks of bytes of any size.

        Raises ApiError when it cannot be opened, and while reading when it breaks or is silent for `inactivity` seconds
        (ApiTimeout).
        """
        deadline = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout, sock_read=inactivity)
        async with self._call(verb, "GET", path, query, None, "application/json", deadline) as response:
            yield response.content.iter_any()

    async def reach(self) -> None:
        """Have any answer from the apiserver over a connection of its own: an open one may outlive its network.

        It carries no credentials and has no deadline. Raises ApiUnavailable.
        """
        connector = aiohttp.TCPConnector(ssl=self._tls, force_close=True)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, trust_env=True) as session,
                session.get(f"{self.address}/livez", server_hostname=self._server_name),
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
        body: Json | None,
        content_type: str,
        deadline: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        code = 0
        try:
            response: aiohttp.ClientResponse = await self._api.call_api(
                path,
                method,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": content_type},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=deadline,
            )
            async with response:
                code = response.status
                self._metrics.api_requests.labels(verb, str(code)).inc()
                if not response.ok:
                    raise await _error(response, f"{method} {path}")
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, config.ConfigException) as error:
            if code == 0:
                self._metrics.api_requests.labels(verb, "0").inc()
            kind = ApiTimeout if isinstance(error, TimeoutError) else ApiUnavailable
            raise kind(f"{method} {path}: {_reason(error)}") from error


def _tls(configuration: client.Configuration) -> ssl.SSLContext:
    """The same trust that kubernetes_asyncio takes from its configuration."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: BaseException) -> str:
    return in_words(error)[:_MESSAGE_LIMIT]


def _parse(body: bytes) -> Json:
    try:
        parsed = read(body)
    except ValueError as error:
        raise ApiUnavailable("the answer is not JSON: something between here and the apiserver made it up") from error
    if not isinstance(parsed, dict):
        raise ApiUnavailable("the answer is JSON, but not an object")
    return parsed


async def _error(response: aiohttp.ClientResponse, what: str) -> ApiError:
    """The exception for an answer with an error status; a metav1.Status tells more than the status line."""
    body = await response.content.read(_ERROR_BODY_LIMIT)
    message = response.reason or ""
    with contextlib.suppress(ApiError):
        message = str(_parse(body).get("message") or message)
    kind = _ERRORS.get(response.status) or (ApiRejected if response.status < 500 else ApiUnavailable)
    return kind(
        f"{what}: {response.status} {' '.join(message.split())[:_MESSAGE_LIMIT]}",
        retry_after=retry_after(response.headers.get("Retry-After")),
    )


def retry_after(header: str | None) -> float | None:
    """Seconds of a Retry-After header, 5 minutes at most; a date (an apiserver sends none) or nonsense is None."""
    try:
        return float(min(max(int(header), 0), 300)) if header is not None else None
    except ValueError:
        return None

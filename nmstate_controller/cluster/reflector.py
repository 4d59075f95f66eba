"""Keeps the store equal to this node's object: list once, then watch for ever.

The rules are those of client-go's reflector (tools/cache/reflector.go): a stream that ends is opened again at the
version reached; 410 means list again; 429 and refusals wait, as long as the server asked, and keep the version;
versions are opaque and never ordered.

The watch asks for metadata only, so that the agent's own status writes, reports included, do not come back to it. The
object is read when its uid, its generation or an edit in managedFields changed; annotations, finalizers and
deletionTimestamp are in the event. Uid and generation alone do not do: an etcd restored to an older state counts the
same generations again. For that reason, too, a list asks for whole objects. A server that ignores the Accept header
sends whole objects, which are taken as they are.

Where it goes further: after anything else, silence included, the object is listed again, one key of etcd's. An
apiserver that was away may be back with an etcd restored to an older state. Its versions went back, and it says nothing
to a watch from one that it has yet to reach, for as long as that takes.
"""

import random
from collections.abc import AsyncIterator
from typing import Final, NoReturn

import structlog

from nmstate_controller.api.models import Metadata, NodeNetworkState
from nmstate_controller.backoff import Backoff
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.answers import read
from nmstate_controller.cluster.client import BODY_LIMIT, Json
from nmstate_controller.cluster.resource import NodeNetworkStates, is_partial, version_of
from nmstate_controller.cluster.store import Store
from nmstate_controller.errors import (
    ApiError,
    ApiForbidden,
    ApiGone,
    ApiRenewed,
    ApiThrottled,
    ApiTimeout,
    ApiUnavailable,
)
from nmstate_controller.metrics import Metrics

_WATCH_SECONDS: Final = (300, 600)
_HEALTHY_SECONDS: Final = 120.0
_SHORT_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


class Reflector:
    """Runs in the loop; the only writer of `store`."""

    def __init__(
        self,
        api: NodeNetworkStates,
        store: Store,
        metrics: Metrics,
        clock: Clock,
        rng: random.Random,
        *,
        inactivity: float,
    ) -> None:
        """`inactivity`: seconds of silence after which a watch is opened again."""
        self._api = api
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._rng = rng
        self._inactivity = inactivity
        self._backoff = Backoff(rng, first=0.8, limit=30.0)
        self._renewed = api.on_renewal()
        self._version: str | None = None
        self._ahead = False
        """Whether the object in the store was read, and is newer than the last event."""

    async def run(self) -> NoReturn:
        """List and watch until cancelled."""
        while True:
            started = self._clock.monotonic()
            failure: ApiError | None = None
            try:
                await self._list_and_watch()
            except ApiError as error:
                failure = error
                if not isinstance(error, ApiThrottled | ApiForbidden | ApiRenewed):
                    self._version = None
            await self._pause(failure, self._clock.monotonic() - started)

    async def _pause(self, failure: ApiError | None, lasted: float) -> None:
        """Decide whether to wait before going on: not after a stream that did its work and ended.

        One that ends at once has not, whatever it sent: a cache in between can send the same for ever.
        """
        short = lasted < _SHORT_SECONDS
        self._metrics.watch_restarts.labels(_reason(failure)).inc()
        if lasted >= _HEALTHY_SECONDS:
            self._backoff.reset()
        if failure is None and not short:
            return
        if isinstance(failure, ApiRenewed):
            self._renewed.clear()
            return
        if isinstance(failure, ApiTimeout) and lasted >= self._inactivity:
            log.info("watch silent for too long, relisting", seconds=round(lasted))
            return
        delay = self._backoff.delay(failure.retry_after if failure else None)
        log.warning(
            "watch failed, relisting",
            error=str(failure) if failure else "it ended as soon as it began",
            seconds=round(delay, 1),
        )
        # With another way to the apiserver there is no need to wait any longer.
        await self._clock.wait(self._renewed, delay)
        self._renewed.clear()

    async def _list_and_watch(self) -> None:
        if self._version is None:
            newest, self._version = await self._api.list()
            self._ahead = False
            self._store.replace(newest)
        timeout = self._rng.randint(*_WATCH_SECONDS)
        async with self._api.watch(self._version, timeout=timeout, inactivity=self._inactivity) as chunks:
            async for line in lines(chunks, BODY_LIMIT):
                await self._take(_event(line))

    async def _take(self, event: Json) -> None:
        body = event["object"]
        match event["type"]:
            case "ADDED" | "MODIFIED" if is_partial(body):
                await self._follow(self._api.parse_metadata(body))
            case "ADDED" | "MODIFIED":
                self._ahead = False
                self._store.replace(self._api.parse(body))
            case "DELETED":
                self._api.parse_metadata(body)
                self._ahead = False
                self._store.replace(None)
            case "BOOKMARK":
                pass
            case "ERROR":
                raise _stream_error(body)
            case other:
                raise ApiUnavailable(f"the apiserver sent an event of unknown type {str(other)[:40]!r}")
        self._version = version_of(body) or self._version

    async def _follow(self, metadata: Metadata) -> None:
        """Bring the store to an event that has this metadata. Raises ApiError."""
        known = self._store.object
        if known is not None and known.metadata.uid == metadata.uid:
            caught_up = known.metadata.resource_version == metadata.resource_version
            if self._ahead and (caught_up or known.metadata.generation > metadata.generation):
                # The store does not go back in time.
                self._ahead = not caught_up
                return
            same = known.metadata.generation == metadata.generation and known.metadata.edits == metadata.edits
            if not self._ahead and same:
                self._store.replace(known.model_copy(update={"metadata": metadata}))
                return
        newest = await self._read(metadata)
        self._ahead = newest.metadata.resource_version != metadata.resource_version
        self._store.replace(newest)

    async def _read(self, metadata: Metadata) -> NodeNetworkState:
        """The object that has this metadata, or a newer version of it. Raises ApiError."""
        try:
            newest = await self._api.get()
        except (ApiTimeout, ApiThrottled, ApiForbidden) as error:
            # From a watch, these would let it go on at the same version. An object that cannot be read is listed.
            raise ApiUnavailable(str(error), retry_after=error.retry_after) from error
        if newest.metadata.uid != metadata.uid:
            raise ApiUnavailable("the object was replaced by another one before it could be read")
        if newest.metadata.generation < metadata.generation:
            raise ApiUnavailable("the apiserver sent an object that is older than its event")
        return newest


async def lines(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Split a stream into its lines, of any length up to `limit` bytes.

    Raises ApiUnavailable when a line is longer, or when the stream ends inside one: half an event is none.
    """
    pending = bytearray()
    async for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            line = bytes(pending) + chunk[start:end] if pending else chunk[start:end]
            pending.clear()
            start = end + 1
            if line.strip():
                yield line
        pending += chunk[start:]
        if len(pending) > limit:
            raise ApiUnavailable(f"the apiserver sent an event of more than {limit} bytes")
    if pending.strip():
        raise ApiUnavailable("the watch ended in the middle of an event")


def _event(line: bytes) -> Json:
    try:
        event = read(line)
    except ValueError as error:
        raise ApiUnavailable("the watch sent a line that is not JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("object"), dict) or "type" not in event:
        raise ApiUnavailable("the watch sent a line that is not an event")
    return event


def _stream_error(status: Json) -> ApiError:
    """The exception for an ERROR event, which carries a metav1.Status."""
    message = f"the watch ended with an error: {status.get('code')} {str(status.get('message'))[:400]}"
    match status.get("code"):
        case 410:
            return ApiGone(message)
        case 429:
            details = status.get("details")
            wait = details.get("retryAfterSeconds") if isinstance(details, dict) else None
            return ApiThrottled(message, retry_after=float(min(max(wait, 0), 300)) if isinstance(wait, int) else None)
        case _:
            return ApiUnavailable(message)


def _reason(failure: ApiError | None) -> str:
    match failure:
        case None:
            return "expired"
        case ApiGone():
            return "gone"
        case ApiRenewed():
            return "renewed"
        case ApiTimeout():
            return "silent"
        case ApiThrottled():
            return "throttled"
        case ApiForbidden():
            return "refused"
        case _:
            return "broken"

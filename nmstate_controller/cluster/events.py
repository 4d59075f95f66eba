"""Events about this node's object (events.k8s.io/v1), for `kubectl describe`. Loop only.

An event about a cluster-scoped object lives in the namespace `default`; the apiserver refuses it elsewhere. What
repeats becomes a series of one event, as client-go's recorder does it (tools/events/event_broadcaster.go); so does
what comes too often with ever new words, for the apiserver lets nothing but the series of an event change. What
cannot be sent is dropped: an event is a courtesy, the truth is in the conditions.
"""

import asyncio
import dataclasses
import uuid
from datetime import datetime
from typing import Final, Literal, NoReturn

import structlog

from nmstate_controller.api.conditions import brief
from nmstate_controller.api.models import GROUP, KIND, VERSION, NodeNetworkState
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.client import Client, Json
from nmstate_controller.errors import ApiError, ApiNotFound

SERIES_SECONDS: Final = 360.0
"""How long after the last one an event of the same kind still belongs to the same series; client-go's figure."""

BURST: Final = 25
"""Events that may be created at once; one more every REFILL_SECONDS. client-go's figures for one object."""

REFILL_SECONDS: Final = 300.0

_COLLECTION: Final = "/apis/events.k8s.io/v1/namespaces/default/events"
_WAITING: Final = 32
_NAME_LIMIT: Final = 253
# Of the apiserver, in bytes (pkg/apis/core/validation/events.go).
_NOTE_LIMIT: Final = 1024
_INSTANCE_LIMIT: Final = 128

log = structlog.get_logger(__name__)


@dataclasses.dataclass
class _Series:
    event: "_Event"
    name: str
    count: int
    last: float


@dataclasses.dataclass(frozen=True)
class _Event:
    name: str
    uid: str
    type: Literal["Normal", "Warning"]
    reason: str
    note: str
    moment: datetime


class Events:
    """`record` takes an event at any time and returns at once; `run` sends it."""

    def __init__(self, client: Client, clock: Clock, node_name: str) -> None:
        self._client = client
        self._clock = clock
        self._node_name = node_name
        self._queue: asyncio.Queue[_Event] = asyncio.Queue(_WAITING)
        self._series: list[_Series] = []
        self._budget = float(BURST)
        self._refilled = clock.monotonic()

    def record(self, subject: NodeNetworkState, kind: Literal["Normal", "Warning"], reason: str, note: str) -> None:
        """Tell that something happened to the object; the oldest event waiting gives way when too many wait."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(
            _Event(subject.metadata.name, subject.metadata.uid, kind, reason, _cut(note), self._clock.now())
        )

    async def run(self) -> NoReturn:
        """Send what is recorded, until cancelled."""
        while True:
            event = await self._queue.get()
            try:
                await self._send(event)
            except ApiError as error:
                log.warning("an event could not be sent", reason=event.reason, error=str(error))

    async def _send(self, event: _Event) -> None:
        now = self._clock.monotonic()
        self._series = [known for known in self._series if now - known.last < SERIES_SECONDS]
        self._budget = min(BURST, self._budget + (now - self._refilled) / REFILL_SECONDS)
        self._refilled = now
        series = self._series_of(event)
        if series is not None:
            try:
                await self._extend(series, event)
            except ApiNotFound:
                # The apiserver forgets events, after an hour by default: begin anew.
                self._series.remove(series)
            else:
                return
        if self._budget < 1:
            return
        self._budget -= 1
        name = _new_name(self._node_name)
        await self._client.request("create", "POST", _COLLECTION, body=self._body(name, event))
        self._series.append(_Series(event, name, 1, now))

    def _series_of(self, event: _Event) -> _Series | None:
        """The series that `event` goes on; when the budget is spent, any with the same reason does."""
        alike = [
            known
            for known in self._series
            if (known.event.uid, known.event.type, known.event.reason) == (event.uid, event.type, event.reason)
        ]
        same = [known for known in alike if known.event.note == event.note]
        found = same or (alike if self._budget < 1 else [])
        return found[-1] if found else None

    async def _extend(self, series: _Series, event: _Event) -> None:
        series.count += 1
        series.last = self._clock.monotonic()
        patch = {"series": {"count": series.count, "lastObservedTime": _micro_time(event.moment)}}
        await self._client.request(
            "patch",
            "PATCH",
            f"{_COLLECTION}/{series.name}",
            body=patch,
            content_type="application/merge-patch+json",
        )

    def _body(self, name: str, event: _Event) -> Json:
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": "default"},
            "eventTime": _micro_time(event.moment),
            "reportingController": f"{GROUP}/nmstate-controller",
            "reportingInstance": self._node_name[:_INSTANCE_LIMIT],
            "action": "Reconcile",
            "type": event.type,
            "reason": event.reason,
            "note": event.note,
            "regarding": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "name": event.name,
                "uid": event.uid,
            },
        }


def _new_name(node_name: str) -> str:
    """A new event's name: a DNS subdomain that begins with as much of the node's name as there is room for."""
    suffix = f".{uuid.uuid4().hex[:16]}"
    return node_name[: _NAME_LIMIT - len(suffix)].rstrip("-.") + suffix


def _cut(note: str) -> str:
    """A note on one line in as many bytes as an event may have."""
    line = brief(note)
    return line if len(line.encode()) <= _NOTE_LIMIT else line.encode()[: _NOTE_LIMIT - 3].decode(errors="ignore") + "…"


def _micro_time(moment: datetime) -> str:
    """`moment` as Kubernetes' MicroTime."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

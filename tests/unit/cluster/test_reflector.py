"""The store follows the object, whatever the streams do."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from nmstate_controller.api.models import Metadata, NodeNetworkState
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.client import Client
from nmstate_controller.cluster.reflector import Reflector, lines
from nmstate_controller.cluster.resource import NodeNetworkStates
from nmstate_controller.cluster.store import Store
from nmstate_controller.errors import ApiUnavailable
from nmstate_controller.metrics import Metrics
from tests.unit.apiserver import ApiServer, Fault, answer, connected, html, raw, reset, status_body


class EagerClock:
    """Waits are noted, and over at once."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return 0.0

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        assert seconds is not None
        self.waits.append(seconds)
        await asyncio.sleep(0)
        return event.is_set()


class RecordingStore(Store):
    """A store that knows of which generations the objects were that it has held."""

    def __init__(self) -> None:
        super().__init__()
        self.generations: list[int] = []

    def replace(self, newest: NodeNetworkState | None) -> None:
        super().replace(newest)
        if newest is not None:
            self.generations.append(newest.metadata.generation)


class Following:
    """A running reflector and what it knows."""

    def __init__(
        self, server: ApiServer, api: NodeNetworkStates, store: RecordingStore, clock: EagerClock, metrics: Metrics
    ) -> None:
        self.server = server
        self.api = api
        self.store = store
        self.clock = clock
        self._metrics = metrics
        self._changed = store.subscribe()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_watching(self, count: int = 1) -> None:
        await self.server.until(lambda: self.server.count("watch") >= count)

    def seen(self, generation: int) -> Callable[[], bool]:
        return lambda: self.store.object is not None and self.store.object.metadata.generation == generation

    def at(self, version: str) -> Callable[[], bool]:
        return lambda: self.store.object is not None and self.metadata.resource_version == version

    def annotated(self) -> bool:
        return self.store.object is not None and self.metadata.retry_at == "now"

    @property
    def metadata(self) -> Metadata:
        assert self.store.object is not None
        return self.store.object.metadata

    def restarts(self, reason: str) -> float:
        value = self._metrics.registry.get_sample_value("nmstate_controller_watch_restarts_total", {"reason": reason})
        assert value is not None
        return value


@contextlib.asynccontextmanager
async def following(
    server: ApiServer, client: Client, metrics: Metrics, *, inactivity: float = 20
) -> AsyncIterator[Following]:
    store = RecordingStore()
    clock = EagerClock()
    as_clock: Clock = clock  # type: ignore[assignment]  # the time of day is not asked for
    api = NodeNetworkStates(client, "node01")
    reflector = Reflector(api, store, metrics, as_clock, random.Random(1), inactivity=inactivity)
    task = asyncio.create_task(reflector.run())
    try:
        yield Following(server, api, store, clock, metrics)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def follower(server: ApiServer, client: Client, metrics: Metrics) -> AsyncIterator[Following]:
    await server.create()
    async with following(server, client, metrics) as running:
        await running.until(running.seen(1))
        await running.until_watching()
        yield running


async def test_edits_and_deletions_arrive(follower: Following) -> None:
    await follower.server.edit({"managed": False})
    await follower.until(follower.seen(2))
    assert follower.store.object is not None
    assert follower.store.object.spec.managed is False

    await follower.server.delete()
    await follower.until(lambda: follower.store.object is None)
    await follower.server.create()
    await follower.until(follower.seen(1))
    assert follower.server.count("list") == 1


async def test_an_empty_cluster_is_known_to_be_empty(server: ApiServer, client: Client, metrics: Metrics) -> None:
    async with following(server, client, metrics) as running:
        await running.until(lambda: running.store.synced)
        assert running.store.object is None


async def test_a_stream_that_ends_is_opened_again_without_a_list(follower: Following) -> None:
    await follower.server.edit({"managed": False})
    await follower.until(follower.seen(2))
    await follower.server.end_watches()
    await follower.until_watching(2)
    await follower.server.edit({"managed": True})

    await follower.until(follower.seen(3))

    assert follower.server.count("list") == 1
    assert follower.restarts("expired") == 1


@pytest.mark.parametrize("form", ["http", "event"])
async def test_a_version_too_old_is_listed_again(follower: Following, form: str) -> None:
    async def event(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        error = {"type": "ERROR", "object": status_body(410, "too old resource version")}
        await response.write(web.json_response(error).body + b"\n")  # type: ignore[operator]
        return response

    follower.server.faults["watch"] = [answer(410) if form == "http" else event]
    await follower.server.end_watches()
    await follower.until_watching(3)
    await follower.server.edit({"managed": False})

    await follower.until(follower.seen(2))

    assert follower.server.count("list") == 2
    assert follower.restarts("gone") == 1


async def test_retry_after_is_honoured_and_the_version_kept(follower: Following) -> None:
    follower.server.faults["watch"] = [answer(429, headers={"Retry-After": "7"})]
    await follower.server.end_watches()
    await follower.until_watching(3)

    assert 7.0 in follower.clock.waits
    assert follower.server.count("list") == 1


@pytest.mark.parametrize(
    "fault",
    [
        html,
        reset,
        answer(500),
        answer(403),
        raw(b'{"type": "MODIFIED", "object": {"metadata"'),
        raw(b"no json\n"),
        raw(b'{"type": "MODIFIED"}\n'),
        raw(b"[1]\n"),
        raw(b'{"type": "INVENTED", "object": {}}\n'),
        raw(b'{"type": "ERROR", "object": {}}\n'),
        raw(b'{"type": "ADDED", "object": {"metadata": {"generation": "many"}}}\n'),
        raw(),
    ],
    ids=[
        "html",
        "reset",
        "500",
        "403",
        "truncated",
        "nonsense",
        "no-object",
        "list",
        "type",
        "error",
        "schema",
        "empty",
    ],
)
async def test_a_broken_stream_is_waited_out(follower: Following, fault: Fault) -> None:
    follower.server.faults["watch"] = [fault]
    await follower.server.end_watches()
    await follower.until_watching(3)
    await follower.server.edit({"managed": False})

    await follower.until(follower.seen(2))

    assert follower.clock.waits


async def test_a_stream_that_always_ends_at_once_is_waited_out(follower: Following) -> None:
    event = json.dumps({"type": "MODIFIED", "object": follower.server.object}).encode()
    follower.server.faults["watch"] = [raw(event + b"\n") for _ in range(5)]
    await follower.server.end_watches()

    await follower.until_watching(7)

    assert follower.clock.waits[-1] > 5
    assert follower.server.count("list") == 1


async def test_an_etcd_restored_to_an_older_state_is_listed_anew(follower: Following) -> None:
    """Its apiserver is away for a while, and then silent to a watch from a version that it has not reached."""
    follower.server.rewind(50)
    follower.server.faults["watch"] = [answer(503)]
    await follower.server.end_watches()
    await follower.server.until(lambda: follower.server.count("list") == 2)

    await follower.server.edit({"managed": False})

    await follower.until(follower.seen(2))


async def test_another_nodes_object_is_none_of_ours(follower: Following) -> None:
    assert follower.server.object is not None
    other = {**follower.server.object, "metadata": {**follower.server.object["metadata"], "name": "node02"}}
    event = json.dumps({"type": "MODIFIED", "object": {**other, "spec": {"managed": False}}}).encode()
    listed = {"metadata": {"resourceVersion": "7"}, "items": [other]}
    follower.server.faults["watch"] = [raw(event + b"\n")]
    follower.server.faults["list"] = [raw(json.dumps(listed).encode())]
    await follower.server.end_watches()
    await follower.until_watching(3)

    assert follower.store.object is not None
    assert follower.store.object.metadata.name == "node01"


async def test_an_apiserver_that_is_away_is_waited_for(server: ApiServer, client: Client, metrics: Metrics) -> None:
    server.faults["list"] = [reset, html, answer(503)]
    await server.create()
    async with following(server, client, metrics) as running:
        await running.until(running.seen(1))
        assert server.faults["list"] == []
        assert len(running.clock.waits) >= 2  # aiohttp itself repeats a GET whose connection was reset


async def test_a_silent_stream_is_opened_again(server: ApiServer, client: Client, metrics: Metrics) -> None:
    await server.create()
    async with following(server, client, metrics, inactivity=0.05) as running:
        await running.until_watching(3)
        assert server.count("list") >= 2


async def test_a_watch_that_is_not_answered_is_opened_again(server: ApiServer, metrics: Metrics) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await gone.wait()
        return web.Response()

    gone = asyncio.Event()
    server.faults["watch"] = [hang]
    async with (
        connected(server, metrics, timeout=0.1) as client,
        following(server, client, metrics, inactivity=20) as running,
    ):
        await running.until_watching(2)
        assert server.count("list") == 2
        gone.set()


async def test_an_event_of_five_megabytes_arrives(follower: Following) -> None:
    await follower.server.edit({"desiredState": {"interfaces": [{"name": "x" * 5_000_000}]}})

    await follower.until(follower.seen(2))


# Events of metadata alone.


async def test_a_server_that_sends_whole_objects_is_followed_without_reading_any(follower: Following) -> None:
    follower.server.knows_partial = False
    await follower.server.edit({"managed": False})
    await follower.until(follower.seen(2))
    await follower.server.touch({"nmstate.io/retry-at": "now"})
    await follower.until(follower.annotated)
    await follower.server.delete()
    await follower.until(lambda: follower.store.object is None)

    assert follower.server.count("get") == 0


async def test_an_edit_is_read_once_and_a_write_of_status_never(follower: Following) -> None:
    assert follower.server.object is not None
    for written in range(3):
        status = {"observedGeneration": written}
        body = follower.api.status_body(follower.server.object["metadata"]["resourceVersion"], status)
        metadata = await follower.api.replace_status(body)
        await follower.until(follower.at(metadata.resource_version))
    assert follower.server.count("get") == 0

    await follower.server.edit({"managed": False})
    await follower.until(follower.seen(2))

    assert follower.server.count("get") == 1
    assert follower.server.count("list") == 1


async def test_an_edit_that_has_the_generation_of_another_is_seen(follower: Following) -> None:
    """An etcd that was restored counts generations anew, and a watch may have gone on over it."""
    await follower.server.restore({"managed": False}, generation=1)

    await follower.until(lambda: follower.store.object is not None and not follower.store.object.spec.managed)


async def test_annotations_finalizers_and_a_deletion_are_seen(follower: Following) -> None:
    await follower.server.touch({"nmstate.io/retry-at": "now"})
    await follower.until(follower.annotated)
    newest = await follower.api.get_metadata()
    await follower.api.set_finalizers(newest.resource_version, ["nmstate.io/revert"])
    await follower.until(lambda: follower.metadata.finalizers == ["nmstate.io/revert"])
    await follower.server.delete()
    await follower.until(lambda: follower.metadata.deletion_timestamp is not None)

    assert follower.server.count("list") == 1


async def test_an_object_that_is_newer_than_its_event_does_not_go_back(follower: Following) -> None:
    async def late(_: web.Request) -> web.StreamResponse:
        for managed in (True, False):
            await follower.server.edit({"managed": managed})
        await follower.server.touch({"nmstate.io/retry-at": "now"})
        return web.json_response(follower.server.object)

    follower.server.faults["get"] = [late]
    await follower.server.edit({"managed": False})
    await follower.until(follower.seen(4))
    assert follower.annotated()
    follower.server.forget()
    await follower.server.touch({"nmstate.io/retry-at": "later"})
    await follower.until(lambda: follower.metadata.retry_at == "later")

    seen = follower.store.generations
    assert (seen[0], seen[1], seen[-1]) == (1, 4, 4)
    assert seen == sorted(seen)


@pytest.mark.parametrize("fault", [answer(404), answer(403), answer(429), answer(500), html, reset, raw(b"{}")])
async def test_an_object_that_cannot_be_read_is_listed(follower: Following, fault: Fault) -> None:
    follower.server.faults["get"] = [fault] * 3  # aiohttp itself repeats a GET whose connection was reset
    await follower.server.edit({"managed": False})

    await follower.until(follower.seen(2))

    assert follower.server.count("list") == 2
    assert follower.store.object is not None
    assert follower.store.object.spec.managed is False


@pytest.mark.parametrize("form", ["older", "metadata alone", "another"])
async def test_an_object_that_is_not_the_one_of_the_event_is_listed(follower: Following, form: str) -> None:
    old = follower.server.object
    assert old is not None

    async def cached(_: web.Request) -> web.StreamResponse:
        metadata = (follower.server.object or {})["metadata"]
        answers = {
            "older": old,
            "metadata alone": {"kind": "PartialObjectMetadata", "metadata": metadata},
            "another": {**old, "metadata": {**metadata, "uid": "another"}},
        }
        return web.json_response(answers[form])

    follower.server.faults["get"] = [cached]
    await follower.server.edit({"managed": False})
    await follower.until(follower.seen(2))

    assert follower.store.object is not None
    assert follower.store.object.spec.managed is False
    assert follower.server.count("list") == 2


async def test_an_object_that_is_replaced_before_it_is_read_is_the_new_one(follower: Following) -> None:
    async def replaced(_: web.Request) -> web.StreamResponse:
        await follower.server.delete()
        return web.json_response(await follower.server.create({"managed": True}))

    follower.server.faults["get"] = [replaced]
    before = follower.metadata.uid
    await follower.server.edit({"managed": False})

    await follower.until(lambda: follower.store.object is not None and follower.metadata.uid != before)

    assert follower.metadata.generation == 1


async def test_a_bookmark_of_metadata_alone_moves_the_version_on(follower: Following) -> None:
    bookmark = {"type": "BOOKMARK", "object": {"kind": "PartialObjectMetadata", "metadata": {"resourceVersion": "7"}}}
    versions: list[str] = []

    async def next_watch(request: web.Request) -> web.StreamResponse:
        versions.append(request.query["resourceVersion"])
        return await raw()(request)

    follower.server.faults["watch"] = [raw(json.dumps(bookmark).encode() + b"\n"), next_watch]
    await follower.server.end_watches()
    await follower.until_watching(4)

    assert versions == ["7"]


async def chunked(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_lines_do_not_care_where_chunks_end() -> None:
    found = [line async for line in lines(chunked(b"a", b"b\n\nc", b"d\ne\n"), limit=10)]

    assert found == [b"ab", b"cd", b"e"]


async def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(ApiUnavailable, match="more than 10 bytes"):
        [line async for line in lines(chunked(b"x" * 6, b"y" * 6), limit=10)]

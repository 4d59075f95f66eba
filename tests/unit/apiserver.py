"""A fake apiserver for what the real one cannot be made to do: it holds one object and misbehaves on request.

It keeps Kubernetes' rules that matter here: resourceVersions, 409 on a stale one, generation raised by spec alone,
status as a subresource, watches from a version.
"""

import asyncio
import contextlib
import copy
import dataclasses
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import web
from kubernetes_asyncio import client as kubernetes

from nmstate_controller.cluster.client import Client
from nmstate_controller.errors import ApiConflict, ApiNotFound, ApiTimeout
from nmstate_controller.metrics import Metrics

Json = dict[str, Any]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]

COLLECTION = "/apis/nmstate.io/v1/nodenetworkstates"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"


def status_body(code: int, message: str, **details: Any) -> Json:
    """A metav1.Status as an apiserver sends it with an error."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "message": message,
        "details": details,
    }


def answer(code: int, message: str = "made up by the test", headers: dict[str, str] | None = None) -> Fault:
    """A fault: one answer with an error status."""

    async def fault(_: web.Request) -> web.StreamResponse:
        return web.json_response(status_body(code, message), status=code, headers=headers)

    return fault


def raw(*chunks: bytes) -> Fault:
    """A fault: a stream that sends those bytes and ends."""

    async def fault(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        return response

    return fault


async def html(_: web.Request) -> web.StreamResponse:
    """A fault: what a gateway says of a server that is away."""
    return web.Response(status=502, text="<html><body>Bad Gateway</body></html>", content_type="text/html")


async def reset(request: web.Request) -> web.StreamResponse:
    """A fault: the connection breaks."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@dataclasses.dataclass(frozen=True)
class Request:
    """What of a request matters here. `name` is that of the object, or of the event."""

    name: str
    query: Mapping[str, str]
    body: Json
    accept: str = "application/json"


class ApiServer:
    """One NodeNetworkState named node01. `faults[verb]` holds handlers that answer the next requests instead."""

    def __init__(self) -> None:
        self.object: Json | None = None
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[str] = []
        self.events: dict[str, Json] = {}
        self.version: Json = {"gitVersion": "v1.36.3"}
        self.knows_partial = True
        """Whether it sends the metadata of an object alone to who accepts that."""
        self.tokens: set[str] | None = None
        """The tokens that do; None: nobody asks for one."""
        self.port = 0
        self._version = 100
        self._events: list[tuple[int, Json]] = []
        self._changed = asyncio.Condition()
        self._watchers: set[asyncio.Event] = set()

    # What tests do to the object.

    async def edit(self, spec: Json) -> Json:
        """Merge keys into spec, as `kubectl patch --type merge` does at its top level; raises generation."""
        assert self.object is not None
        changed = {**self.object, "spec": {**self.object["spec"], **spec}}
        metadata = dict(changed["metadata"])
        metadata["generation"] += 1
        changed["metadata"] = metadata
        return await self._store("MODIFIED", changed)

    async def touch(self, annotations: dict[str, str] | None = None) -> Json:
        """Change metadata only."""
        assert self.object is not None
        metadata = {**self.object["metadata"], "labels": {"touched": str(self._version)}}
        metadata["annotations"] = annotations or {}
        return await self._store("MODIFIED", {**self.object, "metadata": metadata})

    async def restore(self, spec: Json, generation: int) -> Json:
        """Put an older object in place, with the same uid, as a restored etcd does."""
        assert self.object is not None
        metadata = {**self.object["metadata"], "generation": generation}
        return await self._store("MODIFIED", {**self.object, "metadata": metadata, "spec": spec})

    def rewind(self, version: int) -> None:
        """Go on counting from an earlier resourceVersion and know of no event before, as over a restored etcd."""
        assert self.object is not None
        self._version = version
        self._events.clear()
        self.object = {**self.object, "metadata": {**self.object["metadata"], "resourceVersion": str(version)}}

    async def delete(self) -> None:
        """Remove the object, or have it wait for its finalizers."""
        assert self.object is not None
        metadata = self.object["metadata"]
        if metadata.get("finalizers"):
            doomed = {"deletionTimestamp": "2026-01-01T00:00:00Z", "generation": metadata["generation"] + 1}
            await self._store("MODIFIED", {**self.object, "metadata": {**metadata, **doomed}})
            return
        await self._store("DELETED", self.object)
        self.object = None

    async def create(self, spec: Json | None = None, status: Json | None = None) -> Json:
        """Put an object there."""
        metadata = {"name": "node01", "uid": f"uid-{self._version}", "generation": 1}
        seen = status or {"observedGeneration": -1}  # the CRD's default
        return await self._store("ADDED", {"metadata": metadata, "spec": spec or {}, "status": seen})

    def forget(self) -> None:
        """Drop the history, as a compaction does; who watches has seen it."""
        self._events = self._events[-1:]
        self.requests.clear()

    async def end_watches(self) -> None:
        """End every stream cleanly, as a server does at timeoutSeconds."""
        for event in self._watchers:
            event.set()
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; it is looked at after each request and each change of the object."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(condition)

    @property
    def status(self) -> Json:
        """The object's status."""
        assert self.object is not None
        return dict(self.object["status"])

    def condition(self, kind: str) -> tuple[str, str] | None:
        """Status and reason of one condition."""
        conditions = (self.object or {}).get("status", {}).get("conditions", [])
        return next(((c["status"], c["reason"]) for c in conditions if c["type"] == kind), None)

    def count(self, verb: str) -> int:
        """Requests with that verb so far."""
        return self.requests.count(verb)

    async def _store(self, kind: str, changed: Json, subresource: str = "") -> Json:
        self._version += 1
        metadata = changed["metadata"]
        others = [known for known in metadata.get("managedFields", []) if known.get("subresource", "") != subresource]
        managed = [*others, {"manager": "somebody", "subresource": subresource, "time": str(self._version)}]
        metadata = {**metadata, "resourceVersion": str(self._version), "managedFields": managed}
        changed = {**changed, "metadata": metadata}
        async with self._changed:
            self.object = changed
            self._events.append((self._version, {"type": kind, "object": changed}))
            self._changed.notify_all()
        return changed

    async def events_since(self, version: int, accept: str) -> AsyncGenerator[Json, None]:
        """The events after that version, as they come."""
        while True:
            for number, event in [*self._events]:
                if number > version:
                    version = number
                    yield {**event, "object": self._shown(event["object"], accept)}
            async with self._changed:
                while self._version <= version:
                    await self._changed.wait()

    async def answer(self, verb: str, request: Request) -> tuple[int, Json]:
        """The status and the body that a request gets when nothing is wrong."""
        rules: dict[str, Callable[[Request], Awaitable[tuple[int, Json]]]] = {
            "list": self._list,
            "get": self._get,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "create-event": self._create_event,
            "patch-event": self._patch_event,
            "version": self._tell_version,
        }
        status, found = await rules[verb](request)
        return status, self._shown(found, request.accept) if status < 300 and verb in (
            "get",
            "update",
            "patch",
        ) else found

    def _shown(self, whole: Json, accept: str) -> Json:
        """An object as it is sent to who accepts that."""
        if not self.knows_partial or "as=PartialObjectMetadata;" not in accept:
            return whole
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": whole["metadata"]}

    # The HTTP side.

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application(client_max_size=8 * 1024 * 1024)
        application.router.add_get(COLLECTION, self._collection)
        application.router.add_get("/version", self._handler("version"))
        application.router.add_post(COLLECTION, self._handler("create"))
        application.router.add_get(f"{COLLECTION}/{{name}}", self._handler("get"))
        application.router.add_patch(f"{COLLECTION}/{{name}}", self._handler("patch"))
        application.router.add_post(EVENTS, self._handler("create-event"))
        application.router.add_patch(f"{EVENTS}/{{name}}", self._handler("patch-event"))
        application.router.add_put(f"{COLLECTION}/{{name}}/status", self._handler("update"))
        return application

    def _handler(self, verb: str, handle: Fault | None = None) -> Fault:
        async def handler(request: web.Request) -> web.StreamResponse:
            async with self._changed:
                self.requests.append(verb)
                self._changed.notify_all()
            if self.tokens is not None and request.headers.get("Authorization", "")[7:] not in self.tokens:
                return web.json_response(status_body(401, "Unauthorized"), status=401)
            if faults := self.faults.get(verb):
                return await faults.pop(0)(request)
            if handle is not None:
                return await handle(request)
            body = await request.json() if request.can_read_body else {}
            status, answer = await self.answer(
                verb, Request(request.match_info.get("name", ""), dict(request.query), body, request.headers["Accept"])
            )
            return web.json_response(answer, status=status)

        return handler

    async def _collection(self, request: web.Request) -> web.StreamResponse:
        handler = self._handler("watch", self._watch) if "watch" in request.query else self._handler("list")
        return await handler(request)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        since = int(request.query["resourceVersion"])
        end = asyncio.Event()
        self._watchers.add(end)
        try:
            while not end.is_set():
                for version, event in [*self._events]:
                    if version > since:
                        since = version
                        shown = {**event, "object": self._shown(event["object"], request.headers["Accept"])}
                        await response.write(json.dumps(shown).encode() + b"\n")
                async with self._changed:
                    while not end.is_set() and self._version <= since:
                        await self._changed.wait()
        finally:
            self._watchers.discard(end)
        return response

    # The rules.

    async def _list(self, request: Request) -> tuple[int, Json]:
        assert request.query["fieldSelector"] == "metadata.name=node01"
        items = [self.object] if self.object else []
        return 200, {"metadata": {"resourceVersion": str(self._version)}, "items": items}

    async def _get(self, _: Request) -> tuple[int, Json]:
        return (404, status_body(404, "not found")) if self.object is None else (200, self.object)

    async def _create(self, request: Request) -> tuple[int, Json]:
        if self.object is not None:
            return 409, status_body(409, "already exists")
        return 201, await self.create(spec=request.body["spec"])

    async def _update(self, request: Request) -> tuple[int, Json]:
        if self.object is None:
            return 404, status_body(404, "not found")
        if request.body["metadata"]["resourceVersion"] != self.object["metadata"]["resourceVersion"]:
            return 409, status_body(409, "the object has been modified")
        return 200, await self._store("MODIFIED", {**self.object, "status": request.body["status"]}, "status")

    async def _patch(self, request: Request) -> tuple[int, Json]:
        if self.object is None:
            return 404, status_body(404, "not found")
        patch, metadata = request.body, self.object["metadata"]
        assert patch.keys() == {"metadata"}
        assert patch["metadata"].keys() == {"finalizers", "resourceVersion"}
        if patch["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            return 409, status_body(409, "the object has been modified")
        changed = {**self.object, "metadata": {**metadata, "finalizers": patch["metadata"]["finalizers"]}}
        if "deletionTimestamp" in metadata and not changed["metadata"]["finalizers"]:
            await self._store("DELETED", changed)
            self.object = None
            return 200, changed
        return 200, await self._store("MODIFIED", changed)

    async def _tell_version(self, _: Request) -> tuple[int, Json]:
        return 200, self.version

    async def _create_event(self, request: Request) -> tuple[int, Json]:
        async with self._changed:
            self.events[request.body["metadata"]["name"]] = request.body
            self._changed.notify_all()
        return 201, request.body

    async def _patch_event(self, request: Request) -> tuple[int, Json]:
        event = self.events.get(request.name)
        if event is None:
            return 404, status_body(404, "not found")
        assert request.body.keys() == {"series"}, "the apiserver lets nothing else of an event change"
        async with self._changed:
            event.update(request.body)
            self._changed.notify_all()
        return 200, event


class Listening(Protocol):
    """What can be connected to, on loopback."""

    port: int


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[ApiServer]:
    """A fake apiserver that listens on loopback."""
    server = ApiServer()
    runner = web.AppRunner(server.application(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.port = runner.addresses[0][1]
        yield server
    finally:
        await server.end_watches()
        await runner.cleanup()


@contextlib.asynccontextmanager
async def connected(server: Listening, metrics: Metrics, *, timeout: float = 5) -> AsyncIterator[Client]:
    """A client of that server, or of what is in front of it."""
    configuration = kubernetes.Configuration(host=f"http://127.0.0.1:{server.port}")
    async with Client(configuration, metrics, timeout=timeout) as client:
        yield client


class DirectClient(Client):
    """A client without a network between it and the server. `steps` is told of every request and answer, and may fail.

    What it is told is the server's verb, and that followed by "answered".
    """

    def __init__(self, server: ApiServer, steps: Callable[[str], Awaitable[None]]) -> None:
        self._server = server
        self._steps = steps

    def on_renewal(self) -> asyncio.Event:
        return asyncio.Event()

    async def request(
        self,
        verb: str,
        method: str,  # noqa: ARG002
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | bytes | None = None,
        content_type: str = "application/json",  # noqa: ARG002
        accept: str = "application/json",
    ) -> Json:
        rule = f"{verb}-event" if path.startswith(EVENTS) else verb
        self._server.requests.append(rule)
        await self._steps(rule)
        sent = json.loads(body) if isinstance(body, bytes) else copy.deepcopy(body or {})
        request = Request(path.rpartition("/")[2], query or {}, sent, accept)
        code, answer = await self._server.answer(rule, request)
        await self._steps(f"{rule} answered")
        if code >= 400:
            errors = {404: ApiNotFound, 409: ApiConflict}
            raise errors[code](str(answer["message"]))
        return copy.deepcopy(answer)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        verb: str,
        path: str,  # noqa: ARG002
        *,
        query: Mapping[str, str],
        inactivity: float,
        accept: str = "application/json",
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        await self._steps(verb)
        async with contextlib.aclosing(self._chunks(int(query["resourceVersion"]), inactivity, accept)) as chunks:
            yield chunks

    async def _chunks(self, version: int, inactivity: float, accept: str) -> AsyncGenerator[bytes, None]:
        async with contextlib.aclosing(self._server.events_since(version, accept)) as events:
            while True:
                try:
                    async with asyncio.timeout(inactivity):
                        event = await anext(events)
                except TimeoutError as error:
                    raise ApiTimeout("nothing was heard for long") from error
                await self._steps("watched")
                yield json.dumps(event).encode() + b"\n"

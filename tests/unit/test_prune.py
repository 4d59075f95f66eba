"""Only objects whose node is gone are removed, as they were looked at, and nobody else's finalizer is taken away."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from kubernetes_asyncio import client as kubernetes

from nmstate_controller.cluster.resource import COLLECTION
from nmstate_controller.commands.prune import prune
from tests.unit.apiserver import status_body

Json = dict[str, Any]
NODES = "/api/v1/nodes"


class Cluster:
    """An apiserver with objects and no nodes: deletion with preconditions, finalizers, resourceVersions."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.after_list: list[Json] = []
        """Objects that somebody puts in place between the list and the deletion."""
        self._version = 1

    def put(self, name: str, *finalizers: str) -> None:
        """An object of that name takes the place of the one before."""
        self._version += 1
        self.objects[name] = {
            "metadata": {
                "name": name,
                "uid": f"uid-{self._version}",
                "resourceVersion": str(self._version),
                "finalizers": list(finalizers),
            }
        }

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get(NODES, self._nodes)
        application.router.add_get(COLLECTION, self._list)
        application.router.add_get(f"{COLLECTION}/{{name}}", self._get)
        application.router.add_delete(f"{COLLECTION}/{{name}}", self._delete)
        application.router.add_patch(f"{COLLECTION}/{{name}}", self._patch)
        return application

    async def _nodes(self, _: web.Request) -> web.Response:
        for changed in self.after_list:
            self.put(changed["name"], *changed["finalizers"])
        return web.json_response({"metadata": {}, "items": []})

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response({"metadata": {}, "items": list(self.objects.values())})

    async def _get(self, request: web.Request) -> web.Response:
        found = self.objects.get(request.match_info["name"])
        return self._answer(404, "not found") if found is None else web.json_response(found)

    async def _delete(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        options = await request.json() if request.can_read_body else {}
        wanted = options.get("preconditions", {})
        metadata = self.objects[name]["metadata"]
        if any(metadata[key] != value for key, value in wanted.items()):
            return self._answer(409, "the precondition does not hold")
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        return self._settle(name)

    async def _patch(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.objects:
            return self._answer(404, "not found")
        metadata = self.objects[name]["metadata"]
        changes = (await request.json())["metadata"]
        if changes.get("resourceVersion", metadata["resourceVersion"]) != metadata["resourceVersion"]:
            return self._answer(409, "the object has been modified")
        metadata["finalizers"] = changes["finalizers"] or []
        return self._settle(name)

    def _settle(self, name: str) -> web.Response:
        metadata = self.objects[name]["metadata"]
        self._version += 1
        metadata["resourceVersion"] = str(self._version)
        found = self.objects[name]
        if "deletionTimestamp" in metadata and not metadata["finalizers"]:
            del self.objects[name]
        return web.json_response(found)

    def _answer(self, code: int, message: str) -> web.Response:
        return web.json_response(status_body(code, message), status=code)


@contextlib.asynccontextmanager
async def running(cluster: Cluster) -> AsyncIterator[int]:
    runner = web.AppRunner(cluster.application(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    """A cluster that the current kubeconfig leads to."""
    found = Cluster()
    async with running(found) as port:

        async def load_configuration() -> kubernetes.Configuration:
            return kubernetes.Configuration(host=f"http://127.0.0.1:{port}")

        monkeypatch.setattr("nmstate_controller.commands.prune.load_configuration", load_configuration)
        yield found


async def test_an_object_with_only_our_finalizer_is_deleted(cluster: Cluster) -> None:
    cluster.put("gone", "nmstate.io/revert")

    assert await prune(delete=True) == ["nodenetworkstate/gone deleted"]
    assert cluster.objects == {}


async def test_somebody_elses_finalizer_stays_and_is_named(cluster: Cluster) -> None:
    cluster.put("gone", "example.com/backup", "nmstate.io/revert")

    assert await prune(delete=True) == [
        "nodenetworkstate/gone is being deleted; it stays until its finalizers are removed: example.com/backup"
    ]
    assert cluster.objects["gone"]["metadata"]["finalizers"] == ["example.com/backup"]


async def test_an_object_that_took_the_place_of_the_one_looked_at_is_left_alone(cluster: Cluster) -> None:
    cluster.put("gone", "nmstate.io/revert")
    cluster.put("other")
    cluster.after_list = [{"name": "gone", "finalizers": ["nmstate.io/revert"]}]

    assert await prune(delete=True) == [
        "nodenetworkstate/gone changed meanwhile and was not deleted; run prune again",
        "nodenetworkstate/other deleted",
    ]
    assert cluster.objects["gone"]["metadata"]["finalizers"] == ["nmstate.io/revert"]
    assert "deletionTimestamp" not in cluster.objects["gone"]["metadata"]

"""Requests about this node's NodeNetworkState. Loop only."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Final

from pydantic import ValidationError

from nmstate_controller.api.models import GROUP, KIND, PLURAL, VERSION, NodeNetworkState
from nmstate_controller.api.reading import read_object
from nmstate_controller.cluster.client import Client, Json
from nmstate_controller.errors import ApiUnavailable

COLLECTION: Final = f"/apis/{GROUP}/{VERSION}/{PLURAL}"


class NodeNetworkStates:
    """The one object that this agent reads and writes. Every method raises ApiError."""

    def __init__(self, client: Client, node_name: str) -> None:
        self._client = client
        self._name = node_name
        self._path = f"{COLLECTION}/{node_name}"
        self._selector = {"fieldSelector": f"metadata.name={node_name}"}

    def on_renewal(self) -> asyncio.Event:
        """As `Client.on_renewal`."""
        return self._client.on_renewal()

    async def list(self) -> tuple[NodeNetworkState | None, str]:
        """The object, or None, and the resourceVersion to watch from. A quorum read: no older than this moment."""
        answer = await self._client.request("list", "GET", COLLECTION, query=self._selector)
        version = version_of(answer)
        items = answer.get("items") or []
        if version is None or not isinstance(items, list) or len(items) > 1:
            raise ApiUnavailable(f"the apiserver sent a list that cannot be the one of {self._name} alone")
        return (self.parse(items[0]) if items else None), version

    @contextlib.asynccontextmanager
    async def watch(
        self, resource_version: str, *, timeout: int, inactivity: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The changes since `resource_version` as chunks of JSON lines, for at most `timeout` seconds."""
        query = {
            **self._selector,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(timeout),
        }
        async with self._client.stream("watch", COLLECTION, query=query, inactivity=inactivity) as chunks:
            yield chunks

    async def get(self) -> NodeNetworkState:
        """The object as it is now."""
        return self.parse(await self._client.request("get", "GET", self._path))

    async def create(self) -> NodeNetworkState:
        """Create the object without any desire: from here on the spec is the user's."""
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "metadata": {"name": self._name},
            "spec": {"nodeName": self._name},
        }
        return self.parse(await self._client.request("create", "POST", COLLECTION, body=body))

    async def replace_status(self, resource_version: str, status: Json) -> tuple[NodeNetworkState, int]:
        """Replace the whole status, if the object is still at `resource_version`; else ApiConflict.

        Returns the object as it is after that, and the size of the request in bytes.
        """
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "metadata": {"name": self._name, "resourceVersion": resource_version},
            "status": status,
        }
        answer = await self._client.request("update", "PUT", f"{self._path}/status", body=body)
        return self.parse(answer), len(json.dumps(body))

    async def set_finalizers(self, resource_version: str, finalizers: Sequence[str]) -> NodeNetworkState:
        """Replace metadata.finalizers, if the object is still at `resource_version`; else ApiConflict."""
        body = {"metadata": {"finalizers": list(finalizers), "resourceVersion": resource_version}}
        answer = await self._client.request(
            "patch", "PATCH", self._path, body=body, content_type="application/merge-patch+json"
        )
        return self.parse(answer)

    def parse(self, body: Json) -> NodeNetworkState:
        """The object in an answer or an event.

        Raises ApiUnavailable when it is none, or another node's: whatever answers there, what it wants is not for this
        node.
        """
        try:
            parsed = read_object(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(["metadata", *(str(part) for part in first["loc"])])
            raise ApiUnavailable(f"received an invalid {KIND}: {where}: {first['msg']}") from error
        if parsed.metadata.name != self._name:
            raise ApiUnavailable(f"the apiserver sent the {KIND} of {parsed.metadata.name!r} for {self._name!r}")
        return parsed


def version_of(body: Json) -> str | None:
    """metadata.resourceVersion of an object or a list; None when it has none."""
    metadata = body.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) and version else None

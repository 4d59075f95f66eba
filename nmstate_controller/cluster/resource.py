"""Requests about this node's NodeNetworkState. Loop only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from pydantic import ValidationError

from nmstate_controller.api.models import GROUP, KIND, PLURAL, VERSION, Metadata, NodeNetworkState
from nmstate_controller.api.reading import read_metadata, read_object
from nmstate_controller.cluster.answers import write
from nmstate_controller.cluster.client import Client, Json
from nmstate_controller.errors import ApiUnavailable

METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
"""Accept: an object's metadata alone; all of the object from a server that cannot, which is as good."""

COLLECTION: Final = f"/apis/{GROUP}/{VERSION}/{PLURAL}"


class NodeNetworkStates:
    """The one object that this agent reads and writes. Every method raises ApiError."""

    def __init__(self, client: Client, node_name: str) -> None:
        self._client = client
        self._name = node_name
        self._path = f"{COLLECTION}/{node_name}"
        self._selector = {"fieldSelector": f"metadata.name={node_name}"}
        self.reads_status = True
        """Whether objects are returned with their status: until it is adopted, for the agent is its only writer."""

    def on_renewal(self) -> asyncio.Event:
        """As `Client.on_renewal`."""
        return self._client.on_renewal()

    async def list(self) -> tuple[NodeNetworkState | None, str]:
        """The object, or None, and the resourceVersion to watch from. A quorum read: no older than this moment."""
        answer = await self._client.request("list", "GET", COLLECTION, query=self._selector)
        version = version_of(answer)
        items = answer.get("items") or []
        if version is None or not isinstance(items, list) or len(items) > 1 or not _are_objects(items):
            raise ApiUnavailable(f"the apiserver sent a list that cannot be the one of {self._name} alone")
        return (self.parse(items[0]) if items else None), version

    @contextlib.asynccontextmanager
    async def watch(
        self, resource_version: str, *, timeout: int, inactivity: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The changes since `resource_version` as chunks of JSON lines, for at most `timeout` seconds.

        Their objects are PartialObjectMetadata, or whole when the server does not know it.
        """
        query = {
            **self._selector,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(timeout),
        }
        async with self._client.stream(
            "watch", COLLECTION, query=query, inactivity=inactivity, accept=METADATA_ONLY
        ) as chunks:
            yield chunks

    async def get(self) -> NodeNetworkState:
        """The object as it is now."""
        return self.parse(await self._client.request("get", "GET", self._path))

    async def get_metadata(self) -> Metadata:
        """The object's metadata as it is now."""
        return self.parse_metadata(await self._client.request("get", "GET", self._path, accept=METADATA_ONLY))

    async def create(self) -> NodeNetworkState:
        """Create the object without any desire: from here on the spec is the user's."""
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "metadata": {"name": self._name},
            "spec": {"nodeName": self._name},
        }
        return self.parse(await self._client.request("create", "POST", COLLECTION, body=body))

    def status_body(self, resource_version: str, status: Json) -> bytes:
        """The body that replaces the whole status of the object at `resource_version`."""
        return write(
            {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "metadata": {"name": self._name, "resourceVersion": resource_version},
                "status": status,
            }
        )

    async def replace_status(self, body: bytes) -> Metadata:
        """Replace the whole status by a `status_body`, if the object is still at its version; else ApiConflict.

        Returns the object's metadata after that.
        """
        path = f"{self._path}/status"
        return self.parse_metadata(await self._client.request("update", "PUT", path, body=body, accept=METADATA_ONLY))

    async def set_finalizers(self, resource_version: str, finalizers: Sequence[str]) -> None:
        """Replace metadata.finalizers, if the object is still at `resource_version`; else ApiConflict."""
        body = {"metadata": {"finalizers": list(finalizers), "resourceVersion": resource_version}}
        answer = await self._client.request(
            "patch",
            "PATCH",
            self._path,
            body=body,
            content_type="application/merge-patch+json",
            accept=METADATA_ONLY,
        )
        self.parse_metadata(answer)

    def parse(self, body: Json) -> NodeNetworkState:
        """The object in an answer or an event.

        Raises ApiUnavailable when it is none, or another node's: whatever answers there, what it wants is not for this
        node.
        """
        if is_partial(body):
            # A cache that does not tell the two apart. Without this its spec would be one that asks for nothing.
            raise ApiUnavailable(f"the apiserver sent the metadata of a {KIND} instead of all of it")
        with _valid():
            parsed = read_object(body, with_status=self.reads_status)
        self._expect_own(parsed.metadata)
        return parsed

    def parse_metadata(self, body: Json) -> Metadata:
        """The metadata of such an object, whole or not. Raises ApiUnavailable as `parse` does."""
        with _valid():
            metadata = read_metadata(body)
        self._expect_own(metadata)
        return metadata

    def _expect_own(self, metadata: Metadata) -> None:
        if metadata.name != self._name:
            raise ApiUnavailable(f"the apiserver sent the {KIND} of {metadata.name!r} for {self._name!r}")


@contextlib.contextmanager
def _valid() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(["metadata", *(str(part) for part in first["loc"])])
        raise ApiUnavailable(f"received an invalid {KIND}: {where}: {first['msg']}") from error


def _are_objects(items: Sequence[Any]) -> bool:
    return all(isinstance(item, dict) for item in items)


def is_partial(body: Json) -> bool:
    """Whether it is a PartialObjectMetadata: an object of which the server sent the metadata alone."""
    return body.get("kind") == "PartialObjectMetadata"


def version_of(body: Json) -> str | None:
    """metadata.resourceVersion of an object or a list; None when it has none."""
    metadata = body.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) and version else None

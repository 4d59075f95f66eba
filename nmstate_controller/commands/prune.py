"""Objects whose node is gone for good, as an administrator finds and removes them: `nmstate-controller prune`."""

import contextlib

from nmstate_controller.api.models import REVERT_FINALIZER
from nmstate_controller.cluster.client import Client, Json
from nmstate_controller.cluster.credentials import load_configuration
from nmstate_controller.cluster.resource import COLLECTION
from nmstate_controller.errors import ApiConflict, ApiNotFound
from nmstate_controller.metrics import Metrics

_SECONDS = 30.0
# A page of the largest objects there can be is still an answer that the client reads.
_PAGE = "16"
_CONFLICT_TRIES = 3


async def prune(*, delete: bool) -> list[str]:
    """A line for each NodeNetworkState without a Node; with `delete`, what became of each. Raises ApiError.

    The credentials are the administrator's: the agents' own allow neither.
    """
    async with Client(await load_configuration(), Metrics(), timeout=_SECONDS) as client:
        # The nodes last: one that joins meanwhile must not be taken for gone.
        objects = await _list(client, COLLECTION)
        nodes = {node["name"] for node in await _list(client, "/api/v1/nodes")}
        lines = []
        for found in objects:
            if found["name"] not in nodes:
                outcome = await _delete(client, found) if delete else "has no node"
                lines.append(f"nodenetworkstate/{found['name']} {outcome}")
    return lines


async def _list(client: Client, path: str) -> list[Json]:
    """The metadata of the objects there, without what can be large."""
    found: list[Json] = []
    query = {"limit": _PAGE}
    while True:
        page = await client.request("list", "GET", path, query=query)
        for item in page.get("items") or []:
            metadata = item["metadata"]
            found.append({key: metadata[key] for key in ("name", "uid", "resourceVersion")})
        query["continue"] = page.get("metadata", {}).get("continue") or ""
        if not query["continue"]:
            return found


async def _delete(client: Client, metadata: Json) -> str:
    """Delete the object if it still is the one that was looked at, and say what became of it.

    No agent is left to remove our finalizer. Somebody else's is not ours to remove.
    """
    path = f"{COLLECTION}/{metadata['name']}"
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
    }
    try:
        await client.request("delete", "DELETE", path, body=options)
    except ApiNotFound:
        return "deleted"
    except ApiConflict:
        return "changed meanwhile and was not deleted; run prune again"
    left = await _release(client, path, metadata["uid"])
    if left:
        return f"is being deleted; it stays until its finalizers are removed: {', '.join(left)}"
    return "deleted"


async def _release(client: Client, path: str, uid: str) -> list[str]:
    """Remove our finalizer from an object that is being deleted, and return those that are left."""
    finalizers: list[str] = []
    with contextlib.suppress(ApiNotFound):
        for _ in range(_CONFLICT_TRIES):
            newest = (await client.request("get", "GET", path))["metadata"]
            if newest["uid"] != uid:
                return []
            finalizers = newest.get("finalizers") or []
            others = [name for name in finalizers if name != REVERT_FINALIZER]
            if others == finalizers:
                return others
            released = {"metadata": {"finalizers": others, "resourceVersion": newest["resourceVersion"]}}
            with contextlib.suppress(ApiConflict):
                await client.request("patch", "PATCH", path, body=released, content_type="application/merge-patch+json")
                return others
        return finalizers
    return []

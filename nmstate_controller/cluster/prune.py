"""Objects whose node is gone for good, as an administrator finds and removes them: `nmstate-controller prune`."""

import contextlib

from nmstate_controller.cluster.client import Client
from nmstate_controller.cluster.credentials import load_configuration
from nmstate_controller.cluster.nodenetworkstates import COLLECTION
from nmstate_controller.errors import ApiNotFound
from nmstate_controller.metrics import Metrics

_SECONDS = 30.0
# A page of the largest objects there can be is still an answer that the client reads.
_PAGE = "16"


async def prune(*, delete: bool) -> list[str]:
    """A line for each NodeNetworkState without a Node; with `delete` they are removed. Raises ApiError.

    The credentials are the administrator's: the agents' own allow neither.
    """
    async with Client(await load_configuration(), Metrics(), timeout=_SECONDS) as client:
        # The nodes last: one that joins meanwhile must not be taken for gone.
        objects = await _names(client, COLLECTION)
        nodes = set(await _names(client, "/api/v1/nodes"))
        lines = []
        for name in objects:
            if name in nodes:
                continue
            if delete:
                await _delete(client, name)
            lines.append(f"nodenetworkstate/{name} {'deleted' if delete else 'has no node'}")
    return lines


async def _names(client: Client, path: str) -> list[str]:
    names: list[str] = []
    query = {"limit": _PAGE}
    while True:
        page = await client.request("list", "GET", path, query=query)
        names += [item["metadata"]["name"] for item in page.get("items") or []]
        query["continue"] = page.get("metadata", {}).get("continue") or ""
        if not query["continue"]:
            return names


async def _delete(client: Client, name: str) -> None:
    """No agent is left to take the finalizer away."""
    path = f"{COLLECTION}/{name}"
    with contextlib.suppress(ApiNotFound):
        await client.request("delete", "DELETE", path)
        unheld = {"metadata": {"finalizers": None}}
        await client.request("patch", "PATCH", path, body=unheld, content_type="application/merge-patch+json")

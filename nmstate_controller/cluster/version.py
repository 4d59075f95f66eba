"""Whether the cluster is new enough for the agent. Loop only."""

from nmstate_controller.cluster.client import Client
from nmstate_controller.versions import unsupported


async def problem(client: Client) -> str | None:
    """One sentence about an apiserver that is too old, None when it is not or does not tell its version.

    Everyone who has a token may ask for it. Raises ApiError.
    """
    answer = await client.request("get", "GET", "/version")
    version = answer.get("gitVersion")
    return unsupported(Kubernetes=version) if isinstance(version, str) else None

"""A cluster that is too old is told from one that is away."""

from typing import Any

import pytest

from nmstate_controller.cluster import version
from nmstate_controller.cluster.client import Client
from nmstate_controller.errors import ApiUnavailable
from tests.unit.apiserver import ApiServer, answer


async def test_an_old_cluster_is_told(server: ApiServer, client: Client) -> None:
    server.version = {"major": "1", "minor": "31+", "gitVersion": "v1.31.4-eks-2d5f260"}

    assert await version.problem(client) == "Kubernetes 1.31.4 is too old: the agent needs Kubernetes 1.32 or later"


@pytest.mark.parametrize("told", [{"gitVersion": "v1.32.0"}, {"gitVersion": "v1.36.3+k3s1"}, {"gitVersion": 7}, {}])
async def test_a_new_one_and_one_that_does_not_tell_are_no_problem(
    server: ApiServer, client: Client, told: dict[str, Any]
) -> None:
    server.version = told

    assert await version.problem(client) is None


async def test_one_that_does_not_answer_is_an_api_error(server: ApiServer, client: Client) -> None:
    server.faults["version"] = [answer(503)]

    with pytest.raises(ApiUnavailable):
        await version.problem(client)

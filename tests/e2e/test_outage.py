"""The apiserver goes away, forgets, and comes back; the agent is there all along."""

from collections.abc import Iterator

import pytest

from tests.lab import Lab, Node, condition, eventually

DUMMY = {"name": "dummy7", "type": "dummy", "state": "up"}
# etcd is asked in the lab's namespace; its own gateway speaks JSON, so that no client has to be built for this.
COMPACT = """
import json, urllib.request as u
def post(path, body):
    request = u.Request('http://127.0.0.1:2379/v3/kv/' + path, json.dumps(body).encode())
    return json.load(u.build_opener(u.ProxyHandler({})).open(request, timeout=10))
revision = post('range', {'key': 'AA=='})['header']['revision']
post('compaction', {'revision': revision, 'physical': True})
"""


@pytest.fixture
def frozen(node: Node) -> Iterator[None]:
    """The agent's process stands still."""
    node.run("pkill", "-STOP", "-f", "nmstate_controller run")
    yield
    node.run("pkill", "-CONT", "-f", "nmstate_controller run")


def test_an_edit_is_applied_after_the_apiserver_was_restarted(lab: Lab, node: Node) -> None:
    lab.command("apiserver", "stop")
    lab.command("apiserver", "start")
    node.configured(node.desire(DUMMY))

    assert "dummy7" in node.links()


def test_an_agent_whose_version_was_compacted_lists_again(lab: Lab, node: Node, frozen: None) -> None:  # noqa: ARG001
    """It does so before it could be told that its version is gone, for the stream broke."""
    broken = 'nmstate_controller_watch_restarts_total{reason="broken"}'
    generation = node.desire(DUMMY)
    for _ in range(3):
        generation = node.desire({**DUMMY, "mtu": 1400 + generation})
    lab.in_namespace("-c", COMPACT)
    lab.command("apiserver", "stop")
    lab.command("apiserver", "start")

    node.run("pkill", "-CONT", "-f", "nmstate_controller run")

    node.configured(generation)
    assert node.metric(broken) >= 1


def test_networkmanager_away_is_reported_and_waited_for(node: Node) -> None:
    node.run("lab-networkmanager", "stop")
    try:
        eventually(
            lambda: condition(node.object()["status"], "Reporting"),
            lambda found: (found["status"], found["reason"]) == ("False", "NetworkManagerUnavailable"),
            "Reporting says that NetworkManager is away",
        )
        assert node.reported("eth0") is not None
        generation = node.desire(DUMMY)
        eventually(
            lambda: condition(node.object()["status"], "Ready"),
            lambda found: (found["reason"], found["observedGeneration"]) == ("NetworkManagerUnavailable", generation),
            "Ready says that NetworkManager is away",
        )
    finally:
        node.run("lab-networkmanager", "start")

    eventually(
        lambda: condition(node.object()["status"], "Ready"),
        lambda found: found["reason"] == "Configured",
        "the node is configured once NetworkManager is back",
        seconds=120,
    )
    assert "dummy7" in node.links()

"""What the agent is told of the present and the past is not true; it catches up by itself."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import CHECKOUT, PYTHON, Json, Lab, Node, eventually
from tests.unit.cluster.test_lying_api import BOUND

DUMMY = {"name": "dummy7", "type": "dummy", "state": "up"}
PORT = 7443
STORM_SECONDS = 60
# As many versions as etcd has after a while; through its own gateway, see test_outage.
AGE = """
import json, urllib.request as u
opener = u.build_opener(u.ProxyHandler({}))
for _ in range(300):
    body = json.dumps({'key': 'AA==', 'value': 'AA=='}).encode()
    opener.open(u.Request('http://127.0.0.1:2379/v3/kv/put', body), timeout=10).read()
"""


def mtu(node: Node) -> int:
    """Of the interface that the tests here make; 0 when it is not there."""
    found: int = node.links().get("dummy7", {}).get("mtu", 0)
    return found


def agent_pid(node: Node) -> str:
    return node.run("pgrep", "-f", "nmstate_controller run").strip()


def test_an_etcd_restored_to_an_older_state_is_followed(lab: Lab, node: Node) -> None:
    """Versions go back, and the generation that was configured last comes again with another spec."""
    pid = agent_pid(node)
    node.configured(node.desire(DUMMY))
    lab.command("etcd", "save")
    lab.in_namespace("-c", AGE)
    for value in (1401, 1402):
        lost = node.desire({**DUMMY, "mtu": value})
        node.configured(lost)
    newest = int(node.object()["metadata"]["resourceVersion"])

    lab.command("etcd", "restore")
    for value in (1301, 1302):
        generation = node.desire({**DUMMY, "mtu": value})

    eventually(lambda: mtu(node), lambda found: found == 1302, "the newest spec is on the node")
    node.configured(generation)
    assert generation == lost
    assert int(node.object()["metadata"]["resourceVersion"]) < newest, "a watch from there would have been silent"
    node.configured(node.desire({**DUMMY, "mtu": 1303}))
    assert mtu(node) == 1303
    assert agent_pid(node) == pid


@pytest.mark.parametrize("hours", [2, -2])
def test_edits_are_applied_while_the_nodes_clock_is_wrong_and_when_it_is_right_again(node: Node, hours: int) -> None:
    pid = agent_pid(node)
    node.configured(node.desire(DUMMY))
    node.run("date", "-s", f"{hours:+d} hours")
    try:
        node.configured(node.desire({**DUMMY, "mtu": 1401}))
        assert mtu(node) == 1401
    finally:
        node.run("date", "-s", f"{-hours:+d} hours")
    node.configured(node.desire({**DUMMY, "mtu": 1402}))

    assert mtu(node) == 1402
    node.run("ip", "link", "add", "dummy8", "type", "dummy")
    eventually(lambda: node.reported("dummy8"), lambda found: found is not None, "what is new is reported")
    assert agent_pid(node) == pid


@contextlib.contextmanager
def storm(lab: Lab) -> Iterator[Json]:
    """A proxy that fails and lies for STORM_SECONDS, and afterwards what passed through it."""
    kubeconfig = Path(lab.command("kubeconfig").stdout.strip())
    command = ["nsenter", f"--net=/run/netns/nl-{lab.name}", "--", PYTHON, "-m", "tests.proxy"]
    options = [f"--certificates={kubeconfig.parent / 'certificates'}", f"--port={PORT}", f"--seconds={STORM_SECONDS}"]
    passed: Json = {}
    with subprocess.Popen(
        [*command, *options], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        try:
            yield passed
        finally:
            told, _ = process.communicate(timeout=STORM_SECONDS + 30)
            passed.update(json.loads(told))


def test_the_newest_spec_arrives_through_a_proxy_that_fails_and_lies(lab: Lab, node: Node) -> None:
    node.configured(node.desire(DUMMY))
    with storm(lab) as passed:
        try:
            # A watch may stall, for as long as the agent bears with that.
            settings = ("NMSTATE_WATCH_INACTIVITY_TIMEOUT=20", f"KUBERNETES_SERVICE_PORT={PORT}")
            lab.command("agent", node.name, "restart", *(f"--env={setting}" for setting in settings))
            pid = agent_pid(node)
            end = time.monotonic() + STORM_SECONDS
            value = 1300
            while time.monotonic() < end:
                value += 1
                generation = node.desire({**DUMMY, "mtu": value})
                time.sleep(5)
            node.configured(generation)
            assert mtu(node) == value
            assert agent_pid(node) == pid
        finally:
            lab.command("agent", node.name, "restart", "--no-env")

    print(passed)
    assert sum(passed["faults"].values()) >= 5
    assert passed["worst_minute"] <= BOUND

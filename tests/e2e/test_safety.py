"""A change that would cut the node off undoes itself; each fault is made for real, on the management interface."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.cases import absent, bond, bridge, static
from tests.e2e.faults import TCP_PORT
from tests.e2e.trial import SERVER, SHORT
from tests.lab import Json, Lab, Node, condition, eventually
from tests.oracle import assert_same, settled, undone
from tests.words import assert_true_words

DUMMY = {"name": "dummy7", "type": "dummy", "state": "up"}
SEVERAL = (bridge("br7", "eth1"), bond("bond7", "eth2", "eth3"))
"""Takes longer to apply than it takes a test to see the checkpoint and do something about it."""


@pytest.fixture(scope="module", autouse=True)
def _short(nodes: list[Node]) -> Iterator[None]:
    """The agent of node01 with settings for impatient people."""
    with nodes[0].settings(**SHORT):
        yield


@pytest.fixture(autouse=True)
def _measured(node: Node, request: pytest.FixtureRequest) -> Iterator[None]:
    """Tell what the fault cost: shown with `pytest -s`, as `make soak` has it."""
    node.seconds_to_verdict.clear()
    with node.lab.pinging(own(node)) as gap:
        yield
    outcomes = ", ".join(f"{seconds:.1f}" for seconds in node.seconds_to_verdict) or "-"
    print(f"{request.node.name}: unreachable for {gap[0]:.1f} s at most; from edit to verdict {outcomes} s")


def own(node: Node) -> str:
    """The node's address on eth0."""
    return f"10.88.0.{10 + int(node.name.removeprefix('node'))}"


def eth0(ip: str) -> Json:
    return {"name": "eth0", "type": "ethernet", "state": "up", "ipv4": static(ip, 24)}


def default_route(gateway: str) -> Json:
    return {"destination": "0.0.0.0/0", "next-hop-address": gateway, "next-hop-interface": "eth0"}


def reachable(node: Node) -> bool:
    """Whether the node answers at its address, seen from the other end of its cable."""
    return node.lab.answers(own(node))


def stalled(node: Node, generation: int, reason: str, *, seconds: float = 120) -> Json:
    ready = node.verdict(generation, seconds=seconds)
    assert (ready["status"], ready["reason"]) == ("False", reason), ready
    return ready


CUTS: dict[str, tuple[Json, str]] = {
    "a wrong address": ({"interfaces": [eth0("10.99.0.7")]}, "apiServer"),
    "a wrong gateway": ({"routes": {"config": [default_route("10.88.0.250")]}}, "gateway"),
    "a VLAN nobody else is on": (
        {
            "interfaces": [
                eth0("10.99.0.7"),
                {
                    "name": "eth0.9",
                    "type": "vlan",
                    "state": "up",
                    "vlan": {"base-iface": "eth0", "id": 9},
                    "ipv4": static("10.88.0.11", 24),
                },
            ],
            "routes": {"config": [{**default_route("10.88.0.1"), "next-hop-interface": "eth0.9"}]},
        },
        "gateway",
    ),
}


@pytest.mark.parametrize("how", CUTS)
def test_what_cuts_the_node_off_is_undone_once_and_for_all(node: Node, how: str) -> None:
    document, probe = CUTS[how]
    before = settled(node)
    generation = node.desire(**document)
    ready = stalled(node, generation, "ConnectivityLost")
    assert reachable(node)

    status = node.object()["status"]
    assert condition(status, "Stalled")["reason"] == "ConnectivityLost"
    assert probe in ready["message"]
    failed = {found["type"] for found in status["lastApply"]["probes"] if found["chosen"] and not found["passed"]}
    assert probe in failed
    assert_same(node, before)

    node.agent("restart")
    eventually(lambda: seen(node, generation), bool, "the next agent has looked at the object")
    assert stalled(node, generation, "ConnectivityLost")
    assert node.metric('nmstate_controller_apply_total{result="ConnectivityLost"}') == 0
    assert node.object()["status"]["lastApply"]["attempts"] == 1
    assert_same(node, before)


def seen(node: Node, generation: int) -> bool:
    """Whether the agent that runs now has written about that generation, or found nothing to write."""
    return (
        node.metric_or("nmstate_controller_desired_generation", 0) == generation
        and node.metric_or("nmstate_controller_show_duration_seconds_count", 0) > 0
    )


def test_a_wrong_dns_server_is_undone_unless_dns_is_no_probe(node: Node) -> None:
    wrong = {"dns-resolver": {"config": {"server": ["198.51.100.53"]}}}
    with undone(node):
        ready = stalled(node, node.desire(**wrong), "ConnectivityLost")
        assert "198.51.100.53" in ready["message"]
        assert "spec.probes" in ready["message"]

    node.configured(node.patch({"probes": [{"type": "apiServer"}]}))
    assert "198.51.100.53" in node.run("cat", "/etc/resolv.conf")

    node.configured(node.replace({"dns-resolver": {"config": {"server": ["10.88.0.1"], "search": []}}}))
    node.patch({"probes": None})


def test_dns_that_is_removed_in_so_many_words_is_gone_without_being_asked(node: Node) -> None:
    node.configured(node.desire(**{"dns-resolver": {"config": {"server": ["10.88.0.1"], "search": []}}}))
    node.configured(node.replace({"dns-resolver": {"config": {}}}))

    assert "nameserver" not in node.run("cat", "/etc/resolv.conf")
    (dns,) = [found for found in node.object()["status"]["lastApply"]["probes"] if found["type"] == "dns"]
    assert not dns["chosen"] or dns["passed"]


def test_a_probe_of_the_users_own_counts(node: Node) -> None:
    node.shell("ip address add 192.0.2.1/24 dev peer1; nft list ruleset >/dev/null 2>&1 || true")
    node.configured(node.desire({"name": "eth1", "type": "ethernet", "state": "up", "ipv4": static("192.0.2.10", 24)}))
    with node.background(SERVER):
        before = settled(node)
        generation = node.patch(
            {
                "probes": [{"type": "tcp", "host": "192.0.2.10", "port": TCP_PORT, "timeoutSeconds": 3}],
                "desiredState": {
                    "interfaces": [
                        {"name": "eth1", "type": "ethernet", "state": "up", "ipv4": static("192.0.2.20", 24)}
                    ]
                },
            }
        )
        ready = stalled(node, generation, "ConnectivityLost")
        assert "tcp" in ready["message"]
        assert_same(node, before)
    node.shell("ip address flush dev peer1")
    node.patch({"probes": None})


def test_an_apiserver_that_goes_away_with_the_change_undoes_it(lab: Lab, node: Node) -> None:
    """The API is cut off while the change is made, by something else: no one can tell the two apart."""
    before = settled(node)
    generation = node.desire(*SEVERAL)
    eventually(lambda: note(node), lambda found: found.get("phase") is not None, "the change has begun", seconds=30)
    # Before the change is proven: politely it takes seconds, in which it still answers.
    lab.command("apiserver", "kill")
    try:
        eventually(lambda: note(node).get("phase"), lambda phase: phase == "lost", "it is undone", seconds=90)
        assert_same(node, before)
    finally:
        lab.command("apiserver", "start")
    ready = stalled(node, generation, "ConnectivityLost")
    assert "apiServer" in ready["message"]


def note(node: Node) -> Json:
    """What the agent has noted about a change that is not settled."""
    text = node.run("cat", "/run/nmstate-controller/change.json", check=False)
    try:
        found: Json = json.loads(text)
    except ValueError:
        return {}
    return found


def in_phase(node: Node, *phases: str) -> Json:
    """Wait until a change is that far."""
    return eventually(lambda: note(node), lambda found: found.get("phase") in phases, f"phase {phases}", seconds=60)


KILLS: dict[str, Any] = {
    "before the apply": lambda node: eventually(
        lambda: condition(node.object()["status"], "Ready")["status"], lambda status: status == "Unknown", "it begins"
    ),
    "inside the apply": lambda node: eventually(
        lambda: note(node).get("checkpoint"), bool, "the checkpoint is there", seconds=60
    ),
}


# The moment is too short to be seen from outside the node.
AT_COMMIT = """
import os, pathlib, signal, time
pathlib.Path('/run/lab-watching').touch()
note, lock = (pathlib.Path('/run/nmstate-controller') / name for name in ('change.json', 'agent.lock'))
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    try:
        text = note.read_text()
    except OSError:
        continue
    if '"phase":"committed"' in text:
        os.kill(int(lock.read_text()), signal.SIGKILL)
        print('killed')
        break
"""


@contextlib.contextmanager
def killed_at_commit(node: Node) -> Iterator[None]:
    """The agent is killed as soon as it has committed what is asked for inside."""
    node.run("rm", "-f", "/run/lab-watching")
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(node.python, AT_COMMIT)
        eventually(lambda: node.run("ls", "/run"), lambda names: "lab-watching" in names, "the watcher is there")
        yield
        assert watching.result().strip() == "killed"


def test_an_agent_killed_between_commit_and_status_is_followed_by_one_that_saves_and_says_so(node: Node) -> None:
    with killed_at_commit(node):
        generation = node.desire(bridge("br7", "eth1"))
    assert note(node)["phase"] == "committed"
    node.agent("start")

    node.configured(generation)
    is_kept(node)
    assert node.object()["status"]["lastApply"]["attempts"] == 1


@pytest.mark.parametrize("when", KILLS)
def test_a_killed_agent_leaves_old_or_new_and_the_next_one_says_which(node: Node, when: str) -> None:
    generation = node.desire(bridge("br7", "eth1"))
    KILLS[when](node)
    node.agent("kill")

    node.agent("start")

    node.configured(generation)
    is_kept(node)


def is_kept(node: Node) -> None:
    """The bridge is there, is on disk, and its object says so."""
    assert node.ports("br7") == {"eth1"}
    status = node.object()["status"]
    assert status["lastApply"]["outcome"] == "Configured"
    assert status["lastApply"]["persisted"] is True
    assert_true_words(node)
    assert note(node) == {}


def test_an_agent_killed_while_the_node_is_cut_off_is_not_followed_by_a_second_outage(node: Node) -> None:
    with undone(node):
        generation = node.desire(**CUTS["a wrong gateway"][0])
        in_phase(node, "failing")
        node.agent("kill")
        node.agent("start")

        stalled(node, generation, "ConnectivityLost")
    assert reachable(node)
    assert node.metric('nmstate_controller_apply_duration_seconds_count{phase="apply"}') <= 1


def test_networkmanager_started_anew_under_a_change_is_noticed_and_undone(node: Node) -> None:
    # Which NetworkManager forgets when it restarts.
    node.shell("nmcli device set eth2 autoconnect no; nmcli device set eth3 autoconnect yes")
    try:
        with undone(node):
            generation = node.desire(**CUTS["a wrong gateway"][0])
            in_phase(node, "failing")
            node.run("lab-networkmanager", "restart")

            stalled(node, generation, "ConnectivityLost")
        assert reachable(node)
    finally:
        node.run("nmcli", "device", "set", "eth2", "autoconnect", "yes")


def test_a_change_waits_for_networkmanager_and_survives_its_restarts(node: Node) -> None:
    node.run("lab-networkmanager", "stop")
    generation = node.desire(bridge("br7", "eth1"))
    eventually(
        lambda: condition(node.object()["status"], "Ready").get("reason"),
        lambda reason: reason == "NetworkManagerUnavailable",
        "Ready says that NetworkManager is away",
    )
    node.run("lab-networkmanager", "start")
    node.configured(generation)

    generation = node.desire(bridge("br7", "eth1", "eth2"))
    eventually(lambda: note(node).get("phase"), bool, "the change has begun", seconds=30)
    node.run("lab-networkmanager", "restart")
    node.configured(generation, seconds=180)
    assert node.ports("br7") == {"eth1", "eth2"}


# How it ends, and how whoever looks after the node brings it back.
SERVICES = {
    "NetworkManager": ("kill -9 $(cat /run/lab-networkmanager.pid)", "lab-networkmanager start"),
    "D-Bus": (
        "pkill -9 -x dbus-daemon; rm -f /run/dbus/system_bus_socket",
        "dbus-daemon --system --fork --nopidfile; lab-networkmanager restart",
    ),
}


def reporting(node: Node, *reasons: str) -> None:
    """Wait until the condition Reporting has one of those reasons."""
    eventually(
        lambda: condition(node.object()["status"], "Reporting").get("reason"),
        lambda found: found in reasons,
        f"Reporting is {' or '.join(reasons)}",
        seconds=90,
    )


@pytest.mark.parametrize("when", ["before", "inside", "after"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_killed_is_told_and_outlived(node: Node, service: str, when: str) -> None:
    kill, start = SERVICES[service]
    eventually(lambda: alive(node), bool, "the agent lives")
    agent = node.run("cat", "/run/nmstate-controller/agent.lock")
    if when == "before":
        node.shell(kill)
    generation = node.desire(*SEVERAL)
    if when == "inside":
        eventually(lambda: note(node).get("checkpoint"), bool, "the checkpoint is there", seconds=60)
        node.shell(kill)
    if when == "after":
        node.configured(generation)
        applied = node.metric('nmstate_controller_apply_duration_seconds_count{phase="apply"}')
        node.shell(kill)
    try:
        reporting(node, "NetworkManagerUnavailable", "NmstateStuck")
        if when == "before":
            eventually(
                lambda: condition(node.object()["status"], "Ready").get("reason"),
                lambda reason: reason in ("NetworkManagerUnavailable", "NmstateStuck"),
                "Ready says that NetworkManager is away",
            )
        if when == "inside":
            assert condition(node.object()["status"], "Ready")["status"] != "True"
    finally:
        node.shell(start)

    reporting(node, "Reported")
    node.configured(generation, seconds=180)
    assert node.ports("br7") == {"eth1"}
    assert node.run("cat", "/run/nmstate-controller/agent.lock") == agent
    if when == "after":
        assert node.metric('nmstate_controller_apply_duration_seconds_count{phase="apply"}') == applied


@pytest.mark.parametrize(
    "when", ["inside the apply", "committed", "after absent"], ids=lambda when: when.replace(" ", "-")
)
def test_a_power_cut_leaves_old_or_new(lab: Lab, node: Node, when: str) -> None:
    if when == "committed":
        with killed_at_commit(node):
            generation = node.desire(bridge("br7", "eth1"))
    else:
        generation = node.desire(bridge("br7", "eth1"))
    if when == "inside the apply":
        KILLS[when](node)
    if when == "after absent":
        node.configured(generation)
        generation = node.desire(*absent("br7"))
        node.configured(generation)
    lab.command("reboot", node.name, "--power-cut")

    assert reachable(node)
    node.configured(generation, seconds=180)
    assert ("br7" in node.links()) == (when != "after absent")


def test_ten_edits_during_a_change_end_in_the_last(node: Node) -> None:
    node.desire(bridge("br7", "eth1"))
    eventually(lambda: note(node).get("phase"), bool, "the change has begun", seconds=30)
    for mtu in range(1400, 1410):
        generation = node.desire({**DUMMY, "mtu": mtu})
    node.configured(generation)

    assert node.links()["dummy7"]["mtu"] == 1409


# How long NetworkManager stands still: minutes in `make soak`.
FROZEN_SECONDS = 300 if os.environ.get("SOAK") else 5


def alive(node: Node) -> bool:
    """Whether the agent that runs now answers."""
    return node.metric_or('nmstate_controller_apply_duration_seconds_count{phase="apply"}', -1) >= 0


def test_a_frozen_networkmanager_is_said_and_never_called_over(node: Node) -> None:
    node.shell("kill -STOP $(cat /run/lab-networkmanager.pid)")
    try:
        generation = node.desire(DUMMY)
        eventually(
            lambda: condition(node.object()["status"], "Ready"),
            # Stuck, when it was being looked at in that very moment.
            lambda ready: (
                ready["reason"] in ("NetworkManagerUnavailable", "NmstateStuck")
                and ready["observedGeneration"] == generation
            ),
            "Ready says that NetworkManager does not answer",
            seconds=120,
        )
        reporting = condition(node.object()["status"], "Reporting")
        assert reporting["status"] == "False"
        assert reporting["reason"] in ("NetworkManagerUnavailable", "NmstateStuck")
        node.agent("restart")
        eventually(lambda: alive(node), bool, "a new agent lives beside it")
        pid = node.run("cat", "/run/nmstate-controller/agent.lock")
        time.sleep(FROZEN_SECONDS)
        assert alive(node)
        assert node.run("cat", "/run/nmstate-controller/agent.lock") == pid
    finally:
        node.shell("kill -CONT $(cat /run/lab-networkmanager.pid)")
    node.configured(generation)


def test_a_networkmanager_that_freezes_inside_an_apply_is_waited_for(node: Node) -> None:
    node.agent("restart", **SHORT, apply_timeout="15")
    generation = node.desire(*SEVERAL)
    eventually(lambda: note(node).get("checkpoint"), bool, "the checkpoint is there", seconds=60)
    node.shell("kill -STOP $(cat /run/lab-networkmanager.pid)")
    try:
        eventually(
            lambda: condition(node.object()["status"], "Ready").get("reason"),
            lambda reason: reason == "NmstateStuck",
            "Ready says that the call is stuck",
        )
        assert condition(node.object()["status"], "Reporting")["reason"] == "NmstateStuck"
        time.sleep(FROZEN_SECONDS)
        assert alive(node)
        assert node.metric('nmstate_controller_apply_duration_seconds_count{phase="apply"}') == 0
    finally:
        node.shell("kill -CONT $(cat /run/lab-networkmanager.pid)")
    node.configured(generation, seconds=180)
    node.agent("restart", **SHORT)

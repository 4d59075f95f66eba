"""What is changed on the node by hand is in the report, on notice and not by the minute."""

from collections.abc import Callable, Iterator

import pytest

from tests.lab import Json, Node, condition, eventually

# Far below the time between two looks that nothing calls for; it has passed only on a machine that is in trouble.
INTERVAL = "600"
SOON = 60.0

Report = dict[str, Json]


@pytest.fixture(scope="module", autouse=True)
def _on_notice_only(nodes: list[Node]) -> Iterator[None]:
    """The agent of node01 looks at the node when something calls for it, and hardly ever when nothing does."""
    with nodes[0].settings(report_interval=INTERVAL):
        yield


def interfaces(node: Node) -> Report:
    """currentState's interfaces by name."""
    state = node.object()["status"]["currentState"]
    return {found["name"]: found for found in state["interfaces"]}


def has_address(name: str, ip: str) -> Callable[[Report], bool]:
    def holds(report: Report) -> bool:
        found = report.get(name, {}).get("ipv4", {}).get("address", [])
        return any(address["ip"] == ip for address in found)

    return holds


CHANGES: list[tuple[str, str, Callable[[Report], bool]]] = [
    ("added", "ip link add dummy8 type dummy", lambda report: "dummy8" in report),
    ("renamed", "ip link set dummy8 name dummy9", lambda report: "dummy9" in report and "dummy8" not in report),
    ("MTU", "ip link set dummy9 mtu 1300", lambda report: report["dummy9"]["mtu"] == 1300),
    ("up", "ip link set dummy9 up", lambda report: report["dummy9"]["state"] in ("up", "ignore")),
    ("address", "ip address add 192.0.2.9/24 dev dummy9", has_address("dummy9", "192.0.2.9")),
    ("removed", "ip link delete dummy9", lambda report: "dummy9" not in report),
]


@pytest.fixture
def cabled(node: Node) -> Iterator[None]:
    """eth2 is up and in use; whatever happens to its other end is undone."""
    profile = "type ethernet ifname eth2 ipv4.method manual ipv4.addresses 192.0.2.30/24 ipv6.method disabled"
    node.shell(f"nmcli connection add {profile}")
    eventually(lambda: interfaces(node), lambda report: report["eth2"]["state"] == "up", "eth2 is up", seconds=SOON)
    yield
    node.run("ip", "link", "set", "peer2", "up")


def follow(node: Node, *, without_carrier: str) -> None:
    """Make the changes, each of which is reported; `without_carrier` is the state of a link whose cable is out."""
    cable = ("carrier", "ip link set peer2 down", lambda report: report["eth2"]["state"] == without_carrier)
    for name, command, holds in [*CHANGES, cable]:
        node.shell(command)
        eventually(lambda: interfaces(node), holds, f"{name} is reported", seconds=SOON)


def test_changes_by_hand_are_reported_on_notice(node: Node, cabled: None) -> None:  # noqa: ARG001
    # What NetworkManager makes of it, for which it waits for some seconds first.
    follow(node, without_carrier="down")


def test_a_route_by_hand_is_reported_on_notice(node: Node) -> None:
    node.run("ip", "route", "add", "198.51.100.0/24", "via", "10.88.0.1", "dev", "eth0")
    eventually(
        lambda: node.object()["status"]["currentState"]["routes"]["running"],
        lambda routes: any(route["destination"] == "198.51.100.0/24" for route in routes),
        "the route is reported",
        seconds=SOON,
    )
    node.run("ip", "route", "delete", "198.51.100.0/24")


def test_the_kernels_part_is_reported_while_networkmanager_is_away(node: Node, cabled: None) -> None:  # noqa: ARG001
    node.run("lab-networkmanager", "stop")
    try:
        eventually(
            lambda: condition(node.object()["status"], "Reporting"),
            lambda found: found["reason"] == "NetworkManagerUnavailable",
            "NetworkManager's end is noticed",
            seconds=SOON,
        )
        # nmstate has no word for what the kernel says of it.
        follow(node, without_carrier="unknown")
    finally:
        node.run("lab-networkmanager", "start")
    eventually(
        lambda: condition(node.object()["status"], "Reporting"),
        lambda found: found["reason"] == "Reported",
        "NetworkManager's return is noticed",
        seconds=SOON,
    )


def test_a_storm_ends_in_a_true_report_and_does_not_hold_up_an_apply(node: Node) -> None:
    storm = (
        "for round in 1 2 3; do for n in $(seq 1 100); do echo link add s$n type veth peer name t$n; done;"
        " for n in $(seq 1 100); do echo link delete s$n; done; done | ip -batch - ; ip link add dummy8 type dummy"
    )
    generation = node.desire({"name": "dummy7", "type": "dummy", "state": "up"})
    node.shell(storm)
    # NetworkManager needs a while to take in what happened; libnmstate waits for it.
    timed = "import time, libnmstate as l; t = time.monotonic(); l.show(); print(time.monotonic() - t)"
    one_show = float(node.python(timed))
    node.configured(generation, seconds=120 + one_show)

    eventually(
        lambda: interfaces(node),
        lambda report: "dummy8" in report and not any(name.startswith(("s1", "t1")) for name in report),
        "the report is true after the storm",
        seconds=SOON + one_show,
    )


def test_reports_and_writes_cause_no_reports(node: Node) -> None:
    """A look and a write of status are no change of the node: the looks are those of the clock."""
    node.agent("restart", report_interval="3")
    try:
        looks = "nmstate_controller_show_duration_seconds_count"
        eventually(lambda: interfaces(node), bool, "the agent reports")
        before = eventually(lambda: node.metric_or(looks, 0), lambda count: count > 0, "the agent has looked")
        started = float(node.run("cut", "-d.", "-f1", "/proc/uptime"))
        eventually(lambda: node.metric(looks), lambda count: count >= before + 5, "five looks more")
        seconds = float(node.run("cut", "-d.", "-f1", "/proc/uptime")) - started

        assert node.metric(looks) - before <= seconds / (3 * 0.9) + 2
        assert node.metric("nmstate_controller_status_writes_total") <= 3
    finally:
        node.agent("restart", report_interval=INTERVAL)


def test_an_object_with_a_large_spec_still_gets_a_verdict_and_a_report(node: Node) -> None:
    """0.9 MB of desiredState leave room for no more than part of a report about thousands of routes."""
    node.shell(
        "ip link add dummy8 type dummy; ip link set dummy8 up;"
        " for n in $(seq 0 4999); do"
        " echo route add 172.$((16 + n / 2500)).$((n % 2500 / 10)).$((n % 10 * 16))/28 dev dummy8; done | ip -batch -"
    )
    words = "x" * 1000
    notes = [{"name": f"absent{n}", "state": "absent", "description": words} for n in range(850)]
    generation = node.desire(*notes)

    assert node.verdict(generation, seconds=180)["status"] == "True"
    reporting = eventually(
        lambda: condition(node.object()["status"], "Reporting"),
        lambda found: found["reason"] == "Truncated",
        "the report says that it is not whole",
    )
    assert "routes" in reporting["message"]
    assert "eth0" in interfaces(node)

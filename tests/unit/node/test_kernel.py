"""What the kernel had is known word for word and given back, also to an interface that was made anew."""

from collections.abc import Iterator

import pytest

from nmstate_controller.node.kernel.snapshot import Entry, KernelSnapshot, Link
from nmstate_controller.node.kernel.system import SystemKernel
from tests.netns import ip, network_namespace

MADE = """
link add a0 type veth peer name b0
link add br0 type bridge
link set b0 up
link set a0 up
address add 192.0.2.10/24 dev a0 metric 105
address add 198.51.100.9/32 dev a0
address add 2001:db8::10/64 dev a0 nodad
route add 203.0.113.0/24 via 192.0.2.1 dev a0 metric 77
route add 203.0.113.0/24 via 192.0.2.2 dev a0 metric 78
route add default nexthop via 192.0.2.3 dev a0 nexthop via 192.0.2.4 dev a0
route add 10.9.0.0/16 via 192.0.2.1 dev a0 table 200
route add 2001:db8:9::/48 via 2001:db8::1 dev a0
route add blackhole 10.8.0.0/16
rule add from 192.0.2.0/24 table 200 priority 1000
"""


@pytest.fixture
def netns() -> Iterator[None]:
    """A network namespace of the test's own, with something in it."""
    with network_namespace():
        ip(batch=MADE)
        yield


@pytest.mark.usefixtures("netns")
async def test_snapshot_names_everything_that_somebody_set_up() -> None:
    found = await SystemKernel().snapshot()

    assert found.links["a0"].up
    assert not found.links["br0"].up
    labels = found.entries.keys()
    assert "address 192.0.2.10/24 on a0" in labels
    assert "route 192.0.2.0/24 dev a0 table 254 metric 105" in labels
    assert "route 203.0.113.0/24 via 192.0.2.1 dev a0 table 254 metric 77" in labels
    assert "route 203.0.113.0/24 via 192.0.2.2 dev a0 table 254 metric 78" in labels
    assert "route 0.0.0.0/0 via 192.0.2.3 dev a0 via 192.0.2.4 dev a0 table 254 metric 0" in labels
    assert any(label.startswith("IPv4 rule 1000") for label in labels)
    assert not any("fe80" in label or "ff00" in label for label in labels)


@pytest.mark.usefixtures("netns")
@pytest.mark.parametrize(
    "done",
    [
        "address flush dev a0",
        "link set a0 down",
        "link set a0 mtu 1400",
        "link set a0 address 02:00:00:00:00:07 mtu 1400",
        "link set a0 master br0",
        "rule del priority 1000",
        "route del 10.9.0.0/16 table 200",
        "route del 203.0.113.0/24 metric 77\nroute add 203.0.113.0/24 via 192.0.2.1 dev a0 metric 102",
        "route add 2001:db8:9::/48 via 2001:db8::1 dev a0 metric 5",
        "address flush dev a0\nlink set a0 down\nlink set a0 mtu 1300",
        "link del a0\nlink add a0 type veth peer name b0\nlink set b0 up",
    ],
    ids=lambda done: done.replace(" ", "-").replace("\n", "+"),
)
async def test_restore_whatever_was_done_gives_back_what_there_was(done: str) -> None:
    kernel = SystemKernel()
    before = await kernel.snapshot()
    ip(batch=done)
    assert before.differences(await kernel.snapshot(), {"a0"})

    for _ in range(2):
        await kernel.restore(before, {"a0"})

    now = await kernel.snapshot()
    assert before.differences(now, {"a0"}) == []
    assert now.links["a0"].mac == before.links["a0"].mac or "link del" in done


@pytest.mark.usefixtures("netns")
async def test_restore_leaves_other_interfaces_and_what_is_new_alone() -> None:
    kernel = SystemKernel()
    before = await kernel.snapshot()
    ip(batch="address flush dev a0\nlink set br0 up\naddress add 10.7.0.1/24 dev br0")

    await kernel.restore(before, {"br0"})

    now = await kernel.snapshot()
    assert "address 10.7.0.1/24 on br0" in now.entries
    assert "address 192.0.2.10/24 on a0" not in now.entries
    assert not now.links["br0"].up


def test_differences_link_gone_and_new_are_told() -> None:
    old = KernelSnapshot(links={"a0": Link(index=2, up=True, mtu=1500)})
    new = KernelSnapshot(links={"b0": Link(index=3, up=True, mtu=1500)})

    assert old.differences(new, {"a0", "b0"}) == ["interface a0 is gone", "interface b0 is still there"]
    assert old.differences(new, {"c0"}) == []


def test_moved_metrics_same_route_with_another_metric_is_found() -> None:
    def snapshot(metric: int) -> KernelSnapshot:
        ways = ("route 10.88.0.0/24 dev eth0 table 254", "route 0.0.0.0/0 via 10.88.0.1 dev eth0 table 254")
        entries = {
            f"{way} metric {metric}": Entry(kind=24, interfaces=("eth0",), raw="", but_metric=way, metric=metric)
            for way in ways
        }
        return KernelSnapshot(entries=entries)

    assert snapshot(100).moved_metrics(snapshot(103), {"eth0"}) == {("eth0", "ipv4"): 100}
    assert snapshot(100).moved_metrics(snapshot(100), {"eth0"}) == {}
    assert snapshot(100).moved_metrics(KernelSnapshot(), {"eth0"}) == {}

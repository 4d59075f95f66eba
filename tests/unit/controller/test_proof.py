"""Which probes a change gets, for how long, and what is said when they do not pass."""

from typing import Any, Final

import pytest
from pydantic import ValidationError

from nmstate_controller.api.models import Probe
from nmstate_controller.controller.proof import Prober
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.probes import DnsProbe, GatewayProbe, ProbeFailed
from nmstate_controller.node.probes.probe import NothingToProbe
from tests.unit.virtual import VirtualLoop

NODE: Final = {
    "interfaces": [
        {
            "name": "eth0",
            "type": "ethernet",
            "state": "up",
            "ipv4": {"enabled": True, "address": [{"ip": "10.88.0.11", "prefix-length": 24}]},
        }
    ]
}


def bridge(*, stp: bool | None) -> dict[str, Any]:
    options = {} if stp is None else {"options": {"stp": {"enabled": stp}}}
    return {
        "interfaces": [
            {"name": "br-ex", "type": "linux-bridge", "state": "up", "bridge": {**options, "port": [{"name": "eth0"}]}}
        ]
    }


class Network:
    """The apiserver can be reached until it is cut off."""

    def __init__(self) -> None:
        self.is_cut = False

    async def reach(self) -> None:
        if self.is_cut:
            raise OSError("no route to host")


async def _no_servers() -> list[str]:
    return []


def prober(metrics: Metrics, network: Network, timeout: int) -> Prober:
    return Prober(_no_servers, network.reach, "https://192.0.2.1", metrics, timeout=timeout)


@pytest.mark.parametrize(("asked", "seconds"), [(None, 7), (30, 30)])
@pytest.mark.parametrize(("stp", "held"), [(False, 0), (True, 40), (None, 40)])
def test_a_probe_has_the_time_it_asks_for_or_the_agents_beyond_what_spanning_tree_takes(
    metrics: Metrics, asked: int | None, seconds: int, stp: bool | None, held: int
) -> None:
    wish = Probe(type="tcp", host="192.0.2.1", port=22, timeout_seconds=asked)

    assert prober(metrics, Network(), 7).proof([wish], bridge(stp=stp), NODE).seconds == seconds + held


ROLLED_BACK = "eth0 became a port of br-ex; 10.88.0.11/24 was no longer on the node"
HELD = "br-ex: STP is on and forwards nothing for 30 s, which the probes waited for (bridge.options.stp)"


@pytest.mark.parametrize(
    ("document", "remarks"),
    [({}, []), (bridge(stp=False), [ROLLED_BACK]), (bridge(stp=None), [ROLLED_BACK, HELD])],
    ids=["elsewhere", "without STP", "with STP"],
)
def test_a_failure_names_what_of_the_change_may_be_why(
    metrics: Metrics, document: dict[str, Any], remarks: list[str]
) -> None:
    network = Network()
    proof = prober(metrics, network, 20).proof([], document, NODE)
    noted: list[str] = []

    async def change() -> str | None:
        await proof.choose()
        network.is_cut = True
        return await proof.verify(noted.append)

    loop = VirtualLoop()
    missing = loop.run_until_complete(change())
    loop.close()

    assert missing == "; ".join(["apiServer: no route to host", *remarks])
    assert noted == ["apiServer: no route to host"]


async def test_a_change_that_removes_dns_is_not_measured_by_dns(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_gateway(_: GatewayProbe) -> None:
        raise NothingToProbe("there is no default gateway")

    monkeypatch.setattr(GatewayProbe, "attempt", no_gateway)
    proof = prober(metrics, Network(), 1).proof(None, {"dns-resolver": {"config": {}}}, NODE)
    await proof.choose()

    (dns,) = [found for found in proof.results if found.type == "dns"]
    assert (dns.chosen, dns.passed, dns.message) == (False, False, "left out: desiredState removes the DNS servers")
    assert await proof.verify(lambda _: None) is None


async def test_a_change_of_the_servers_is_and_a_failure_says_how_to_do_without(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = True

    async def ask(_: DnsProbe) -> None:
        if not answers:
            raise ProbeFailed("no answer from DNS server 192.0.2.53")

    monkeypatch.setattr(DnsProbe, "attempt", ask)
    document = {"dns-resolver": {"config": {"server": ["192.0.2.53"]}}}
    proof = prober(metrics, Network(), 1).proof([Probe(type="dns")], document, NODE)
    await proof.choose()
    answers = False

    missing = await proof.verify(lambda _: None)

    advice = "if DNS need not answer, list other probes in spec.probes"
    assert missing == f"dns: no answer from DNS server 192.0.2.53; {advice}"


@pytest.mark.parametrize(
    "entry",
    [{"type": "tcp"}, {"type": "tcp", "host": "a"}, {"type": "dns", "host": "a", "port": 1}],
    ids=lambda entry: "-".join(entry),
)
def test_a_probe_with_what_it_does_not_need_or_without_what_it_does_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a probe of type tcp has a host and a port, and no other has"):
        Probe.model_validate(entry)

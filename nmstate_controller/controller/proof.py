"""How it is seen that a change has not cut the node off: which probes there are, and what came of them. Loop only."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, assert_never

from nmstate_controller.api.models import Probe as ProbeEntry
from nmstate_controller.api.models import ProbeResult, State
from nmstate_controller.api.probes import ApiServerSpec, DnsSpec, GatewaySpec, ProbeSpec, TcpSpec, probe_specs
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.displaced import displaced
from nmstate_controller.node.probes import (
    CallProbe,
    DnsProbe,
    GatewayProbe,
    Probe,
    Result,
    TcpProbe,
    choose,
    prove,
)
from nmstate_controller.node.resolver import may_get_name_servers, removes_name_servers
from nmstate_controller.node.spanning_tree import Bridge, held_back

_FORWARDING_MARGIN_SECONDS: Final = 10
"""Beyond the time that spanning tree takes: for the bridge to come up before it, and neighbours to notice."""

_SHOWN: Final = 3

_NO_DNS: Final = ProbeResult(
    type="dns", chosen=False, passed=False, seconds=0, message="left out: desiredState removes the DNS servers"
)
_ABOUT_DNS: Final = "if DNS need not answer, list other probes in spec.probes"


class Prober:
    """Makes the proof of one change after another."""

    def __init__(
        self,
        name_servers: Callable[[], Awaitable[Sequence[str]]],
        reach_apiserver: Callable[[], Awaitable[None]],
        apiserver: str,
        metrics: Metrics,
        *,
        timeout: int,
    ) -> None:
        """`apiserver` is its address, for people; `timeout`: seconds that a probe may take after a change."""
        self._name_servers = name_servers
        self._reach_apiserver = reach_apiserver
        self._apiserver = apiserver
        self._metrics = metrics
        self._timeout = timeout

    def proof(self, entries: Sequence[ProbeEntry] | None, document: State, before: State) -> "Proof":
        """The probes that `spec.probes` asks for, or the usual ones; the apiserver always.

        For a change to `document` on a node that is `before`: while spanning tree holds ports back no probe can pass,
        and what it may take comes after that.
        """
        specs: list[ProbeSpec] = [GatewaySpec(), DnsSpec()] if entries is None else probe_specs(entries)
        if not any(isinstance(spec, ApiServerSpec) for spec in specs):
            specs = [*specs, ApiServerSpec()]
        bridges = held_back(document, before)
        held = max((bridge.seconds + _FORWARDING_MARGIN_SECONDS for bridge in bridges), default=0)
        no_dns = removes_name_servers(document)
        is_left_out = no_dns and not may_get_name_servers(document, before)
        asked = [spec for spec in specs if not (is_left_out and isinstance(spec, DnsSpec))]
        candidates = [probe for spec in asked for probe in self._probes(spec, held, no_dns=no_dns)]
        remarks = [*displaced(document, before), *_spanning_tree(bridges)]
        return Proof(candidates, self._metrics, remarks, [_NO_DNS] if len(asked) < len(specs) else [])

    def _probes(self, spec: ProbeSpec, held: int, *, no_dns: bool) -> list[Probe]:
        timeout = float((spec.timeout_seconds or self._timeout) + held)
        match spec:
            case GatewaySpec():
                return [GatewayProbe(socket.AF_INET, timeout=timeout), GatewayProbe(socket.AF_INET6, timeout=timeout)]
            case DnsSpec():
                return [DnsProbe(self._name_servers, timeout=timeout, may_go=no_dns)]
            case TcpSpec():
                return [TcpProbe(spec.host, spec.port, timeout=timeout)]
            case ApiServerSpec():
                return [CallProbe(self._apiserver, self._reach_apiserver, timeout=timeout)]
            case _:
                assert_never(spec)


class Proof:
    """The probes of one change: `choose` before it, `holds` after it."""

    def __init__(
        self,
        candidates: Sequence[Probe],
        metrics: Metrics,
        remarks: Sequence[str] = (),
        left_out: Sequence[ProbeResult] = (),
    ) -> None:
        """`remarks`: what else of the change may be why a probe does not pass after it, for its message.

        `left_out`: probes that the change itself makes meaningless, as results.
        """
        self._candidates = candidates
        self._remarks = remarks
        self._left_out = left_out
        self._chosen: list[Probe] = []
        self._metrics = metrics
        self._before: list[Result] = []
        self._after: list[Result] = []

    @property
    def seconds(self) -> int:
        """How long `holds` may take, at most."""
        return max((int(probe.timeout) for probe in self._candidates), default=0)

    @property
    def results(self) -> list[ProbeResult]:
        """What came of each: after the change for those that were chosen, before it for the others."""
        shown = [found for found in self._before if not found.chosen or not self._after]
        results = [
            ProbeResult(
                type=found.type,
                target=found.target,
                chosen=found.chosen,
                passed=found.passed,
                seconds=found.seconds,
                message=found.message or None,
            )
            for found in [*self._after, *shown]
        ]
        return [*results, *self._left_out]

    async def choose(self) -> None:
        """Find out which pass now: those must pass after the change."""
        with self._metrics.apply_seconds.labels("choose").time():
            self._chosen, self._before = await choose(self._candidates)

    async def verify(self, on_failure: Callable[[str], None]) -> str | None:
        """None when all that were chosen pass again within their time; else what does not, in words.

        `on_failure` is told at the first try that fails.
        """
        with self._metrics.apply_seconds.labels("probe").time():
            self._after = await prove(self._chosen, lambda failed: on_failure(_words(failed)))
        for found in self._after:
            self._metrics.probes.labels(found.type, "passed" if found.passed else "failed").inc()
            self._metrics.probe_seconds.labels(found.type).observe(found.seconds)
        missing = _missing(self._after)
        failed = {found.type for found in self._after if not found.passed}
        dns = [_ABOUT_DNS] if failed == {"dns"} else []
        return missing and "; ".join([missing, *dns, *self._remarks])

    async def verify_again(self) -> str | None:
        """The same once the change is undone; `results` go on telling of the change."""
        return _missing(await prove(self._chosen))


def _missing(results: Sequence[Result]) -> str | None:
    failed = [found for found in results if not found.passed]
    return _words(failed) if failed else None


def _spanning_tree(bridges: Sequence[Bridge]) -> list[str]:
    if not bridges:
        return []
    names, seconds = ", ".join(bridge.name for bridge in bridges[:_SHOWN]), max(bridge.seconds for bridge in bridges)
    return [
        f"{names}: STP is on and forwards nothing for {seconds} s, which the probes waited for (bridge.options.stp)"
    ]


def _words(results: Sequence[Result]) -> str:
    return "; ".join(f"{found.type}: {found.message}" for found in results)

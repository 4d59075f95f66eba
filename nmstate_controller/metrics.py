"""The agent's metrics, in a registry of their own, at 0 from the start: a rate() never misses the first event.

One `Metrics` is made by `__main__` and passed to whoever counts. All of it is called from the loop.
"""

from collections import Counter as Counting
from collections.abc import Collection, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.exposition import generate_latest

from nmstate_controller import __version__
from nmstate_controller.errors import reasons

APPLY_RESULTS: Final = ("Configured", "Interrupted", *reasons())
CONDITIONS: Final = ("Ready", "Reconciling", "Stalled", "Reporting")
PHASES: Final = ("choose", "apply", "probe", "finish")
PROBES: Final = ("gateway", "apiServer", "dns", "tcp")
WATCH_RESTARTS: Final = ("renewed", "expired", "gone", "silent", "throttled", "broken", "refused")
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)


class Metrics:
    """Every metric that the agent exports, by attribute."""

    def __init__(self) -> None:
        # A second series for each, with the time of its first event: nobody asks for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        Info("nmstate_controller_build", "Version of the agent.", registry=registry).info({"version": __version__})
        self.applies = Counter(
            "nmstate_controller_apply", "Changes of the node attempted, by verdict.", ["result"], registry=registry
        )
        self.apply_seconds = Histogram(
            "nmstate_controller_apply_duration_seconds",
            "Time that a change took, by phase: choosing probes, libnmstate's apply in memory, probes, and what is "
            "finished on disk or undone by hand.",
            ["phase"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.probes = Counter(
            "nmstate_controller_probes",
            "Probes after a change, of those that passed before it.",
            ["type", "result"],
            registry=registry,
        )
        self.probe_seconds = Histogram(
            "nmstate_controller_probe_duration_seconds",
            "Time until a probe passed after a change, or was given up.",
            ["type"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.drift = Gauge(
            "nmstate_controller_drift_differences",
            "Places where a node that was configured is no longer what desiredState asks.",
            registry=registry,
        )
        self.corrections = Counter(
            "nmstate_controller_drift_corrections",
            "Times that a node which something else had changed was made what desiredState asks.",
            registry=registry,
        )
        self.show_seconds = Histogram(
            "nmstate_controller_show_duration_seconds",
            "Time that libnmstate took for one look at the node.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.status_writes = Counter(
            "nmstate_controller_status_writes", "Writes of status that the apiserver took.", registry=registry
        )
        self.status_bytes = Counter(
            "nmstate_controller_status_written_bytes", "Bytes of those writes.", registry=registry
        )
        self.last_report = Gauge(
            "nmstate_controller_last_report_timestamp_seconds",
            "When the node was last read, as Unix time.",
            registry=registry,
        )
        self._conditions = Gauge(
            "nmstate_controller_condition",
            "1 while the object's condition is True, 0 while it is not.",
            ["type"],
            registry=registry,
        )
        self.desired_generation = Gauge(
            "nmstate_controller_desired_generation",
            "Newest generation of the object that the agent has seen.",
            registry=registry,
        )
        self.observed_generation = Gauge(
            "nmstate_controller_observed_generation",
            "Generation that the conditions speak about.",
            registry=registry,
        )
        self.watch_restarts = Counter(
            "nmstate_controller_watch_restarts",
            "Watches that were opened again, by reason.",
            ["reason"],
            registry=registry,
        )
        self.api_requests = Counter(
            "nmstate_controller_api_requests",
            "Requests to the apiserver, by verb and HTTP status (0: no answer).",
            ["verb", "code"],
            registry=registry,
        )
        # These two have the names and labels that kubernetes-nmstate gives them, so that dashboards go on working.
        self._interfaces = Gauge(
            "kubernetes_nmstate_network_interfaces",
            "Network interfaces in the report, by type.",
            ["type", "node"],
            registry=registry,
        )
        self._routes = Gauge(
            "kubernetes_nmstate_routes",
            "Routes in the report: static ones are configured, dynamic ones were learnt.",
            ["node", "ip_stack", "type"],
            registry=registry,
        )
        for result in APPLY_RESULTS:
            self.applies.labels(result)
        for phase in PHASES:
            self.apply_seconds.labels(phase)
        for condition in CONDITIONS:
            self._conditions.labels(condition)
        for kind in PROBES:
            self.probe_seconds.labels(kind)
            for result in ("passed", "failed"):
                self.probes.labels(kind, result)
        for reason in WATCH_RESTARTS:
            self.watch_restarts.labels(reason)
        for verb in ("list", "watch", "get", "update", "patch"):
            self.api_requests.labels(verb, "200")
        self.api_requests.labels("create", "201")

    def tell(self, true: Collection[str]) -> None:
        """These conditions are True, and no others."""
        for condition in CONDITIONS:
            self._conditions.labels(condition).set(condition in true)

    def describe(self, node: str, state: Mapping[str, Any]) -> None:
        """Count the interfaces and routes of a report."""
        kinds = Counting(str(interface.get("type")) for interface in state.get("interfaces", []))
        self._interfaces.clear()
        for kind, count in kinds.items():
            self._interfaces.labels(kind, node).set(count)
        routes = state.get("routes", {})
        configured, running = (Counting(map(_ip_stack, routes.get(key, []))) for key in ("config", "running"))
        for stack in ("ipv4", "ipv6"):
            self._routes.labels(node, stack, "static").set(configured[stack])
            self._routes.labels(node, stack, "dynamic").set(max(0, running[stack] - configured[stack]))

    def exposition(self) -> bytes:
        """The registry in Prometheus's text format."""
        return generate_latest(self.registry)


def _ip_stack(route: Mapping[str, Any]) -> str:
    return "ipv6" if ":" in str(route.get("destination")) else "ipv4"

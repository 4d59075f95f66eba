"""What is exported means what it says."""

from nmstate_controller.metrics import Metrics


def test_everything_is_there_from_the_start(metrics: Metrics) -> None:
    text = metrics.exposition().decode()

    assert 'nmstate_controller_apply_total{result="ApplyFailed"} 0.0' in text
    assert 'nmstate_controller_watch_restarts_total{reason="gone"} 0.0' in text
    assert "_created" not in text


def test_a_report_is_counted_by_type_and_forgotten_with_the_next(metrics: Metrics) -> None:
    def sample(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"node": "node01", **labels})

    route = {"destination": "198.51.100.0/24"}
    learnt = {"destination": "2001:db8::/64"}
    metrics.describe(
        "node01",
        {
            "interfaces": [{"type": "ethernet"}, {"type": "ethernet"}, {"type": "bond"}],
            "routes": {"config": [route], "running": [route, learnt]},
        },
    )
    assert sample("kubernetes_nmstate_network_interfaces", type="ethernet") == 2
    assert sample("kubernetes_nmstate_routes", ip_stack="ipv4", type="static") == 1
    assert sample("kubernetes_nmstate_routes", ip_stack="ipv4", type="dynamic") == 0
    assert sample("kubernetes_nmstate_routes", ip_stack="ipv6", type="dynamic") == 1

    metrics.describe("node01", {"interfaces": [{"type": "ethernet"}]})
    assert sample("kubernetes_nmstate_network_interfaces", type="bond") is None
    assert sample("kubernetes_nmstate_routes", ip_stack="ipv6", type="dynamic") == 0

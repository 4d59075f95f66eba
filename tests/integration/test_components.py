"""The manifests build with each component, and what they ask of a cluster is what they say."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from nmstate_controller.metrics import Metrics
from tests.lab import CHECKOUT, Json, Lab

COMPONENTS = sorted(path.parent.name for path in (CHECKOUT / "manifests/components").glob("*/kustomization.yaml"))


def build(lab: Lab, *components: str) -> dict[tuple[str, str], Json]:
    """What `kubectl kustomize` makes of the base with components, by kind and name."""
    # Inside the checkout: kustomize refuses absolute paths.
    folder = CHECKOUT / "tests/integration/.overlay"
    folder.mkdir(exist_ok=True)
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../../../manifests"],
        "components": [f"../../../manifests/components/{name}" for name in components],
    }
    (folder / "kustomization.yaml").write_text(json.dumps(overlay), encoding="utf-8")
    try:
        text = lab.kubectl("kustomize", str(folder)).stdout
    finally:
        (folder / "kustomization.yaml").unlink()
        folder.rmdir()
    return {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(text)}


def container(objects: dict[tuple[str, str], Json]) -> Json:
    pod = objects["DaemonSet", "nmstate-controller"]["spec"]["template"]["spec"]
    (only,) = pod["containers"]
    return dict(only)


@pytest.fixture(scope="module")
def base(lab: Lab) -> dict[tuple[str, str], Json]:
    return build(lab)


def test_the_pod_has_what_it_needs_and_no_more(base: dict[tuple[str, str], Json]) -> None:
    pod = base["DaemonSet", "nmstate-controller"]["spec"]["template"]["spec"]
    security = container(base)["securityContext"]

    assert security["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"]}
    assert (security["privileged"], security["allowPrivilegeEscalation"]) == (False, False)
    assert security["readOnlyRootFilesystem"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["appArmorProfile"] == {"type": "Unconfined"}
    assert "hostPID" not in pod
    assert "hostIPC" not in pod
    directories = {volume["hostPath"]["path"]: volume["hostPath"]["type"] for volume in pod["volumes"]}
    assert directories == {
        "/run/dbus": "Directory",
        "/run/nmstate-controller": "DirectoryOrCreate",
        "/etc/systemd/network": "DirectoryOrCreate",
    }


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_component_adds_to_the_base(lab: Lab, base: dict[tuple[str, str], Json], name: str) -> None:
    built = build(lab, name)

    assert base.keys() <= built.keys()
    assert built != base


def test_all_components_together(lab: Lab) -> None:
    built = build(lab, "monitoring", "openshift")

    assert container(built)["securityContext"]["seLinuxOptions"] == {"type": "spc_t"}
    assert {port["name"] for port in container(built)["ports"]} == {"metrics"}


def test_openshift_allows_what_the_pod_asks_for(lab: Lab) -> None:
    built = build(lab, "openshift")
    constraints = built["SecurityContextConstraints", "nmstate-controller"]
    pod = built["DaemonSet", "nmstate-controller"]["spec"]["template"]["spec"]
    security = container(built)["securityContext"]

    assert set(security["capabilities"]["add"]) == set(constraints["allowedCapabilities"])
    assert constraints["allowPrivilegedContainer"] is False
    assert constraints["allowHostNetwork"] is pod["hostNetwork"]
    assert "hostPath" in constraints["volumes"]
    (rule,) = built["Role", "nmstate-controller-scc"]["rules"]
    assert (rule["resourceNames"], rule["verbs"]) == (["nmstate-controller"], ["use"])
    (subject,) = built["RoleBinding", "nmstate-controller-scc"]["subjects"]
    assert subject["name"] == pod["serviceAccountName"]


def test_prometheus_finds_the_port_that_the_agent_serves(lab: Lab) -> None:
    built = build(lab, "monitoring")
    (endpoint,) = built["PodMonitor", "nmstate-controller"]["spec"]["podMetricsEndpoints"]
    (port,) = container(built)["ports"]
    (address,) = (e["value"] for e in container(built)["env"] if e["name"] == "NMSTATE_LISTEN_ADDRESS")

    assert endpoint["port"] == port["name"]
    assert address == f":{port['containerPort']}"
    labels = built["DaemonSet", "nmstate-controller"]["spec"]["template"]["metadata"]["labels"]
    assert built["PodMonitor", "nmstate-controller"]["spec"]["selector"]["matchLabels"].items() <= labels.items()


def expressions(value: Any) -> Iterator[str]:
    """Every PromQL expression in rules and dashboards."""
    if isinstance(value, dict):
        yield from (text for key, text in value.items() if key in ("expr", "query") and isinstance(text, str))
        for item in value.values():
            yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)


def test_alerts_and_dashboard_ask_for_metrics_that_there_are(lab: Lab) -> None:
    metrics = Metrics()
    metrics.describe("node01", {"interfaces": [{"type": "ethernet"}], "routes": {}})
    exported = set(re.findall(r"^(\w+)(?:\{| )", metrics.exposition().decode(), re.MULTILINE))
    built = build(lab, "monitoring")
    dashboard = json.loads(built["ConfigMap", "nmstate-controller-dashboard"]["data"]["nmstate-controller.json"])
    asked = [*expressions(dashboard), *expressions(built["PrometheusRule", "nmstate-controller"])]
    used = {name for text in asked for name in re.findall(r"\b(?:nmstate_controller|kubernetes_nmstate)_\w+", text)}

    assert used
    assert used <= exported

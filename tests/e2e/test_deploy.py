"""The agent as users run it: an image and a DaemonSet on a real kubelet, from the first rollout to the uninstall."""

import json
from typing import Any

import pytest

from tests.e2e.cases import CASES, bridge
from tests.lab import CHECKOUT, Json, Lab, Node, condition, eventually

# The first of these tests builds the image and the kubelet, where no other run of them has.
pytestmark = pytest.mark.timeout(3600)

NAMESPACE = "--namespace=nmstate-controller"
DAEMONSET = "daemonset/nmstate-controller"
# Kinds that go together in one document, and what libnmstate does with the kernel itself among them.
KINDS = {"VLAN on a bond", "routes and a rule", "DNS", "dummy", "veth pair", "VXLAN", "MAC VLAN"}
DNS = next(case for case in CASES if case.name == "DNS")
CAPABILITIES = 1 << 12 | 1 << 13
"""NET_ADMIN and NET_RAW, as /proc/PID/status counts them."""


class Deployment:
    """The DaemonSet and its pod on the one node."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.node = lab.node("node01")

    def apply(self) -> None:
        """Deploy as README says, and wait for the agent's first report."""
        self.lab.kubectl("apply", "-k", str(CHECKOUT / "manifests"))
        self.rolled_out()
        eventually(
            lambda: condition(self.node.object().get("status", {}), "Reporting").get("status"),
            lambda status: status == "True",
            "the node is reported",
        )

    def rolled_out(self) -> None:
        """Wait until kubelet calls the pod of the newest revision ready."""
        self.lab.kubectl("rollout", "status", NAMESPACE, DAEMONSET, "--timeout=120s")

    def pod(self) -> dict[str, Any]:
        """The one pod that is not on its way out."""
        pods = self.lab.kubectl_json("get", "pods", NAMESPACE)["items"]
        (pod,) = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return dict(pod)

    def container(self) -> dict[str, Any]:
        """What kubelet says about the pod's one container."""
        (status,) = self.pod()["status"]["containerStatuses"]
        return dict(status)

    def pid(self) -> int:
        """The agent's process on the node."""
        return int(self.node.run("pgrep", "-f", "bin/nmstate-controller run"))

    def delete(self) -> None:
        """Uninstall in the order of docs/install.md."""
        self.lab.kubectl("delete", "nns", "--all", "--timeout=120s")
        self.lab.kubectl("delete", "-k", str(CHECKOUT / "manifests"), "--timeout=120s")


@pytest.fixture
def deployed(pod_lab: Lab) -> Deployment:
    """The manifests are applied and the agent reports; the node is as it was when it was switched on."""
    deployment = Deployment(pod_lab)
    deployment.apply()
    deployment.node.patch({"removalPolicy": None})
    deployment.node.reset()
    return deployment


def network(node: Node) -> Any:
    """What must not change behind a running network: links, addresses, routes, and when profiles were activated."""
    links = json.loads(node.run("ip", "-json", "address"))
    routes = json.loads(node.run("ip", "-json", "route", "show", "table", "all"))
    return links, routes, node.shell("nmcli -g NAME,UUID,TIMESTAMP-REAL,DEVICE connection show --active")


def test_the_pod_has_no_more_rights_than_it_was_given(deployed: Deployment) -> None:
    container = deployed.container()
    assert (container["ready"], container["restartCount"]) == (True, 0)

    status = dict(
        line.split(":\t", 1) for line in deployed.node.run("cat", f"/proc/{deployed.pid()}/status").splitlines()
    )
    for kind in ("CapPrm", "CapEff", "CapBnd"):
        assert int(status[kind], 16) == CAPABILITIES
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    mounts = deployed.node.run("cat", f"/proc/{deployed.pid()}/mounts").splitlines()
    (root,) = [mount for mount in mounts if mount.split()[1] == "/"]
    assert "ro" in root.split()[3].split(",")


def test_an_edit_is_applied(deployed: Deployment) -> None:
    node = deployed.node
    node.configured(node.desire(bridge("br1", "eth1")))

    assert node.ports("br1") == {"eth1"}
    reported = node.reported("br1")
    assert reported is not None
    assert [port["name"] for port in reported["bridge"]["port"]] == ["eth1"]


def test_the_rights_are_enough_for_every_kind(deployed: Deployment) -> None:
    node = deployed.node
    cases = [case for case in CASES if case.name in KINDS]
    assert {case.name for case in cases} == KINDS
    document: Json = {}
    for case in cases:
        for section, content in case.document.items():
            document[section] = document.get(section, []) + content if isinstance(content, list) else content
    document["interfaces"][0]["alt-names"] = [{"name": "another-name"}]

    node.configured(node.replace(document))

    for case in cases:
        case.seen(node)
    assert node.links()[document["interfaces"][0]["name"]]["altnames"] == ["another-name"]
    document["interfaces"][0]["alt-names"][0]["state"] = "absent"
    node.configured(node.replace({**document, **DNS.undo}))


def test_the_pod_survives_a_restart_of_dbus_and_networkmanager(deployed: Deployment) -> None:
    node = deployed.node
    before = deployed.pod()["metadata"]["uid"]

    node.shell(
        "lab-networkmanager stop; pkill -x dbus-daemon; rm -f /run/dbus/system_bus_socket;"
        " dbus-daemon --system --fork --nopidfile; lab-networkmanager start"
    )

    node.configured(node.desire(bridge("br1", "eth1")))
    assert node.ports("br1") == {"eth1"}
    assert deployed.pod()["metadata"]["uid"] == before
    assert deployed.container()["restartCount"] == 0


def test_another_image_rolls_out_without_touching_the_network(deployed: Deployment) -> None:
    node = deployed.node
    node.configured(node.desire(bridge("br1", "eth1")))
    last_apply = node.object()["status"]["lastApply"]
    before, pod = network(node), deployed.pod()
    image = pod["spec"]["containers"][0]["image"]
    images = node.run("ctr", "--namespace=k8s.io", "images", "list", "--quiet").split()
    (imported,) = [name for name in images if name.endswith(f"/{image}")]
    node.run("ctr", "--namespace=k8s.io", "images", "tag", "--force", imported, "localhost/next:1")

    deployed.lab.kubectl("set", "image", NAMESPACE, DAEMONSET, "agent=localhost/next:1")
    deployed.rolled_out()

    assert deployed.pod()["metadata"]["uid"] != pod["metadata"]["uid"]
    assert deployed.pod()["spec"]["containers"][0]["image"] == "localhost/next:1"
    assert node.object()["status"]["lastApply"] == last_apply
    assert network(node) == before


@pytest.mark.parametrize("policy", ["Retain", "Revert"])
def test_what_is_left_after_the_uninstall(deployed: Deployment, policy: str) -> None:
    node = deployed.node
    node.patch({"removalPolicy": policy})
    node.configured(node.desire(bridge("br1", "eth1")))

    deployed.delete()

    assert deployed.lab.kubectl("get", "namespace,crd", "-o", "name").stdout.count("nmstate") == 0
    assert node.run("pgrep", "-f", "bin/nmstate-controller run", check=False) == ""
    if policy == "Retain":
        assert node.ports("br1") == {"eth1"}
    else:
        assert "br1" not in node.links()

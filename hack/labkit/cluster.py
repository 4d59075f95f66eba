"""What the lab puts into its apiserver: the manifests, and the Node and Pod objects that stand for its nodes."""

import json
import os
import subprocess
import time
from pathlib import Path

from labkit.errors import LabError
from labkit.network import inside
from labkit.place import CHECKOUT, Place
from labkit.progress import run

NAMESPACE = "nmstate-controller"
SERVICE_ACCOUNT = "nmstate-controller"
CRD = "nodenetworkstates.nmstate.io"
TOKEN_DURATION = "8760h"  # noqa: S105  (a time)
SERVED_SECONDS = 30.0
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


def kubectl_command(place: Place, arguments: list[str]) -> list[str]:
    """The command line that runs kubectl as the lab's administrator."""
    if not place.kubeconfig.exists() or not (place.bin / "kubectl").exists():
        raise LabError(f"lab {place.name} is not up: `hack/lab up` starts it")
    return inside(place, [f"{place.bin}/kubectl", f"--kubeconfig={place.kubeconfig}", *arguments])


def environment(place: Place) -> dict[str, str]:
    """The environment for kubectl: no proxy knows the way, and its cache goes with the lab."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
    return {**kept, "KUBECACHEDIR": f"{place.state}/kubectl-cache"}


def kubectl(place: Place, *arguments: str, stdin: str = "", seconds: float = 60) -> str:
    """Run kubectl and return what it printed; raises LabError if it fails."""
    return run(kubectl_command(place, list(arguments)), stdin=stdin, env=environment(place), seconds=seconds)


def kubectl_here(place: Place, arguments: list[str]) -> int:
    """`hack/lab kubectl`: becomes kubectl, so that input, output and signals are its own."""
    command = kubectl_command(place, arguments)
    os.execvpe(command[0], command, environment(place))  # noqa: S606


def manifests() -> Path:
    """The folder that `kubectl apply -k` deploys; LAB_MANIFESTS names another one."""
    return Path(os.environ.get("LAB_MANIFESTS") or CHECKOUT / "manifests")


def deploy(place: Place) -> None:
    """Apply the manifests and wait for the custom resource to be served."""
    kubectl(place, "apply", "-k", str(manifests()))
    # Not `kubectl wait`, which fails on a CRD that has no conditions yet.
    deadline = time.monotonic() + SERVED_SECONDS
    while not is_established(kubectl(place, "get", f"crd/{CRD}", "-o", "json")):
        if time.monotonic() > deadline:
            raise LabError(f"{CRD} is not served {SERVED_SECONDS:.0f} s after it was applied")
        time.sleep(0.1)


def is_established(crd: str) -> bool:
    """Whether a CustomResourceDefinition, as JSON, is served. Its conditions are null when it is new."""
    conditions = (json.loads(crd).get("status") or {}).get("conditions") or []
    return any((found["type"], found["status"]) == ("Established", "True") for found in conditions)


def deployed(place: Place) -> bool:
    """Whether the cluster has what the manifests say."""
    command = kubectl_command(place, ["diff", "-k", str(manifests())])
    done = subprocess.run(command, env=environment(place), capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def pod(node: str) -> str:
    """The name of the pod object that the agent's token on a node is bound to."""
    return f"{NAMESPACE}-{node}"


def register(place: Place, nodes: list[str]) -> None:
    """Create the Node and Pod objects of nodes; those that exist are left as they are."""
    objects = [item for node in nodes for item in (_node(node), _pod(node))]
    document = {"apiVersion": "v1", "kind": "List", "items": objects}
    kubectl(place, "apply", "-f", "-", stdin=json.dumps(document))


def token(place: Place, node: str) -> str:
    """Return a fresh token of the agent's ServiceAccount, bound to the node's pod object as a kubelet's would be."""
    arguments = ["create", "token", SERVICE_ACCOUNT, f"--namespace={NAMESPACE}", f"--duration={TOKEN_DURATION}",
                 "--request-timeout=10s", "--bound-object-kind=Pod", f"--bound-object-name={pod(node)}"]  # fmt: skip
    try:
        return kubectl(place, *arguments).strip()
    except LabError as error:
        if "NotFound" not in str(error):
            raise
        # Somebody has deleted the objects, as a DaemonSet's rollout would.
        register(place, [node])
        return kubectl(place, *arguments).strip()


def _node(name: str) -> dict[str, object]:
    # Without kubernetes.io/os, so that no DaemonSet that selects it takes the node for a real one.
    labels = {"kubernetes.io/hostname": name}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def _pod(node: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod(node),
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/name": "nmstate-controller"},
        },
        "spec": {
            "nodeName": node,
            "serviceAccountName": SERVICE_ACCOUNT,
            "automountServiceAccountToken": False,
            # Nothing runs it: the agent is a process on the node, the object is what its token speaks of.
            "containers": [{"name": "agent", "image": "nmstate-controller:lab"}],
        },
    }

"""etcd, kube-apiserver and the nodes' DNS server, each a process of the host in the lab's network namespace."""

import http.client
import ssl
import time
from typing import Any

from labkit import network, process
from labkit.errors import LabError
from labkit.network import GATEWAY
from labkit.place import Place
from labkit.progress import tail

PORT = 6443
READY_SECONDS = 120.0
DOMAIN = "lab.test"
ROLES = ("dns", "etcd", "apiserver")
CONTROLLERS = ("controller-manager", "scheduler")
"""Only in a lab whose nodes run pods."""

_TERMINATION_SECONDS = 4.0
"""kube-apiserver waits a minute for watches to end if it may."""


def start(place: Place) -> None:
    """Start what does not run; `wait_ready` tells when it can be used."""
    if not process.find(place, "dns"):
        process.start(place, "dns", _dns(), place.state / "dns.log")
    if not process.find(place, "etcd"):
        # Without its store an apiserver that still runs would only get in the way.
        process.stop(place, "apiserver")
        process.start(place, "etcd", _etcd(place), place.state / "etcd.log")
    if not process.find(place, "apiserver"):
        process.start(place, "apiserver", _apiserver(place), place.state / "apiserver.log")


def _dns() -> list[str]:
    hosts = [f"node{number:02d}" for number in range(1, 10)]
    return [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--pid-file",
        "--log-facility=-",
        "--user=root",
        "--bind-interfaces",
        f"--listen-address={GATEWAY}",
        "--except-interface=lo",
        # Nobody else is asked: what is not below our domain does not exist.
        "--no-resolv",
        "--no-hosts",
        "--address=/#/",
        f"--address=/{DOMAIN}/{GATEWAY}",
        *(f"--address=/{host}.{DOMAIN}/{network.address(host)}" for host in hosts),
    ]


def _etcd(place: Place) -> list[str]:
    return [
        f"{place.bin}/etcd",
        f"--data-dir={place.state}/etcd",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        # What a crash of this machine would lose, a new lab has again in seconds.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(place: Place) -> list[str]:
    keys = place.certificates
    return [
        f"{place.bin}/kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        f"--bind-address={GATEWAY}",
        f"--advertise-address={GATEWAY}",
        f"--secure-port={PORT}",
        f"--tls-cert-file={keys}/apiserver.crt",
        f"--tls-private-key-file={keys}/apiserver.key",
        f"--client-ca-file={keys}/ca.crt",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys}/service-account.pub",
        f"--service-account-signing-key-file={keys}/service-account.key",
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=none",
        "--profiling=false",
        *(_for_kubelets(place) if place.kubelets.exists() else _WITHOUT_CONTROLLERS),
    ]


# Nobody makes the default service accounts that this plugin insists on.
_WITHOUT_CONTROLLERS = ("--disable-admission-plugins=ServiceAccount",)


def _for_kubelets(place: Place) -> tuple[str, ...]:
    """How `kubectl logs` and `exec` reach a kubelet."""
    keys = place.certificates
    return (
        f"--kubelet-certificate-authority={keys}/ca.crt",
        f"--kubelet-client-certificate={keys}/admin.crt",
        f"--kubelet-client-key={keys}/admin.key",
        "--kubelet-preferred-address-types=InternalIP",
    )


def start_controllers(place: Place) -> None:
    """Start what makes pods of workloads; the apiserver has to be ready, because they give up on one that is not."""
    common = [f"--kubeconfig={place.kubeconfig}", "--leader-elect=false", "--bind-address=127.0.0.1"]
    keys = place.certificates
    special = {
        "controller-manager": [
            f"--root-ca-file={keys}/ca.crt",
            f"--service-account-private-key-file={keys}/service-account.key",
        ],
        "scheduler": [],
    }
    for role in CONTROLLERS:
        if not process.find(place, role):
            command = [f"{place.bin}/kube-{role}", *common, *special[role]]
            process.start(place, role, command, place.state / f"{role}.log")


def ready(place: Place) -> bool:
    """Whether the apiserver answers /readyz with 200."""
    context = ssl.create_default_context(cafile=str(place.certificates / "ca.crt"))
    context.load_cert_chain(place.certificates / "admin.crt", place.certificates / "admin.key")
    try:
        connection = http.client.HTTPSConnection(GATEWAY, PORT, context=context)
        with context.wrap_socket(network.connect(place, GATEWAY, PORT, 2), server_hostname=GATEWAY) as client:
            client.settimeout(5)
            connection.sock = client
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException, LabError):
        return False


def wait_ready(place: Place) -> None:
    """Return when the apiserver is ready; raise LabError with its last words if it dies or hangs."""
    deadline = time.monotonic() + READY_SECONDS
    while not ready(place):
        for role in ROLES:
            if not process.find(place, role):
                raise LabError(f"{role} died while it started; its log says:{tail(place.state / f'{role}.log')}")
        if time.monotonic() > deadline:
            raise LabError(
                f"the apiserver is not ready after {READY_SECONDS:.0f} s; its log says:"
                f"{tail(place.state / 'apiserver.log')}"
            )
        time.sleep(0.1)


def restart_if_stuck(place: Place) -> None:
    """End what runs but gets nowhere, for example because its network was taken away."""
    deadline = time.monotonic() + 15
    while all(process.find(place, role) for role in ROLES):
        if ready(place):
            return
        if time.monotonic() > deadline:
            stop(place)
            return
        time.sleep(0.2)


def stop_apiserver(place: Place, *, at_once: bool = False) -> None:
    """End the apiserver alone; unless `at_once` it may answer what it has been asked."""
    process.stop(place, "apiserver", 0.0 if at_once else _TERMINATION_SECONDS)


def stop_store(place: Place) -> None:
    """End etcd, and before it the apiserver, which needs it to end well."""
    stop_apiserver(place)
    process.stop(place, "etcd", 4.0)


def stop(place: Place) -> None:
    """End the control plane."""
    for role in CONTROLLERS:
        process.stop(place, role)
    stop_store(place)
    process.stop(place, "dns", 2.0)


def describe(place: Place) -> dict[str, Any]:
    """What `hack/lab status` shows: the pid of each part, and whether the apiserver is ready."""
    roles = (*ROLES, *CONTROLLERS) if place.kubelets.exists() else ROLES
    pids = {role: next(iter(process.find(place, role)), None) for role in roles}
    return {"pids": pids, "ready": all(pids.values()) and ready(place)}

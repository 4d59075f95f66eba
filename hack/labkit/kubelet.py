"""A lab whose nodes run pods: a kubelet and containerd on each, scheduler and controller manager beside the apiserver.

Nothing of it exists in a lab that was not made for it (`hack/lab up --kubelet`).
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from labkit import certificates, cluster, controlplane, image, network, pause
from labkit.errors import LabError
from labkit.node import Node
from labkit.place import Place
from labkit.progress import run

SECTIONS = ("image", "kubelet")
"""What hack/apt-packages lists for this."""

DISK_SIZE = "6G"
"""Of the file that holds a node's containers; only what is written takes space."""

READY_SECONDS = 180


def claim(place: Place, wanted: bool) -> bool:
    """Whether this lab's nodes have kubelets, which is settled when it is made; raises LabError if it is too late."""
    if wanted and not place.kubelets.exists():
        if place.nodes():
            raise LabError(f"lab {place.name} was made without kubelets: `hack/lab down` first, or another --name")
        place.kubelets.touch()
    return place.kubelets.exists()


def images(place: Place) -> list[Path]:
    """The archives of what the nodes are to run, made if need be."""
    archive = place.state / "pause.tar"
    pause.make(archive)
    return [archive, image.ensure()]


def prepare(node: Node) -> None:
    """Give a node, before it is first switched on, a disk for containers and what its kubelet is told."""
    folder = node.folder / "kubelet"
    if folder.exists():
        return
    node.folder.mkdir(parents=True, exist_ok=True)
    run(["truncate", f"--size={DISK_SIZE}", str(node.containers)])
    run(["mkfs.ext4", "-q", "-F", str(node.containers)])
    # Its folder comes last, because it is the sign that all is there.
    new = folder.with_suffix(".new")
    new.mkdir(mode=0o700, exist_ok=True)
    certificates.kubelet(node.place, node.name, new)
    (new / "config.yaml").write_text(json.dumps(_configuration(folder, node.place)))
    (new / "containerd.toml").write_text(_CONTAINERD)
    (new / "environment").write_text(
        f"kubelet={node.place.bin}/kubelet\n"
        f"address={network.address(node.name)}\n"
        f"apiserver={network.GATEWAY}:{controlplane.PORT}\n"
    )
    new.rename(folder)


def wait_ready(nodes: list[Node], archives: list[Path]) -> None:
    """Import the images into every node and return when the cluster calls all of them ready."""
    with ThreadPoolExecutor(len(nodes)) as pool:
        for future in [pool.submit(_load, node, archives) for node in nodes]:
            future.result()
    names = [f"node/{node.name}" for node in nodes]
    for condition in ("create", "condition=Ready"):
        arguments = ["wait", f"--for={condition}", f"--timeout={READY_SECONDS}s", *names]
        cluster.kubectl(nodes[0].place, *arguments, seconds=READY_SECONDS + 10)


def wait_deployed(place: Place) -> None:
    """Return when the DaemonSet's pods are ready on all nodes."""
    arguments = ["rollout", "status", f"daemonset/{cluster.NAMESPACE}", f"--namespace={cluster.NAMESPACE}"]
    cluster.kubectl(place, *arguments, f"--timeout={READY_SECONDS}s", seconds=READY_SECONDS + 10)


def _load(node: Node, archives: list[Path]) -> None:
    for archive in archives:
        # Each archive is made once, so what was imported under its name need not be again.
        script = 'grep -sqx "$0" /var/lib/containerd/lab-images || { ctr --namespace k8s.io images import "$0"'
        script += ' && echo "$0" >> /var/lib/containerd/lab-images; }'
        node.channel.output(["sh", "-ec", script, str(archive)], seconds=180)


def _configuration(folder: Path, place: Place) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        "authentication": {
            "x509": {"clientCAFile": f"{place.certificates}/ca.crt"},
            "webhook": {"enabled": True},
            "anonymous": {"enabled": False},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{folder}/kubelet.crt",
        "tlsPrivateKeyFile": f"{folder}/kubelet.key",
        # The disk is as large as the lab needs: nothing is to be evicted from it.
        "evictionHard": {"memory.available": "20Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        # What decides how long a rollout takes here.
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
    }


_CONTAINERD = f"""\
version = 2
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause.REFERENCE}"
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"""

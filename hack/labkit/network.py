"""The lab's network: one namespace with a bridge that the nodes hang on and a second one for `hack/lab exec`.

Everything is made inside the namespace, so names and addresses are the same in every lab and the host's own
network is never touched.
"""

import ctypes
import os
import socket
from contextlib import suppress
from pathlib import Path

from labkit.errors import LabError
from labkit.place import Place
from labkit.progress import run

GATEWAY = "10.88.0.1"
"""The lab's side of the nodes' network: default gateway, DNS server and address of the apiserver."""

CHANNEL_PORT = 9999
_CLONE_NEWNET = 0x40000000


def index(node: str) -> int:
    """The number in a node's name: 1 for node01."""
    return int(node.removeprefix("node"))


def address(node: str) -> str:
    """A node's address on eth0."""
    return f"10.88.0.{10 + index(node)}"


def channel_address(node: str) -> str:
    """A node's address on the network that only `hack/lab exec` uses."""
    return f"10.89.0.{10 + index(node)}"


def exists(place: Place) -> bool:
    """Whether the namespace is there (a file alone is what a reboot or a crash leaves)."""
    return os.path.ismount(place.namespace)  # Path.is_mount() only knows folders


def create(place: Place) -> None:
    """Make the namespace and its bridges, or what is missing of them."""
    if not exists(place):
        place.namespace.touch()
        run(["unshare", f"--net={place.namespace}", "true"])
    _unlink(place)
    place.namespace_link.parent.mkdir(parents=True, exist_ok=True)
    place.namespace_link.symlink_to(place.namespace)
    commands = ["link set lo up"]
    have = _links(place)
    for bridge, own in (("br-lab", f"{GATEWAY}/24"), ("br-exec", "10.89.0.1/24")):
        if bridge not in have:
            # No forward delay: a node must be reachable the moment its link is up.
            commands.append(f"link add {bridge} type bridge forward_delay 0 stp_state 0")
        commands += [f"address replace {own} dev {bridge}", f"link set {bridge} up"]
    _ip(place, "-batch", "-", stdin="\n".join(commands) + "\n")


def remove(place: Place) -> None:
    """Remove the namespace with all that is in it; nothing happens if there is none."""
    _unmount(place.namespace)
    place.namespace.unlink(missing_ok=True)
    _unlink(place)
    with suppress(OSError):
        place.namespace_link.parent.rmdir()


def _unlink(place: Place) -> None:
    _unmount(place.namespace_link)  # where labs of earlier versions had the namespace itself
    place.namespace_link.unlink(missing_ok=True)


def _unmount(path: Path) -> None:
    """Take away every mount on the file: somebody may have mounted it over itself."""
    while os.path.ismount(path):
        run(["umount", "--lazy", str(path)])


def _ip(place: Place, *arguments: str, stdin: str = "") -> str:
    return run(inside(place, ["ip", *arguments]), stdin=stdin)


def _links(place: Place) -> set[str]:
    lines = _ip(place, "-o", "link").splitlines()
    return {line.split(": ")[1].split("@")[0] for line in lines}


def taps(node: str) -> tuple[str, str]:
    """The names of a node's two taps: for eth0, and for `hack/lab exec`."""
    return f"tap{index(node):02d}", f"exec{index(node):02d}"


def plug(place: Place, node: str) -> None:
    """Give a node fresh taps: one that was used before keeps offload flags that break TCP for the next user."""
    unplug(place, node)
    commands = []
    for tap, bridge in zip(taps(node), ("br-lab", "br-exec"), strict=True):
        commands += [f"tuntap add {tap} mode tap", f"link set {tap} master {bridge} up"]
    _ip(place, "-batch", "-", stdin="\n".join(commands) + "\n")


def unplug(place: Place, node: str) -> None:
    """Remove a node's taps if they are there."""
    have = _links(place)
    for tap in taps(node):
        if tap in have:
            _ip(place, "link", "del", tap)


def connect(place: Place, host: str, port: int, seconds: float) -> socket.socket:
    """Open a TCP connection from inside the namespace; a socket keeps the namespace that it was made in.

    Raises OSError as `socket.connect` does, and LabError if the lab has no network.
    """
    if not exists(place):
        raise LabError(f"lab {place.name} is not up: `hack/lab up` starts it")
    connection = _socket_inside(place.namespace)
    try:
        connection.settimeout(seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect((host, port))
        connection.settimeout(None)
    except OSError:
        connection.close()
        raise
    return connection


def _socket_inside(namespace: Path) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(descriptor: int) -> None:
        if libc.setns(descriptor, _CLONE_NEWNET) != 0:
            raise LabError(f"the lab's network namespace cannot be entered: {os.strerror(ctypes.get_errno())}")

    # The calling thread's own namespace, which need not be the main thread's.
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(there)
        try:
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        finally:
            enter(home)
    finally:
        os.close(there)
        os.close(home)


def inside(place: Place, argv: list[str]) -> list[str]:
    """The command line that runs `argv` in the lab's network."""
    return ["nsenter", f"--net={place.namespace}", "--", *argv]

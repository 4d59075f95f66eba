"""A node: a User-Mode Linux kernel with the host's programs and its own network, udev, D-Bus and NetworkManager."""

import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any

from labkit import network, process, uml
from labkit.channel import Channel, remove_socket_folder
from labkit.errors import LabError, NodeDown
from labkit.place import CHECKOUT, Place
from labkit.progress import run, say, tail

MEMORY = "640M"
POD_MEMORY = "1G"
"""Of a node that runs pods."""

BOOT_SECONDS = 120.0
"""A boot takes 6 s when the machine is idle; the deadline is for one that builds something with all its cores."""

_KERNEL = "linux.uml"
_GUEST = CHECKOUT / "hack" / "labkit" / "guest"
_DISK = ("system-connections", "networkmanager", "etc", "log")


class Node:
    """One node of a lab.  Instances hold no state: what is asked for is read from the processes and the disk."""

    def __init__(self, place: Place, name: str) -> None:
        self.place = place
        self.name = name
        self.folder = place.node(name)
        self.channel = Channel(place, name)

    @property
    def console(self) -> Path:
        """What the node's kernel and its first process print."""
        return self.folder / "console.log"

    @property
    def log(self) -> Path:
        """The folder that is /var/log/nmstate-lab on the node and survives it."""
        return self.folder / "log"

    @property
    def containers(self) -> Path:
        """The disk of a node that runs pods; there is none on others."""
        return self.folder / "containers.ext4"

    def pid(self) -> int | None:
        """The pid of the node's kernel on the host, if the node runs."""
        # The kernel leads a session; its processes, one for each on the node, are only members.
        pids = process.find(self.place, self.name)
        return next((pid for pid in pids if process.leads(pid)), None)

    def answers(self, seconds: float = 15) -> bool:
        """Whether the node runs and its server answers; a living node gets some time to, it may be busy or booting."""
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if self.channel.answers():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return False

    def booted(self) -> bool:
        """Whether the node's NetworkManager has come up since the node was started."""
        try:
            self.channel.output(["test", "-e", "/run/nmstate-lab/booted"], seconds=3)
        except LabError:
            return False
        return True

    def power_on(self) -> None:
        """Start the node's kernel; `wait_booted` tells when it is of use."""
        self._make_disk()
        process.stop(self.place, self.name)
        umid = self.place.state / "uml"
        umid.mkdir(exist_ok=True)
        remove_socket_folder(umid / self.name)
        network.plug(self.place, self.name)
        eth0, channel = network.taps(self.name)
        number = network.index(self.name)
        machine = hashlib.md5(f"{self.place.state}/{self.name}".encode(), usedforsecurity=False).hexdigest()
        pods = self.containers.exists()
        command = [
            _KERNEL,
            f"mem={POD_MEMORY if pods else MEMORY}",
            *([f"ubda={self.containers}"] if pods else []),
            "root=/dev/root",
            "rootfstype=hostfs",
            "rootflags=/",
            "ro",
            "quiet",
            f"umid={self.name}",
            f"uml_dir={umid}/",
            f"init={_GUEST / 'init'}",
            "con=null",
            "con0=null,fd:1",
            "con1=null",
            "net.ifnames=0",
            # A MAC of its own for ever: what other machines remember of a node outlives its reboot.
            f"eth0=tuntap,{eth0},02:00:0a:58:00:{number:02x}",
            f"eth1=tuntap,{channel},02:00:0a:59:00:{number:02x}",
            f"LAB_NODE={self.name}",
            f"LAB_DISK={self.folder}",
            f"LAB_CHECKOUT={CHECKOUT}",
            f"LAB_PYTHON={os.path.realpath(sys.executable)}",
            f"LAB_CHANNEL={network.channel_address(self.name)}/24",
            f"LAB_MACHINE={machine}",
        ]
        with self.console.open("a") as console:
            console.write(f"--- {self.name} is switched on at {time.strftime('%FT%TZ', time.gmtime())}\n")
        process.start(self.place, self.name, command, self.console, env=uml.environment())

    def wait_booted(self) -> None:
        """Return when the node is up; raise LabError with the console's last words if it dies or hangs."""
        deadline = time.monotonic() + BOOT_SECONDS
        while not self.booted():
            if self.pid() is None:
                raise LabError(f"{self.name} died while it started; its console says:{tail(self.console)}")
            if time.monotonic() > deadline:
                raise LabError(
                    f"{self.name} is not up after {BOOT_SECONDS:.0f} s; its console says:{tail(self.console)}"
                )
            time.sleep(0.1)
        if not self.eth0_connected():
            say(f"{self.name} is up, but NetworkManager has not connected its eth0")

    def eth0_connected(self) -> bool:
        """Whether NetworkManager calls eth0 connected."""
        command = ["nmcli", "-g", "GENERAL.STATE", "device", "show", "eth0"]
        try:
            return self.channel.output(command).startswith("100")
        except NodeDown:
            raise
        except LabError:
            return False

    def power_cut(self) -> None:
        """End the node's kernel without a word to it."""
        process.stop(self.place, self.name)

    def shut_down(self) -> None:
        """Switch the node off cleanly: processes are told, data is written; a power cut if that takes too long."""
        if self.pid() is None:
            return
        try:
            self.channel.output(["lab-networkmanager", "stop"], seconds=20)
            self.channel.ask("power-off", seconds=10)
        except LabError:
            pass  # the connection ends with the node, and a node that hangs is dealt with below
        deadline = time.monotonic() + 10
        while self.pid() is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.stop(self.place, self.name)

    def describe(self) -> dict[str, Any]:
        """What `hack/lab status` shows of the node itself."""
        pid = self.pid()
        up = pid is not None and self.channel.answers()
        return {"pid": pid, "up": up, "address": self._address() if up else None}

    def _address(self) -> str | None:
        lines = self.channel.output(["ip", "-4", "-br", "address", "show", "dev", "eth0"]).split()
        return lines[2] if len(lines) > 2 else None

    def _make_disk(self) -> None:
        for folder in _DISK:
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        modprobe = self.folder / "modprobe"
        if not modprobe.exists():
            run(["gcc", "-static", "-Os", "-s", str(_GUEST / "modprobe.c"), "-o", str(modprobe)])
        marker = self.folder / "made"
        if marker.exists():
            return
        # Only once: what becomes of the profile afterwards is the node's business.
        profile = self.folder / "system-connections" / "eth0.nmconnection"
        descriptor = os.open(profile, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(_profile(self.name))
        marker.touch()


def _profile(node: str) -> str:
    return f"""\
[connection]
id=eth0
uuid=00000000-0000-4000-8000-0000000000{network.index(node):02x}
type=ethernet
interface-name=eth0

[ipv4]
method=manual
address1={network.address(node)}/24,{network.GATEWAY}
dns={network.GATEWAY};

[ipv6]
method=link-local
"""

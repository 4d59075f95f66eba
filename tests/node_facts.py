"""What a change could touch on the machine this runs on, printed as JSON: the raw facts behind `tests.oracle`.

Run on a node, by one `hack/lab exec`, because each of those costs more than all that is asked here.
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

NM = "org.freedesktop.NetworkManager"
COMMANDS = {
    "links": "ip -json -details address show",
    "addr_gen": "ip -json -details link show",
    "routes4": "ip -json -4 -details route show table all",
    "routes6": "ip -json -6 -details route show table all",
    "rules4": "ip -json -4 -details rule show",
    "rules6": "ip -json -6 -details rule show",
    "vlans": "bridge -json -compressvlans vlan show",
}
# What a boot reads, what NetworkManager keeps until one, what the agent notes, and what the resolver reads.
FILES = {
    "/etc/NetworkManager": "**/*",
    "/run/NetworkManager/system-connections": "*",
    "/var/lib/NetworkManager": "*.*conf",
    "/run/nmstate-controller": "change.json",
    "/etc": "resolv.conf",
}
SYSCTLS = ("ipv6/{}/disable_ipv6", "ipv6/{}/accept_ra", "ipv6/{}/forwarding", "ipv4/{}/forwarding")


def printed(command: str) -> Any:
    """What the command prints, parsed; a list that is empty when it prints nothing."""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout or "[]")


def text(path: Path) -> str | None:
    """What is in a file; None when it is gone or was never there."""
    try:
        return path.read_bytes().decode(errors="replace").strip()
    except OSError:
        return None


def files() -> dict[str, str]:
    """The files that count, by path."""
    paths = [path for folder, pattern in FILES.items() for path in Path(folder).glob(pattern) if path.is_file()]
    return {str(path): found for path in paths if (found := text(path)) is not None}


def sysfs() -> dict[str, dict[str, str | None]]:
    """By interface: how it came by its MAC, and its sysctls."""
    found: dict[str, dict[str, str | None]] = {}
    for link in Path("/sys/class/net").iterdir():
        name = link.name
        values = {"addr_assign_type": text(link / "addr_assign_type")}
        for sysctl in SYSCTLS:
            family, _, key = sysctl.partition("/{}/")
            values[f"{family}.{key}"] = text(Path(f"/proc/sys/net/{family}/conf/{name}/{key}"))
        found[name] = values
    return found


def plain(value: Any) -> Any:
    """A D-Bus value without its wrapping."""
    match value:
        case Variant():
            return plain(value.value)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case bytes():
            return base64.b16encode(value).decode()
        case _:
            return value


async def networkmanager() -> dict[str, Any] | None:
    """NetworkManager's objects by path and interface, the profiles' settings among them; None when it is away."""
    try:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except OSError:
        return None

    async def call(path: str, interface: str, member: str) -> Any:
        message = Message(destination=NM, path=path, interface=interface, member=member)
        reply = await asyncio.wait_for(bus.call(message), 10)
        if reply.message_type is MessageType.ERROR:
            return None
        return plain(reply.body[0])

    objects: dict[str, Any] | None = await call(
        "/org/freedesktop", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"
    )
    for path, interfaces in (objects or {}).items():
        if f"{NM}.Settings.Connection" in interfaces:
            interfaces["settings"] = await call(path, f"{NM}.Settings.Connection", "GetSettings")
    bus.disconnect()
    return objects


def main() -> None:
    """Print it all."""
    facts: dict[str, Any] = {name: printed(command) for name, command in COMMANDS.items()}
    facts |= {"files": files(), "sysfs": sysfs(), "hostname": os.uname().nodename}
    facts["networkmanager"] = asyncio.run(networkmanager())
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()

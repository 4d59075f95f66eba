"""The hook that keeps unit tests off the machine's network fails what it is there to fail."""

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.untouched import TouchedHost


def _connect() -> None:
    with socket.socket(socket.AF_UNIX) as bus:
        bus.connect("/run/dbus/system_bus_socket")


TOUCHES: dict[str, Callable[[], object]] = {
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "a raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "a program": lambda: subprocess.run(["ip", "link"], check=True),
    "a file": lambda: Path("/etc/nmstate-controller-test").write_text(""),
    "D-Bus": _connect,
}


@pytest.mark.parametrize("what", TOUCHES)
def test_what_touches_the_machine_fails(what: str) -> None:
    with pytest.raises(TouchedHost):
        TOUCHES[what]()

"""A network namespace for each test that asks for one; the host's network is out of reach meanwhile.

So is its /etc/resolv.conf: an apply with kernel_only writes DNS servers there.
"""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libnmstate
import pytest

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


@pytest.fixture
def netns(tmp_path: Path) -> Iterator[None]:
    """Put this thread, and what it starts, into namespaces with lo and the veth pair eth1 and peer1, all up."""
    kinds = {"net": CLONE_NEWNET, "mnt": CLONE_NEWNS}
    home = {kind: os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in kinds}
    folder = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    resolver = tmp_path / "resolv.conf"
    resolver.touch()
    try:
        _call("unshare", CLONE_NEWNET | CLONE_NEWNS)
        try:
            for command in (
                "mount --make-rprivate /",
                f"mount --bind {resolver} /etc/resolv.conf",
                "ip link set lo up",
                "ip link add eth1 type veth peer name peer1",
                "ip link set eth1 up",
                "ip link set peer1 up",
            ):
                subprocess.run(command.split(), check=True)
            yield
        finally:
            for kind, flag in kinds.items():
                _call("setns", home[kind], flag)
            os.fchdir(folder)
    finally:
        for descriptor in (*home.values(), folder):
            os.close(descriptor)


@pytest.fixture
def interfaces() -> Callable[[], dict[str, dict[str, Any]]]:
    """The kernel's interfaces by name, as `show` has them at the time of the call."""

    def read() -> dict[str, dict[str, Any]]:
        return {interface["name"]: interface for interface in libnmstate.show(kernel_only=True)["interfaces"]}

    return read


@pytest.fixture
def no_dbus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make sure that no system bus answers, wherever the test runs."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")

"""A network namespace for each test that asks for one; the host's network is out of reach meanwhile."""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libnmstate
import pytest

CLONE_NEWNET = 0x40000000


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


@pytest.fixture
def netns() -> Iterator[None]:
    """Put this thread, and what it starts, into a namespace with lo and the veth pair eth1 and peer1, all up."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("unshare", CLONE_NEWNET)
        try:
            for command in (
                "link set lo up",
                "link add eth1 type veth peer name peer1",
                "link set eth1 up",
                "link set peer1 up",
            ):
                subprocess.run(["ip", *command.split()], check=True)
            yield
        finally:
            _call("setns", home, CLONE_NEWNET)
    finally:
        os.close(home)


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

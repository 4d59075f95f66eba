"""Unit tests leave the machine they run on alone: a hook fails whatever looks at, or changes, its network.

In a network namespace that a test made itself everything is allowed.
"""

import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

_NAMESPACE: Final = Path("/proc/thread-self/ns/net")
_FAMILIES: Final = (socket.AF_NETLINK, socket.AF_PACKET)
_NETWORK_IOCTLS: Final = range(0x8900, 0x8A00)
_PROGRAMS: Final = {
    "ip",
    "bridge",
    "tc",
    "nft",
    "nmcli",
    "nmstatectl",
    "NetworkManager",
    "sysctl",
    "systemctl",
    "ovs-vsctl",
}
_KEPT: Final = re.compile(r"/(etc|run|var/(lib|run)|sys|boot)/")
_BUSES: Final = ("/run/dbus/", "/var/run/dbus/", "/run/NetworkManager/")


class TouchedHost(BaseException):
    """Not an Exception: no code under test may take it for an error of its own and go on."""


def watch() -> None:
    """Fail from now on, in this process, what touches the machine's network. There is no way back."""
    own = _NAMESPACE.readlink()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        check = _CHECKS.get(event)
        if check is None:
            return
        what = check(*arguments)
        if what and _NAMESPACE.readlink() == own:
            raise TouchedHost(f"a unit test touches the machine that it runs on: {what}")

    sys.addaudithook(hook)


def _socket(_: object, family: int, kind: int, *__: object) -> str | None:
    return f"a socket {socket.AddressFamily(family).name}" if family in _FAMILIES or kind == socket.SOCK_RAW else None


def _connect(_: object, address: object) -> str | None:
    return f"a connection to {address}" if isinstance(address, str) and address.startswith(_BUSES) else None


def _ioctl(_: object, request: int, __: object) -> str | None:
    return f"ioctl {request:#x}" if request in _NETWORK_IOCTLS else None


def _popen(program: object, arguments: object, *_: object) -> str | None:
    name = Path(os.fsdecode(program) if isinstance(program, str | bytes | os.PathLike) else "").name
    return f"the program {arguments}" if name in _PROGRAMS else None


def _open(path: object, _: object, flags: int) -> str | None:
    writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return f"writing {path}" if writes and isinstance(path, str) and _KEPT.match(path) else None


_CHECKS: Final[Mapping[str, Callable[..., str | None]]] = {
    "socket.__new__": _socket,
    "socket.connect": _connect,
    "fcntl.ioctl": _ioctl,
    "subprocess.Popen": _popen,
    "open": _open,
}

"""The kernel's own word on whether a link is administratively up, which nmstate does not pass on.

ioctls, which act in the network namespace of the process and need no /sys (netdevice(7)). Any thread.
"""

import fcntl
import socket
import struct
from typing import Final

_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_NAME_LIMIT: Final = 15


def is_up(name: str) -> bool | None:
    """Whether the link is administratively up; None when there is no such link."""
    flags = _flags(name)
    return None if flags is None else bool(flags & _IFF_UP)


def set_up(name: str) -> None:
    """What `ip link set NAME up` does. Raises OSError."""
    flags = _flags(name)
    if flags is not None:
        _ioctl(_SIOCSIFFLAGS, name, flags | _IFF_UP)


def _flags(name: str) -> int | None:
    if not 0 < len(name.encode()) <= _NAME_LIMIT:
        return None
    try:
        return _ioctl(_SIOCGIFFLAGS, name, 0)
    except OSError:
        return None


def _ioctl(request: int, name: str, flags: int) -> int:
    """ifr_flags of a `struct ifreq` after the call."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        answer = fcntl.ioctl(any_socket, request, struct.pack("16sH22x", name.encode(), flags))
    found: int = struct.unpack("16sH22x", answer)[1]
    return found

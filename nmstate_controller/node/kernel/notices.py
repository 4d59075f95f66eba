"""Notices from the kernel that something about links, addresses, routes or rules has changed. Loop only.

What has changed is not read, for `libnmstate.show` tells it better; so a message costs next to nothing, and an
overflow of the socket's buffer (ENOBUFS) is as good a notice as any. Message groups: linux/rtnetlink.h.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final, NoReturn

GROUPS: Final = {
    "LINK": 1,
    "IPV4_IFADDR": 5,
    "IPV4_ROUTE": 7,
    "IPV4_RULE": 8,
    "IPV6_IFADDR": 9,
    "IPV6_ROUTE": 11,
    "IPV6_RULE": 19,
}
"""Multicast groups of NETLINK_ROUTE that are listened to."""

PAUSE_SECONDS: Final = 0.1
"""After a notice the socket is left alone this long: a storm overflows in the kernel instead of waking the loop."""

_AT_ONCE: Final = 256


class KernelNotices:
    """Calls `notice` when the kernel tells of changes, at most once every PAUSE_SECONDS."""

    def __init__(self, notice: Callable[[], None]) -> None:
        self._notice = notice

    async def run(self) -> NoReturn:
        """Listen until cancelled. Raises OSError when the kernel has no rtnetlink."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE) as listener:
            listener.bind((0, sum(1 << (group - 1) for group in GROUPS.values())))
            readable = asyncio.Event()
            while True:
                readable.clear()
                loop.add_reader(listener, readable.set)
                try:
                    await readable.wait()
                finally:
                    loop.remove_reader(listener)
                drain(listener)
                self._notice()
                await asyncio.sleep(PAUSE_SECONDS)


def drain(listener: socket.socket) -> None:
    """Throw away what waits in the socket, up to some limit; a lost message is no error, there was one."""
    for _ in range(_AT_ONCE):
        try:
            # One byte is enough: the rest of a message goes with it.
            listener.recv(1)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise

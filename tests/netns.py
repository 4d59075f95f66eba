"""A network namespace for a test, in which it may do to the kernel what it likes."""

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CLONE_NEWNET = 0x40000000

_LIBC = ctypes.CDLL(None, use_errno=True)


def move_for_good() -> None:
    """Put the calling thread, and what it starts, into a namespace of its own in which lo is up."""
    assert _LIBC.unshare(_CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    ip("link", "set", "lo", "up")


@contextmanager
def network_namespace() -> Iterator[None]:
    """Put the main thread, and what it starts, into a namespace of its own in which lo is up."""
    assert threading.current_thread() is threading.main_thread()
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        move_for_good()
        try:
            yield
        finally:
            assert _LIBC.setns(home, _CLONE_NEWNET) == 0
    finally:
        os.close(home)


def ip(*arguments: str, batch: str | None = None) -> None:
    """Run `ip`, or its commands in `batch`, a line each."""
    command = ["ip", *arguments] if batch is None else ["ip", "-batch", "-"]
    subprocess.run(command, input=batch, text=True, check=True)

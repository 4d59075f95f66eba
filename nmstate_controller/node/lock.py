"""One agent per node: a lock on a file of the host, held for as long as the process lives.

Two agents would undo each other's changes and roll back each other's checkpoints. The kernel lets go of the lock when
its holder ends, however that ends; the file itself stays, because removing it would let two agents lock two files of
the same name. Called before the loop starts: waiting here blocks.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from nmstate_controller.errors import SettingsError

NAME: Final = "agent.lock"

_LOOK_SECONDS: Final = 0.1
_PID_BYTES: Final = 32

log = structlog.get_logger(__name__)


@contextlib.contextmanager
def held(directory: Path, *, patience: float = 30.0) -> Iterator[None]:
    """Hold the lock of the agent in `directory`, which is made if need be (on a tmpfs it is gone after a boot).

    An agent that is just ending, as in a rollout, is waited for, `patience` seconds at most. Raises SettingsError when
    another one goes on running, or when there can be no lock.
    """
    path = directory / NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Closed on exec: a program that is started and outlives the agent must not keep the lock.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise SettingsError(f"the agent's lock cannot be opened: {path}: {error.strerror}") from error
    try:
        _take(descriptor, path, patience)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, patience: float) -> None:
    """Lock the file and leave our pid in it, for people; in a container it is the pid that the container knows."""
    deadline = time.monotonic() + patience
    told = False
    while not _lock(descriptor, path):
        pid = _pid(descriptor)
        if time.monotonic() >= deadline:
            raise SettingsError(f"another agent runs on this node (pid {pid}): {path} is locked")
        if not told:
            log.info("another agent runs on this node: waiting for its end", pid=pid, seconds=patience)
            told = True
        time.sleep(_LOOK_SECONDS)
    with contextlib.suppress(OSError):  # of a full file system: the lock is what counts
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _lock(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise SettingsError(f"the agent's lock cannot be taken: {path}: {error.strerror}") from error
    return True


def _pid(descriptor: int) -> str:
    """What the holder wrote into the file; "?" in the moment before it does."""
    text = os.pread(descriptor, _PID_BYTES, 0).decode("ascii", "replace").strip()
    return text if text.isdigit() else "?"

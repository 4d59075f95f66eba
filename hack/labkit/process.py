"""The lab's processes on the host.

A process belongs to a lab because its environment says so, from the moment it is started.  No pid is ever written
down, so none can go stale and a run that crashed at any point leaves nothing that the next one cannot find.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from labkit.errors import LabError
from labkit.place import Place

_MARK = "NMSTATE_LAB_PROCESS"
_LOOKS = 4


def _environment(pid: int) -> bytes:
    folder = Path(f"/proc/{pid}")
    try:
        for _ in range(_LOOKS):
            if found := (folder / "environ").read_bytes():
                return found
            # A kernel thread has none, and no program either; any other process is seen in the middle of its exec.
            (folder / "exe").readlink()
            time.sleep(0.005)
    except (OSError, ValueError):
        pass
    return b""


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "X"


def _mark(place: Place, role: str | None) -> bytes:
    """What the environment of a lab's process contains: all of the variable, or its beginning."""
    return f"{_MARK}={place.state}#".encode() + (f"{role}\0".encode() if role else b"")


def find(place: Place, role: str | None = None) -> list[int]:
    """Return the pids of the lab's living processes, of one role or of all, oldest first."""
    mark = _mark(place, role)
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return sorted(pid for pid in pids if mark in _environment(pid) and _state(pid) not in "ZX")


def leads(pid: int) -> bool:
    """Whether the process was started by `start`, rather than by one that was."""
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


def start(
    place: Place,
    role: str,
    argv: Sequence[str],
    log: Path,
    env: Mapping[str, str] | None = None,
    namespace: bool = True,
) -> subprocess.Popen[bytes]:
    """Start a process of the lab in its network namespace and in a session of its own; output goes to `log`."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/root", **(env or {})}
    environment[_MARK] = f"{place.state}#{role}"
    prefix = ["nsenter", f"--net={place.namespace}", "--"] if namespace else []
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [*prefix, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=place.state,
            start_new_session=True,
        )


def stop(place: Place, role: str | None, patience: float = 0.0) -> None:
    """End every process of a role, or of the whole lab: SIGTERM and `patience` seconds, then SIGKILL.

    Raises LabError if one survives.
    """
    if not patience or not _end(place, role, signal.SIGTERM, patience):
        _end(place, role, signal.SIGKILL, 10)
    if left := find(place, role):
        raise LabError(f"{role or 'a process of the lab'} (pid {left[0]}) does not die")


def _end(place: Place, role: str | None, number: signal.Signals, seconds: float) -> bool:
    """Signal the processes of a role and wait for them; new ones that a dying parent made get it as well."""
    deadline = time.monotonic() + seconds
    signalled: set[int] = set()
    while pids := find(place, role):
        for pid in pids:
            if pid in signalled:
                continue
            with suppress(ProcessLookupError):
                # The descriptor pins the process, so that what was looked at is what is signalled.
                descriptor = os.pidfd_open(pid)
                try:
                    if _mark(place, role) in _environment(pid):
                        signal.pidfd_send_signal(descriptor, number)
                finally:
                    os.close(descriptor)
            signalled.add(pid)
        if time.monotonic() >= deadline:
            return False
        _reap()
        _wait_for_any(pids, 0.05)
    return True


def _wait_for_any(pids: list[int], seconds: float) -> None:
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pids[0])
        try:
            select.select([descriptor], [], [], seconds)
        finally:
            os.close(descriptor)


def _reap() -> None:
    """Collect children of this very command that have ended; zombies would count as nothing anyway."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass

"""User-Mode Linux on processors whose extended state is larger than its kernel knows."""

import hashlib
import os
import subprocess
from pathlib import Path

from labkit.errors import LabError
from labkit.place import cache

_SOURCE = Path(__file__).with_name("uml_xstate.c")
_PROCESSOR = Path("/proc/cpuinfo")


def environment() -> dict[str, str]:
    """What the kernel needs in its environment on this machine; raises LabError if that cannot be made."""
    if "amx_tile" not in _PROCESSOR.read_text().split():
        return {}
    return {"LD_PRELOAD": str(_library())}


def _library() -> Path:
    folder = cache() / f"uml-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:12]}"
    library = folder / "xstate.so"
    if library.exists():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".xstate.so.{os.getpid()}"
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-o", str(new), str(_SOURCE)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        raise LabError(f"nodes need a C compiler on this processor (it has AMX): cc: {error.strerror}") from error
    if done.returncode != 0:
        raise LabError(f"{_SOURCE.name} does not compile: {done.stderr}")
    new.rename(library)
    return library

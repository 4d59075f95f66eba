"""User-Mode Linux on processors whose extended state is larger than its kernel knows."""

import hashlib
import os
from pathlib import Path

from labkit.place import cache
from labkit.progress import run

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
    run(["gcc", "-shared", "-fPIC", "-O2", str(_SOURCE), "-o", str(new)])
    new.rename(library)
    return library

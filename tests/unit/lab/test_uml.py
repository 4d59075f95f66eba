"""What User-Mode Linux is given on a processor with AMX, and only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from labkit import uml

# What User-Mode Linux does with a child that has stopped: less than the host's state may be given back.
GIVES_BACK = """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
traceme, getregset, setregset, xstate = 0, 0x4204, 0x4205, ctypes.c_void_p(0x202)
child = os.fork()
if not child:
    libc.ptrace(traceme, 0, None, None)
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
os.waitpid(child, 0)
state = ctypes.create_string_buffer(1 << 16)
for request in (getregset, setregset):
    vector = Vector(ctypes.addressof(state), 2696)
    done = libc.ptrace(request, child, xstate, ctypes.byref(vector))
    assert done == 0, os.strerror(ctypes.get_errno())
os.kill(child, signal.SIGKILL)
print("given back")
"""


def test_a_processor_without_amx_needs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processor = tmp_path / "cpuinfo"
    processor.write_text("flags\t\t: fpu vme avx512f avx512_bf16\n")
    monkeypatch.setattr(uml, "_PROCESSOR", processor)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert uml.environment() == {}
    assert list(tmp_path.iterdir()) == [processor]


def test_with_amx_the_state_that_the_kernel_knows_can_be_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = tmp_path / "cpuinfo"
    processor.write_text("flags\t\t: fpu vme avx512f amx_tile amx_int8\n")
    monkeypatch.setattr(uml, "_PROCESSOR", processor)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    environment = uml.environment()

    done = subprocess.run(
        [sys.executable, "-c", GIVES_BACK],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("given back\n", "")
    # It is made once.
    assert uml.environment() == environment

"""What `make lab` shows is plain text where no terminal reads it."""

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[3] / "hack" / "demo"
ESCAPE = b"\x1b"


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """The demonstration, on a lab that does nothing."""
    folder = tmp_path / "hack"
    folder.mkdir()
    lab = folder / "lab"
    lab.write_text("#!/bin/sh\n")
    lab.chmod(0o755)
    return Path(shutil.copy(DEMO, folder))


def on_terminal(command: Path, environment: dict[str, str]) -> bytes:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        subprocess.run([command], env=environment, stdout=theirs, timeout=60, check=True)
        os.close(theirs)
        return terminal.read(65536)


def test_a_pipe_gets_no_escapes(demo: Path) -> None:
    printed = subprocess.run([demo], capture_output=True, timeout=60, check=True).stdout
    assert b"what the object says" in printed
    assert ESCAPE not in printed


def test_a_terminal_gets_escapes_unless_it_wants_none(demo: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    assert ESCAPE in on_terminal(demo, environment)
    assert ESCAPE not in on_terminal(demo, {**environment, "NO_COLOR": "1"})

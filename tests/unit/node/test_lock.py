"""A second agent is refused for as long as the first one lives, and not a moment longer."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from nmstate_controller.errors import SettingsError
from nmstate_controller.node import lock

HOLD = """
import sys
from pathlib import Path
from nmstate_controller.node import lock
with lock.held(Path(sys.argv[1]), patience=0):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_agent_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    with holder(tmp_path) as first, pytest.raises(SettingsError) as refusal, lock.held(tmp_path, patience=0):
        pass

    path = tmp_path / "agent.lock"
    assert str(refusal.value) == f"another agent runs on this node (pid {first.pid}): {path} is locked"


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with lock.held(tmp_path):
        second = subprocess.run(
            [sys.executable, "-c", HOLD, str(tmp_path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert second.returncode == 1
    assert f"another agent runs on this node (pid {os.getpid()})" in second.stderr
    assert second.stdout == ""


def test_a_killed_agent_leaves_nothing_locked(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.kill()
        first.wait(10)

        with lock.held(tmp_path, patience=0):
            pass


def test_an_agent_that_ends_is_waited_for_and_that_is_said_once(tmp_path: Path) -> None:
    with holder(tmp_path) as first, capture_logs() as lines:
        assert first.stdin is not None
        ending = threading.Timer(0.5, first.stdin.close)
        ending.start()
        with lock.held(tmp_path, patience=30):
            assert first.wait(10) == 0
        ending.join()

    assert [(line["log_level"], line["pid"]) for line in lines] == [("info", str(first.pid))]


def test_the_lock_is_given_back_and_its_file_is_roots_alone(tmp_path: Path) -> None:
    directory = tmp_path / "run" / "nmstate-controller"
    for _ in range(2):
        with lock.held(directory, patience=0):
            assert (directory / "agent.lock").read_text() == f"{os.getpid()}\n"

    assert (directory / "agent.lock").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_program_that_outlives_the_agent_does_not_keep_the_lock(tmp_path: Path) -> None:
    with lock.held(tmp_path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with lock.held(tmp_path, patience=0):
            pass
    finally:
        child.kill()
        child.wait(10)


def test_a_place_that_cannot_be_locked_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    refusal = pytest.raises(SettingsError, match=r"the agent's lock cannot be opened: .*Not a directory")
    with refusal, lock.held(tmp_path / "file" / "run"):
        pass


def test_a_link_in_the_locks_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "agent.lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SettingsError, match="the agent's lock cannot be opened"), lock.held(tmp_path):
        pass

    assert not (tmp_path / "elsewhere").exists()

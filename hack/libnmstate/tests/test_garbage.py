"""No document may end the process, or raise anything but an NmstateError."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("netns", "no_dbus")

TIMEOUT = 120
"""Seconds for all calls of one run, which take about five: a guard against an endless loop."""


@pytest.fixture(params=["refused", "odd"])
def lines(request: pytest.FixtureRequest) -> list[list[str]]:
    """The outcome of each call: function, case, class and message."""
    script = Path(__file__).with_name("garbage.py")
    process = subprocess.run(
        [sys.executable, str(script), request.param],
        capture_output=True,
        check=False,
        text=True,
        timeout=TIMEOUT,
    )
    assert process.stderr == ""
    assert process.returncode == 0
    *found, end = process.stdout.splitlines()
    assert end == "the end"
    return [line.split("|", 3) for line in found]


@pytest.mark.parametrize("lines", ["refused"], indirect=True)
def test_refuses_what_is_no_state(lines: list[list[str]]) -> None:
    # A policy's template is read as far as it is used; a policy may do without a state.
    wrong = [
        line
        for line in lines
        if line[2] != "NmstateValueError" and line[0] != "policy" and line[:2] != ["policy on", "none"]
    ]
    assert wrong == []
    assert all(len(line[3]) > len("''") for line in lines if len(line) > 3)


@pytest.mark.parametrize("lines", ["odd"], indirect=True)
def test_bears_odd_states(lines: list[list[str]]) -> None:
    classes = {line[2] for line in lines}
    assert classes <= {"fine", "NmstateError", "NmstateValueError", "NmstatePluginError"}

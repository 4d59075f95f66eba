"""Processes of a lab are known by their environment, not by a pid in a file."""

import os
import subprocess
from pathlib import Path

import pytest
from labkit import process
from labkit.place import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = Place("x")
    place.make()
    return place


def start(place: Place, role: str, *argv: str) -> subprocess.Popen[bytes]:
    return process.start(place, role, argv, place.state / "log", namespace=False)


def test_only_the_lab_and_role_that_was_meant_is_found_and_stopped(place: Place) -> None:
    one, two = start(place, "one", "sleep", "60"), start(place, "one-more", "sleep", "60")
    other = subprocess.Popen(["sleep", "60"])
    try:
        assert process.find(place, "one") == [one.pid]
        assert process.find(place) == sorted([one.pid, two.pid])
        process.stop(place, "one", 5)
        assert process.find(place) == [two.pid]
        process.stop(place, None)
        assert process.find(place) == []
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        one.wait()
        two.wait()


def test_who_ignores_sigterm_is_killed(place: Place) -> None:
    stubborn = start(place, "stubborn", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    while "ready" not in (place.state / "log").read_text():
        os.sched_yield()
    process.stop(place, "stubborn", 0.3)
    assert process.find(place) == []
    stubborn.wait()

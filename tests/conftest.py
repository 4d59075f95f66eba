"""Fixtures of the tests that need a lab. It is made once for all of them, and taken down at the end."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.lab import CHECKOUT, Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab of two nodes without agents, named after this checkout; what a crashed run left of it goes first."""
    lab = Lab(f"test-{hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:6]}")
    lab.command("down")
    try:
        # Its progress lines are shown as they come: the first time this builds for minutes.
        subprocess.run(
            [CHECKOUT / "hack/lab", "--name", lab.name, "up", "--nodes", "2", "--no-agent"],
            stdin=subprocess.DEVNULL,
            stdout=sys.__stdout__,
            stderr=sys.__stderr__,
            timeout=3600,
            check=True,
        )
        yield lab
    finally:
        lab.command("down")

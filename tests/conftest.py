"""Fixtures of the tests that need a lab. It is made once for all of them, and taken down at the end."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import CHECKOUT, Lab


@contextmanager
def made(kind: str, *options: str) -> Iterator[Lab]:
    """A lab without agents, named after this checkout and process; what a crashed run left of it goes first."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    lab = Lab(f"{kind}-{hashlib.sha256(f'{CHECKOUT}{worker}'.encode()).hexdigest()[:6]}")
    lab.command("down")
    try:
        # Its progress lines are shown as they come: the first time this builds for minutes.
        subprocess.run(
            [CHECKOUT / "hack/lab", "--name", lab.name, "up", "--no-agent", *options],
            stdin=subprocess.DEVNULL,
            stdout=sys.__stdout__,
            stderr=sys.__stderr__,
            timeout=3600,
            check=True,
        )
        yield lab
    finally:
        lab.command("down")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab of two nodes."""
    with made("test", "--nodes", "2") as lab:
        yield lab


@pytest.fixture(scope="module")
def pod_lab() -> Iterator[Lab]:
    """A lab of one node with a real kubelet, to which nothing is deployed yet."""
    with made("pods", "--nodes", "1", "--kubelet") as lab:
        yield lab

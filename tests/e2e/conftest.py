"""Nodes with a running agent, given back as they were."""

from collections.abc import Iterator

import pytest

from tests.e2e.trial import OUTCOMES, figures
from tests.lab import Lab, Node, condition, eventually


@pytest.fixture(scope="session")
def nodes(lab: Lab) -> list[Node]:
    """Both nodes, their agents running and their first reports made."""
    nodes = [lab.node("node01"), lab.node("node02")]
    for node in nodes:
        node.remember()
        node.agent("start")
    for node in nodes:
        eventually(
            lambda node=node: node.object().get("status", {}),  # type: ignore[misc]
            lambda status: condition(status, "Reporting").get("status") == "True",
            f"{node.name} reports",
            seconds=120,
        )
    return nodes


@pytest.fixture
def node(nodes: list[Node]) -> Iterator[Node]:
    """node01, and afterwards as it was."""
    yield nodes[0]
    nodes[0].reset()


@pytest.fixture
def other_node(nodes: list[Node]) -> Iterator[Node]:
    """node02, and afterwards as it was."""
    yield nodes[1]
    nodes[1].reset()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What came of the documents on trial, if there were any."""
    told = figures(OUTCOMES)
    if told:
        terminalreporter.section("documents")
        terminalreporter.write_line(told)

"""One cause, one reason: in every condition, event and metric, and in the tables that explain them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nmstate_controller import errors
from nmstate_controller.errors import NodeError, RetryableNodeError, TerminalNodeError, reasons
from nmstate_controller.metrics import Metrics

README = Path(__file__).parents[2] / "README.md"


def kinds(kind: type[NodeError] = NodeError) -> Iterator[type[NodeError]]:
    """All kinds that are raised."""
    if kind not in (NodeError, TerminalNodeError, RetryableNodeError):
        yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


def test_every_kind_has_a_reason_that_no_other_has() -> None:
    assert [kind for kind in kinds() if "reason" not in vars(kind)] == []
    found = [kind.reason for kind in kinds()]
    assert sorted(found) == sorted(set(found)) == sorted(reasons())


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: str(kind.__name__))
def test_a_reason_is_counted_from_the_start_and_explained(metrics: Metrics, kind: type[NodeError]) -> None:
    assert metrics.registry.get_sample_value("nmstate_controller_apply_total", {"result": kind.reason}) == 0
    rows = [line for line in (errors.__doc__ or "").splitlines() if f" {kind.__name__} " in line and "|" in line]
    assert [f" {kind.reason} " in row for row in rows] == [True]
    assert f"| `{kind.reason}` |" in README.read_text()

"""The custom resource is waited for from the moment its definition was applied."""

import json
from typing import Any

import pytest
from labkit.cluster import is_established


@pytest.mark.parametrize(
    ("status", "established"),
    [
        (None, False),
        ({}, False),
        ({"conditions": None, "storedVersions": None}, False),
        ({"conditions": [{"type": "NamesAccepted", "status": "True"}]}, False),
        ({"conditions": [{"type": "Established", "status": "False"}]}, False),
        (
            {"conditions": [{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}]},
            True,
        ),
    ],
)
def test_a_definition_without_conditions_is_not_served_yet(status: Any, established: bool) -> None:
    assert is_established(json.dumps({"kind": "CustomResourceDefinition", "status": status})) is established

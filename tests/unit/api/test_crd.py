"""The generated CRD is structural, and documents itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from nmstate_controller.api.crd import custom_resource_definition
from nmstate_controller.api.models import NodeNetworkState, Status


def schema() -> dict[str, Any]:
    found: dict[str, Any] = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")


def test_every_node_has_a_type_or_keeps_anything() -> None:
    for path, node in nodes(schema()):
        free = node.get("x-kubernetes-preserve-unknown-fields") or node.get("x-kubernetes-int-or-string")
        assert "type" in node or free, path
        assert not {"$ref", "anyOf", "title", "$defs"} & node.keys(), path


def test_every_field_of_spec_and_status_is_documented() -> None:
    for path, node in nodes(schema()):
        if path.startswith((".spec", ".status")) and not path.endswith("[]"):
            assert node.get("description"), path


@pytest.mark.parametrize("path", ["spec.desiredState", "status.currentState"])
def test_nmstate_documents_are_kept_whole_and_atomic(path: str) -> None:
    node = dict(nodes(schema()))["." + path]

    assert node["x-kubernetes-preserve-unknown-fields"] is True
    assert node["x-kubernetes-map-type"] == "atomic"


def test_conditions_are_a_list_map_by_type() -> None:
    node = dict(nodes(schema()))[".status.conditions"]

    assert node["x-kubernetes-list-map-keys"] == ["type"]


def test_an_object_survives_the_way_through_the_models() -> None:
    body = {
        "metadata": {"name": "node01", "uid": "u", "generation": 2, "resourceVersion": "7"},
        "spec": {"managed": False, "desiredState": {"interfaces": [{"name": "eth1", "unknown-key": {"a": [1, None]}}]}},
        "status": {
            "observedGeneration": 1,
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "Configured",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
            ],
            "addedByANewerAgent": {"is": "passed over"},
        },
    }

    parsed = NodeNetworkState.model_validate(body)

    assert parsed.spec.desired_state == body["spec"]["desiredState"]
    dumped = Status.model_dump(parsed.status, mode="json", by_alias=True, exclude_defaults=True)
    assert dumped["conditions"][0]["lastTransitionTime"] == "2026-01-01T00:00:00Z"

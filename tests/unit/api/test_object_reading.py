"""Whatever another version wrote into status, the object stays readable; a spec that is not is no empty one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from nmstate_controller.api.models import Metadata, Status
from nmstate_controller.api.reading import read_object, read_status

READY: dict[str, Any] = {
    "type": "Ready",
    "status": "True",
    "reason": "Configured",
    "message": "",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
APPLY: dict[str, Any] = {"generation": 3, "startTime": "2026-01-01T00:00:00Z", "attempts": 2}

UNREADABLE = {
    "attempts 0": {"lastApply": {**APPLY, "attempts": 0}},
    "a null time": {"lastSuccessfulUpdateTime": "never", "lastApply": {**APPLY, "startTime": None}},
    "a list for a map": {"currentState": []},
    "a number for a list": {"conditions": 3},
    "a generation that is none": {"observedGeneration": "three"},
}


@pytest.mark.parametrize("broken", UNREADABLE.values(), ids=UNREADABLE)
def test_read_status_what_cannot_be_read_is_left_out_and_the_rest_stays(broken: dict[str, Any]) -> None:
    found = read_status({"conditions": [READY], "lastHandledRetryAt": "noon", "versions": {"agent": "9"}, **broken})

    assert found.last_handled_retry_at == "noon"
    assert found.versions is not None
    assert found.last_apply is None
    if "conditions" not in broken:
        assert [one.type for one in found.conditions] == ["Ready"]


def test_read_status_condition_that_cannot_be_read_does_not_take_the_others_along() -> None:
    found = read_status({"conditions": [{**READY, "status": "Perhaps"}, {**READY, "type": "Reporting"}, 7, None]})

    assert [one.type for one in found.conditions] == ["Reporting"]


def test_read_status_log_names_the_fields_that_are_left_out_and_no_others() -> None:
    raw = {"conditions": [READY, 7], "lastApply": {}, "lastHandledRetryAt": "noon", "ofANewerVersion": 1}

    with capture_logs() as logged:
        read_status(raw)

    assert [line["fields"] for line in logged] == [["conditions", "lastApply"]]


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2026-01-01T12:00:00", "2026-01-01T12:00:00Z"),
        ("2026-01-01T12:00:00.5+02:00", "2026-01-01T10:00:00Z"),
    ],
)
def test_read_status_time_can_be_written_again_or_is_left_out(raw: str, written: str | None) -> None:
    found = read_status({"lastSuccessfulUpdateTime": raw})

    assert found.model_dump(mode="json", by_alias=True)["lastSuccessfulUpdateTime"] == written


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [str(field.alias) for field in Status.model_fields.values()]


@given(JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5))
def test_read_status_any_json_can_be_read(raw: Any) -> None:
    found = read_status(raw)

    json.dumps(found.model_dump(mode="json", by_alias=True), allow_nan=False)


SPECS = {
    "a probe of a newer version": (
        {"probes": [{"type": "dns"}, {"type": "bfd"}], "desiredState": {}},
        "spec.probes[1].type",
    ),
    "a policy of a newer version": ({"driftPolicy": "Alert"}, "spec.driftPolicy"),
    "a word for a boolean": ({"managed": "perhaps"}, "spec.managed"),
    "a list": ([1], "spec"),
    "an empty list": ([], "spec"),
    "an empty string": ("", "spec"),
    "no map": (False, "spec"),
}


@pytest.mark.parametrize(("spec", "path"), SPECS.values(), ids=SPECS)
def test_read_object_spec_that_cannot_be_read_is_told_by_the_field(spec: Any, path: str) -> None:
    found = read_object({"metadata": {"name": "node01", "generation": 4}, "spec": spec, "status": {}})

    assert found.spec_problem is not None
    assert f"cannot read {path}:" in found.spec_problem
    assert found.metadata.generation == 4


@pytest.mark.parametrize("probe", ["dns", "bfd"])
def test_read_object_size_of_the_spec_is_known_whether_it_can_be_read_or_not(probe: str) -> None:
    spec = {"probes": [{"type": probe}], "desiredState": {"interfaces": []}}

    found = read_object({"metadata": {"name": "node01"}, "spec": spec})

    assert found.spec_bytes == len(json.dumps(spec, separators=(",", ":")))


def test_read_object_without_its_status_has_an_empty_one() -> None:
    body = {"metadata": {"name": "node01"}, "status": {"observedGeneration": 4, "currentState": {"interfaces": []}}}

    assert read_object(body, with_status=False).status == Status()
    assert read_object(body).status.observed_generation == 4


def test_metadata_edits_are_those_of_anything_but_status() -> None:
    spec = {"manager": "kubectl", "operation": "Update", "time": "2026-01-01T00:00:00Z"}
    status = {**spec, "subresource": "status", "time": "2026-01-02T00:00:00Z"}

    assert Metadata(name="node01", managed_fields=[spec, status]).edits == [spec]


@pytest.mark.parametrize("metadata", [None, {}, {"name": 3}, {"name": "node01", "generation": "x"}])
def test_read_object_metadata_that_cannot_be_read_is_no_object(metadata: Any) -> None:
    with pytest.raises(ValidationError):
        read_object({"metadata": metadata})

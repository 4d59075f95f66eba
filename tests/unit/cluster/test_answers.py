"""JSON is read to a depth that nothing minds, and what is not that deep is read as it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmstate_controller.api.models import NodeNetworkState
from nmstate_controller.cluster.answers import DEPTH, read, write
from nmstate_controller.controller.goal import goal_of
from nmstate_controller.errors import InvalidDesiredState
from nmstate_controller.node.validate import check

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def levels(value: Any) -> int:
    count = 0
    while isinstance(value, list | dict):
        value = next(iter(value if isinstance(value, list) else value.values()), None)
        count += 1
    return count


@given(value=JSON, escaped=st.booleans())
def test_what_is_not_deep_is_read_as_it_is(value: Any, escaped: bool) -> None:
    assert read(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(value=JSON)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    assert read(write(value)) == value


def test_write_is_short_and_takes_what_utf_8_has_no_bytes_for() -> None:
    assert write({"name": "é", "mtu": 1}) == b'{"name":"\xc3\xa9","mtu":1}'
    assert json.loads(write({"name": "\ud800"})) == {"name": "\ud800"}


@pytest.mark.parametrize("depth", [1, DEPTH, 200])
def test_no_document_that_has_a_meaning_is_cut(depth: int) -> None:
    assert levels(read(b"[" * depth + b"]" * depth)) == depth


@pytest.mark.parametrize("depth", [210, 990, 10_000, 300_000])
def test_what_is_deeper_is_cut(depth: int) -> None:
    assert levels(read(b"[" * depth + b"]" * depth)) == DEPTH
    assert levels(read(b'{"a\\"]}": ' * depth + b'"[{"' + b"}" * depth)) == DEPTH


def test_what_stands_beside_it_stays() -> None:
    deep = b"[" * 500 + b"1, {}" + b"]" * 500

    found = read(b'{"a": [], "b": ' + deep + b', "c": {"d": "[", "e": ' + deep + b'}, "f": 1}')

    assert (found["a"], found["c"]["d"], found["f"]) == ([], "[", 1)


@pytest.mark.parametrize("body", [b"", b"[", b"{]", b"[" * 500, b"\xff", b"<html>"])
def test_what_is_no_json_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"at line \d+ column \d+"):
        read(body)


@pytest.mark.parametrize("policy", ["Retain", "Revert"])
def test_an_object_with_a_document_that_is_too_deep_gets_as_far_as_its_refusal(policy: str) -> None:
    deep = '{"x":' * 9_000 + "1" + "}" * 9_000
    desired = f'{{"interfaces": [{{"name": "eth1", "foo": {deep}}}]}}'
    body = f'{{"metadata": {{"name": "node01"}}, "spec": {{"removalPolicy": "{policy}", "desiredState": {desired}}}}}'

    goal = goal_of(NodeNetworkState.model_validate(read(body.encode())), None)

    with pytest.raises(InvalidDesiredState, match=r"^interfaces: is nested more than 64 levels deep$"):
        check(goal.document, {})

"""The apiserver refuses a hostile document by the name of its field, or keeps it as it was sent."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from labkit.place import Place

from tests.integration.account import NNS, Account, Answer, nns
from tests.lab import Lab
from tests.soak.hostile import HAND_MADE, NOT_PORTABLE, TRAPS, deep_json, document

NAME: Final = "hostile"
"""A node that no agent runs on."""

NUMBERS: Final = range(5_000 if os.environ.get("SOAK") else 100)


@pytest.fixture
def administrator(lab: Lab) -> Iterator[Account]:
    """Whoever may write a desiredState."""
    with deep_json():
        yield Account.administrator(Place(lab.name))
    lab.kubectl("delete", "nns", NAME, "--ignore-not-found")


def without_nulls(value: Any) -> Any:
    """A null in a map means the same as none, and create drops those that may not be."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def assert_refused_or_kept(name: str, sent: Any, answer: Answer) -> None:
    if answer.code == 201:
        kept = answer.body["spec"].get("desiredState")
        assert without_nulls(kept) == without_nulls(sent), f"document {name} was changed"
    else:
        assert 400 <= answer.code < 500, f"document {name}: {answer.code} {answer.message[:1000]}"
        assert "spec.desiredState" in answer.message, f"document {name}: {answer.code} {answer.message[:1000]}"


def test_mutations_are_refused_or_kept(administrator: Account) -> None:
    codes: Counter[int] = Counter()
    for number in NUMBERS:
        sent = document(number, portable=True)
        answer = administrator.ask("create", NNS, nns(NAME, desiredState=sent))
        assert_refused_or_kept(str(number), sent, answer)
        codes[answer.code] += 1
    print(f"\n{dict(codes)}")


@pytest.mark.parametrize("name", [*HAND_MADE, *TRAPS])
def test_what_is_made_by_hand_is_refused_or_stored(administrator: Account, name: str) -> None:
    sent = json.loads(json.dumps({**HAND_MADE, **TRAPS}[name], default=str))
    answer = administrator.ask("create", NNS, nns(NAME, desiredState=sent), dry_run=False)

    assert_refused_or_kept(name, sent, answer)
    if answer.code == 201:
        read = administrator.ask("get", f"{NNS}/{NAME}")
        assert read.body["spec"] == answer.body["spec"]


@pytest.mark.parametrize("name", NOT_PORTABLE)
def test_what_is_no_json_to_an_apiserver_is_its_users_fault(administrator: Account, name: str) -> None:
    answer = administrator.ask("create", NNS, nns(NAME, desiredState=NOT_PORTABLE[name]))

    assert answer.code == 201 or 400 <= answer.code < 500, answer.message[:1000]
    assert answer.code == 201 or answer.message

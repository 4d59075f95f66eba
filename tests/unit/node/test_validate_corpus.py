"""Documents that libnmstate takes are let through: the corpus, and the nmstate crate's own where Cargo has it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nmstate_controller.node.validate import check, locate
from tests.corpus import DOCUMENTS

State = dict[str, Any]

TWICE = {"hsr": "three rings over one pair of ports", "interface-twice": "libnmstate keeps the last"}
"""What libnmstate parses, and is refused all the same: what is in it twice."""

CARGO = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
CRATE = sorted(CARGO.glob("registry/src/*/nmstate-2.2.62/unit_tests/gen_*_test_files/*/desired.yml"))


def node_for(document: State) -> State:
    """A node that has an interface, whose driver can do everything, by every name that could be in the document."""
    able = {"ethernet": {"auto-negotiation": True}, "ethtool": {"pause": {}, "ring": {}, "coalesce": {}}}
    names = sorted(set(strings(document)))
    return {"interfaces": [{"name": name, "type": "ethernet", "state": "up", **able} for name in names]}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


@pytest.mark.parametrize("name", sorted(DOCUMENTS.keys() - TWICE.keys()))
def test_the_corpus_is_let_through(name: str) -> None:
    document = DOCUMENTS[name]

    check(document, node_for(document))

    assert locate(document, {}) is None


@pytest.mark.skipif(not CRATE, reason="the nmstate crate's source is not in Cargo's folder")
def test_the_crates_own_pairs_are_let_through() -> None:
    for desired in CRATE:
        current = yaml.safe_load(desired.with_name("current.yml").read_text())
        check(yaml.safe_load(desired.read_text()), current)
        check(current, current)

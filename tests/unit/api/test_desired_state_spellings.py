"""However a document of the corpus is spelled: if libnmstate reads it, the schema takes it."""

import copy
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus import DOCUMENTS, Document
from tests.unit.api.openapi import violations
from tests.unit.api.reading import INTERFACE_TYPES, reads
from tests.unit.api.test_desired_state import SCHEMA

Steps = tuple[str | int, ...]

NUMBERS: Final = [0, 1, 2, -1, 255, 256, 65535, 65536, 2**31, 2**32 - 1, 2**32, 2**63 - 1, -(2**63), 0.5]
BOOLEANS: Final = [True, False, "true", "false", "yes", "no", "on", "off", "y", "n", "1", "0", "TRUE", "oFf", "t"]
TEXTS: Final = [
    "",
    " ",
    "abc",
    "0x1f",
    "0X1f",
    "0x",
    "+7",
    "-7",
    "--7",
    "007",
    "7 ",
    "1e3",
    "\u0661",
    "18446744073709551615",
]
ADDRESSES: Final = [
    "192.0.2.1",
    "192.0.2.01",
    "192.0.2.256",
    "192.0.2",
    "192.0.2.1.",
    "0.0.0.0",  # noqa: S104 — an address to write, none to listen on
    "::",
    "::1",
    "fe80::1%eth1",
    "2001:DB8:0:0:0:0:0:1",
    "::FFFF:192.0.2.1",
    "64:ff9b::192.0.2.33",
    "192.0.2.0/24",
    "2001:db8::/32",
]
# What a value of some kind may be spelled as, right or wrong.
OTHERS: Final = [None, {}, {"a-newer-key": 1}, *NUMBERS, *BOOLEANS, *TEXTS]


# Of 12 and 24 bits on the wire: what is larger libnmstate reads, and NetworkManager refuses.
OFF_THE_WIRE: Final = re.compile(r"\.(vlan|vxlan)\.id: \d+ is out of bounds")


def refused(document: Document) -> list[str]:
    """What the schema has against a document, but for ids that nobody applies."""
    return [found for found in violations(SCHEMA, document) if not OFF_THE_WIRE.search(found)]


def places(value: Any, at: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every value of a document but the whole, with the way to it."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in inside:
        yield (*at, step), child
        yield from places(child, (*at, step))


def spellings(value: Any, *, field: str) -> Iterator[Any]:
    """Other values to put in the place of one."""
    match value:
        case bool():
            yield from (int(value), str(value), str(value).lower(), str(value).upper(), not value)
        case int():
            yield from (str(value), f"+{value}", f"0{value}", f"0x{value:x}", f"0x{value:X}", -value, float(value))
        case str():
            yield from (
                value.upper(),
                value.capitalize(),
                f"{value} ",
                value.replace("-", "_"),
                value.replace("_", "-"),
            )
            yield from (ADDRESSES if set(value) & set(".:") else ["192.0.2.1"])
            yield [value]
            # From 2^63 on the apiserver has floating point, so that such a number has to be text.
            yield from ([int(value)] if value.isdecimal() and value.isascii() and int(value) < 2**63 else [])
        case list():
            # A list in place of a map that is empty too is how serde reads a struct, which is no spelling of nmstate's.
            yield from (value[:1], value * 2, value[0] if value else [])
    yield from OTHERS
    if field == "type":
        yield from INTERFACE_TYPES


def pieces(document: Document) -> Iterator[Document]:
    """Copies of the document's entries, each alone, for what one takes has nothing to do with another."""
    yield {section: copy.deepcopy(value) for section, value in document.items() if section != "interfaces"}
    for interface in document.get("interfaces", []):
        yield {"interfaces": [copy.deepcopy(interface)]}


@contextmanager
def put(document: Document, steps: Steps, value: Any, *, key: str | None = None) -> Iterator[Any]:
    """For a while, another value in that place of the document, or the place under another key."""
    inside: Any = document
    for step in steps[:-1]:
        inside = inside[step]
    before = copy.copy(inside)
    if key is not None:
        del inside[steps[-1]]
    inside[steps[-1] if key is None else key] = value
    try:
        yield document
    finally:
        inside.clear()
        inside.update(before) if isinstance(inside, dict) else inside.extend(before)


def respelled(document: Document) -> Iterator[Document]:
    """The document with one value or one key changed, in every place and every way: the same object each time."""
    for steps, value in list(places(document)):
        for other in spellings(value, field=str(steps[-1])):
            with put(document, steps, other):
                yield document
        if isinstance(value, dict):
            with put(document, steps, {**value, "a-newer-key": [None, {"a": 1}]}):
                yield document
        if isinstance(key := steps[-1], str):
            for other in (f"{key}s", key.replace("-", "_"), key.title(), "a-newer-key"):
                with put(document, steps, value, key=other):
                    yield document


@pytest.mark.parametrize("name", DOCUMENTS)
def test_whatever_spelling_libnmstate_reads_the_schema_takes(name: str) -> None:
    for document in (changed for piece in pieces(DOCUMENTS[name]) for changed in respelled(piece)):
        if found := refused(document):
            assert not reads(document), (found, json.dumps(document))


@given(st.sampled_from(sorted(DOCUMENTS)), st.integers(0), st.integers(2, 4))
def test_several_spellings_at_once(name: str, seed: int, changes: int) -> None:
    random = Random(seed)
    document = copy.deepcopy(DOCUMENTS[name])
    for _ in range(changes):
        steps, value = random.choice([*places(document), ((), None)])
        if steps:
            other = random.choice([*spellings(value, field=str(steps[-1]))])
            with put(document, steps, other):
                kept = copy.deepcopy(document) if reads(document) else None
            document = kept or document

    assert refused(document) == []


@pytest.mark.parametrize(("kind", "most"), [("vlan", 4094), ("vxlan", 2**24 - 1)])
def test_ids_that_do_not_fit_on_the_wire_are_refused(kind: str, most: int) -> None:
    def document(number: int) -> Document:
        return {"interfaces": [{"name": "x7", "type": kind, kind: {"id": number, "base-iface": "eth1"}}]}

    assert violations(SCHEMA, document(most)) == []
    assert violations(SCHEMA, document(most + 1)) == [f"interfaces[0].{kind}.id: {most + 1} is out of bounds"]

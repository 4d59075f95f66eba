"""The schema of desiredState: it refuses no document that libnmstate reads, and names the field of those it refuses."""

import re
from collections.abc import Iterator
from typing import Any

import libnmstate
import pytest

from nmstate_controller.api.crd import custom_resource_definition, to_yaml
from tests.corpus import DOCUMENTS, MISTAKES, Document
from tests.unit.api.openapi import Schema, nodes, violations
from tests.unit.api.reading import INTERFACE_TYPES, parses, reads

# nmstate 2.2.62, `struct NetworkState` in net_state.rs.
SECTIONS = {
    "description",
    "dns-resolver",
    "hostname",
    "interfaces",
    "ovn",
    "ovs-db",
    "route-rules",
    "routes",
}


def desired_state() -> Schema:
    """The schema of spec.desiredState."""
    schema = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: Schema = schema["properties"]["spec"]["properties"]["desiredState"]
    return found


SCHEMA = desired_state()


def values(value: Any, schema: Schema, path: str = "") -> Iterator[tuple[str, Any]]:
    """All values of a document, by the fields' paths as `nodes` spells them."""
    yield path, value
    if isinstance(value, list):
        for item in value:
            yield from values(item, schema.get("items", {}), f"{path}[]")
    elif isinstance(value, dict):
        for name, child in value.items():
            known = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
            key = "*" if "additionalProperties" in schema else name
            yield from values(child, known, f"{path}.{key}".lstrip("."))


def shown() -> dict[str, list[Any]]:
    """What the corpus has for each field."""
    found: dict[str, list[Any]] = {}
    for document in DOCUMENTS.values():
        for path, value in values(document, SCHEMA):
            found.setdefault(path, []).append(value)
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_libnmstate_reads_the_document(name: str) -> None:
    assert parses(DOCUMENTS[name]) is None
    assert reads(DOCUMENTS[name])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_schema_takes_the_document(name: str) -> None:
    assert violations(SCHEMA, DOCUMENTS[name]) == []


def test_the_schema_takes_no_document() -> None:
    assert violations(SCHEMA, None) == []


@pytest.mark.parametrize(("field", "document"), MISTAKES, ids=[field for field, _ in MISTAKES])
def test_a_mistake_is_refused_by_the_fields_name(field: str, document: Document) -> None:
    assert [violation.split(": ")[0] for violation in violations(SCHEMA, document)] == [field]


@pytest.mark.parametrize(("field", "document"), MISTAKES, ids=[field for field, _ in MISTAKES])
def test_libnmstate_refuses_the_mistake_too(field: str, document: Document) -> None:
    # Addresses of routes and DNS servers are text to the parser, and looked at after it.
    if not field.startswith(("routes.config[0].", "dns-resolver.config.server[0]")):
        assert not reads(document)

    with pytest.raises(libnmstate.NmstateError):
        libnmstate.generate_configurations(document)


@pytest.mark.parametrize(
    "document",
    [
        {
            "dns-resolver": [None, {"server": [], "search": [], "options": []}]
        },  # the values of serde's structs, in order
        {"interfaces": [{"name": "eth1", "type": "ethernet", "state": {"up": None}}]},  # serde's long form of an enum
        {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "absent", "mtu": "abc"}]},  # thrown away unread
        {"routes": {"config": [{"destination": "default", "state": "ignore"}]}},  # likewise
        {"interfaces": [{"name": "eth1", "type": "ethernet", "mtu": 2**63}]},  # no integer to the apiserver
    ],
)
def test_what_is_refused_although_libnmstate_parses_it(document: Document) -> None:
    assert parses(document) is None
    assert len(violations(SCHEMA, document)) == 1


def test_every_interface_type_is_in_the_corpus() -> None:
    found = {entry.get("type") for document in DOCUMENTS.values() for entry in document.get("interfaces", [])}

    assert found >= set(INTERFACE_TYPES)


def test_every_section_is_in_the_corpus_and_in_the_schema() -> None:
    assert {section for document in DOCUMENTS.values() for section in document} == SECTIONS
    assert SCHEMA["properties"].keys() == SECTIONS


def test_every_field_of_the_schema_is_in_the_corpus() -> None:
    assert {path for path, _ in nodes(SCHEMA)} - shown().keys() == set()


def test_every_field_of_the_corpus_is_in_the_schema() -> None:
    schema = dict(nodes(SCHEMA))
    for path in shown():
        section, _, field = path.rpartition(".")
        if field and schema.get(section, {}).get("properties"):
            known = {*schema[section]["properties"], "a-newer-key"}
            assert field.rstrip("[]") in known, path


def test_every_word_of_a_choice_is_in_the_corpus() -> None:
    corpus = shown()
    for path, node in nodes(SCHEMA):
        choices = {choice for choice in node.get("enum", []) if not str(choice).isdigit()}
        if words := re.fullmatch(r"\^\(([a-z\d|+.\\-]+)\)\$", node.get("pattern", "")):
            choices = set(words[1].replace("\\", "").split("|"))
        assert choices <= {value for value in corpus[path] if isinstance(value, str)}, path


def test_unknown_keys_are_kept_everywhere() -> None:
    for path, node in nodes(SCHEMA):
        if node.get("type") in {"object", None} and not node.get("x-kubernetes-int-or-string"):
            assert node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in node, path


def test_nothing_is_defaulted_and_no_list_is_a_map() -> None:
    for path, node in nodes(SCHEMA):
        assert not {"default", "x-kubernetes-list-map-keys", "x-kubernetes-validations"} & node.keys(), path


def test_the_manifest_fits_what_kubectl_keeps_of_it() -> None:
    # Client-side apply keeps the manifest in an annotation; 256 KiB is the limit of all of them.
    assert len(to_yaml()) < 200_000

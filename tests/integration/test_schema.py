"""The apiserver takes whatever libnmstate reads, keeps it as it is, and names the field of a mistake."""

import json
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.corpus import DOCUMENTS, MISTAKES, Document
from tests.lab import Json, Lab


@pytest.fixture
def name(lab: Lab) -> Iterator[str]:
    """The name of an object that no agent knows."""
    name = "no-such-node"
    yield name
    lab.kubectl("delete", "nns", name, "--ignore-not-found")


def nns(name: str, desired: Document | None) -> Json:
    return {
        "apiVersion": "nmstate.io/v1",
        "kind": "NodeNetworkState",
        "metadata": {"name": name},
        "spec": {"desiredState": desired},
    }


def stream(objects: Iterable[Json]) -> str:
    return "\n---\n".join(map(json.dumps, objects))


def test_every_document_of_the_corpus_is_taken(lab: Lab) -> None:
    objects = stream(nns(name, document) for name, document in DOCUMENTS.items())
    done = lab.kubectl("create", "--dry-run=server", "-o", "name", "-f", "-", stdin=objects, check=False)

    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(DOCUMENTS)


def test_every_document_of_the_corpus_is_taken_and_kept_by_server_side_apply(lab: Lab) -> None:
    # Where a null may not be, create drops it and server-side apply refuses it.
    objects = stream(nns(name, document) for name, document in DOCUMENTS.items())
    done = lab.kubectl(
        "apply", "--server-side", "--dry-run=server", "-o", "json", "-f", "-", stdin=objects, check=False
    )

    assert done.stderr == ""
    kept = {item["metadata"]["name"]: item["spec"]["desiredState"] for item in json.loads(done.stdout)["items"]}
    assert kept == DOCUMENTS


@pytest.mark.parametrize("desired", [None, {}, {"interfaces": []}])
def test_a_document_may_be_empty(lab: Lab, desired: Document | None) -> None:
    lab.kubectl("create", "--dry-run=server", "-f", "-", stdin=stream([nns("empty", desired)]))


def test_unknown_keys_survive_in_every_section(lab: Lab, name: str) -> None:
    newer = {"a": [1, "b", {"c": None, "d": False}]}
    desired = {
        "newer": newer,
        "interfaces": [
            {
                "name": "br1",
                "newer": newer,
                "ipv4": {"newer": newer, "address": [{"ip": "192.0.2.1", "prefix-length": 24, "newer": newer}]},
                "bridge": {"newer": newer, "options": {"newer": newer}, "port": [{"name": "eth1", "newer": newer}]},
            }
        ],
        "routes": {"newer": newer, "config": [{"destination": "198.51.100.0/24", "newer": newer}]},
        "dns-resolver": {"newer": newer, "config": {"newer": newer}},
    }
    lab.kubectl("create", "-f", "-", stdin=stream([nns(name, desired)]))

    assert lab.kubectl_json("get", "nns", name)["spec"]["desiredState"] == desired


def test_mistakes_are_refused_by_the_fields_name(lab: Lab) -> None:
    objects = stream(nns("mistaken", document) for _, document in MISTAKES)
    done = lab.kubectl("create", "--dry-run=server", "-f", "-", stdin=objects, check=False)

    assert done.stdout == ""
    for (field, _), message in zip(MISTAKES, done.stderr.splitlines(), strict=True):
        # A map where a list belongs is refused for the fields that it then has: `unknown field "….interfaces.eth1"`.
        assert re.search(rf'spec\.desiredState\.{re.escape(field)}(: |\.\w+")', message), message


def test_explain_documents_the_fields(lab: Lab) -> None:
    shown = lab.kubectl("explain", "nns.spec.desiredState.interfaces.ipv4.address").stdout

    assert "prefix-length\t<Object> -required-" in shown
    assert "The address, without its prefix length" in shown
    assert "802.1x" in lab.kubectl("explain", "nns.spec.desiredState.interfaces").stdout

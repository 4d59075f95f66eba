"""The bill of materials names each component as scanners look for it."""

import json

import pytest
from supply.components import Component
from supply.sbom import bill

COMPONENTS = [
    Component("cargo", "nmstate", "2.2.62", "Apache-2.0", "ab" * 32),
    Component("pypi", "aiohttp", "3.14.5", "Apache-2.0 AND MIT"),
]


def test_a_bill_lists_the_components_by_package_url() -> None:
    found = json.loads(bill("0.1.0", COMPONENTS))

    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"]["name"] == "nmstate-controller"
    assert found["metadata"]["component"]["version"] == "0.1.0"
    entries = {entry["purl"]: entry for entry in found["components"]}
    assert entries.keys() == {"pkg:cargo/nmstate@2.2.62", "pkg:pypi/aiohttp@3.14.5"}
    assert entries["pkg:cargo/nmstate@2.2.62"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert entries["pkg:pypi/aiohttp@3.14.5"]["licenses"] == [{"expression": "Apache-2.0 AND MIT"}]
    (tree,) = (entry for entry in found["dependencies"] if entry["ref"] == "nmstate-controller")
    assert set(tree["dependsOn"]) == entries.keys()


def test_the_same_components_make_the_same_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")

    assert bill("0.1.0", COMPONENTS) == bill("0.1.0", COMPONENTS[::-1])
    assert json.loads(bill("0.1.0", COMPONENTS))["metadata"]["timestamp"] == "2026-01-01T00:00:00+00:00"
    assert bill("0.1.0", COMPONENTS) != bill("0.1.1", COMPONENTS)

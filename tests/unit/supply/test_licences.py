"""docs/licences.md lists what is pinned, and every licence in it is open."""

import re
import tomllib

from supply.components import LIBNMSTATE, REQUIREMENTS, ROOT, Component, pinned
from supply.licences import document, unread


def documented() -> list[Component]:
    """The components in docs/licences.md; cargo is not asked, for it may have to fetch what it is asked about."""
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (crate|Python package) \| (.+) \|$", text, re.MULTILINE)
    kinds = {"crate": "cargo", "Python package": "pypi"}
    return [Component(kinds[kind], name, version, licence) for name, version, kind, licence in rows]


def test_the_list_is_what_is_pinned() -> None:
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    found = documented()
    lock = tomllib.loads((LIBNMSTATE / "Cargo.lock").read_text(encoding="utf-8"))
    crates = {(package["name"], package["version"]) for package in lock["package"]}
    listed = {(one.name, one.version) for one in found if one.kind == "cargo"}
    python = {(one.name, one.version) for one in found if one.kind == "pypi"}

    hint = "run `make licences`"
    assert python == set(pinned(REQUIREMENTS.read_text(encoding="utf-8"))), hint
    # The lock has crates of other platforms as well.
    assert listed <= crates, hint
    assert {"nmstate", "pyo3", "zbus"} <= {name for name, _ in listed}, hint
    assert document(found) == text, hint


def test_every_licence_is_known_to_be_open() -> None:
    assert unread(documented()) == []


def test_another_one_is_told() -> None:
    closed = Component("pypi", "it", "1.0", "MIT AND LicenseRef-Proprietary")

    assert unread([closed]) == [
        "it 1.0 is under MIT AND LicenseRef-Proprietary, which hack/supply/licences.py does not know"
    ]

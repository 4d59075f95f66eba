"""What is pinned is what is told."""

import pytest
from supply import components
from supply.components import Component, SupplyError

REQUIREMENTS = """\
aiohttp==3.14.5 \\
    --hash=sha256:01
    # via nmstate-controller (pyproject.toml)
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:02
typing-extensions==4.16.0 ; python_full_version < '4' \\
    --hash=sha256:03
"""


def test_what_this_platform_installs_is_read() -> None:
    assert list(components.pinned(REQUIREMENTS)) == [("aiohttp", "3.14.5"), ("typing-extensions", "4.16.0")]


def test_every_python_package_of_the_agent_is_told_with_its_licence() -> None:
    found = {component.name: component for component in components.python()}

    assert {"aiohttp", "kubernetes-asyncio", "pydantic"} <= found.keys()
    assert all(component.licence for component in found.values())


@pytest.mark.parametrize(
    ("told", "expression"),
    [
        ([None, "", "MIT"], "MIT"),
        (["Apache 2.0"], "Apache-2.0"),
        (["MIT/Apache-2.0"], "MIT OR Apache-2.0"),
        (["mit and (apache-2.0 or zlib)"], "MIT AND (Apache-2.0 OR Zlib)"),
        (["Copyright (c) somebody\n\nPermission is hereby granted", "BSD License"], "BSD-3-Clause"),
    ],
)
def test_licences_are_read_in_the_ways_that_packages_tell_them(told: list[str | None], expression: str) -> None:
    assert components.licence("it", told) == expression


def test_a_licence_that_cannot_be_read_is_no_licence() -> None:
    with pytest.raises(SupplyError, match="it does not say its licence"):
        components.licence("it", ["see COPYING", None])


def test_crates_that_are_compiled_are_told_and_our_own_is_not() -> None:
    def crate(name: str, source: str | None) -> dict[str, str | None]:
        return {
            "id": f"{name}@1.0.0",
            "name": name,
            "version": "1.0.0",
            "license": "MIT",
            "source": source,
        }

    metadata = {
        "packages": [crate("nmstate", "registry"), crate("windows-sys", "registry"), crate("ours", None)],
        "resolve": {"nodes": [{"id": "nmstate@1.0.0"}, {"id": "ours@1.0.0"}]},
    }
    lock = {
        "package": [{"name": "nmstate", "version": "1.0.0", "checksum": "ab"}, {"name": "ours", "version": "1.0.0"}]
    }

    assert list(components.compiled(metadata, lock)) == [Component("cargo", "nmstate", "1.0.0", "MIT", "ab")]

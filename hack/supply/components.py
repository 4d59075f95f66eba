"""The components that the lock files pin: Python packages of the agent, crates of the libnmstate wheel."""

import importlib.metadata
import json
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement

ROOT: Final = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final = ROOT / "requirements" / "agent.txt"
LIBNMSTATE: Final = ROOT / "hack" / "libnmstate"
PLATFORM: Final = "x86_64-unknown-linux-gnu"
"""Crates are asked for on Linux; the architecture makes no difference to which they are."""

_CARGO_SECONDS: Final = 300.0

# What packages call their licence when they do not use SPDX's names.
_ALIASES: Final = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
}


class SupplyError(Exception):
    """A component cannot be told, in one sentence."""


@dataclass(frozen=True, order=True)
class Component:
    """Something that is shipped with the agent. `kind` is its type in a package URL: pypi or cargo."""

    kind: str
    name: str
    version: str
    licence: str
    sha256: str | None = None
    """Of the one file that it comes as; a Python package comes as one of several, all in the lock file."""


def components() -> list[Component]:
    """All of them, in order. Raises SupplyError."""
    return sorted({*python(), *crates()})


def pinned(text: str) -> Iterator[tuple[str, str]]:
    """Name and version of each package that a compiled requirements file installs on this platform."""
    for line in text.splitlines():
        if line and not line[0].isspace() and line[0] not in "#-":
            requirement = Requirement(line.removesuffix("\\").strip())
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement.name, str(requirement.specifier).removeprefix("==")


def python() -> Iterator[Component]:
    """The agent's Python packages, which have to be installed here."""
    for name, version in pinned(REQUIREMENTS.read_text(encoding="utf-8")):
        try:
            metadata = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise SupplyError(f"{name} is not installed: `make .venv/.ready` does that") from error
        if metadata["Version"] != version:
            raise SupplyError(f"{name} {metadata['Version']} is installed, and {version} is pinned")
        yield Component("pypi", name, version, licence(name, _told(metadata.json)))


def _told(metadata: Mapping[str, Any]) -> Iterator[str | None]:
    """What a package says of its licence, from the most to the least exact."""
    yield metadata.get("license_expression")
    yield metadata.get("license")
    for classifier in metadata.get("classifier", []):
        if classifier.startswith("License :: "):
            yield classifier.rpartition(" :: ")[2]


def licence(name: str, told: Iterable[str | None]) -> str:
    """The first of what a package says that is, or can be read as, an SPDX expression."""
    for text in filter(None, told):
        try:
            # "MIT/Apache-2.0" is how crates said "or" before they used SPDX.
            return str(canonicalize_license_expression(_ALIASES.get(text, text.replace("/", " OR "))))
        except InvalidLicenseExpression:
            continue
    raise SupplyError(f"{name} does not say its licence in a way that can be read")


def crates() -> Iterator[Component]:
    """The crates that the libnmstate wheel is compiled from; cargo is asked, which needs their sources."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={PLATFORM}"]
    try:
        done = subprocess.run(
            command, cwd=LIBNMSTATE, capture_output=True, text=True, timeout=_CARGO_SECONDS, check=False
        )
    except OSError as error:
        raise SupplyError(f"cargo cannot be run: {error}") from error
    if done.returncode != 0:
        raise SupplyError(f"cargo metadata failed: {done.stderr.strip()}")
    lock = tomllib.loads((LIBNMSTATE / "Cargo.lock").read_text(encoding="utf-8"))
    yield from compiled(json.loads(done.stdout), lock)


def compiled(metadata: Mapping[str, Any], lock: Mapping[str, Any]) -> Iterator[Component]:
    """The components in the answer of `cargo metadata`, with checksums from Cargo.lock; our own crate is none."""
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}
    used = {node["id"] for node in metadata["resolve"]["nodes"]}
    for package in metadata["packages"]:
        if package["id"] in used and package["source"] is not None:
            name, version = package["name"], package["version"]
            yield Component("cargo", name, version, licence(name, [package["license"]]), checksums[name, version])


def names(expression: str) -> set[str]:
    """The licences and exceptions that an SPDX expression names."""
    return set(re.findall(r"[\w.+-]+", expression)) - {"AND", "OR", "WITH"}

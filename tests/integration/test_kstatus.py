"""What programs make of the conditions: kstatus itself, as in Flux, and Argo CD by the script in manifests/argocd.

kstatus is built once from hack/kstatus and kept in the user's cache. It needs Go, but no lab.
"""

import dataclasses
import hashlib
import json
import os
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

from nmstate_controller.api import conditions
from nmstate_controller.api.conditions import Conditions
from nmstate_controller.api.models import GROUP, KIND, VERSION

CHECKOUT = Path(__file__).resolve().parents[2]
MODULE = CHECKOUT / "hack" / "kstatus"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUILD_SECONDS = 1500


@dataclasses.dataclass
class Case:
    """An object's conditions, and what is to be made of them."""

    conditions: Conditions | None
    kstatus: str
    argocd: str
    generation: int = 2
    spec: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def object(self) -> dict[str, Any]:
        kind = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND}
        metadata = {"name": "node01", "generation": self.generation}
        if self.conditions is None:
            # What the CRD's default makes of an object without a status.
            return {**kind, "metadata": metadata, "spec": self.spec, "status": {"observedGeneration": -1}}
        shown = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in self.conditions]
        return {
            **kind,
            "metadata": metadata,
            "spec": self.spec,
            "status": {"observedGeneration": 2, "conditions": shown},
        }


SETTLED = conditions.settled([], 2, "Configured", "done", NOW)
APPLYING = conditions.applying([], 2, NOW)
RETRYING = conditions.retrying(APPLYING, 2, "ApplyFailed", "no", NOW)
STALLED = conditions.stalled(APPLYING, 2, "ConnectivityLost", "ConnectivityLost", "gone", NOW)
REFUSED = conditions.refused([], 2, "Unmanaged", "left alone", NOW)
BLIND = conditions.reporting(SETTLED, "False", "NetworkManagerUnavailable", "not there", 2, NOW)
PAUSED = {"managed": False}

CASES = {
    "settled": Case(SETTLED, "Current", "Healthy"),
    "settled after a failure": Case(conditions.settled(STALLED, 2, "Configured", "done", NOW), "Current", "Healthy"),
    "settled, report not fresh": Case(BLIND, "Current", "Healthy"),
    "applying": Case(APPLYING, "InProgress", "Progressing"),
    "applying after a failure": Case(conditions.applying(STALLED, 2, NOW), "InProgress", "Progressing"),
    "retrying": Case(RETRYING, "InProgress", "Progressing"),
    "stalled": Case(STALLED, "Failed", "Degraded"),
    # Nobody waits for long on a pause; to kstatus an object that is not Ready is on its way.
    "refused": Case(REFUSED, "InProgress", "Suspended", spec=PAUSED),
    "refused, and managed again": Case(REFUSED, "InProgress", "Progressing", generation=3),
    "met although not managed": Case(
        conditions.settled([], 2, "Unmanaged", "met", NOW), "Current", "Suspended", spec=PAUSED
    ),
    "settled, edited since": Case(SETTLED, "InProgress", "Progressing", generation=3),
    "stalled, edited since": Case(STALLED, "InProgress", "Progressing", generation=3),
    "no status yet": Case(None, "InProgress", "Progressing"),
}


@pytest.fixture(scope="session")
def kstatus() -> Path:
    """The program, from the cache unless its sources changed."""
    sources = b"\0".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    cache = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(cache) if cache.startswith("/") else Path.home() / ".cache"
    program = root / "nmstate-controller" / "kstatus" / hashlib.sha256(sources).hexdigest()[:16] / "kstatus"
    if not program.is_file():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent, prefix=".build-") as folder:
            built = Path(folder) / "kstatus"
            subprocess.run(
                ["go", "build", "-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags=-s -w", "-o", built, "."],
                cwd=MODULE,
                env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"},
                timeout=BUILD_SECONDS,
                check=True,
            )
            built.replace(program)
    return program


@pytest.mark.timeout(BUILD_SECONDS + 60)  # the first time it is built
def test_kstatus_agrees_with_the_table(kstatus: Path) -> None:
    lines = "\n".join(json.dumps(case.object) for case in CASES.values())

    done = subprocess.run([kstatus], input=lines, capture_output=True, text=True, timeout=30, check=True)

    found = dict(zip(CASES, done.stdout.split(), strict=True))
    assert found == {name: case.kstatus for name, case in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_argocd_tells_what_the_node_does(name: str) -> None:
    lua = LuaRuntime()
    patch = yaml.safe_load((CHECKOUT / "manifests" / "argocd" / "argocd-cm-patch.yaml").read_text())
    script = patch["data"][f"resource.customizations.health.{GROUP}_{KIND}"]
    # Argo CD's Lua is 5.1 without libraries but for the basic functions and tables.
    lua.execute("string, io, os, math, debug, package, require, dofile, loadfile = nil")
    lua.globals().obj = lua.table_from(CASES[name].object, recursive=True)

    health = dict(lua.execute(script))

    assert health["status"] == CASES[name].argocd
    assert health["message"]

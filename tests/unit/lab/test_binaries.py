"""Which kube-apiserver, kubectl and etcd a lab uses."""

from pathlib import Path

import pytest
from labkit import binaries
from labkit.binaries import ETCD, KUBELET, KUBERNETES, SOURCES, Source


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))


def program(folder: Path, name: str, output: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)
    return path


def found(name: str) -> Path | None:
    return binaries.locate()[name]


def minor(source: Source) -> str:
    return source.version.removeprefix("v").rpartition(".")[0]


@pytest.mark.parametrize("source", SOURCES)
def test_the_version_comes_from_go_mod(source: Source) -> None:
    assert source.version.startswith("v")
    assert source.version in source.cached.name


def test_every_program_is_pinned_in_tools_go() -> None:
    for source in (*SOURCES, KUBELET):
        tools = (source.folder / "tools.go").read_text()
        assert all(f'"{package}"' in tools for package in source.packages.values())


def test_a_program_of_the_same_minor_version_is_used(tmp_path: Path) -> None:
    path = program(tmp_path / "path", "kube-apiserver", f"Kubernetes v{minor(KUBERNETES)}.99")
    assert found("kube-apiserver") == path


def test_assets_come_before_path(tmp_path: Path) -> None:
    program(tmp_path / "path", "etcd", f"etcd Version: {minor(ETCD)}.1")
    path = program(tmp_path / "assets", "etcd", f"etcd Version: {minor(ETCD)}.2")
    assert found("etcd") == path


def test_a_kubectl_of_another_version_is_passed_over(tmp_path: Path) -> None:
    text = '{"clientVersion": {"major": "1", "gitVersion": "v1.32.4-dispatcher"}, "kustomizeVersion": "v5.5.0"}'
    program(tmp_path / "path", "kubectl", text)
    assert found("kubectl") is None


def test_what_was_built_is_used_last(tmp_path: Path) -> None:
    path = program(KUBERNETES.cached, "kubectl", "")
    assert found("kubectl") == path
    text = f'{{"clientVersion": {{"gitVersion": "v{minor(KUBERNETES)}.0"}}}}'
    better = program(tmp_path / "path", "kubectl", text)
    assert found("kubectl") == better

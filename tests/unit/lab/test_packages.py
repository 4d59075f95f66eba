"""Debian packages that the lab installs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from labkit import packages
from labkit.errors import LabError


def test_the_list_has_names_only() -> None:
    assert "user-mode-linux" in packages.wanted()
    assert not [name for name in packages.wanted() if set(name) & set(" #\t")]


def test_a_section_is_read_only_on_demand() -> None:
    assert "containerd" not in packages.wanted()
    assert "containerd" not in packages.wanted("image")
    assert set(packages.wanted()) < set(packages.wanted("image")) < set(packages.wanted("image", "kubelet"))


def test_nothing_missing_means_no_call_of_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing", lambda *_: [])
    monkeypatch.setattr(packages, "run", lambda *_, **__: pytest.fail("apt-get was called"))
    packages.ensure()


@pytest.mark.parametrize("fails", [False, True])
def test_services_are_kept_from_starting_only_while_packages_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    policy = tmp_path / "policy-rc.d"
    seen = []

    def run(argv: list[str], **_: object) -> str:
        seen.append((argv[1], subprocess.run([policy], check=False).returncode))
        if fails:
            raise LabError("no network")
        return ""

    monkeypatch.setattr(packages, "_POLICY", policy)
    monkeypatch.setattr(packages, "missing", lambda: ["kmod"])
    monkeypatch.setattr(packages, "run", run)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/apt-get")
    if fails:
        with pytest.raises(LabError):
            packages.ensure()
    else:
        packages.ensure()
    assert seen == [("update", 101)] + ([] if fails else [("install", 101)])
    assert not policy.exists()


def test_a_policy_of_the_machine_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    monkeypatch.setattr(packages, "_POLICY", policy)
    monkeypatch.setattr(packages, "missing", lambda: ["kmod"])
    monkeypatch.setattr(packages, "run", lambda *_, **__: "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/apt-get")
    packages.ensure()
    assert policy.read_text() == "#!/bin/sh\nexit 101\n"

"""The Debian packages of hack/apt-packages: one apt-get call for what is missing, and no service is started.

The list's sections, such as `[image]`, are for commands that need more than every lab does.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.errors import LabError
from labkit.place import CHECKOUT
from labkit.progress import run, step

LIST = CHECKOUT / "hack" / "apt-packages"
_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = "#!/bin/sh\n# Put here by nmstate-controller's hack/lab while it installs packages.\nexit 101\n"
_HARMFUL_AT_BOOT = ("NetworkManager", "NetworkManager-dispatcher", "NetworkManager-wait-online")
"""Services that would take the host's own network over, if they came with a package that the lab installed."""


def wanted(*sections: str) -> list[str]:
    """The packages that every lab needs and those of some sections, in the list's order."""
    found: list[str] = []
    reading = True
    for line in LIST.read_text().splitlines():
        word = line.partition("#")[0].strip()
        if word.startswith("["):
            reading = word.strip("[]") in sections
        elif word and reading:
            found.append(word)
    return found


def missing(*sections: str) -> list[str]:
    """Those packages that are not installed; none on a machine without dpkg, where nobody can tell."""
    if shutil.which("dpkg-query") is None:
        return []
    packages = wanted(*sections)
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", *packages],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def ensure(*sections: str) -> None:
    """Install what is missing; does nothing, and needs no network, if nothing is."""
    packages = missing(*sections)
    if not packages:
        return
    if os.geteuid() != 0:
        raise LabError(f"{', '.join(packages)} must be installed, which takes root")
    if shutil.which("apt-get") is None:
        raise LabError(f"{', '.join(packages)} must be installed, and there is no apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"installing {', '.join(packages)}"), _no_services():
        run(["apt-get", "update", "--quiet"], env=environment, seconds=600)
        command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
        run(command, env=environment, seconds=1800)
        if "network-manager" in packages:
            _keep_out_of_boot()


def _keep_out_of_boot() -> None:
    if not Path("/run/systemd/system").is_dir():
        return
    subprocess.run(["systemctl", "disable", "--quiet", *_HARMFUL_AT_BOOT], timeout=60, check=False)


@contextmanager
def _no_services() -> Iterator[None]:
    """Forbid packages to start services, unless the machine has a policy of its own about that."""
    stale = _POLICY.exists() and _POLICY.read_text(errors="replace") == _POLICY_TEXT
    if _POLICY.exists() and not stale:
        yield
        return
    _POLICY.write_text(_POLICY_TEXT)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)

"""Stand-ins for the images that the Dockerfile starts from, made of this machine's Debian packages and Rust.

They bear the names that the Dockerfile gives, so that it is built here as it is anywhere else.
"""

import hashlib
import os
import platform
import re
import shutil
import tempfile
from pathlib import Path

from labkit.buildah import build, buildah, exists, folder
from labkit.errors import LabError
from labkit.progress import run, step

SUITE = "bookworm"
DEBIAN = f"debian:{SUITE}-slim"
RUST = f"rust:1-slim-{SUITE}"
_OWN = "localhost/nmstate-lab-"
_SLIM = "".join(f"path-exclude /usr/share/{name}/*\n" for name in ("doc", "man", "info", "locale", "lintian"))
_RUST = f"""\
FROM {DEBIAN}
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev \\
    && rm -rf /var/lib/apt/lists/*
COPY bin/cargo bin/rustc /usr/local/cargo/bin/
COPY lib/*.so* /usr/local/cargo/lib/
COPY lib/rustlib /usr/local/cargo/lib/rustlib
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""


def ensure() -> None:
    """Leave both bases in the storage, made anew only when what they are made of has changed."""
    sources = _sources()
    # How this machine's apt reaches its sources, if that takes more than their addresses.
    ways = re.findall(r"^Acquire::(?:https?::Proxy|Check-).*;$", run(["apt-config", "dump"]), re.MULTILINE)
    debian = _name("debian", "\n".join([*sources, *ways]))
    if not exists(debian):
        with step(f"making {DEBIAN} from Debian packages"):
            _make_debian(debian, sources, ways)
    buildah("tag", debian, f"localhost/{DEBIAN}")
    version = run(["rustc", "--version"]).strip()
    rust = _name("rust", f"{debian} {version} {_RUST}")
    if not exists(rust):
        with step(f"making {RUST} from {version}"):
            _make_rust(rust)
    buildah("tag", rust, f"localhost/{RUST}")
    for name in buildah("images", "--format={{.Name}}:{{.Tag}}").split():
        if name.startswith(_OWN) and name not in (debian, rust):
            buildah("rmi", name)


def _name(kind: str, inputs: str) -> str:
    digest = hashlib.sha256(f"{platform.machine()} {inputs}".encode()).hexdigest()[:12]
    return f"{_OWN}{kind}:{digest}"


def _sources() -> list[str]:
    """The machine's own sources of Debian packages, main ones first, as lines of a sources.list."""
    command = ["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(CODENAME) $(COMPONENT)",
               "Created-By: Packages", "Origin: Debian"]  # fmt: skip
    found = run(command).splitlines()
    if not found:
        run(["apt-get", "update", "--quiet"], seconds=600)  # a machine that has just been made has no lists yet
        found = run(command).splitlines()
    lines = sorted({line for line in found if line.split()[2].startswith(SUITE) and line.endswith(" main")}, key=len)
    if not lines or lines[0].split()[2] != SUITE:
        raise LabError(f"this machine's apt has no Debian {SUITE}, which the image is made of")
    return lines


def _make_debian(name: str, sources: list[str], ways: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".debian-") as temporary:
        root = Path(temporary) / "root"
        # In a mount namespace: whatever becomes of debootstrap, its mounts below this folder are gone after it.
        command = ["unshare", "--mount", "--", "debootstrap", "--variant=minbase", SUITE, str(root)]
        run([*command, sources[0].split()[1]], seconds=1800)
        for waste in ("var/cache/apt", "var/lib/apt/lists", "dev"):
            shutil.rmtree(root / waste)
        for empty in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "dev"):
            (root / empty).mkdir(parents=True)
        (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
        (root / "etc/apt/apt.conf.d/machine").write_text("".join(f"{line}\n" for line in ways))
        # As Debian's slim images have it.
        (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(_SLIM)
        containerfile = Path(temporary) / "Dockerfile"
        containerfile.write_text("FROM scratch\nCOPY . /\n")
        build(containerfile, root, name)


def _make_rust(name: str) -> None:
    sysroot = Path(run(["rustc", "--print", "sysroot"]).strip())
    if not os.access(sysroot / "bin" / "cargo", os.X_OK):
        raise LabError(
            f"{sysroot} has no cargo: the image is built with a Rust toolchain of one folder, as rustup makes"
        )
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".rust-") as temporary:
        containerfile = Path(temporary) / "Dockerfile"
        containerfile.write_text(_RUST)
        build(containerfile, sysroot, name)

"""The agent's image, built from the Dockerfile with buildah where there is neither Docker nor a registry."""

import configparser
import hashlib
import json
import os
import platform
import re
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from labkit import bases, packages
from labkit.buildah import build, buildah, folder
from labkit.errors import LabError
from labkit.place import CHECKOUT, file_lock
from labkit.progress import say, step

KEPT = 3
"""How many images stay in the cache: this checkout's and its neighbours'."""

INPUTS = (
    "Dockerfile", ".dockerignore", "LICENSE", "README.md", "pyproject.toml", "requirements/agent.txt",
    "requirements/build.txt", "nmstate_controller", "hack/build-libnmstate", "hack/libnmstate", "hack/labkit/bases.py",
)  # fmt: skip
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
PIP_OPTIONS = (
    "index-url",
    "extra-index-url",
    "find-links",
    "trusted-host",
    "proxy",
    "timeout",
    "default-timeout",
    "retries",
)


def version() -> str:
    """The product's version, which is the image's tag."""
    found = re.search(r'__version__ = "(.+)"', (CHECKOUT / "nmstate_controller/__init__.py").read_text())
    if not found:
        raise LabError("nmstate_controller/__init__.py has no __version__")
    return found[1]


def reference() -> str:
    """The image's name, as the DaemonSet asks for it."""
    return f"nmstate-controller:{version()}"


def archive() -> Path:
    """Where the image of these sources is kept."""
    digest = hashlib.sha256(platform.machine().encode())
    for path in _inputs():
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return folder() / f"nmstate-controller-{version()}-{digest.hexdigest()[:12]}.tar"


def ensure() -> Path:
    """Return the path of the image, an archive as `docker save` writes it; built unless these very sources were."""
    if os.geteuid() != 0:
        raise LabError("building the image takes root: run it with sudo")
    folder().mkdir(parents=True, exist_ok=True)
    path = archive()
    with file_lock(folder() / ".lock"):
        if not path.exists():
            packages.ensure("image")
            _build(path)
            for old in sorted(folder().glob("*.tar"), key=lambda tar: tar.stat().st_mtime)[:-KEPT]:
                old.unlink()
    path.touch()  # the one that is used last is removed last
    return path


def size(path: Path) -> int:
    """The unpacked bytes of an image's layers above its base, which has one."""
    with tarfile.open(path) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None  # noqa: S101  (every such archive has one)
        layers = json.load(manifest)[0]["Layers"][1:]
        return sum(tar.getmember(layer).size for layer in layers)


def _build(path: Path) -> None:
    say(f"building {path.name} (the first build takes minutes)")
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".ways-") as temporary:
        ways = Path(temporary)
        bases.ensure()
        tag = f"localhost/{reference()}"
        with step("building what is in the image"):
            # Only the first stage has these mounts, whose places would be left in the image.
            build(CHECKOUT / "Dockerfile", CHECKOUT, f"{tag}-build", "--target=build", *_indexes(ways))
        with step("building the image"):
            build(CHECKOUT / "Dockerfile", CHECKOUT, tag, f"--build-arg=VERSION={version()}")
            new = path.with_suffix(".new")
            new.unlink(missing_ok=True)
            # By its id: pushed by name, the archive would bear that name as well.
            built = buildah("images", "--quiet", "--no-trunc", tag).strip()
            buildah("push", "--quiet", built, f"docker-archive:{new}:{reference()}")
            new.rename(path)
        buildah("rmi", "--prune")  # what is left of earlier builds; what this one was made of stays
    say(f"the image has {size(path) / 1e6:.0f} MB beyond its base")


def _indexes(ways: Path) -> list[str]:
    """How this machine's pip and cargo reach their indexes, and folders for what they need not fetch or make again."""
    pip, local = pip_configuration()
    (ways / "pip.conf").write_text(pip)
    mounts = {f"{ways}/pip.conf": "/etc/pip.conf:ro", **{path: f"{path}:ro" for path in local}}
    cargo = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    for config in (cargo / "config.toml", cargo / "config"):
        if config.is_file():
            mounts[str(config)] = "/usr/local/cargo/config.toml:ro"
            break
    authorities = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or _AUTHORITIES
    if Path(authorities).is_file():
        mounts[authorities] = f"{_AUTHORITIES}:ro"
    for name, target in (("user", "/root/.cache"), ("cargo", "/usr/local/cargo/registry")):
        kept = folder() / "kept" / name
        kept.mkdir(parents=True, exist_ok=True)
        mounts[str(kept)] = target
    return [f"--volume={source}:{target}" for source, target in mounts.items()]


def pip_configuration() -> tuple[str, list[str]]:
    """A pip.conf with what the environment and the files of this machine say, and the folders that it names."""
    found = {"cert": _AUTHORITIES}
    home = Path.home()
    xdg = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    for path in ("/etc/pip.conf", home / ".pip/pip.conf", xdg / "pip/pip.conf", os.environ.get("PIP_CONFIG_FILE", "")):
        parser = configparser.RawConfigParser()
        parser.read(path)
        for section in ("global", "install"):
            if parser.has_section(section):
                found.update({name: value for name, value in parser.items(section) if name in PIP_OPTIONS})
    for name in PIP_OPTIONS:
        if value := os.environ.get(f"PIP_{name.upper().replace('-', '_')}"):
            found[name] = value
    # Several values are on lines of their own.
    lines = [" = ".join((name, "\n    ".join(value.split()))) for name, value in found.items()]
    local = [word for word in found.get("find-links", "").split() if Path(word).is_dir()]
    return "\n".join(["[global]", *lines, ""]), local


def _inputs() -> Iterator[Path]:
    for name in INPUTS:
        path = CHECKOUT / name
        yield from sorted(_files(path)) if path.is_dir() else [path]


def _files(path: Path) -> Iterator[Path]:
    """What .dockerignore lets through of a folder, near enough: too much only means a build too many."""
    for file in path.rglob("*"):
        ignored = {"__pycache__", "target", "tests"} & set(file.relative_to(path).parts)
        if file.is_file() and not ignored and file.suffix != ".so":
            yield file

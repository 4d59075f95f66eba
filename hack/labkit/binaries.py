"""The Kubernetes and etcd programs: found on the machine in the right version, or built from pinned Go modules."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabError
from labkit.place import CHECKOUT, Place, cache, file_lock
from labkit.progress import say, step, tail

BUILD_SECONDS = 3600.0
_VERSION = re.compile(r"\bv?(\d+\.\d+)\.\d+")


@dataclass(frozen=True)
class Source:
    """A Go module of hack/ that pins one requirement, and the programs that are built from it."""

    module: str
    requirement: str
    packages: dict[str, str]
    version_command: dict[str, list[str]]

    @property
    def folder(self) -> Path:
        """Where go.mod lies."""
        return CHECKOUT / "hack" / self.module

    @property
    def version(self) -> str:
        """The pinned version, as go.mod has it: v1.36.3."""
        found = re.search(rf"{re.escape(self.requirement)} (v\S+)", (self.folder / "go.mod").read_text())
        if not found:
            raise LabError(f"{self.folder}/go.mod does not require {self.requirement}")
        return found[1]

    @property
    def cached(self) -> Path:
        """Where built programs are kept."""
        return cache() / f"{self.module}-{self.version}"

    @property
    def flags(self) -> str:
        """What the linker is told; without the version, kubectl cannot make sense of the server's."""
        if self.module != "kubernetes":
            return "-s -w"
        packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        return " ".join(["-s -w", *(f"-X {package}.gitVersion={self.version}" for package in packages)])


KUBERNETES = Source(
    "kubernetes",
    "k8s.io/kubernetes",
    # To build another one, add it here and to tools.go, and run `go mod tidy`.
    {name: f"k8s.io/kubernetes/cmd/{name}" for name in ("kube-apiserver", "kubectl")},
    {"kubectl": ["version", "--client", "--output=json"]},
)
KUBELET = Source(
    "kubernetes",
    "k8s.io/kubernetes",
    {name: f"k8s.io/kubernetes/cmd/{name}" for name in ("kube-controller-manager", "kube-scheduler", "kubelet")},
    {},
)
"""What a lab has only if its nodes are to run pods."""

ETCD = Source("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}, {})
SOURCES = (ETCD, KUBERNETES)


def ensure(place: Place, sources: tuple[Source, ...] = SOURCES) -> None:
    """Leave a link to every program in the lab's bin folder, building those that are nowhere to be found."""
    for source in sources:
        found = {name: _find(source, name) for name in source.packages}
        missing = [name for name, path in found.items() if path is None]
        if missing:
            _build(source, missing)
            found.update({name: source.cached / name for name in missing})
        for name, path in found.items():
            assert path is not None  # noqa: S101  (each was found or built)
            _link(place.bin / name, path)


def locate() -> dict[str, Path | None]:
    """Where each program is now, or None if it has to be built."""
    return {name: _find(source, name) for source in SOURCES for name in source.packages}


def build_missing() -> dict[str, Path]:
    """Build what is missing, without any lab, and tell where everything is."""
    for source in SOURCES:
        missing = [name for name in source.packages if _find(source, name) is None]
        if missing:
            _build(source, missing)
    return {name: path for name, path in locate().items() if path is not None}


def _find(source: Source, name: str) -> Path | None:
    folders = [os.environ.get("KUBEBUILDER_ASSETS", ""), *os.environ.get("PATH", "").split(os.pathsep)]
    tried = set()
    for folder in folders:
        path = Path(folder) / name
        if not folder or not path.is_file() or not os.access(path, os.X_OK) or path.resolve() in tried:
            continue
        tried.add(path.resolve())
        if _minor(source, path) == _minor_of(source.version):
            return path.absolute()
    path = source.cached / name
    return path if path.is_file() else None


def _minor(source: Source, path: Path) -> str | None:
    """The minor version that a program says it is: "1.36"; None if it does not say."""
    command = [str(path), *source.version_command.get(path.name, ["--version"])]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    # "gitVersion" comes before other versions that kubectl names, such as kustomize's and Go's.
    _, _, after = said.partition("gitVersion")
    return _minor_of(after or said)


def _minor_of(text: str) -> str | None:
    found = _VERSION.search(text)
    return found[1] if found else None


def _build(source: Source, names: list[str]) -> None:
    go = shutil.which("go")
    if go is None:
        raise LabError(f"{', '.join(names)} {source.version} must be built, and there is no Go on PATH")
    source.cached.mkdir(parents=True, exist_ok=True)
    with file_lock(source.cached / ".lock"):
        names = [name for name in names if not (source.cached / name).is_file()]  # another lab may have built them
        if not names:
            return
        say(f"building {', '.join(names)} {source.version} (once; the first build takes minutes)")
        log = source.cached / "build.log"
        with tempfile.TemporaryDirectory(dir=source.cached, prefix=".build-") as folder:
            # Go names a single program as it is told, several after their packages.
            output_path = f"{folder}/{names[0]}" if len(names) == 1 else f"{folder}/"
            command = [go, "build", "-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", source.flags,
                       "-o", output_path, *(source.packages[name] for name in names)]  # fmt: skip
            environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
            with step(f"building {', '.join(names)}"), log.open("wb") as output:
                done = subprocess.run(
                    command, cwd=source.folder, env=environment, stdout=output, stderr=output,
                    timeout=BUILD_SECONDS, check=False,
                )  # fmt: skip
            if done.returncode != 0:
                raise LabError(f"building {', '.join(names)} failed; {log} ends with:{tail(log)}")
            for name in names:
                (Path(folder) / name).rename(source.cached / name)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
